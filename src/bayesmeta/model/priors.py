r"""The priors as densities: that of the terms is one normal distribution, given the spreads that are estimated.

A part named `valence:phase` gives every pair of a valence and a phase one effect, shared by the terms that agree in
both; `terms` gives every term its own. The parts add up, so that with S_c (p, p) saying which terms share in part c

    beta ~ N(sum_c m_c, sum_c s_c^2 S_c),        s_c fixed, or a spread with a prior of its own

and a difference of terms that share a part is free of it: partial pooling without any further parameter.

Where a moderator is a number this is the prior of gamma = U beta, the coefficients of the centred and scaled moderators
(`design.standardising`), and beta = U^-1 gamma, in the units of the table, has the normal distribution that follows.
"""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from scipy import stats

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import is_small_study
from bayesmeta.model.spec import ModelSpec, Prior


class TermPrior(NamedTuple):
    """Mean (p,), the part of the covariance that is fixed (p, p), and by spread the terms that share it (p, p)."""

    mean: np.ndarray
    fixed: np.ndarray
    shared: dict[str, np.ndarray]

    def covariance(self, spreads: Mapping[str, Any]) -> Any:
        """Covariance (p, p) at values of the spreads."""
        total: Any = self.fixed
        for name, same in self.shared.items():
            total = total + spreads[name] ** 2 * same
        return total


def pooling_sd_name(part: str) -> str:
    """Name of a part's spread among the draws: `sd_organism_valence_phase`."""
    return f"sd_{part.replace(':', '_')}"


def term_prior(design: xr.Dataset, spec: ModelSpec) -> TermPrior:
    """Prior of a design's terms.

    Raises
    ------
    BadInput
        A part names a column that the terms are not coded by.
    """
    terms = design.sizes["term"]
    mean, fixed, shared = np.zeros(terms), np.zeros((terms, terms)), {}
    for name, prior in spec.parts.items():
        same = _same(design, name)
        centre, sd = prior.parameters
        mean = mean + centre * np.diag(same)
        if prior.pooling_sd is None:
            fixed = fixed + np.where(same > 0, sd**2, 0.0)
        else:
            shared[name] = sd**2 * same
    return _in_units(TermPrior(mean, fixed, shared), design)


def _in_units(prior: TermPrior, design: xr.Dataset) -> TermPrior:
    """The prior of beta that one of standardised coefficients implies; a flat one stays as it is."""
    if "standardised" not in design or np.isinf(prior.fixed).any():
        return prior
    units = np.linalg.inv(design["standardised"].transpose("standard", "term").values)
    shared = {name: units @ same @ units.T for name, same in prior.shared.items()}
    return TermPrior(units @ prior.mean, units @ prior.fixed @ units.T, shared)


def _same(design: xr.Dataset, part: str) -> np.ndarray:
    """1 where two terms share a part's effect, 0 elsewhere (p, p)."""
    slope = is_small_study(design)
    if part in ("terms", "slope"):
        return np.diag(np.where(slope == (part == "slope"), 1.0, 0.0))
    columns = part.split(":")
    known = [str(name).removeprefix("term_") for name in design["term"].coords if str(name).startswith("term_")]
    if unknown := [name for name in columns if name not in known]:
        raise BadInput(
            f"the prior's part '{part}' names {unknown}, but the terms are coded by: {', '.join(known) or 'no factor'}"
        )
    if blank := [name for name in columns if (design[f"term_{name}"].values[~slope] == "").any()]:
        raise BadInput(
            f"the prior's part '{part}' wants every term to have a level of {blank}; code them as cell means"
        )
    levels = np.stack([design[f"term_{name}"].values for name in columns])
    same = (levels[:, :, None] == levels[:, None, :]).all(0)
    return (same & ~slope & ~slope[:, None]).astype(float)


def tau_log_prior(prior: Prior, tau: np.ndarray) -> np.ndarray:
    """Normalised log density of a prior on (0, inf), parametrised as in PyMC (`model.TAU_PRIORS`); 0 for Flat."""
    scale = prior.parameters[-1] if prior.parameters else 1.0
    match prior.family:
        case "HalfNormal":
            return 0.5 * np.log(2 / np.pi) - np.log(scale) - 0.5 * (tau / scale) ** 2
        case "HalfCauchy":
            return np.log(2 / np.pi) - np.log(scale) - np.log1p((tau / scale) ** 2)
        case "Exponential":
            return -np.log(scale) - tau / scale
        case "InvGamma":
            shape = prior.parameters[0]
            return shape * np.log(scale) - math.lgamma(shape) - (shape + 1) * np.log(tau) - scale / tau
        case "Gamma":
            shape, rate = prior.parameters
            return shape * np.log(rate) - math.lgamma(shape) + (shape - 1) * np.log(tau) - rate * tau
        case "Flat":
            return np.zeros_like(tau)
    raise ValueError(f"no density on (0, inf) for {prior}")


def tau_prior_quantile(prior: Prior, p: np.ndarray) -> np.ndarray:
    """Quantiles of a prior on (0, inf), in the same parametrisation."""
    first, last = prior.parameters[0], prior.parameters[-1]
    distributions = {
        "HalfNormal": stats.halfnorm(scale=last),
        "HalfCauchy": stats.halfcauchy(scale=last),
        "Exponential": stats.expon(scale=last),
        "Gamma": stats.gamma(first, scale=1 / last),
        "InvGamma": stats.invgamma(first, scale=last),
    }
    quantiles: np.ndarray = distributions[prior.family].ppf(p)
    return quantiles
