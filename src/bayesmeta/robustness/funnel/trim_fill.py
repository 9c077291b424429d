"""Trim and fill: effects that would make a funnel symmetric, and the mean with them.

The method assumes that asymmetry is due to missing results of the smallest effects, and that
effects are independent. It is often asked for by reviewers; selection models answer the question
better.

Source: Duval & Tweedie 2000, doi 10.1111/j.0006-341X.2000.00455.x; metafor's `trimfill`.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import norm, rankdata

from bayesmeta.inference.reml.single_level import Floats, fit_single
from bayesmeta.model.likelihood import nesting_of
from bayesmeta.robustness.funnel.cells import cells_of

FEWEST = 3  # effects: with fewer, no asymmetry can be seen
SAME = 1e-6  # of the mean variance: without small and large studies there is no funnel
MAX_STEPS = 50
NOTE = "for reviewers: one level, as if every effect were a study; assumes that results are missing"


class Filled(NamedTuple):
    """Effects as they are (k,), with those that were filled in at the end."""

    y: Floats
    v: Floats
    side: str  # on which effects are missing: left or right
    added: int


def trim_fill_table(design: xr.Dataset) -> pd.DataFrame:
    """Return the means of cells without and with the effects that trim and fill adds (L0).

    Columns: term, k, studies, side (on which effects are missing), filled (number of effects),
    estimate, ci_lb, ci_ub, filled_estimate, filled_ci_lb, filled_ci_ub (REML on one level, normal
    95 %), method. A cell with fewer than 3 effects, or of equal variances, has no row. Raises
    BadInput: the terms are not cells.
    """
    study = nesting_of(design).study_of_effect
    rows = []
    for term, cell in cells_of(design, "trim and fill").items():
        y, v = (design[name].values[cell] for name in ("yi", "vi"))
        if len(y) < FEWEST or np.ptp(v) <= SAME * v.mean():
            continue
        filled = fill(y, v)
        row = {"term": term, "k": len(y), "studies": len(np.unique(study[cell]))}
        row |= {"side": filled.side, "filled": filled.added, **_mean(y, v)}
        row |= {f"filled_{name}": x for name, x in _mean(filled.y, filled.v).items()}
        rows.append(row | {"method": NOTE})
    return pd.DataFrame(rows)


def fill(y: Floats, v: Floats) -> Filled:
    """Add the mirror images of the effects that have no counterpart on the other side.

    Raise BadInput if a model without the trimmed effects cannot be fitted.
    """
    slope = fit_single(np.column_stack([np.ones_like(y), np.sqrt(v)]), y, v).beta[1]
    sign = -1.0 if slope < 0 else 1.0  # large standard errors go with small effects: right
    order = np.argsort(sign * y, kind="stable")
    mirrored = sign * y[order]
    count = 0
    for _ in range(MAX_STEPS):
        kept = slice(len(y) - count)
        centre = fit_single(np.ones((len(y) - count, 1)), mirrored[kept], v[order][kept]).beta[0]
        missing = min(_missing(mirrored - centre), len(y) - FEWEST)
        if missing == count:
            break
        count = missing
    added = order[len(y) - count :]
    images = 2 * sign * centre - y[added]
    side = "left" if sign > 0 else "right"
    return Filled(np.append(y, images), np.append(v, v[added]), side, count)


def _missing(centred: Floats) -> int:
    """Return the estimate L0 of the number of missing effects."""
    k = len(centred)
    ranks = rankdata(np.abs(centred), method="ordinal")
    positive = ranks[centred > 0].sum()
    return max(0, round((4 * positive - k * (k + 1)) / (2 * k - 1)))


def _mean(y: Floats, v: Floats) -> dict[str, float]:
    fit = fit_single(np.ones((len(y), 1)), y, v)
    mean = float(fit.beta[0])
    lower, upper = norm.interval(0.95, mean, float(np.sqrt(fit.covariance[0, 0])))
    return {"estimate": mean, "ci_lb": float(lower), "ci_ub": float(upper)}
