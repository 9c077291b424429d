"""The single-level random-effects model of published analyses, also without each effect in turn.

    y = X beta + d + e,   d ~ N(0, tau^2),   e ~ N(0, diag(v));   with W = diag(1 / (v + tau^2)):
    beta = (X'WX)^-1 X'Wy,   P = W - WX (X'WX)^-1 X'W

REML solves y'PPy = tr P by Fisher scoring, step (y'PPy - tr P) / tr PP, from Hedges' estimator.
Every trace is a p x p algebra on the sums Z'W^m Z (m = 1, 2, 3; Z = [X, y]), so that k refits are
three matrix products per step.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bayesmeta.infrastructure.errors import BadInput

Floats = NDArray[np.float64]
STEPS = 200
TOLERANCE = 1e-12  # of 1 + tau^2, far below what is shown
AT_ONCE = 4_000_000  # weights held in memory


class Single(NamedTuple):
    """Fits of a table or, with a leading axis, of many."""

    beta: Floats  # (p,)
    covariance: Floats  # (p, p)
    tau2: Floats
    qe: Floats  # Cochran's Q of the residuals, at tau^2 = 0


def fit_single(x: Floats, y: Floats, v: Floats) -> Single:
    """Fit the module's model by REML to x (k, p) of full rank, effects y and variances v (k,).

    Raise BadInput if there are no more effects than terms, or the fit does not converge. Source:
    Viechtbauer 2005, doi 10.3102/10769986030003261; metafor's `rma.uni(method = "REML")`.
    """
    return Single(*(part[0] for part in _fit(np.ones((1, len(y)), bool), x, y, v)))


def delete_each(x: Floats, y: Floats, v: Floats) -> Single:
    """Return `fit_single` without each effect (k, ...); nan without the only effect of a cell."""
    k, p = x.shape
    needed = np.square(np.linalg.qr(x)[0]).sum(axis=1) > 1 - 1e-9
    shapes = ((k, p), (k, p, p), (k,), (k,))
    fits = Single(*(np.full(shape, np.nan) for shape in shapes))
    rows = np.flatnonzero(~needed)
    for part in np.array_split(rows, -(-len(rows) * k // AT_ONCE) or 1):
        fitted = _fit(np.arange(k) != part[:, None], x, y, v)
        for into, values in zip(fits, fitted, strict=True):
            into[part] = values
    return fits


def _fit(keep: NDArray[np.bool_], x: Floats, y: Floats, v: Floats) -> Single:
    left = keep.sum(axis=1)
    p = x.shape[1]
    if len(left) and left.min() <= p:
        got = f"{left.min()} effects for {p} terms"
        raise BadInput(f"{got}; a fit of tau^2 needs more effects than terms")
    z = np.column_stack([x, y])
    products = (z[:, :, None] * z[:, None, :]).reshape(len(y), -1)

    def sums(weights: Floats) -> Floats:
        return (weights @ products).reshape(-1, p + 1, p + 1)

    tau2 = _hedges(sums(keep.astype(float)), keep, x, v)
    last = np.full(len(keep), np.inf)
    for _ in range(STEPS):
        step = _score_step(keep / (v + tau2[:, None]), sums)
        swings = (np.sign(step) * np.sign(last) < 0) & (np.abs(step) > np.abs(last) / 2)
        last = np.where(swings, step / 2, step)
        moved = np.abs(np.maximum(tau2 + last, 0) - tau2)
        tau2 = np.maximum(tau2 + last, 0)
        if (moved <= TOLERANCE * (1 + tau2)).all():
            break
    else:
        failed = f"REML of the single-level model did not converge in {STEPS} steps"
        raise BadInput(f"{failed}; are the vi plausible?")
    final = sums(keep / (v + tau2[:, None]))
    fixed = sums(keep / v)
    covariance = np.linalg.inv(final[:, :p, :p])
    return Single(_beta(final), covariance, tau2, _squares(fixed, _beta(fixed)))


def _score_step(w: Floats, sums: Callable[[Floats], Floats]) -> Floats:
    first, second, third = (sums(w**power) for power in (1, 2, 3))
    p = first.shape[1] - 1
    by_first = np.linalg.solve(first[:, :p, :p], second[:, :p, :p])
    cubes = np.linalg.solve(first[:, :p, :p], third[:, :p, :p])
    trace = w.sum(axis=1) - _trace(by_first)
    trace_of_square = np.square(w).sum(axis=1) - 2 * _trace(cubes) + _trace(by_first @ by_first)
    return (_squares(second, _beta(first)) - trace) / trace_of_square


def _trace(matrices: Floats) -> Floats:
    return np.trace(matrices, axis1=1, axis2=2)


def _hedges(unweighted: Floats, keep: NDArray[np.bool_], x: Floats, v: Floats) -> Floats:
    """Return max(0, (RSS - tr PV) / (k - p)) of ordinary least squares: metafor's method "HE"."""
    p = x.shape[1]
    inverse = np.linalg.inv(unweighted[:, :p, :p])
    products = np.einsum("bk,k,ki,kj->bij", keep, v, x, x, optimize=True)
    trace = keep @ v - np.einsum("bij,bji->b", inverse, products)
    return np.maximum((_squares(unweighted, _beta(unweighted)) - trace) / (keep.sum(axis=1) - p), 0)


def _beta(sums: Floats) -> Floats:
    return np.linalg.solve(sums[:, :-1, :-1], sums[:, :-1, -1:])[:, :, 0]


def _squares(sums: Floats, beta: Floats) -> Floats:
    """Return (y - X beta)' W^m (y - X beta) from Z'W^m Z."""
    combination = np.column_stack([-beta, np.ones(len(beta))])
    return np.einsum("bij,bi,bj->b", sums, combination, combination)
