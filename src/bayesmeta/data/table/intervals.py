"""Standard errors from 95 % confidence intervals, where a table has no other."""

import numpy as np
import pandas as pd
from scipy.special import ndtri

from bayesmeta.data.effect_sizes import places
from bayesmeta.data.table.names import INTERVAL
from bayesmeta.data.table.numerals import floats, is_number

WIDTH = 2 * ndtri(0.975)
LOPSIDED = 0.1  # of half an interval: how far its middle may lie from yi in the median row


def with_sei(text: pd.DataFrame, notes: list[str], problems: list[str]) -> pd.DataFrame:
    """The table with `sei` = (ci_ub - ci_lb) / (2 z), z the normal quantile at .975; as it is where it has vi or sei.

    Intervals of ratios lie unevenly about them: they are a problem, because a ratio is analysed as its logarithm.

    Parameters
    ----------
    text : every cell as text, under the package's names.
    notes, problems : of the reading; lines are added.
    """
    if {"vi", "sei"} & {*text} or not {"yi", *INTERVAL} <= {*text}:
        return text
    yi, lower, upper = (floats(text[name]).to_numpy() for name in ("yi", *INTERVAL))
    told, rows = np.zeros(len(text), bool), list(text.index)
    for name in INTERVAL:
        unread = (~is_number(text[name]) & (text[name] != "")).to_numpy()
        if unread.any():
            problems.append(f"{name} must be a number, got {places(unread, rows, text[name])}")
        told |= unread
    with np.errstate(invalid="ignore", over="ignore"):
        width, middle = upper - lower, lower / 2 + upper / 2
        fits = (lower <= yi) & (yi <= upper) & (width > 0) & np.isfinite(width)
    outside = ~np.isnan(yi + width) & ~fits
    known = np.isfinite(width) & ~outside & ~told
    if outside.any():
        got = text["yi"] + " [" + text["ci_lb"] + ", " + text["ci_ub"] + "]"
        problems.append(f"yi must lie between ci_lb and ci_ub, got {places(outside, rows, got)}")
    whole = known & np.isfinite(yi)
    uneven = 2 * (middle - yi)[whole] / width[whole]
    if len(uneven) and np.median(uneven) > LOPSIDED and lower[known].min() > 0:
        problems.append(
            "ci_lb and ci_ub lie unevenly about yi, as intervals of ratios do; odds, risk and hazard ratios are "
            "analysed as logarithms: put those of all three into the table"
        )
    notes.append("sei is computed from 95 % intervals, ci_lb and ci_ub, as those of a normal distribution")
    sei = pd.Series(np.where(known, width / WIDTH, 1.0), text.index).map(repr)
    return text.assign(sei=sei.where(known | outside | told, ""))
