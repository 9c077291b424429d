"""The effect table as others see it, and the sets of effects that are analysed."""

import pandas as pd

from bayesmeta.data.datasets.trace import coding, inclusion, numbers
from bayesmeta.data.datasets.trace.tables import records

KEY = ("search", "sheet_row")
ORDER = {
    "phase": list(coding.PHASES.values()),
    "valence": list(coding.VALENCES.values()),
    "species": ["human", "rat", "mouse"],
    "organism": ["human", "animal"],
    "comparison": list("ABCDEF"),
}
KINDS = {"clinical": ["human"], "clinical-all": ["human"], "preclinical": ["rat", "mouse"]}
FEWEST_STUDIES = 4  # of a phase x valence cell of `clinical`

OTHER_KIND = "not in this set: other species"
COMPARISON_B = "not in this set: comparison B"
SMALL_CELL = f"not in this set: phase x valence cell with fewer than {FEWEST_STUDIES} studies"


def notes(variant: str, final: list[str]) -> list[str]:
    """What a reader of a variant must know; `final` names the authors' final files in use."""
    known = [row["note"] for row in records("trace/notes", variant)]
    instead = f"The authors' final files from OSF are in use instead of the pinned ones: {', '.join(final)}."
    return [*known, instead] if final else known


def columns() -> list[str]:
    """Names of the effect table's columns in order, from its codebook `data/trace/effects.csv`."""
    return [row["column"] for row in records("trace/effects")]


def arranged(rows: pd.DataFrame, bias: pd.DataFrame) -> pd.DataFrame:
    """The columns of the effect table in order, with labels, risk of bias and ordered categories."""
    rows = rows.assign(
        effect=rows["search"] + ":" + rows["sheet_row"].astype(str),
        search_number=rows["search"].str[1],
    )
    rows = rows.merge(bias, on=["study", "search_number"], how="left").astype({"direction": int})
    rows = rows[columns()].astype(
        {name: pd.CategoricalDtype(order) for name, order in ORDER.items()}
    )
    return with_present_categories(rows)


def with_present_categories(rows: pd.DataFrame) -> pd.DataFrame:
    """Categories limited to those that occur, in their order."""
    used = {name: rows[name].cat.remove_unused_categories() for name in ORDER}
    return rows.assign(**used).reset_index(drop=True)


def set_aside(effects: pd.DataFrame, dataset: str) -> pd.Series:
    """Why an effect is not in the set, "" where it is. `translational` is `clinical-all` and `preclinical`.

    Comparison B is in no set; `clinical` wants at least four studies in each phase x valence cell.
    """
    kinds = KINDS.get(dataset, ORDER["species"])
    reason = pd.Series("", index=effects.index).mask(~effects["species"].isin(kinds), OTHER_KIND)
    reason = reason.mask((reason == "") & (effects["comparison"] == "B"), COMPARISON_B)
    if dataset == "clinical":
        left = effects[reason == ""]
        studies = left.groupby(["phase", "valence"], observed=True)["study"].transform("nunique")
        reason.loc[studies.index[studies < FEWEST_STUDIES]] = SMALL_CELL
    return reason


def counted(left_out: pd.Series, aside: pd.Series) -> pd.DataFrame:
    """Rows per search, step and reason; the last step counts the effects of the set."""
    reasons = left_out.copy()
    reasons[reasons == ""] = aside.to_numpy()
    rows = reasons.rename("reason").reset_index()
    rows["step"] = rows["reason"].map(_steps())
    read = rows.assign(step="read", reason="rows of the sheet that are not blank")
    steps = pd.CategoricalDtype(["read", "inclusion", "coding", "numbers", "set", "effects"])
    both = pd.concat([read, rows]).astype({"step": steps})
    counts = (
        both.groupby(["search", "step", "reason"], observed=True, sort=True).size().rename("rows")
    )
    return counts.reset_index()[["search", "step", "rows", "reason"]]


def _steps() -> dict[str, str]:
    known = dict.fromkeys(
        [inclusion.NOT_INCLUDED, inclusion.NOT_LISTED, inclusion.NO_SUBJECT], "inclusion"
    )
    known |= dict.fromkeys([drop["reason"] for drop in records("trace/exclusions")], "inclusion")
    known |= dict.fromkeys([coding.NO_CODE, coding.SET_ASIDE], "coding") | {
        numbers.NO_NUMBERS: "numbers"
    }
    return known | dict.fromkeys([OTHER_KIND, COMPARISON_B, SMALL_CELL], "set") | {"": "effects"}
