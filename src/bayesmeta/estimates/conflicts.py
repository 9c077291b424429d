"""Priors that the data contradict: estimates of the data alone that are far out in their prior.

With b and s the least-squares estimate of a term and its standard error, at taus from the spread of
the residuals, and the term's prior N(m, B):

    z = (b - m) / sqrt(B + s^2)

is standard normal where prior and data agree. A tau is as far out as its prior's tail is small.

Source: Evans & Moshonov 2006, doi 10.1214/06-BA129 (checking for prior-data conflict).
"""

import numpy as np
import xarray as xr
from scipy.special import ndtri

from bayesmeta.estimates.text import number_text
from bayesmeta.model.likelihood import tau_labels
from bayesmeta.model.likelihood.rough_fit import rough_fit
from bayesmeta.model.priors import term_prior
from bayesmeta.model.priors.limits import Limits
from bayesmeta.model.spec import ORDERED, ModelSpec

MOST = 3.0  # sds; prior and data that agree are as far apart once in 370 times
ADVICE = (
    "the posterior is a compromise of both. Use a prior that fits the unit of the effects; "
    "bayesmeta init writes a model file with such priors"
)


def prior_conflicts(design: xr.Dataset, spec: ModelSpec) -> list[str]:
    """Return a warning for every term, or level, with a prior that the data contradict."""
    if spec.likelihood == ORDERED:
        return []
    rough = rough_fit(design, spec.without_structure())
    prior = term_prior(design, spec)
    if np.linalg.matrix_rank(rough.precision) < len(prior.mean):
        return []
    estimate = np.linalg.solve(rough.precision, rough.xt_vinv_y)
    error = np.sqrt(np.diag(np.linalg.inv(rough.precision)))
    sd = np.sqrt(np.diag(prior.fixed))
    has_normal = (sd > 0) & np.isfinite(sd) & ~np.any([*map(np.diag, prior.pooled.values())], 0)
    z = np.where(has_normal, (estimate - prior.mean) / np.hypot(sd, error), 0.0)
    warnings = []
    for at in np.flatnonzero(np.abs(z) > MOST):
        numbers = f"{number_text(estimate[at])} (se {number_text(error[at])})"
        of_prior = f"mean {number_text(prior.mean[at])}, sd {number_text(sd[at])}"
        term = design["term"].values[at]
        where = f"from the centre of {of_prior}"
        warnings.append(_text(f"{term} at {numbers}", abs(z[at]), where))
    warnings += _outside_limits(prior.limits, estimate, np.linalg.inv(rough.precision))
    if spec.is_structured or spec.tau_by:
        return warnings
    for level, tau in zip(tau_labels(design, spec), rough.tau, strict=True):
        of_level = spec.tau_prior(level)
        if of_level.allocation:
            continue
        far = -float(ndtri(max(float(of_level.distribution.sf(tau)), 1e-300)))
        if far > MOST:
            spread = f"tau of {level} near {number_text(tau)}"
            warnings.append(_text(spread, far, f"from the centre of {of_level}"))
    return warnings


def _outside_limits(
    limits: Limits | None, estimate: np.ndarray, covariance: np.ndarray
) -> list[str]:
    """Return a warning for every combination that the data put far outside its range."""
    if limits is None:
        return []
    centres = limits.rows @ estimate
    error = np.sqrt(np.diag(limits.rows @ covariance @ limits.rows.T))
    warnings = []
    for at, value in enumerate(centres):
        nearest = float(np.clip(value, limits.lower[at], limits.upper[at]))
        sds = abs(value - nearest) / error[at]
        if sds > MOST:
            numbers = f"a term with limits at {number_text(value)} (se {number_text(error[at])})"
            warnings.append(_text(numbers, sds, f"beyond the limit {number_text(nearest)}"))
    return warnings


def _text(data: str, sds: float, where: str) -> str:
    return f"the data contradict the prior: they give {data}, {sds:.1f} sds {where}; {ADVICE}"
