"""Statistics of a funnel, for many tables at once and for each cell."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesmeta.robustness.funnel.rows import Drawn, Floats, Rows
from bayesmeta.robustness.funnel.simulation import Replicate

CRITICAL, WINDOW = 1.96, 0.5
TITLES: Mapping[str, str] = {
    "egger": "Egger slope, residual on standard error",
    "egger_size": "Egger slope, residual on sqrt(1/n1 + 1/n2)",
    "skewness": "skewness of standardised residuals",
    "significant": f"share of |z| > {CRITICAL}",
    "step": f"step at z = {CRITICAL}: share above among the effects within {WINDOW}",
}


def funnel_statistics(table: Replicate, drawn: Drawn, rows: Rows) -> Floats:
    """The statistics of `TITLES` (b, cells, statistics), cells as in `rows.cells`.

    Everything is turned to the direction of the row's fitted mean, so that a value above what replicates have points
    to selection of large results in that direction. With residuals r = y - X beta and tau2 of the draw:

    - egger: slope of r on the standard error, with an intercept and weights 1 / (v + tau2), tau2 the sum of all levels;
      the regression of r / sqrt(v + tau2) on precision, Egger's test under heterogeneity;
    - egger_size: the same on sqrt(1/n1 + 1/n2), in the weights as well; nan without sizes;
    - skewness: of r / sqrt(v + tau2);
    - significant: share of |y / se| > 1.96, not residuals: what a journal sees;
    - step: of the z = y / se within .5 of 1.96, in the direction alone, the share above; nan without any.

    Source: Egger et al. 1997, doi 10.1136/bmj.315.7109.629; Pustejovsky & Rodgers 2019, doi 10.1002/jrsm.1332;
    Lin & Chu 2018, doi 10.1111/biom.12817 (skewness); Gerber & Malhotra 2008, doi 10.1561/100.00008024 (the step).
    """
    member = np.column_stack(list(rows.cells.values())).astype(float)
    residual = rows.direction * (table.yi - drawn.fitted)
    spread = table.vi + drawn.tau2
    z = rows.direction * table.yi / np.sqrt(table.vi)
    near = (np.abs(z - CRITICAL) <= WINDOW) @ member
    above = ((z > CRITICAL) & (z <= CRITICAL + WINDOW)) @ member
    with np.errstate(invalid="ignore", divide="ignore"):
        found = {
            "egger": _slope(residual, np.sqrt(table.vi), 1 / spread, member),
            "egger_size": _slope(residual, rows.size_error, 1 / (rows.size_error**2 + drawn.tau2), member),
            "skewness": _skewness(residual / np.sqrt(spread), member),
            "significant": (np.abs(z) > CRITICAL) @ member / member.sum(0),
            "step": above / near,
        }
    return np.stack(np.broadcast_arrays(*(found[name] for name in TITLES)), axis=-1)


def _slope(residual: Floats, x: Floats, weight: Floats, member: Floats) -> Floats:
    """Weighted least squares with an intercept, by cell; rows whose x is nan are left out; nan where x is constant."""
    known = np.isfinite(x)
    x, weight = np.where(known, x, 0.0), np.where(known, weight, 0.0)
    total, first, second = (_sum(weight * x**power, member) for power in range(3))
    mean = first / total
    above = _sum(weight * x * residual, member) - mean * _sum(weight * residual, member)
    below = second - mean * first
    return np.where(below > 1e-9 * second, above / below, np.nan)


def _skewness(values: Floats, member: Floats) -> Floats:
    count = member.sum(0)
    mean, square, cube = (_sum(values**power, member) / count for power in (1, 2, 3))
    variance = square - mean**2
    return (cube - 3 * mean * square + 2 * mean**3) / variance**1.5


def _sum(values: Floats, member: Floats) -> Floats:
    """Sums over the rows of each cell: (b, k) to (b, cells)."""
    total: NDArray[Any] = values @ member
    return total
