"""The priors of all parameters as densities, and draws from them."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from numpy.random import Generator

from bayesmeta.model.likelihood.arguments import tau_labels, weight_labels
from bayesmeta.model.priors.taus import draw_taus, log_density, log_density_of_taus
from bayesmeta.model.priors.terms import TermPrior, pooling_sd_name, term_prior
from bayesmeta.model.spec import ModelSpec, Prior

ByName = Mapping[str, np.ndarray]


def draw_prior(design: xr.Dataset, spec: ModelSpec, count: int, rng: Generator) -> ByName:
    """Draw from the prior, by name of a variable of the model.

    beta (count, p), tau (count, taus), weights (count, weights), other variables (count,).
    """
    prior = term_prior(design, spec)
    drawn = {"tau": draw_taus(spec, count, len(tau_labels(design, spec)), rng)}
    weights = len(weight_labels(design, spec))
    for name in spec.auxiliary_parameters:
        shape = (count, weights) if name == "weights" else (count,)
        drawn[name] = spec.priors[name].distribution.rvs(shape, random_state=rng)
    if prior.limits is None:
        return drawn | _draw_terms(prior, count, rng)
    kept: list[ByName] = []
    while sum(len(part["beta"]) for part in kept) < count:  # `LEAST_MASS` bounds the rounds
        some = _draw_terms(prior, count, rng)
        inside = prior.limits.hold(some["beta"])
        kept.append({name: values[inside] for name, values in some.items()})
    return drawn | {name: np.concatenate([x[name] for x in kept])[:count] for name in kept[0]}


def _draw_terms(prior: TermPrior, count: int, rng: Generator) -> dict[str, np.ndarray]:
    """Draw the pooling sds, and the terms as if they had no limits."""
    sds = {
        pooling_sd_name(part): of_sd.distribution.rvs(count, random_state=rng)
        for part, of_sd in prior.sds.items()
    }
    factor = np.linalg.cholesky(prior.covariance(_pooling_sds(prior, sds)))
    normal = rng.standard_normal((count, len(prior.mean), 1))
    return {"beta": prior.mean + (factor @ normal)[..., 0], **sds}


def log_prior(design: xr.Dataset, spec: ModelSpec, draws: ByName) -> ByName:
    """Return the log prior density of draws of `draw_prior`: of beta (draws,), else elementwise."""
    prior = term_prior(design, spec)
    tau = draws["tau"]
    by_stratum = tau.reshape(len(tau), -1, len(spec.levels))
    density = {"tau": log_density_of_taus(spec, by_stratum).reshape(tau.shape)}
    for name, of_name in other_priors(prior, spec).items():
        density[name] = log_density(of_name, draws[name])
    beta = draws["beta"]
    factor = np.linalg.cholesky(prior.covariance(_pooling_sds(prior, draws)))
    scaled = np.linalg.solve(factor, (beta - prior.mean)[..., None])[..., 0]
    log_pivots = np.log(np.diagonal(factor, axis1=-2, axis2=-1)).sum(-1)
    constant = 0.5 * beta.shape[1] * np.log(2 * np.pi)
    of_beta = -0.5 * (scaled**2).sum(-1) - log_pivots - constant
    if prior.limits is not None:
        of_beta = np.where(prior.limits.hold(beta), of_beta - prior.limits.log_mass, -np.inf)
    return {"beta": of_beta, **density}


def other_priors(prior: TermPrior, spec: ModelSpec) -> dict[str, Prior]:
    """Return the priors of all variables but beta and the taus, by the name of the variable."""
    pooled = {pooling_sd_name(part): of_sd for part, of_sd in prior.sds.items()}
    return {**pooled, **{name: spec.priors[name] for name in spec.auxiliary_parameters}}


def _pooling_sds(prior: TermPrior, draws: ByName) -> ByName:
    return {part: draws[pooling_sd_name(part)][:, None, None] for part in prior.sds}
