"""Effects that a table gives: yi with vi, with sei, or with an interval."""

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.special import ndtri

from bayesmeta.data.effect_sizes.measure import Floats
from bayesmeta.data.table.names import EFFECT, INTERVAL, plain
from bayesmeta.data.table.numerals import NUMBER, floats, parse_numbers
from bayesmeta.data.table.ratios import are_ratios, take_logarithms
from bayesmeta.data.table.reading import Effects, Reading, cells_at
from bayesmeta.data.table.requests import command
from bayesmeta.data.table.words import percent_in
from bayesmeta.infrastructure.errors import BadInput

UNEVEN = "ci_lb and ci_ub are not symmetric about yi, like intervals of ratios"
MESSAGE = "sei is computed from {} intervals, ci_lb and ci_ub, of a normal distribution"
LEVELS = ("level", "ci_level", "conf_level", "confidence_level", "conf", "confidence", "ci_width")
USUAL = 95.0
COMMON = (80, 85, 90, 95, 97.5, 98, 99, 99.5, 99.9)  # levels that a column may hold unasked


def add_standard_errors(reading: Reading) -> Reading:
    """Return the reading with `sei` = (ci_ub - ci_lb) / (2 z), z the normal quantile of the level.

    The level is 95 %, or that in a column of levels, or in the names of the limits. A table with vi
    or sei stays as it is. Intervals of ratios lie unevenly about them: they are a problem, because
    a ratio is analysed as its logarithm.
    """
    named = reading.named
    if {"vi", "sei"} & {*named} or not {"yi", *INTERVAL} <= {*named}:
        return reading
    levels, title = interval_levels(reading)
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
    known = reading.scale or reading.asked.get("scale")
    if not known and are_ratios(yi[usable], lower[usable], upper[usable]):
        if reading.propose:
            asked = {**reading.asked, "scale": "ratio"}
            ratios = replace(reading, asked=asked).updated(messages=[f"{UNEVEN}: taken as ratios"])
            return add_standard_errors(take_logarithms(ratios))
        problems.append(_uneven(reading))
    sei = pd.Series(np.where(usable, width / (2 * ndtri(levels / 200 + 0.5)), 1.0), named.index)
    to_omit = ends.refused & reading.omits
    cells = sei.map(repr).where((usable | ends.refused) & ~to_omit, "")
    named = named.assign(sei=cells)
    message = MESSAGE.format(title)
    return reading.updated(messages=[message], named=named).with_rows_problems(problems)


def interval_levels(reading: Reading) -> tuple[Floats, str]:
    """Return the confidence level of the interval of every row (k,), in percent, and in words."""
    named = reading.named
    asked = reading.asked.get("level", "")
    names = [str(name) for name in named.columns]
    column = asked if asked in names else next((n for n in names if plain(n) in LEVELS), None)
    values = _percent(floats(named[column])) if column is not None else None
    if values is not None and (asked or np.isin(values.round(6), COMMON).all()):
        shown = ", ".join(f"{level:g}" for level in sorted({*values}))
        return values, f"{shown} % (column {column})"
    if asked:
        values = _percent(pd.Series([asked.strip(" %")] * len(named), dtype="str").map(_number))
        if values is None:
            raise BadInput(f"columns give level={asked!r}; it should be a column, or 90, 95, 99")
        return values, f"{values[0]:g} %"
    sources = [reading.taken.get(name, name) for name in INTERVAL]
    percents = {level for source in sources if (level := percent_in(source))}
    level = percents.pop() if len(percents) == 1 else USUAL
    return np.full(len(named), level), f"{level:g} %"


def _percent(levels: pd.Series) -> Floats | None:
    """Return levels in percent, 95 for blank cells; None if these numbers are no levels."""
    filled = levels.dropna()
    unit = 100 if filled.between(0.5, 1, inclusive="left").all() else 1
    percent = np.asarray((levels.astype(float) * unit).fillna(USUAL), float)
    possible = len(filled) and ((percent >= 50) & (percent < 100)).all()
    return percent if possible else None


def _number(text: str) -> float:
    return float(text) if NUMBER.fullmatch(text) else np.nan


def _uneven(reading: Reading) -> str:
    sources = {name: reading.taken.get(name, name) for name in ("yi", *INTERVAL)}
    ratio = command(reading, {**sources, "scale": "ratio"})
    given = command(reading, {**sources, "scale": "given"})
    return (
        f"{UNEVEN}; if they are ratios, of which logarithms are analysed: {ratio}; if not: {given}"
    )


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
