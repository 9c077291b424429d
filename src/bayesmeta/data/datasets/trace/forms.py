"""The forms on which the risk of bias was assessed, counted item by item."""

import pandas as pd

from bayesmeta.data import sources
from bayesmeta.data.datasets.trace.moderators import bias_sheets
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
BASIS = "search 1 only: the public record has no forms of searches 2 and 3"


def risk_of_bias_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the number of studies by item of the risk-of-bias forms: yes is a low risk, no a high.

    Columns: form, item, yes, unclear, no (studies), assessed (their sum), studies (all of the table
    to which the form applies), basis. Only search 1 was assessed in the public record. The mark C,
    an assessment by software, counts as unclear. Raise BadInput if the table is not of the TRACE
    record, or the file of the forms cannot be read.
    """
    if not {"study", "search", "organism"} <= set(frame):
        raise BadInput("only tables of the TRACE record have a risk of bias item by item")
    marks = _marks()
    first = frame.loc[frame["search"] == SEARCH, "study"].unique()
    counts = _counts(marks[marks["study"].isin(first)])
    studies = frame.groupby(frame["organism"].eq("human"))["study"].nunique()
    return counts.assign(
        assessed=counts[["yes", "unclear", "no"]].sum(axis=1),
        studies=counts["form"].eq(FORMS["NOS"]).map(studies),
        basis=BASIS,
    )


def _counts(marks: pd.DataFrame) -> pd.DataFrame:
    counts = marks.pivot_table(
        index=["form", "item"], columns="mark", values="study", aggfunc="nunique", fill_value=0
    )
    items = pd.MultiIndex.from_frame(marks[["form", "item"]].drop_duplicates())
    counts = counts.reindex(columns=["yes", "unclear", "no"], fill_value=0).reindex(items)
    return counts.reset_index().rename_axis(columns=None)


def _marks() -> pd.DataFrame:
    """Return study, form, item and mark of every cell of the forms of search 1, once per study."""
    sheets = bias_sheets(sources.locate("bias"))
    if not (first := [sheet for name, sheet in sheets.items() if name.endswith(SEARCH[1:])]):
        raise BadInput(f"the forms of the risk of bias have no sheet of search 1; got {[*sheets]}")
    parts = [rows.drop_duplicates("PMID").filter(regex=f"^PMID$|{ITEM}") for rows in first]
    melted = [part.melt("PMID", var_name="item", value_name="mark") for part in parts]
    long = pd.concat(melted, ignore_index=True)
    codes = long["item"].str.extract(ITEM)
    form = codes[0].map(FORMS)
    item = codes[1].map(lambda code: ITEMS.get(code, str(code).replace("_", " ")))
    mark = long["mark"].str.extract("^(Y|N|C|unclear)")[0].map(MARKS)
    marks = pd.DataFrame({"study": long["PMID"], "form": form, "item": item, "mark": mark})
    return marks.dropna(subset="mark")
