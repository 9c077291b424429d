"""A guess at the posterior, where draws start."""

from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from bayesmeta.model.likelihood.arguments import weight_labels
from bayesmeta.model.likelihood.rough_fit import rough_fit
from bayesmeta.model.priors import TermPrior, pooling_sd_name, term_prior
from bayesmeta.model.priors.limits import Squeeze
from bayesmeta.model.spec import ModelSpec

HIGHEST_P = 0.99  # prior probability below a tau at the start
START_NU = 10.0
START_RHO = 0.5
START_ATTEMPTS = 2.0
START_POOLING_SD = 0.3  # a small heterogeneity of Hedges' g; a guess that only affects the speed


class Start(NamedTuple):
    """A guess at the posterior."""

    tau: np.ndarray  # in the order of `tau_labels` (taus,)
    beta: np.ndarray  # mean of its Gaussian conditional at these taus (p,)
    precision: np.ndarray  # X'V^-1 X (p, p) at these taus: information of the data alone
    xt_vinv_y: np.ndarray  # X'V^-1 y (p,) at these taus, likewise without the prior


def guess_start(design: xr.Dataset, spec: ModelSpec) -> Start:
    """Return taus from the raw residuals, and the conditional of beta at these taus."""
    tau, precision, xt_vinv_y = rough_fit(design, spec)
    prior = term_prior(design, spec)
    covariance = prior.covariance(dict.fromkeys(prior.pooled, START_POOLING_SD))
    score = xt_vinv_y - precision @ prior.mean
    inner = np.eye(len(score)) + precision @ covariance
    beta = prior.mean + covariance @ np.linalg.solve(inner, score)
    return Start(tau, beta, precision, xt_vinv_y)


def initial_values(start: Start, design: xr.Dataset, spec: ModelSpec) -> dict[str, Any]:
    """Return the values from which the free variables start, by name."""
    prior = term_prior(design, spec)
    sds = dict.fromkeys(map(pooling_sd_name, prior.sds), START_POOLING_SD)
    weights = _weights(len(weight_labels(design, spec)), spec)
    numbers = {"nu": START_NU, "rho": START_RHO, "attempts": START_ATTEMPTS}
    auxiliary = {**numbers, "weights": weights}
    estimated = {key: auxiliary[key] for key in spec.auxiliary_parameters}
    squeeze = squeeze_of(prior, start)
    beta = start.beta if squeeze is None else squeeze.inside(start.beta)
    return {"beta": beta, "tau": _within_prior(start.tau, spec), **sds, **estimated}


def _weights(count: int, spec: ModelSpec) -> np.ndarray:
    """Return weights (count,) inside the prior: 1, or less where they fall from 1."""
    prior = spec.priors.get("weights")
    if prior is None or not prior.falling:
        return np.ones(count)
    return np.tile(prior.distribution.mean(), count // prior.falling)


def squeeze_of(prior: TermPrior, start: Start) -> Squeeze | None:
    """Return the coordinates of terms with limits, None of terms without any."""
    if prior.limits is None:
        return None
    covariance = prior.covariance(dict.fromkeys(prior.pooled, 1.0))
    inner = np.eye(len(covariance)) + covariance @ start.precision
    return Squeeze.of(prior.limits, np.linalg.solve(inner, covariance))


def _within_prior(tau: np.ndarray, spec: ModelSpec) -> np.ndarray:
    """Return taus that are not far out in their priors, where densities have no slope to climb."""
    highest = [float(spec.tau_prior(level).distribution.ppf(HIGHEST_P)) for level in spec.levels]
    return np.minimum(tau, np.tile(highest, len(tau) // len(highest)))
