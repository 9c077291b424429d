"""An approximation of any density that is nearly round, and draws from it by importance.

The approximation is a multivariate t around the mode, with the curvature there, and then with mean
and covariance of weighted draws of it. The last draws are resampled by their Pareto-smoothed
weights, whose tail shape k says whether this can be trusted. Derivatives are numerical.

Source: Vehtari et al. 2024, JMLR 25(72), Pareto smoothed importance sampling.
"""

from abc import ABC, abstractmethod
from typing import Any, NamedTuple, Protocol

import numpy as np
from scipy.optimize import minimize
from scipy.special import chdtri, ndtri, softmax
from scipy.stats import multivariate_t

from bayesmeta.inference.conventions import MAX_K_HAT
from bayesmeta.inference.quadrature.draws import spread_points
from bayesmeta.inference.quadrature.weighting import Resampled, resample, smoothed_weights
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.likelihood.choice import SAMPLE

DF = 7  # degrees of freedom of the approximation, whose tails must not be lighter
ROUND = 500  # draws that improve the approximation once
MAX_ROUNDS = 8
GOOD = 0.4  # effective share of weighted draws at which it is good enough
TRIES = 3  # of the last draws; each is wider than the one before
WIDER = 1.5
CANDIDATES = 2000  # at least; of 1,000 the means of taus were off by .04 of their sds
STEP = 1e-3  # of numerical derivatives, in units of the coordinates
TOLERANCE = 0.01  # of the slope at the mode; the approximation is improved afterwards
NO_CURVATURE = "the posterior has no finite curvature at its mode for an approximation"
LOWEST_CURVATURE = 1e-2  # of an approximation whose prior has sds near 1 in these coordinates


class HasLogDensity(Protocol):
    """A posterior at draws."""

    @property
    def log_density(self) -> np.ndarray:
        """Return the log posterior density, without its constant (draws,)."""


class Density[At: HasLogDensity](ABC):
    """A posterior density as a function of coordinates, in which it is nearly round."""

    start: np.ndarray  # coordinates (size,)

    @abstractmethod
    def at(self, z: np.ndarray) -> At:
        """Evaluate at coordinates (draws, size)."""

    def gradient(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the log density at points (n, size) and its numerical gradients (n, size)."""
        steps = STEP * np.eye(z.shape[1])
        around = np.concatenate([np.zeros((1, z.shape[1])), steps, -steps])
        points = (z[:, None] + around).reshape(-1, z.shape[1])
        density = self.at(points).log_density.reshape(len(z), -1)
        above, below = np.split(density[:, 1:], 2, axis=1)
        with np.errstate(invalid="ignore"):  # where there is no density, climbing ends
            return density[:, 0], (above - below) / (2 * STEP)


class Weighted[At](NamedTuple):
    """Candidates of a posterior, and those that are kept."""

    z: np.ndarray  # (candidates, size)
    log_ratio: np.ndarray  # of posterior and approximation (candidates,)
    evaluated: At
    kept: Resampled


def draw_by_weight[At: HasLogDensity](
    density: Density[At],
    mean: np.ndarray,
    covariance: np.ndarray,
    count: int,
    rng: np.random.Generator,
    *,
    candidates: int = CANDIDATES,
) -> Weighted[At]:
    """Draw candidates from a wider approximation until their weights can be trusted."""
    for _ in range(TRIES):
        z, log_ratio, evaluated = weigh(density, mean, covariance, max(count, candidates), rng)
        kept = resample(log_ratio, rng, count)
        if kept.k_hat <= MAX_K_HAT:
            break
        mean, covariance = moments(z, log_ratio)
        covariance *= WIDER
    return Weighted(z, log_ratio, evaluated, kept)


def curvature(density: Density[Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return the mode (size,) and the inverse of minus the curvature there (size, size).

    Raise BadInput if the curvature is not finite.
    """
    mode = climb(density, density.start)
    steps = STEP * np.eye(len(mode))
    slopes = density.gradient(np.concatenate([mode + steps, mode - steps]))[1]
    above, below = np.split(slopes, 2)
    precision = (below - above) / (2 * STEP)
    if not np.isfinite(precision).all():
        raise BadInput(f"{NO_CURVATURE}; {SAMPLE}")
    values, vectors = np.linalg.eigh((precision + precision.T) / 2)
    return mode, (vectors / np.maximum(values, LOWEST_CURVATURE)) @ vectors.T


def climb(
    density: Density[Any], start: np.ndarray, covariance: np.ndarray | None = None
) -> np.ndarray:
    """Return the mode (size,) from a start, which a guess of the covariance makes quicker."""

    def evaluate(z: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = density.gradient(z[None])
        return -float(value[0]), -slope[0]

    options: dict[str, Any] = {"gtol": TOLERANCE, "hess_inv0": covariance}
    return np.asarray(minimize(evaluate, start, jac=True, method="BFGS", options=options).x)


def adapt(
    density: Density[Any], mean: np.ndarray, covariance: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and covariance of weighted draws, round after round."""
    z = np.empty((0, len(mean)))
    log_ratio = np.empty(0)
    for _ in range(MAX_ROUNDS):
        more, ratios, _ = weigh(density, mean, covariance, ROUND, rng)
        share = 1 / (softmax(ratios) ** 2).sum() / ROUND
        z = np.concatenate([z, more])
        log_ratio = np.concatenate([log_ratio, ratios])
        mean, covariance = moments(z, log_ratio)
        if share > GOOD:
            break
    return mean, covariance


def moments(z: np.ndarray, log_ratio: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and covariance of draws (n, size) with log weights (n,)."""
    weight, _ = smoothed_weights(log_ratio)
    covariance = np.cov(z.T, aweights=weight).reshape(z.shape[1], -1)
    covariance += 1e-6 * np.eye(z.shape[1])  # however few draws have a weight
    return weight @ z, (covariance + covariance.T) / 2


def weigh[At: HasLogDensity](
    density: Density[At],
    mean: np.ndarray,
    covariance: np.ndarray,
    count: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, At]:
    """Draw from the approximation: z (count, size), log ratios (count,), and the posterior."""
    scale = covariance * (DF - 2) / DF
    points = spread_points(count, len(mean) + 1, rng)
    normal = ndtri(points[:, 1:]) @ np.linalg.cholesky(scale).T
    z = mean + normal / np.sqrt(chdtri(DF, points[:, :1]) / DF)
    evaluated = density.at(z)
    log_density = multivariate_t(mean, scale, df=DF).logpdf(z)
    return z, evaluated.log_density - np.atleast_1d(log_density), evaluated


def dealt(values: np.ndarray, chains: int) -> np.ndarray:
    """Return draws (draws, ...) as (chain, draw, ...)."""
    return values.reshape(chains, -1, *values.shape[1:])
