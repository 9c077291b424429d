"""Effects that a table gives: yi with vi, with sei, or with a 95 % interval (the second stage)."""

import numpy as np
import pandas as pd
from scipy.special import ndtri

from bayesmeta.data.effect_sizes.measure import Floats
from bayesmeta.data.table.names import EFFECT, INTERVAL
from bayesmeta.data.table.numerals import parse_numbers
from bayesmeta.data.table.reading import Effects, Reading, cells_at

WIDTH = 2 * ndtri(0.975)
LOPSIDED = 0.1  # of half a width; symmetric intervals miss their middle by rounding alone
UNEVEN = (
    "ci_lb and ci_ub lie unevenly about yi, as intervals of ratios do; odds, risk and hazard "
    "ratios are analysed as logarithms: put those of all three into the table"
)
MESSAGE = "sei is computed from 95 % intervals, ci_lb and ci_ub, as those of a normal distribution"


def add_standard_errors(reading: Reading) -> Reading:
    """Return the reading with `sei` = (ci_ub - ci_lb) / (2 z), z the normal quantile at .975.

    A table with vi or sei stays as it is. Intervals of ratios lie unevenly about them: they are a
    problem, because a ratio is analysed as its logarithm.
    """
    named = reading.named
    if {"vi", "sei"} & {*named} or not {"yi", *INTERVAL} <= {*named}:
        return reading
    ends = parse_numbers(named, INTERVAL)
    yi = parse_numbers(named, ["yi"]).values["yi"].to_numpy()
    lower, upper = (ends.values[name].to_numpy() for name in INTERVAL)
    with np.errstate(invalid="ignore", over="ignore"):
        width = upper - lower
        fits = (lower <= yi) & (yi <= upper) & (width > 0) & np.isfinite(width)
    outside = ~np.isnan(yi + width) & ~fits
    got = named["yi"] + " [" + named["ci_lb"] + ", " + named["ci_ub"] + "]"
    problem = f"yi must lie between ci_lb and ci_ub, got {cells_at(outside, got)}"
    ends = ends.with_problem(outside, problem)
    usable = np.isfinite(width) & ~ends.refused
    problems = list(ends.problems)
    if _are_ratios(yi[usable], lower[usable], upper[usable]):
        problems.append(UNEVEN)
    sei = pd.Series(np.where(usable, width / WIDTH, 1.0), named.index).map(repr)
    sei = sei.where(usable | ends.refused, "")  # a listed problem: sei 1 avoids another
    return reading.updated(messages=[MESSAGE], problems=problems, named=named.assign(sei=sei))


def _are_ratios(yi: Floats, lower: Floats, upper: Floats) -> bool:
    """Return True if intervals are positive and, in the median row, lopsided to the right."""
    with np.errstate(invalid="ignore", over="ignore"):
        middle = lower / 2 + upper / 2
    known = np.isfinite(yi)
    lopsided = 2 * (middle - yi)[known] / (upper - lower)[known]
    return bool(len(lopsided) and np.median(lopsided) > LOPSIDED and lower.min() > 0)


def given_effects(text: pd.DataFrame, droppable: np.ndarray) -> Effects:
    """Return yi, vi (else sei^2) as given, of text; `droppable` rows are left out if incomplete."""
    numbers = parse_numbers(text, [name for name in EFFECT if name in text])
    values = numbers.values.reindex(columns=list(EFFECT))
    blank = text.reindex(columns=list(EFFECT), fill_value="") == ""
    incomplete = (blank["yi"] | (blank["vi"] & blank["sei"])) & ~numbers.refused
    left_out = incomplete & droppable
    by_error = blank["vi"] & ~blank["sei"] if "vi" in text else pd.Series(True, text.index)
    sei = values["sei"]
    wrong = by_error & ~left_out & ((sei <= 0) | (sei.isna() & blank["sei"]))
    problem = f"sei must be a number above 0, got {cells_at(wrong, sei)}"
    numbers = numbers.with_problem(wrong.to_numpy(), problem)
    vi = values["vi"].mask(by_error, sei**2)  # an infinite square is refused as vi
    flags = {"refused": numbers.refused, "incomplete": incomplete, "left_out": left_out}
    return Effects(pd.DataFrame({"yi": values["yi"], "vi": vi, **flags}), numbers.problems)
