r"""Moves of draws whose importance weights cannot be trusted, as of many parameters.

Every draw is the start of a Markov chain. With N(m, C) a normal approximation of the posterior and
e ~ N(0, C), a proposal is one that keeps the approximation as it is, for far moves, or every third
time a random walk, which also reaches tails that are heavier than normal ones:

    z' = m + sqrt(1 - b^2) (z - m) + b e,    z' = z + s e

All chains move together until no coordinate correlates with its start, and then as often again: the
tails follow later than the means.

Source: Cotter et al. 2013, doi 10.1214/13-STS421 (the first, preconditioned Crank-Nicolson).
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.random import Generator
from scipy.stats import multivariate_normal

from bayesmeta.inference.approximation import Density

FORGOTTEN = 0.1  # correlation with the start; that of independent chains is .02 for 4,000 draws
MOST_MOVES = 300  # until the start is forgotten
TWICE = 2
ACCEPTED = (0.2, 0.45)  # share of proposals, outside of which a step changes
CHANGE = 1.3  # factor of a step
LARGEST = (0.95, np.inf)  # steps


class Moved(NamedTuple):
    """Draws after their moves."""

    z: np.ndarray  # (draws, size)
    log_density: np.ndarray  # (draws,)
    correlation: float  # the largest of a coordinate with its start
    moves: int


def move(
    density: Density[Any], z: np.ndarray, mean: np.ndarray, covariance: np.ndarray, rng: Generator
) -> Moved:
    """Move draws z (draws, size) until they have forgotten their start."""
    normal = multivariate_normal(mean, covariance, allow_singular=True)
    factor = np.linalg.cholesky(covariance)
    start = z
    log_density = density.at(z).log_density
    steps = [0.5, 2.4 / np.sqrt(len(mean))]
    enough = 0
    for count in range(1, TWICE * MOST_MOVES + 1):
        walks = int(count % 3 == 0)
        size = steps[walks]
        noise = size * rng.standard_normal(z.shape) @ factor.T
        proposed = z + noise if walks else mean + np.sqrt(1 - size**2) * (z - mean) + noise
        at_proposed = density.at(proposed).log_density
        log_odds = at_proposed - log_density
        if not walks:
            log_odds += normal.logpdf(z) - normal.logpdf(proposed)
        taken = np.log(rng.random(len(z))) < log_odds
        z = np.where(taken[:, None], proposed, z)
        log_density = np.where(taken, at_proposed, log_density)
        pairs = zip(start.T, z.T, strict=True)
        correlation = max(abs(float(np.corrcoef(*pair)[0, 1])) for pair in pairs)
        if correlation < FORGOTTEN and not enough:
            enough = TWICE * count
        if count >= (enough or MOST_MOVES):
            break
        share = taken.mean()
        factor_of_step = CHANGE if share > ACCEPTED[1] else 1 / CHANGE if share < ACCEPTED[0] else 1
        steps[walks] = min(LARGEST[walks], size * factor_of_step)
    return Moved(z, log_density, correlation, count)
