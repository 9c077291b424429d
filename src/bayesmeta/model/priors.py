r"""The priors as densities: that of the terms is one normal distribution, given the pooling sds that are estimated.

A part named `valence:phase` gives every pair of a valence and a phase one effect, shared by the terms that agree in
both; `terms` gives every term its own. The parts add up, so that with S_c (p, p) saying which terms share in part c

    beta ~ N(sum_c m_c, sum_c s_c^2 S_c),        s_c fixed, or a pooling sd with a prior

and a difference of terms that share a part is free of it: partial pooling without any further parameter.

Where a moderator is a number this is the prior of gamma = U beta, the coefficients of the centred and scaled moderators
(`design.standardising`), and beta = U^-1 gamma, in the units of the table, has the normal distribution that follows.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import is_small_study
from bayesmeta.model.likelihood.arguments import tau_labels, weight_labels
from bayesmeta.model.spec import FLAT, ModelSpec, Prior


class TermPrior(NamedTuple):
    """Mean (p,), the fixed part of the covariance (p, p), and by part with a pooling sd what multiplies its square."""

    mean: np.ndarray
    fixed: np.ndarray
    shared: dict[str, np.ndarray]

    def covariance(self, pooling_sds: Mapping[str, Any]) -> Any:
        """Return the covariance (..., p, p) at pooling sds (..., 1, 1) by part."""
        total: Any = self.fixed
        for name, same in self.shared.items():
            total = total + pooling_sds[name] ** 2 * same
        return total


def pooling_sd_name(part: str) -> str:
    """Return the name of a part's pooling sd among the draws: `sd_organism_valence_phase`."""
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
    known = [
        str(name).removeprefix("term_")
        for name in design["term"].coords
        if str(name).startswith("term_")
    ]
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


def log_density(prior: Prior, x: np.ndarray) -> np.ndarray:
    """Return the log density of a prior; 0 for a flat one, which has no integral."""
    if prior.family == FLAT.family:
        return np.zeros_like(x)
    density: np.ndarray = prior.distribution.logpdf(x)
    return density


def draw_prior(
    design: xr.Dataset, spec: ModelSpec, count: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Draw from the prior.

    Returns
    -------
    dict
        By name of a variable of the model, draws first: beta (count, p), tau (count, taus), the pooling sds (count,),
        the auxiliary parameters (count,), weights (count, weights).
    """
    shapes = {
        "tau": (len(tau_labels(design, spec)),),
        "weights": (len(weight_labels(design, spec)),),
    }
    drawn = {
        name: prior.distribution.rvs((count, *shapes.get(name, ())), random_state=rng)
        for name, prior in positive_priors(spec).items()
    }
    prior = term_prior(design, spec)
    factor = np.linalg.cholesky(prior.covariance(_by_part(spec, drawn)))
    beta = prior.mean + (factor @ rng.standard_normal((count, len(prior.mean), 1)))[..., 0]
    return {"beta": beta, **drawn}


def log_prior(
    design: xr.Dataset, spec: ModelSpec, draws: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Return the log prior density of draws, shaped as from `draw_prior`: of beta (draws,), of others by element."""
    density = {
        name: log_density(prior, draws[name]) for name, prior in positive_priors(spec).items()
    }
    prior, beta = term_prior(design, spec), draws["beta"]
    factor = np.linalg.cholesky(prior.covariance(_by_part(spec, draws)))
    scaled = np.linalg.solve(factor, (beta - prior.mean)[..., None])[..., 0]
    log_pivots = np.log(np.diagonal(factor, axis1=-2, axis2=-1)).sum(-1)
    constant = 0.5 * beta.shape[1] * np.log(2 * np.pi)
    return {"beta": -0.5 * (scaled**2).sum(-1) - log_pivots - constant, **density}


def positive_priors(spec: ModelSpec) -> dict[str, Prior]:
    """Return the priors of all variables but beta, by the name of the variable."""
    pooled = {pooling_sd_name(part): prior for part, prior in spec.pooling_sds.items()}
    others = {key: spec.priors[key] for key in spec.auxiliary_parameters}
    return {"tau": spec.priors["tau"], **pooled, **others}


def _by_part(spec: ModelSpec, draws: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return pooling sds by part, (draws, 1, 1)."""
    return {part: draws[pooling_sd_name(part)][:, None, None] for part in spec.pooling_sds}
