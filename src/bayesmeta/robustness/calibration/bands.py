"""Simultaneous bands of the empirical distribution function of uniform ranks.

Source: Säilynoja, Bürkner & Vehtari 2022, doi 10.1007/s11222-022-10090-6.
"""

from functools import cache

import numpy as np
from scipy.stats import binom

SIMULATIONS = 2000
SEED = 1


@cache
def band_of_ecdf(
    sets: int, points: int, probability: float = 0.95
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return z (points,) and the lower and upper bounds of the ECDF of uniform values at z.

    The ECDF of `sets` uniform values is within the bounds at all points at once with the
    probability.
    """
    z = np.arange(1, points + 1) / (points + 1)
    uniform = np.random.default_rng(SEED).random((SIMULATIONS, sets))
    below = (uniform[:, :, None] <= z).sum(1)
    tails = np.minimum(binom.cdf(below, sets, z), binom.sf(below - 1, sets, z))
    pointwise = np.quantile(2 * tails.min(1), 1 - probability)
    lower = binom.ppf(pointwise / 2, sets, z)
    upper = binom.ppf(1 - pointwise / 2, sets, z)
    return z, lower / sets, upper / sets
