"""The prior of the taus: independent, or of their total and how the levels share its square.

    T^2 = sum_l tau_l^2,    tau_l^2 = s_l T^2,    T ~ a prior on (0, inf),    s ~ Dirichlet(a)
    p(tau) = p(T) / (2 T) * Dirichlet(s; a) / T^(2 (L - 1)) * prod_l 2 tau_l

The last factors are the Jacobian of (T, s_1, ..., s_{L-1}) by (tau_1, ..., tau_L).
"""

import numpy as np
from numpy.random import Generator
from scipy.special import beta, gammaln

from bayesmeta.model.spec import FLAT, FLAT_VARIANCE, ModelSpec, Prior

SMALLEST = np.finfo(float).tiny


def log_density(prior: Prior, x: np.ndarray) -> np.ndarray:
    """Return the log density of a prior; a flat prior, of a tau or its square, has no integral."""
    if prior == FLAT:
        return np.zeros_like(x)
    if prior == FLAT_VARIANCE:
        return np.log(2 * x)
    return np.asarray(prior.distribution.logpdf(x))


def log_density_of_taus(spec: ModelSpec, tau: np.ndarray) -> np.ndarray:
    """Return log p(tau) of taus (..., levels), as parts (..., levels) that add up to it.

    That of a total tau is the part of the highest level.
    """
    if spec.has_equal_tau_priors:
        return log_density(spec.priors["tau"], tau)
    prior = spec.tau_prior(spec.levels[0])
    if not prior.allocation:
        by_level = enumerate(spec.levels)
        parts = [log_density(spec.tau_prior(level), tau[..., at]) for at, level in by_level]
        return np.stack(parts, -1)
    a = np.array(prior.allocation)
    log_tau = np.log(np.maximum(tau, SMALLEST))
    log_total = np.log(np.maximum(np.linalg.norm(tau, axis=-1), SMALLEST))
    log_shares = 2 * (log_tau - log_total[..., None])
    of_shares = gammaln(a.sum()) - gammaln(a).sum() + ((a - 1) * log_shares).sum(-1)
    jacobian = (np.log(2) + log_tau).sum(-1) - np.log(2) - (2 * len(a) - 1) * log_total
    joint = log_density(prior, np.exp(log_total)) + of_shares + jacobian
    none = np.zeros_like(joint)
    return np.stack([joint, *[none] * (len(a) - 1)], -1)


def draw_taus(spec: ModelSpec, count: int, taus: int, rng: Generator) -> np.ndarray:
    """Draw taus (count, taus) from their prior, stratum after stratum."""
    if spec.has_equal_tau_priors:
        return np.asarray(spec.priors["tau"].distribution.rvs((count, taus), random_state=rng))
    strata = taus // len(spec.levels)
    prior = spec.tau_prior(spec.levels[0])
    if prior.allocation:
        total = prior.distribution.rvs((count, strata, 1), random_state=rng)
        shares = rng.dirichlet(prior.allocation, (count, strata))
        return (total * np.sqrt(shares)).reshape(count, taus)
    drawn = [
        spec.tau_prior(level).distribution.rvs((count, strata), random_state=rng)
        for level in spec.levels
    ]
    return np.stack(drawn, -1).reshape(count, taus)


def prior_moments_of_tau(spec: ModelSpec, level: str) -> tuple[float, float]:
    """Return prior mean and variance of a level's tau; inf where there is none."""
    prior = spec.tau_prior(level)
    mean, second = float(prior.distribution.mean()), float(prior.distribution.moment(2))
    if not prior.allocation:
        return mean, float(prior.distribution.var())
    share = prior.allocation[spec.levels.index(level)]
    others = sum(prior.allocation) - share
    mean *= float(beta(share + 0.5, others) / beta(share, others))
    return mean, second * share / (share + others) - mean**2
