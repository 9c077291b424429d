"""Ratios (OR, HR, RR) as logarithms, and what speaks for or against that a column holds ratios."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from scipy.special import ndtri

from bayesmeta.data.effect_sizes.measure import Floats
from bayesmeta.data.table.names import INTERVAL
from bayesmeta.data.table.numerals import floats
from bayesmeta.data.table.reading import Reading, cells_at
from bayesmeta.data.table.requests import choose, columns_option
from bayesmeta.data.table.words import RATIO_TITLES, is_error_of_log, is_logarithm, ratio_of
from bayesmeta.infrastructure.errors import BadInput

SCALES = ("ratio", "log", "given")
ERRORS = ("ratio", "log")
LOPSIDED = 0.1  # of half a width; symmetric intervals miss their middle by rounding alone
ENDS = ("yi", *INTERVAL)
WIDTH = 2 * ndtri(0.975)  # of an interval of 95 %, in standard errors


@dataclass(frozen=True)
class Scale:
    """How yi and its error are written: as ratios (with the error of a ratio or a log) or logs."""

    ratios: bool
    error_of_log: bool = True
    message: str = ""
    chosen: Mapping[str, str] = field(default_factory=dict)


def take_logarithms(reading: Reading) -> Reading:
    """Return the reading with logarithms in place of ratios; a message says so.

    A column named OR, HR, RR or the like holds ratios, unless a value or a limit of an interval is
    below 0 or the intervals are symmetric on the scale of logarithms alone. `scale` and `error` of
    the columns decide otherwise. Raise BadInput with the possible readings if a standard error may
    be that of the ratio or of its logarithm, and the reading is not to propose one.
    """
    named = reading.named
    kind = ratio_of(reading.taken.get("yi", "")) or ""
    asked = reading.asked.get("scale", "")
    if asked and asked not in SCALES:
        raise BadInput(f"columns give scale={asked!r}; it should be 'ratio', 'log' or 'given'")
    if "yi" not in named or reading.ratio or asked == "given" or not (kind or asked):
        return reading
    title = RATIO_TITLES.get(kind, "log ratio")
    values = {name: floats(named[name]).to_numpy() for name in ENDS if name in named}
    scale = _scale(reading, values, kind)
    messages = [scale.message] if scale.message else []
    if scale.chosen:
        reading = replace(reading, asked={**reading.asked, **scale.chosen})
    if not scale.ratios:
        return reading.updated(messages=messages, scale=title, ratio=kind)
    logs, problems = _logarithms(reading, values, scale)
    messages.append(f"{title}: the logarithm of {_source(reading, 'yi')} is analysed")
    changed = reading.updated(messages=messages, named=named.assign(**logs))
    return changed.updated(scale=title, ratio=kind).with_rows_problems(problems)


def are_ratios(yi: Floats, lower: Floats, upper: Floats) -> bool:
    """Return True if intervals are positive and, in the median row, lopsided to the right."""
    return bool(len(lower) and lower.min() > 0 and lopsided(yi, lower, upper) > LOPSIDED)


def lopsided(yi: Floats, lower: Floats, upper: Floats) -> float:
    """Return how far estimates lie below the middle of intervals, in halves of their widths."""
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        share = 2 * (lower / 2 + upper / 2 - yi) / (upper - lower)
    share = share[np.isfinite(share)]
    return float(np.median(share)) if len(share) else 0.0


def _scale(reading: Reading, values: Mapping[str, Floats], kind: str) -> Scale:
    asked = reading.asked.get("scale", "")
    source = _source(reading, "yi")
    negative = any((cells < 0).any() for cells in values.values())
    by_interval = not {"vi", "sei"} & {*reading.named}
    if asked == "log" or (not asked and is_logarithm(source)):
        return Scale(ratios=False)
    if not asked and negative:
        reason = f"{source} is read as logarithms of {kind}, because values are below 0"
        return Scale(ratios=False, message=reason)
    if not asked and by_interval and _are_logarithms(values):
        reason = f"{source} is read as logarithms of {kind}, because its intervals are symmetric"
        option = columns_option(reading, {"scale": "ratio"})
        return Scale(ratios=False, message=f"{reason}; if they are ratios: {option}")
    return Scale(ratios=True) if by_interval else _scale_of_error(reading, values)


def _scale_of_error(reading: Reading, values: Mapping[str, Floats]) -> Scale:
    """Return the scale of a ratio beside a standard error, by the user's word or by intervals."""
    error = reading.asked.get("error", "")
    if error not in ("", *ERRORS):
        raise BadInput(f"columns give error={error!r}; it should be 'ratio' or 'log'")
    name = "sei" if "sei" in reading.named else "vi"
    source = _source(reading, name)
    by_interval = _error_by_interval(reading, values)
    if error or is_error_of_log(source) or by_interval:
        return Scale(ratios=True, error_of_log=(error or by_interval) != "ratio")
    given = f"{_source(reading, 'yi')} is a ratio; {source} may refer to it or to its logarithm"
    options: list[tuple[dict[str, str], str]] = [
        ({"scale": "ratio", "error": "log"}, f"ratios; {source} is of the logarithm"),
        ({"scale": "ratio", "error": "ratio"}, f"ratios; {source} is of the ratio itself"),
        ({"scale": "log"}, f"{_source(reading, 'yi')} contains logarithms"),
    ]
    changes = {name: _source(reading, name) for name in ("yi", name)}
    ready = [({**changes, **change}, meaning) for change, meaning in options]
    taken, message = choose(reading, given, ready)
    chosen = {key: taken[key] for key in ("scale", "error")}
    return Scale(True, taken["error"] == "log", message, chosen)


