"""Mixtures of normals, as of a combination of terms under a quadrature, and sums of these."""

from collections.abc import Sequence
from functools import reduce
from typing import NamedTuple, Self

import numpy as np
from scipy.optimize import brentq
from scipy.special import logsumexp, ndtr
from scipy.stats import norm

from bayesmeta.inference.quadrature.normals import Moments, log_mass, truncated_moments

CELLS = 20.0  # per sd: the grid on which components are merged before a product; moves P by 3e-5
ROUNDING = 1e-9  # of a limit, in sds


class Mixture(NamedTuple):
    """A mixture of normals: weight, centre, within (nodes,), the last being their sds.

    With limits the components are normals given that they are in a range; centre and within are
    those without the limits.
    """

    weight: np.ndarray
    centre: np.ndarray
    within: np.ndarray
    lower: np.ndarray | float = -np.inf
    upper: np.ndarray | float = np.inf

    @property
    def is_limited(self) -> bool:
        """Return whether a component has a range."""
        return bool(np.any(np.isfinite(self.lower)) or np.any(np.isfinite(self.upper)))

    @property
    def means(self) -> np.ndarray:
        """Return the mean of every component (nodes,)."""
        return self.centre + self.within * self._standard().mean if self.is_limited else self.centre

    @property
    def mean(self) -> float:
        """Return the mean."""
        return float((self.weight * self.means).sum())

    @property
    def sd(self) -> float:
        """Return the standard deviation."""
        of_normal = self._standard().variance if self.is_limited else 1.0
        variances = self.within**2 * of_normal + (self.means - self.mean) ** 2
        return float(np.sqrt((self.weight * variances).sum()))

    def cdf(self, x: float) -> float:
        """Return P(value <= x)."""
        if self.is_limited:
            a, b = self._ends()
            to = np.clip((x - self.centre) / self.within, a, b)
            return float((self.weight * np.exp(log_mass(a, to) - log_mass(a, b))).sum())
        return float((self.weight * ndtr((x - self.centre) / self.within)).sum())

    def above(self, x: float) -> float:
        """Return P(value > x)."""
        if self.is_limited:
            a, b = self._ends()
            start = np.clip((x - self.centre) / self.within, a, b)
            return float((self.weight * np.exp(log_mass(start, b) - log_mass(a, b))).sum())
        return float((self.weight * ndtr((self.centre - x) / self.within)).sum())

    def log_density(self, x: float) -> float:
        """Return the log density at a value."""
        log_densities = norm.logpdf(x, self.centre, self.within)
        if self.is_limited:
            rounding = ROUNDING * self.within
            inside = (x >= self.lower - rounding) & (x <= self.upper + rounding)
            log_densities = np.where(inside, log_densities - log_mass(*self._ends()), -np.inf)
        return float(logsumexp(log_densities, b=self.weight))

    def _ends(self) -> tuple[np.ndarray, np.ndarray]:
        ends = ((end - self.centre) / self.within for end in (self.lower, self.upper))
        return tuple(ends)

    def _standard(self) -> Moments:
        return truncated_moments(*self._ends())

    def quantile(self, p: float) -> float:
        """Return the value below which the share p lies, in (0, 1)."""
        low, high = self.mean - self.sd, self.mean + self.sd
        while self.cdf(low) > p:
            low -= high - low
        while self.cdf(high) < p:
            high += high - low
        return float(brentq(lambda x: self.cdf(x) - p, low, high, xtol=1e-12))

    def thinned(self) -> Self:
        """Merge components of about equal centre and sd; mean and variance stay exactly.

        Raise ValueError if a component has a range.
        """
        if self.is_limited:
            raise ValueError("components with limits cannot be merged")
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
