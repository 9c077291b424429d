"""Moves of draws: a known skewed distribution from a wrong start."""

from typing import NamedTuple

import numpy as np
from scipy.special import digamma, polygamma

from bayesmeta.inference.approximation import Density
from bayesmeta.inference.structured.moves import FORGOTTEN, move

SHAPE = 2.0
SIZE = 12


class At(NamedTuple):
    """A density at draws."""

    log_density: np.ndarray


class LogGamma(Density[At]):
    """Logs of independent gamma variables: skewed to the left."""

    start = np.zeros(SIZE)

    def at(self, z: np.ndarray) -> At:
        """Evaluate at coordinates (draws, size)."""
        return At((SHAPE * z - np.exp(z)).sum(1))


def test_draws_reach_the_distribution_from_a_wrong_start() -> None:
    rng = np.random.default_rng(1)
    mean, sd = digamma(SHAPE), np.sqrt(polygamma(1, SHAPE))
    wrong = rng.normal(mean + 0.25 * sd, 0.8 * sd, (4000, SIZE))
    centre, covariance = np.full(SIZE, mean), sd**2 * np.eye(SIZE)
    moved = move(LogGamma(), wrong, centre, covariance, rng)
    assert moved.correlation < FORGOTTEN
    assert moved.moves < 200
    np.testing.assert_allclose(moved.z.mean(0), mean, atol=0.1 * sd)
    np.testing.assert_allclose(moved.z.std(0), sd, rtol=0.08)
    skewness = ((moved.z - mean) ** 3).mean() / sd**3
    exact = polygamma(2, SHAPE) / polygamma(1, SHAPE) ** 1.5
    assert abs(skewness - exact) < 0.35  # of the start: 0
    np.testing.assert_allclose(moved.log_density, LogGamma().at(moved.z).log_density)
