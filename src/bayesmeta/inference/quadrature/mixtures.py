"""Mixtures of normals, as of a combination of terms under a quadrature, and sums of these."""

from collections.abc import Sequence
from functools import reduce
from typing import NamedTuple, Self

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr

CELLS = 20.0  # per sd: the grid on which components are merged before a product; moves P by 3e-5


class Mixture(NamedTuple):
    """A mixture of normals: weight, centre, within (nodes,), the last being their sds."""

    weight: np.ndarray
    centre: np.ndarray
    within: np.ndarray

    @property
    def mean(self) -> float:
        """Return the mean."""
        return float((self.weight * self.centre).sum())

    @property
    def sd(self) -> float:
        """Return the standard deviation."""
        variances = self.within**2 + (self.centre - self.mean) ** 2
        return float(np.sqrt((self.weight * variances).sum()))

    def cdf(self, x: float) -> float:
        """Return P(value <= x)."""
        return float((self.weight * ndtr((x - self.centre) / self.within)).sum())

    def above(self, x: float) -> float:
        """Return P(value > x)."""
        return float((self.weight * ndtr((self.centre - x) / self.within)).sum())

    def quantile(self, p: float) -> float:
        """Return the value below which the share p lies, in (0, 1)."""
        low, high = self.mean - self.sd, self.mean + self.sd
        while self.cdf(low) > p:
            low -= high - low
        while self.cdf(high) < p:
            high += high - low
        return float(brentq(lambda x: self.cdf(x) - p, low, high, xtol=1e-12))

    def thinned(self) -> Self:
        """Merge components of about equal centre and sd; mean and variance stay exactly."""
        in_cells = np.column_stack([self.centre, self.within]) * (CELLS / self.sd)
        _, cell = np.unique(np.round(in_cells).astype(int), axis=0, return_inverse=True)
        moments = (1.0, self.centre, self.within**2 + self.centre**2)
        weight, first, second = (np.bincount(cell, self.weight * moment) for moment in moments)
        centre = first / weight
        return type(self)(weight, centre, np.sqrt(second / weight - centre**2))


def add_independent(parts: Sequence[Mixture]) -> Mixture:
    """Return the distribution of a sum of independent mixtures: all pairs of components."""

    def add(left: Mixture, right: Mixture) -> Mixture:
        a = left.thinned()
        b = right.thinned()
        variance = np.add.outer(a.within**2, b.within**2).ravel()
        weight = np.outer(a.weight, b.weight).ravel()
        return Mixture(weight, np.add.outer(a.centre, b.centre).ravel(), np.sqrt(variance))

    return reduce(add, parts)
