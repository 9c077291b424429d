r"""Publication weights that cannot grow with the p-value: sums of the shares of a Dirichlet.

    omega_j = s_j + ... + s_J,    s ~ Dirichlet(alpha_1, ..., alpha_J),    omega_1 = 1

over the steps j, the most significant first. The ratios of successive weights are independent, so
that a density of all weights is a product of these:

    omega_{j+1} / omega_j ~ Beta(alpha_{j+1} + ... + alpha_J, alpha_j)
    omega_j ~ Beta(alpha_j + ... + alpha_J, alpha_1 + ... + alpha_{j-1})

Source: Maier, Bartoš & Wagenmakers 2023, doi 10.1037/met0000405; the order of alpha is that of
`prior_weightfunction` in the R package BayesTools.
"""

from typing import Any

import numpy as np
from scipy import stats

SMALLEST = np.finfo(float).tiny


def weights_above(weights: np.ndarray) -> np.ndarray:
    """Return the next more significant weight of every weight (..., J - 1); 1 for the first."""
    return np.concatenate([np.ones_like(weights[..., :1]), weights[..., :-1]], -1)


class CumulativeDirichlet:
    """Distribution of the weights omega_2, ..., omega_J of a stratum, and of several strata."""

    def __init__(self, *alpha: float) -> None:
        below = np.cumsum(alpha[::-1])[::-1]  # alpha_j + ... + alpha_J
        self.shapes = (below[1:], np.array(alpha[:-1]))  # a, b of the ratios (J - 1,)
        self.ratios = stats.beta(*self.shapes)
        self.marginals = stats.beta(below[1:], below[0] - below[1:])
        self.size = len(alpha) - 1

    def logpdf(self, x: np.ndarray) -> np.ndarray:
        """Return the log density of weights (..., weights), of each given the one above it."""
        weights = np.maximum(x.reshape(*x.shape[:-1], -1, self.size), SMALLEST)
        above = weights_above(weights)
        density = self.ratios.logpdf(weights / above) - np.log(above)
        return np.asarray(density).reshape(x.shape)

    def rvs(self, size: tuple[int, ...], random_state: Any = None) -> np.ndarray:
        """Draw weights (..., weights), stratum after stratum."""
        of_strata = (*size[:-1], size[-1] // self.size, self.size)
        ratios = self.ratios.rvs(of_strata, random_state=random_state)
        return np.cumprod(ratios, -1).reshape(size)

    def mean(self) -> np.ndarray:
        """Return the mean of every weight (J - 1,)."""
        return np.asarray(self.marginals.mean())

    def std(self) -> np.ndarray:
        """Return the standard deviation of every weight (J - 1,)."""
        return np.asarray(self.marginals.std())

    def cdf(self, x: float) -> np.ndarray:
        """Return P(weight < x) of every weight (J - 1,)."""
        return np.asarray(self.marginals.cdf(x))
