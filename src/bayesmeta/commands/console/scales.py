"""Estimates on the scale of a measure, as cells of a table of the console."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from bayesmeta.data.effect_sizes import MEASURES
from bayesmeta.estimates.text import estimate_text, interval_text, scale_digits
from bayesmeta.estimates.transformed import ENDING, NAME

DASH = "\N{EN DASH}"
SCALES_WITHOUT_NULL = {
    measure.scale.name for measure in MEASURES.values() if measure.null is None
} - {""}
Ends = tuple[str, str]


def scale_heading(table: pd.DataFrame) -> list[str]:
    """Return the heading of the transformed estimates, [] if the table has none."""
    names = [name for name in dict.fromkeys(table[NAME]) if name] if NAME in table else []
    return [f"{' or '.join(names)} [95 %]"] if names else []


def has_null(row: Mapping[Any, Any]) -> bool:
    """Return whether zero means no effect in a row; it does not for a proportion or a mean."""
    return row.get(NAME) not in SCALES_WITHOUT_NULL


def scale_cells(
    row: Mapping[Any, Any], *, middle: str = "median", ends: Ends = ("ci_lb", "ci_ub")
) -> list[str]:
    """Return the transformed estimate of a row with its interval, [] if the table has no scale."""
    if NAME not in row:
        return []
    if not row[NAME]:
        return [DASH]
    estimate, lower, upper = (row[name + ENDING] for name in (middle, *ends))
    return [estimate_text(estimate, lower, upper, scale_digits(row[NAME]))]


def scale_interval(row: Mapping[Any, Any], lower: str, upper: str) -> str:
    """Return a transformed interval of a row that has a scale."""
    ends = (row[lower + ENDING], row[upper + ENDING])
    return interval_text(*ends, digits=scale_digits(row[NAME]))
