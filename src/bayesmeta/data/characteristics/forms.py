"""The forms on which the risk of bias was assessed, counted item by item."""

import pandas as pd

from bayesmeta.data import sources
from bayesmeta.data.datasets.trace.moderators import BIAS_SHEET
from bayesmeta.data.datasets.trace.sheets import trimmed, workbook
from bayesmeta.infrastructure.errors import BadInput

SEARCH = "s1"
FORMS = {"syrcle": "SYRCLE, animals", "NOS": "Newcastle-Ottawa, persons"}
ITEM = r"^RoBQA_(syrcle|NOS)_(\w+)$"
ITEMS = {
    "1_seqGeneration": "sequence generation",
    "2_baseline": "baseline characteristics alike",
    "3_allocation": "allocation concealed",
    "4_housing": "random housing",
    "5_blindExp": "experimenters blinded",
    "6_outAss": "random outcome assessment",
    "7_outBlind": "outcome assessment blinded",
    "8_incData": "incomplete data addressed",
    "S1_validPTSD": "validated measure of PTSD",
    "S2_repCase": "representative patients",
    "S3_repControl": "representative controls",
    "S4_defControl": "controls defined as free of PTSD",
    "C_confounders": "adjusted for confounders",
    "E1_outcome": "behavioural measure of learning or memory",
    "E2_sameOut": "same task in patients and controls",
    "E3_nonRep": "same dropout in patients and controls",
}
MARKS = {"Y": "yes", "unclear": "unclear", "C": "unclear", "N": "no"}


def risk_of_bias_table(frame: pd.DataFrame) -> pd.DataFrame:
    """How many studies meet each item of the risk-of-bias forms: yes is a low risk, no a high one.

    Parameters
    ----------
    frame : DataFrame
        Effect table of a TRACE dataset, with study and search.

    Returns
    -------
    DataFrame
        form, item, yes, unclear, no (studies), assessed (their sum), studies (all of the table that the form is for),
        basis. Only search 1 was assessed in the public record. The mark C, an assessment by software, counts as
        unclear.

    Raises
    ------
    BadInput
        The table is not of the TRACE record, or the file of the forms cannot be read.
    """
    if not {"study", "search", "organism"} <= set(frame):
        raise BadInput(
            "risk of bias is known item by item for the TRACE record only; this table is not made from it"
        )
    marks = _marks()
    first = frame.loc[frame["search"] == SEARCH, "study"].unique()
    marks = marks[marks["study"].isin(first)]
    counts = marks.pivot_table(
        index=["form", "item"], columns="mark", values="study", aggfunc="nunique", fill_value=0
    )
    counts = counts.reindex(columns=["yes", "unclear", "no"], fill_value=0)
    counts = counts.reindex(
        pd.MultiIndex.from_frame(marks[["form", "item"]].drop_duplicates())
    ).reset_index()
    counts.columns.name = None
    of_form = frame.groupby(frame["organism"].eq("human"))["study"].nunique()
    studies = counts["form"].eq(FORMS["NOS"]).map(of_form)
    counts = counts.assign(assessed=counts[["yes", "unclear", "no"]].sum(axis=1), studies=studies)
    return counts.assign(basis="search 1 only: the public record has no forms of searches 2 and 3")


def _marks() -> pd.DataFrame:
    """Study, form, item and mark of every cell of the forms of search 1, once per study."""
    found = workbook(sources.locate("bias"))
    parts = []
    for name, sheet in found.items():
        if BIAS_SHEET.fullmatch(name) and name.endswith(SEARCH[1:]):
            cells = (
                trimmed(sheet.iloc[1:]).drop_duplicates("PMID").filter(regex=f"^PMID$|{ITEM}")
            )  # row 1: a header
            parts.append(cells.melt("PMID", var_name="item", value_name="mark"))
    if not parts:
        raise BadInput(
            f"the file of the risk of bias must have sheets {BIAS_SHEET.pattern}; got {list(found)}"
        )
    long = pd.concat(parts, ignore_index=True)
    named = long["item"].str.extract(ITEM)
    mark = long["mark"].str.extract("^(Y|N|C|unclear)")[0].map(MARKS)
    words = named[1].map(lambda code: ITEMS.get(code, str(code).replace("_", " ")))
    marks = pd.DataFrame(
        {"study": long["PMID"], "form": named[0].map(FORMS), "item": words, "mark": mark}
    )
    return marks.dropna(subset="mark")
