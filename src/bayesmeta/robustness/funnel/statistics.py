"""Statistics of a funnel, for many tables at once and for every cell."""

from collections.abc import Mapping

import numpy as np

from bayesmeta.robustness.funnel.data import Floats, FunnelData
from bayesmeta.robustness.funnel.draws import DrawnEffects, Replicate

CRITICAL = 1.96
WINDOW = 0.5  # of z around CRITICAL
CONSTANT = 1e-9  # a relative variance of x that is only rounding
TITLES: Mapping[str, str] = {
    "egger": "Egger slope, residual on standard error",
    "egger_size": "Egger slope, residual on sqrt(1/n1 + 1/n2)",
    "skewness": "skewness of standardised residuals",
    "significant": f"share of |z| > {CRITICAL}",
    "step": f"step at z = {CRITICAL}: share above among the effects within {WINDOW}",
}


def funnel_statistics(table: Replicate, drawn: DrawnEffects, data: FunnelData) -> Floats:
    """Return the statistics of `TITLES` (b, cells, statistics), cells as in `data.cells`.

    Effects are multiplied by the direction of the fitted mean, so that a value above that of the
    replicates indicates selection of large results in that direction. With residuals r = y - X beta
    and tau2 of the draw:

    - egger: slope of r on the standard error, with an intercept and weights 1 / (v + tau2), tau2
      the sum of all levels; the regression of r / sqrt(v + tau2) on precision, Egger's test under
      heterogeneity;
    - egger_size: the same on sqrt(1/n1 + 1/n2), in the weights as well; nan without sizes;
    - skewness: of r / sqrt(v + tau2);
    - significant: share of |y / se| > 1.96, not of residuals: what a journal receives;
    - step: of the z = y / se within .5 of 1.96, in the direction only, the share above; nan without
      any.

    Source: Egger et al. 1997, doi 10.1136/bmj.315.7109.629; Pustejovsky & Rodgers 2019,
    doi 10.1002/jrsm.1332; Lin & Chu 2018, doi 10.1111/biom.12817 (skewness); Gerber & Malhotra
    2008, doi 10.1561/100.00008024 (the step).
    """
    member = np.column_stack(list(data.cells.values())).astype(float)
    residual = data.direction * (table.yi - drawn.fitted)
    variance = table.vi + drawn.tau2
    size_error = data.size_error
    z = data.direction * table.yi / np.sqrt(table.vi)
    near = (np.abs(z - CRITICAL) <= WINDOW) @ member
    above = ((z > CRITICAL) & (z <= CRITICAL + WINDOW)) @ member
    with np.errstate(invalid="ignore", divide="ignore"):
        values = {
            "egger": _slope(residual, np.sqrt(table.vi), 1 / variance, member),
            "egger_size": _slope(residual, size_error, 1 / (size_error**2 + drawn.tau2), member),
            "skewness": _skewness(residual / np.sqrt(variance), member),
            "significant": (np.abs(z) > CRITICAL) @ member / member.sum(0),
            "step": above / near,
        }
    return np.stack(np.broadcast_arrays(*(values[name] for name in TITLES)), axis=-1)


def _slope(residual: Floats, x: Floats, weight: Floats, member: Floats) -> Floats:
    """Return weighted least-squares slopes by cell; x may be nan for some effects, or constant."""
    available = np.isfinite(x)
    x = np.where(available, x, 0.0)
    weight = np.where(available, weight, 0.0)
    total, first, second = ((weight * x**power) @ member for power in range(3))
    mean = first / total
    covariance = (weight * x * residual) @ member - mean * ((weight * residual) @ member)
    variance = second - mean * first
    return np.where(variance > CONSTANT * second, covariance / variance, np.nan)


def _skewness(values: Floats, member: Floats) -> Floats:
    count = member.sum(0)
    mean, square, cube = (values**power @ member / count for power in (1, 2, 3))
    variance = square - mean**2
    return (cube - 3 * mean * square + 2 * mean**3) / variance**1.5
