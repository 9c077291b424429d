"""Mixtures of normals: what a linear combination of terms is under a quadrature, and sums of independent ones."""

from collections.abc import Sequence
from functools import reduce
from typing import NamedTuple, Self

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr

CELLS = 20.0  # per sd of the mixture: the grid on which components are merged before a product; moves P by 3e-5


class Mixture(NamedTuple):
    """A mixture of normals: weight, centre, within (nodes,), the last one their sds."""

    weight: np.ndarray
    centre: np.ndarray
    within: np.ndarray

    @property
    def mean(self) -> float:
        """Mean of the mixture."""
        return float((self.weight * self.centre).sum())

    @property
    def sd(self) -> float:
        """Standard deviation of the mixture."""
        return float(
            np.sqrt((self.weight * (self.within**2 + (self.centre - self.mean) ** 2)).sum())
        )

    def cdf(self, x: float) -> float:
        """P(value <= x)."""
        return float((self.weight * ndtr((x - self.centre) / self.within)).sum())

    def above(self, x: float) -> float:
        """P(value > x)."""
        return float((self.weight * ndtr((self.centre - x) / self.within)).sum())

    def quantile(self, p: float) -> float:
        """Value below which the share p lies, in (0, 1)."""
        low, high = self.mean - self.sd, self.mean + self.sd
        while self.cdf(low) > p:
            low -= high - low
        while self.cdf(high) < p:
            high += high - low
        return float(brentq(lambda x: self.cdf(x) - p, low, high, xtol=1e-12))

    def thinned(self) -> Self:
        """Fewer components: those with about the same centre and sd merged, mean and variance kept exactly."""
        cells = np.round(np.column_stack([self.centre, self.within]) * (CELLS / self.sd)).astype(
            int
        )
        _, cell = np.unique(cells, axis=0, return_inverse=True)
        weight, first, second = (
            np.bincount(cell, self.weight * moment)
            for moment in (1.0, self.centre, self.within**2 + self.centre**2)
        )
        centre = first / weight
        return type(self)(weight, centre, np.sqrt(second / weight - centre**2))


def add_independent(parts: Sequence[Mixture]) -> Mixture:
    """Distribution of a sum of independent mixtures: every component with every other."""

    def pair(one: Mixture, other: Mixture) -> Mixture:
        one, other = one.thinned(), other.thinned()
        return Mixture(
            np.outer(one.weight, other.weight).ravel(),
            np.add.outer(one.centre, other.centre).ravel(),
            np.sqrt(np.add.outer(one.within**2, other.within**2)).ravel(),
        )

    return reduce(pair, parts)
