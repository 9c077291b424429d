"""The effect table as other rooms see it, and the sets of effects that are analysed."""

import pandas as pd

from bayesmeta.data.datasets.trace import coding, inclusion, numbers
from bayesmeta.data.datasets.trace.tables import records
from bayesmeta.infrastructure.errors import BadInput

KEY = ("search", "sheet_row")
ORDER = {
    "phase": list(coding.PHASES.values()),
    "valence": list(coding.VALENCES.values()),
    "species": ["human", "rat", "mouse"],
    "organism": ["human", "animal"],
    "comparison": list("ABCDEF"),
}
SPECIES = {
    "preclinical": ["rat", "mouse"],
    "clinical": ["human"],
    "clinical-all": ["human"],
    "translational": ORDER["species"],
}
FEWEST_STUDIES = 4  # in a phase x valence cell of `clinical`, as in the paper
STEPS = ["read", "inclusion", "coding", "numbers", "set", "effects"]

OTHER_SPECIES = "not in this set: other species"
COMPARISON_B = "not in this set: comparison B"
SMALL_CELL = f"not in this set: phase x valence cell with fewer than {FEWEST_STUDIES} studies"


def check_set(dataset: str) -> None:
    """Raise BadInput if a dataset is not a set of effects of the record."""
    if dataset not in SPECIES:
        known = f"as these are: {', '.join(SPECIES)}"
        raise BadInput(f"{dataset!r} is not made from the raw sheets of TRACE, {known}")


def notes(variant: str, final: list[str]) -> list[str]:
    """Return the notes on a variant, and on the authors' final files in use."""
    known = [row["note"] for row in records("trace/notes", variant)]
    files = ", ".join(final)
    instead = f"The authors' final files from OSF are in use instead of the pinned ones: {files}."
    return [*known, instead] if final else known


def arrange(rows: pd.DataFrame, bias: pd.DataFrame) -> pd.DataFrame:
    """Return the effect table, with the columns of its codebook, `data/trace/effects.csv`."""
    columns = [row["column"] for row in records("trace/effects")]
    effect = rows["search"] + ":" + rows["sheet_row"].astype(str)
    rows = rows.assign(effect=effect, search_number=rows["search"].str[1])
    rows = rows.merge(bias, on=["study", "search_number"], how="left").astype({"direction": int})
    categories = {name: pd.CategoricalDtype(order) for name, order in ORDER.items()}
    return drop_absent_categories(rows[columns].astype(categories))


def drop_absent_categories(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with categories that occur, in their order."""
    used = {name: rows[name].cat.remove_unused_categories() for name in ORDER}
    return rows.assign(**used).reset_index(drop=True)


def reasons_aside(effects: pd.DataFrame, dataset: str) -> pd.Series:
    """Return the reason for which an effect is not in a set, "" for the effects of the set.

    Comparison B is in no set. `clinical` takes phase x valence cells with at least four studies;
    `translational` is `clinical-all` and `preclinical`.
    """
    other = ~effects["species"].isin(SPECIES[dataset])
    reason = pd.Series("", index=effects.index).mask(other, OTHER_SPECIES)
    reason = reason.mask((reason == "") & (effects["comparison"] == "B"), COMPARISON_B)
    if dataset != "clinical":
        return reason
    left = effects[reason == ""]
    studies = left.groupby(["phase", "valence"], observed=True)["study"].transform("nunique")
    small = studies.index[studies < FEWEST_STUDIES]
    return reason.mask(reason.index.isin(small), SMALL_CELL)


def count_reasons(reasons: pd.Series, aside: pd.Series) -> pd.DataFrame:
    """Return rows per search, step and reason; `aside` is from `reasons_aside`."""
    complete = reasons.copy()
    complete[complete == ""] = aside.to_numpy()
    rows = complete.rename("reason").reset_index()
    rows["step"] = rows["reason"].map(_steps())
    read = rows.assign(step="read", reason="rows of the sheet that are not blank")
    both = pd.concat([read, rows]).astype({"step": pd.CategoricalDtype(STEPS)})
    counts = both.groupby(["search", "step", "reason"], observed=True, sort=True).size()
    return counts.rename("rows").reset_index()[["search", "step", "rows", "reason"]]


def _steps() -> dict[str, str]:
    listed = [drop["reason"] for drop in records("trace/exclusions")]
    reasons = {
        "inclusion": [*inclusion.REASONS, *listed],
        "coding": [coding.NO_CODE, coding.SET_ASIDE],
        "numbers": [numbers.NO_NUMBERS],
        "set": [OTHER_SPECIES, COMPARISON_B, SMALL_CELL],
        "effects": [""],
    }
    return {reason: step for step, texts in reasons.items() for reason in texts}
