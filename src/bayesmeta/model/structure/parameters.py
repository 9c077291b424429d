"""Parameters of a dependence structure, and the coordinates in which they are integrated.

A parameter with the prior distribution F has the coordinate z = Phi^-1(F(value)), whose prior is
standard normal: where the data say nothing about a parameter, the posterior of z is that prior.
For REML, which has no prior, the coordinate is a log of a tau, a log odds of a correlation.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.special import expit, logit, ndtr, ndtri

WIDEST = 8.0  # of z, beyond which 1 - Phi has no digits
Values = Mapping[str, np.ndarray]  # by name of a parameter (draws,)


class Parameter(NamedTuple):
    """A standard deviation, a correlation or a slope."""

    name: str
    prior: Any  # frozen SciPy distribution
    support: tuple[float, float]
    start: float  # for REML

    def value(self, z: np.ndarray) -> np.ndarray:
        """Return the parameter at coordinates z (draws,)."""
        z = np.clip(z, -WIDEST, WIDEST)
        return np.where(z < 0, self.prior.ppf(ndtr(z)), self.prior.isf(ndtr(-z)))

    def coordinate(self, value: float) -> float:
        """Return z of a value."""
        low, high = self.prior.cdf(value), self.prior.sf(value)
        return float(np.clip(ndtri(low) if low < high else -ndtri(high), -WIDEST, WIDEST))

    def unbounded(self, value: float) -> float:
        """Return the coordinate for REML."""
        low, high = self.support
        if np.isinf(low):
            return value
        return float(np.log(value) if np.isinf(high) else logit((value - low) / (high - low)))

    def bounded(self, x: np.ndarray) -> np.ndarray:
        """Return the parameter at coordinates for REML (draws,)."""
        low, high = self.support
        if np.isinf(low):
            return x
        return np.exp(x) if np.isinf(high) else low + (high - low) * expit(x)


def values_at(parameters: Sequence[Parameter], z: np.ndarray) -> dict[str, np.ndarray]:
    """Return the parameters by name (draws,) at coordinates z (draws, parameters)."""
    return {item.name: item.value(z[:, at]) for at, item in enumerate(parameters)}
