"""A distribution cut at one or both ends, as of a one-sided prior."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from scipy.integrate import quad

Numbers = np.ndarray | float


@dataclass(frozen=True)
class Truncated:
    """A SciPy distribution given that its values are in a range, with the same methods."""

    untruncated: Any  # frozen SciPy distribution
    lower: float
    upper: float

    @property
    def mass(self) -> float:
        """Return the probability of the range under the untruncated distribution."""
        below = self.untruncated.cdf(self.upper) - self.untruncated.cdf(self.lower)
        above = self.untruncated.sf(self.lower) - self.untruncated.sf(self.upper)
        return float(min(below, above))  # the one that lost fewer digits is the smaller one

    def pdf(self, x: Numbers) -> Any:
        """Return the density."""
        return np.exp(self.logpdf(x))

    def logpdf(self, x: Numbers) -> Any:
        """Return the log density, -inf outside the range."""
        density = self.untruncated.logpdf(x) - np.log(self.mass)
        return np.where((x >= self.lower) & (x <= self.upper), density, -np.inf)

    def cdf(self, x: Numbers) -> Any:
        """Return P(value <= x)."""
        inside = np.clip(x, self.lower, self.upper)
        return (self.untruncated.cdf(inside) - self.untruncated.cdf(self.lower)) / self.mass

    def sf(self, x: Numbers) -> Any:
        """Return P(value > x)."""
        inside = np.clip(x, self.lower, self.upper)
        return (self.untruncated.sf(inside) - self.untruncated.sf(self.upper)) / self.mass

    def ppf(self, q: Numbers) -> Any:
        """Return the value below which the share q lies."""
        return self._at(self.untruncated.cdf(self.lower) + np.asarray(q) * self.mass, above=False)

    def isf(self, q: Numbers) -> Any:
        """Return the value above which the share q lies."""
        return self._at(self.untruncated.sf(self.upper) + np.asarray(q) * self.mass, above=True)

    def _at(self, share: np.ndarray, *, above: bool) -> Any:
        value = self.untruncated.isf(share) if above else self.untruncated.ppf(share)
        return np.clip(value, self.lower, self.upper)

    def median(self) -> float:
        """Return the median."""
        return float(self.ppf(0.5))

    def rvs(self, size: Any = None, random_state: Generator | None = None) -> Any:
        """Draw values."""
        rng = np.random.default_rng() if random_state is None else random_state
        from_above = self.lower > self.untruncated.median()  # where P(value <= x) has few digits
        return (self.isf if from_above else self.ppf)(rng.random(size))

    def moment(self, order: int) -> float:
        """Return E[x^order]; inf where the tail of the untruncated distribution has none."""
        unbounded = np.isinf(self.lower) or np.isinf(self.upper)
        if unbounded and not np.isfinite(self.untruncated.moment(order)):
            return np.inf
        middle = self.median()
        sides = ((self.lower, middle), (middle, self.upper))
        return float(sum(quad(lambda x: x**order * self.pdf(x), *side)[0] for side in sides))

    def mean(self) -> float:
        """Return the mean."""
        return self.moment(1)

    def var(self) -> float:
        """Return the variance."""
        return self.moment(2) - self.mean() ** 2

    def std(self) -> float:
        """Return the standard deviation."""
        return float(np.sqrt(self.var()))
