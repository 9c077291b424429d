"""The measure that a file's estimates are, found by computing it from the raw numbers."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from bayesmeta.data.effect_sizes import MEASURES, Measure
from bayesmeta.data.effect_sizes.measure import Floats
from bayesmeta.data.table.names import complete_form, plain
from bayesmeta.data.table.numerals import floats, is_number
from bayesmeta.data.table.words import ratio_of

ESTIMATES = frozenset(
    ["effect_estimate", "estimate", "effect", "es", "te", "md", "mean_difference", "smd", "d", "g"]
)
CLOSE = 0.006  # of numbers that are printed with two digits
SHARE = 0.8  # of the rows that must be reproduced
TYPICAL = ("OR", "RR", "RD", "MD", "SMD", "ROM", "PETO")


def reproduced_measure(
    text: pd.DataFrame, columns: Mapping[str, str]
) -> tuple[Measure, str] | None:
    """Return the measure that gives a column of estimates, and the column; None if none does.

    `columns` are the package's names of raw numbers to the file's. Ratios are compared as ratios.
    """
    form = complete_form({*columns}, None)
    if form is None or not {*form} <= {*columns}:
        return None
    numbers = {name: floats(text[columns[name]]).to_numpy() for name in form}
    typical = [MEASURES[name] for name in TYPICAL if name in MEASURES]
    measures = [measure for measure in typical if form in measure.forms]
    for name in (str(name) for name in text.columns if _may_be_estimate(text[name])):
        given = floats(text[name]).to_numpy()
        shares = [_share(measure, form, numbers, given) for measure in measures]
        if shares and max(shares) >= SHARE:
            return measures[int(np.argmax(shares))], name
    return None


def _may_be_estimate(column: pd.Series) -> bool:
    name = str(column.name)
    known = plain(name) in ESTIMATES or ratio_of(name) is not None
    return known and bool(is_number(column).sum() > 1)


def _share(
    measure: Measure, form: tuple[str, ...], numbers: Mapping[str, Floats], given: Floats
) -> float:
    """Return the share of rows in which a measure equals what is given, itself or as a ratio."""
    with np.errstate(all="ignore"):
        yi, vi = measure.forms[form](*(numbers[name] for name in form))
        known = np.isfinite(yi) & (vi > 0) & np.isfinite(given)
        shares = [
            np.mean(np.abs(values - given)[known] <= CLOSE * np.maximum(1, np.abs(given[known])))
            for values in (yi, np.exp(yi))
        ]
    return float(max(shares)) if known.sum() > 1 else 0.0
