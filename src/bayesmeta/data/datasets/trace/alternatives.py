"""The alternatives that only the TRACE record offers: types of comparison, corrections, codes."""

from collections.abc import Callable, Sequence
from functools import partial

import pandas as pd

from bayesmeta.data.corrections import GRADES, corrected, suspects
from bayesmeta.data.datasets.dataset import DataAlternative, Keep
from bayesmeta.data.datasets.trace.record import read
from bayesmeta.infrastructure.errors import BadInput

Table = pd.DataFrame
STRICT = "strict"
TYPES_DIFFER = "the types compare different groups; a conclusion should not depend on a single type"


def alternatives(frame: Table, record: Table, keep: Keep) -> Sequence[DataAlternative]:
    """Return the alternatives to an analysis of a TRACE dataset.

    `frame` is the analysed effect table, its attrs name dataset and variant; `record` holds every
    effect of its species; `keep` applies the selection of rows of the analysis to another table.
    """

    def read_strict() -> Table:
        strict = read(str(frame.attrs["dataset"]), STRICT)
        strict.attrs = frame.attrs | strict.attrs
        return keep(strict)

    codes = [] if frame.attrs["variant"] == STRICT else [strict_codes(read_strict)]
    return (*comparison_types(frame, keep(record)), *CORRECTIONS, *codes, PARTIAL_POOLING)


def alternatives_of_twin(frame: Table, record: Table, keep: Keep) -> Sequence[DataAlternative]:
    """Return the alternatives to an analysis of a synthetic twin, which has no further record."""
    return comparison_types(frame, record)


def comparison_types(frame: Table, record: Table) -> list[DataAlternative]:
    """Return an alternative for every value of the column comparison in the record."""
    if "comparison" not in record or "comparison" not in frame:
        return []
    types = []
    for name in sorted(map(str, record["comparison"].dropna().unique())):
        change = partial(only_comparison, record=record, name=name)
        text = f"comparison {name}"
        types.append(DataAlternative(text, "comparison", f"{text} alone", TYPES_DIFFER, change))
    return types


def only_comparison(frame: Table, *, record: Table, name: str) -> Table | None:
    """Select the effects of a type of comparison; species without the type keep all effects.

    They come from the record if the dataset leaves the type out. None if nothing changes.
    """
    selected = frame[frame["comparison"].astype(str) == name]
    if selected.empty:
        selected = record[record["comparison"].astype(str) == name]
    others = frame.iloc[:0]
    if "species" in frame:
        others = frame[~frame["species"].isin(selected["species"])]
    rows = joined(selected, others, like=record)
    rows.attrs = frame.attrs
    return None if set(rows["effect"]) == set(frame["effect"]) else rows


def joined(*tables: Table, like: Table) -> Table:
    """Return the rows of several tables; factors have the levels that occur, ordered as `like`."""
    factors = {str(name): column.dtype for name, column in like.select_dtypes("category").items()}
    rows = pd.concat([table.astype(factors) for table in tables], ignore_index=True)
    return rows.assign(**{name: rows[name].cat.remove_unused_categories() for name in factors})


def correct(frame: Table, *, grades: Sequence[str]) -> Table | None:
    """Correct standard errors typed as SDs; None without effects of a grade or the raw numbers."""
    if not set(grades) <= set(suspects(frame)["grade"]):
        return None
    try:
        return corrected(frame, grades=grades)
    except BadInput:  # the table lacks the raw numbers
        return None


def strict_codes(read: Callable[[], Table]) -> DataAlternative:
    """Return the alternative that codes the effects strictly; `read` gives the effect table."""
    reason = "only effects that the authors included and coded: no later codes, no repairs"
    return DataAlternative("strict codes", "data", "strict codes", reason, lambda frame: read())


def _correction(name: str, label: str, reason: str, *grades: str) -> DataAlternative:
    because = f"{reason} (data/trace/suspects.csv)"
    return DataAlternative(name, "data", label, because, partial(correct, grades=grades))


TYPED = "standard errors were typed as standard deviations"
SUSPECTED = "the same mistake is suspected, not proven, in more studies"
CORRECTIONS = (
    _correction("errors corrected", "errors corrected", TYPED, "error"),
    _correction("errors and suspected corrected", "suspected errors, too", SUSPECTED, *GRADES),
)
PARTIAL_POOLING = DataAlternative(
    "partial pooling",
    "model",
    label="partial pooling",
    reason="a cell of persons may use information from the same cell of animals, and vice versa "
    "(models/translational-pooled.toml)",
    models={"translational": "translational-pooled"},
)
