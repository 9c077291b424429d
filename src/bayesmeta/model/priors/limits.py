r"""Limits of a prior: ranges of combinations c = R beta, outside of which it has no density.

Samplers move in all numbers. beta is then a smooth function of a vector b without limits,

    beta = b + G (g(R b) - R b),    R G = I,    |d beta / d b| = prod g'

in which g maps all numbers to the range of each combination, and is nearly the identity inside:

    above l       l + s log(1 + exp((c - l) / s))
    below u       u - s log(1 + exp((u - c) / s))
    between both  l + (u - l) / (1 + exp(-4 (c - (l + u) / 2) / (u - l)))
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from bayesmeta.model.spec.truncated import Truncated

ROUNDING = 1e-9  # of combinations that were moved to a limit


class Limits(NamedTuple):
    """Ranges of combinations of the terms."""

    rows: np.ndarray  # R (m, p)
    lower: np.ndarray  # (m,)
    upper: np.ndarray  # (m,)
    log_mass: float  # log probability of the ranges, under the prior without them

    @classmethod
    def of(cls, rows: np.ndarray, ranges: Sequence[Truncated]) -> Self:
        """Return the limits of combinations (m, p) with independent priors."""
        lower, upper = np.array([(x.lower, x.upper) for x in ranges]).T
        return cls(rows, lower, upper, float(np.log([x.mass for x in ranges]).sum()))

    def hold(self, beta: np.ndarray) -> np.ndarray:
        """Return whether terms (..., p) are inside the ranges (...)."""
        c = beta @ self.rows.T
        rounding = ROUNDING * (1 + np.abs(c))
        return ((c >= self.lower - rounding) & (c <= self.upper + rounding)).all(-1)


class Squeeze(NamedTuple):
    """The module's beta of b, on NumPy arrays (..., p) as on PyTensor vectors (p,)."""

    limits: Limits
    gain: np.ndarray  # G (p, m)
    scale: np.ndarray  # s (m,)

    @classmethod
    def of(cls, limits: Limits, covariance: np.ndarray) -> Self:
        """Return the change of coordinates for a guess of the covariance of beta (p, p)."""
        of_rows = limits.rows @ covariance @ limits.rows.T
        gain = covariance @ limits.rows.T @ np.linalg.inv(of_rows)
        return cls(limits, gain, np.sqrt(np.diag(of_rows)))

    def inside(self, b: Any, xp: Any = np) -> Any:
        """Return beta."""
        c = b @ self.limits.rows.T
        moved = [self._into(c[..., at], at, xp) - c[..., at] for at in range(len(self.scale))]
        return b + xp.stack(moved, -1) @ self.gain.T

    def outside(self, beta: Any, xp: Any = np) -> Any:
        """Return b, the inverse of `inside`."""
        c = beta @ self.limits.rows.T
        moved = [self._out_of(c[..., at], at, xp) - c[..., at] for at in range(len(self.scale))]
        return beta + xp.stack(moved, -1) @ self.gain.T

    def log_slope(self, b: Any, xp: Any = np) -> Any:
        """Return the log determinant of d beta / d b (...)."""
        c = b @ self.limits.rows.T
        total: Any = 0.0
        for at in range(len(self.scale)):
            x = self._relative(c[..., at], at)
            rising = -xp.logaddexp(0.0, -x)
            is_closed = np.isfinite(self.limits.lower[at]) and np.isfinite(self.limits.upper[at])
            total = total + rising + (np.log(4.0) - xp.logaddexp(0.0, x) if is_closed else 0.0)
        return total

    def _relative(self, c: Any, at: int) -> Any:
        """Return the argument of the exponential functions, which grows into the range."""
        lower, upper = self.limits.lower[at], self.limits.upper[at]
        if np.isfinite(lower) and np.isfinite(upper):
            return 4 * (c - (lower + upper) / 2) / (upper - lower)
        return (c - lower if np.isfinite(lower) else upper - c) / self.scale[at]

    def _into(self, c: Any, at: int, xp: Any) -> Any:
        lower, upper = self.limits.lower[at], self.limits.upper[at]
        x = self._relative(c, at)
        if np.isfinite(lower) and np.isfinite(upper):
            return lower + (upper - lower) * xp.exp(-xp.logaddexp(0.0, -x))
        step = self.scale[at] * xp.logaddexp(0.0, x)
        return lower + step if np.isfinite(lower) else upper - step

    def _out_of(self, c: Any, at: int, xp: Any) -> Any:
        lower, upper = self.limits.lower[at], self.limits.upper[at]
        if np.isfinite(lower) and np.isfinite(upper):
            share = (c - lower) / (upper - lower)
            return (lower + upper) / 2 + (upper - lower) / 4 * (xp.log(share) - xp.log1p(-share))
        step = (c - lower if np.isfinite(lower) else upper - c) / self.scale[at]
        x = self.scale[at] * (step + xp.log(-xp.expm1(-step)))
        return lower + x if np.isfinite(lower) else upper - x