def _error_by_interval(reading: Reading, values: Mapping[str, Floats]) -> str:
    """Return log or ratio, the scale on which standard errors belong to 95 % intervals; or ""."""
    if not {*INTERVAL} <= {*values}:
        return ""
    named = reading.named
    error = floats(named["sei"]) if "sei" in named else floats(named["vi"]) ** 0.5
    lower, upper = (values[name] for name in INTERVAL)
    with np.errstate(divide="ignore", invalid="ignore"):
        widths = {"log": np.log(upper / lower), "ratio": upper - lower}
        misfit = {name: np.nanmedian(abs(WIDTH * error / widths[name] - 1)) for name in widths}
    nearest = min(misfit, key=lambda name: misfit[name])
    return nearest if misfit[nearest] < LOPSIDED else ""


def _are_logarithms(values: Mapping[str, Floats]) -> bool:
    """Return whether intervals are symmetric as they are, and lopsided as logarithms."""
    if not {*INTERVAL} <= {*values}:
        return False
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = [np.log(values[name]) for name in ENDS]
    as_given = lopsided(*(values[name] for name in ENDS))
    return abs(as_given) < LOPSIDED / 2 and abs(lopsided(*logs)) > LOPSIDED


def _logarithms(
    reading: Reading, values: Mapping[str, Floats], scale: Scale
) -> tuple[dict[str, pd.Series], list[str]]:
    """Return yi, its limits and its error as logarithms, and problems of ratios not above 0."""
    named = reading.named
    columns: dict[str, pd.Series] = {}
    problems = []
    for name, cells in values.items():
        wrong = cells <= 0
        if wrong.any():
            rule = "a ratio must be above 0, got"
            problems.append(f"{_source(reading, name)}: {rule} {cells_at(wrong, named[name])}")
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = pd.Series(np.log(cells), named.index).map(repr)
        columns[name] = named[name].mask(np.isfinite(cells) & ~wrong, logs).mask(wrong, "")
    for name, power in (("sei", 1), ("vi", 2)):
        if name in named and not scale.error_of_log:
            error = floats(named[name]).to_numpy()
            by_delta = pd.Series(error / values["yi"] ** power, named.index).map(repr)
            columns[name] = named[name].mask(np.isfinite(error), by_delta)
    return columns, problems


def _source(reading: Reading, name: str) -> str:
    return reading.taken.get(name, name)
