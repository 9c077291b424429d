"""Conditionals at many taus, from few: smooth functions between Chebyshev's points.

A large table has a narrow posterior of the taus, on which log-likelihood, mean and covariance of
beta are nearly polynomials, and every evaluation takes long.
"""

from collections.abc import Callable

import numpy as np
from numpy.polynomial.chebyshev import chebpts1
from scipy.interpolate import BarycentricInterpolator

from bayesmeta.inference.quadrature.conditional import Conditional

POINTS = {1: 17, 2: 13, 3: 9}  # per axis, by the number of axes
SAVES = 8  # times fewer evaluations, at least
CHECKED = 16  # candidates at which the polynomials are compared with the functions
FAR = 20.0  # log density below the highest at which no draw is taken
TOLERANCE = 1e-6  # of log-likelihood, and of mean and covariance relative to the sds of beta

Evaluate = Callable[[np.ndarray], Conditional]


def interpolated(evaluate: Evaluate, x: np.ndarray) -> Conditional | None:
    """Return conditionals at x (n, axes), or None where polynomials are not exact enough.

    `evaluate` gives the conditionals at any x.
    """
    low = x.min(0)
    high = x.max(0)
    axes = x.shape[1]
    if not (low < high).all() or len(x) <= SAVES * POINTS[axes] ** axes:
        return None
    points = (low + high) / 2 + np.outer(chebpts1(POINTS[axes]), (high - low) / 2)
    grid = np.stack(np.meshgrid(*points.T, indexing="ij"), axis=-1).reshape(-1, axes)
    basis = [lagrange(points[:, axis], x[:, axis]) for axis in range(axes)]
    weights = basis[0]
    for more in basis[1:]:
        weights = (weights[:, :, None] * more[:, None]).reshape(len(x), -1)
    known = evaluate(grid)
    estimate = Conditional(*(values @ weights.T for values in known))
    return estimate if is_exact(evaluate, x, estimate) else None


def lagrange(points: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return the polynomials that are 1 at one of the points and 0 at the others, at x (n, m)."""
    return np.asarray(BarycentricInterpolator(points, np.eye(len(points)))(x))


def is_exact(evaluate: Evaluate, x: np.ndarray, estimate: Conditional) -> bool:
    """Return whether conditionals are right at some x that draws may come from."""
    near = np.flatnonzero(estimate.log_likelihood > estimate.log_likelihood.max() - FAR)
    chosen = near[np.linspace(0, len(near) - 1, CHECKED).astype(int)]
    true = evaluate(x[chosen])
    sd = np.sqrt(np.einsum("iin->in", true.covariance))
    errors = (
        estimate.log_likelihood[chosen] - true.log_likelihood,
        (estimate.mean[:, chosen] - true.mean) / sd,
        (estimate.covariance[..., chosen] - true.covariance) / (sd[:, None] * sd),
    )
    return all(bool((np.abs(error) < TOLERANCE).all()) for error in errors)
