"""The priors as densities: that of the terms is a normal distribution, given the pooling sds.

A part named `valence:phase` gives every pair of a valence and a phase an effect, shared by the
terms that agree in both; `terms` gives every term a separate effect. The parts add up: with S_c (p,
p) the indicator of the pairs of terms that share an effect of part c,

    beta ~ N(sum_c m_c, sum_c s_c^2 S_c),        s_c fixed, or a pooling sd with a prior

and a difference of terms that share a part does not depend on it: partial pooling without any
further parameter.

Where a moderator is a number this is the prior of gamma = U beta, the coefficients of the centred
and scaled moderators (`design.standardising`); beta = U^-1 gamma, in the units of the table, has
the normal distribution that follows.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.random import Generator

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import is_small_study
from bayesmeta.model.design.labels import level_coordinate
from bayesmeta.model.likelihood.arguments import tau_labels, weight_labels
from bayesmeta.model.spec import FLAT, FLAT_VARIANCE, ModelSpec, Prior, split_names

ByName = Mapping[str, np.ndarray]


class TermPrior(NamedTuple):
    """Prior of the terms."""

    mean: np.ndarray  # (p,)
    fixed: np.ndarray  # covariance of the parts with a fixed sd (p, p)
    pooled: dict[str, np.ndarray]  # by part with a pooling sd, its covariance at sd 1 (p, p)

    def covariance(self, pooling_sds: Mapping[str, Any]) -> Any:
        """Return the covariance (..., p, p) at pooling sds (..., 1, 1) by part."""
        total: Any = self.fixed
        for part, unit_covariance in self.pooled.items():
            total = total + pooling_sds[part] ** 2 * unit_covariance
        return total


def pooling_sd_name(part: str) -> str:
    """Return the name of a part's pooling sd among the draws: `sd_organism_valence_phase`."""
    return f"sd_{part.replace(':', '_')}"


def term_prior(design: xr.Dataset, spec: ModelSpec) -> TermPrior:
    """Return the prior of the terms; raise BadInput if they lack a column that a part names."""
    terms = design.sizes["term"]
    mean = np.zeros(terms)
    fixed = np.zeros((terms, terms))
    pooled = {}
    for name, prior in spec.parts.items():
        shared = _shared_terms(design, name)
        centre, sd = prior.parameters
        mean = mean + centre * np.diag(shared)
        if prior.pooling_sd is None:
            fixed = fixed + np.where(shared > 0, sd**2, 0.0)
        else:
            pooled[name] = sd**2 * shared
    return _in_table_units(TermPrior(mean, fixed, pooled), design)


def _in_table_units(prior: TermPrior, design: xr.Dataset) -> TermPrior:
    """Return the prior of beta from that of the standardised coefficients; flat stays flat."""
    if "standardised" not in design or np.isinf(prior.fixed).any():
        return prior
    units = np.linalg.inv(design["standardised"].transpose("standard", "term").values)
    pooled = {part: units @ covariance @ units.T for part, covariance in prior.pooled.items()}
    return TermPrior(units @ prior.mean, units @ prior.fixed @ units.T, pooled)


def _shared_terms(design: xr.Dataset, part: str) -> np.ndarray:
    """Return S of a part: 1 where two terms share its effect, 0 elsewhere (p, p)."""
    slope = is_small_study(design)
    if part in ("terms", "slope"):
        return np.diag(np.where(slope == (part == "slope"), 1.0, 0.0))
    columns = split_names(part)
    coordinates = list(map(str, design["term"].coords))
    factors = [name.removeprefix("term_") for name in coordinates if name.startswith("term_")]
    if unknown := [name for name in columns if level_coordinate(name) not in coordinates]:
        coded = f"the terms are coded by: {', '.join(factors) or 'no factor'}"
        raise BadInput(f"the prior's part '{part}' names {unknown}, but {coded}")
    levels = np.stack([design[level_coordinate(name)].values for name in columns])
    if blank := list(np.compress((levels[:, ~slope] == "").any(1), columns)):
        needs = f"a level of {list(map(str, blank))} in every term; code them as cell means"
        raise BadInput(f"the prior's part '{part}' needs {needs}")
    shared = (levels[:, :, None] == levels[:, None, :]).all(0)
    return (shared & ~slope & ~slope[:, None]).astype(float)


def log_density(prior: Prior, x: np.ndarray) -> np.ndarray:
    """Return the log density of a prior; a flat prior, of a tau or its square, has no integral."""
    if prior == FLAT:
        return np.zeros_like(x)
    if prior == FLAT_VARIANCE:
        return np.log(2 * x)
    return prior.distribution.logpdf(x)


def draw_prior(design: xr.Dataset, spec: ModelSpec, count: int, rng: Generator) -> ByName:
    """Draw from the prior, by name of a variable of the model.

    beta (count, p), tau (count, taus), weights (count, weights), other variables (count,).
    """
    labels = {"tau": tau_labels(design, spec), "weights": weight_labels(design, spec)}
    shapes = {name: (len(of_name),) for name, of_name in labels.items()}
    drawn = {}
    for name, of_name in positive_priors(spec).items():
        shape = (count, *shapes.get(name, ()))
        drawn[name] = of_name.distribution.rvs(shape, random_state=rng)
    prior = term_prior(design, spec)
    factor = np.linalg.cholesky(prior.covariance(_pooling_sds(spec, drawn)))
    normal = rng.standard_normal((count, len(prior.mean), 1))
    beta = prior.mean + (factor @ normal)[..., 0]
    return {"beta": beta, **drawn}


def log_prior(design: xr.Dataset, spec: ModelSpec, draws: ByName) -> ByName:
    """Return the log prior density of draws of `draw_prior`: of beta (draws,), else elementwise."""
    priors = positive_priors(spec).items()
    density = {name: log_density(prior, draws[name]) for name, prior in priors}
    prior = term_prior(design, spec)
    beta = draws["beta"]
    factor = np.linalg.cholesky(prior.covariance(_pooling_sds(spec, draws)))
    scaled = np.linalg.solve(factor, (beta - prior.mean)[..., None])[..., 0]
    log_pivots = np.log(np.diagonal(factor, axis1=-2, axis2=-1)).sum(-1)
    constant = 0.5 * beta.shape[1] * np.log(2 * np.pi)
    return {"beta": -0.5 * (scaled**2).sum(-1) - log_pivots - constant, **density}


def positive_priors(spec: ModelSpec) -> dict[str, Prior]:
    """Return the priors of all variables but beta, by the name of the variable."""
    pooled = {pooling_sd_name(part): prior for part, prior in spec.pooling_sds.items()}
    auxiliary = {name: spec.priors[name] for name in spec.auxiliary_parameters}
    return {"tau": spec.priors["tau"], **pooled, **auxiliary}


def _pooling_sds(spec: ModelSpec, draws: ByName) -> ByName:
    return {part: draws[pooling_sd_name(part)][:, None, None] for part in spec.pooling_sds}
