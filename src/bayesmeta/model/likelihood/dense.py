"""The same marginal likelihood where errors covary in any form within a study.

Effects of the same control measurement may be of different groups, so that the errors' covariance E
does not nest in the groups and the identity of `kernel` does not hold:

    V = E + tau_effect^2 I + tau_group^2 Z_g Z_g' + tau_study^2 1 1'

With W^-1 = E + tau_effect^2 I, F = [tau_group I, tau_study 1], so that V = W^-1 + Z_g F F' Z_g',
and G = W^(1/2) Z_g F:

    log|V| = -log|W| + log|I + G'G|,        V^-1 = W^(1/2)' (I - G (I + G'G)^-1 G') W^(1/2)

W^(1/2) comes from the eigenvectors of E, computed once, or where rho is estimated from a Cholesky
factor at every value: the cost grows with the square or the cube of a study's number of effects.
Axes for nodes or draws come first here.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from bayesmeta.model.likelihood.arguments import Taus
from bayesmeta.model.likelihood.arrays import Array, Scalar, namespace, with_node_axes
from bayesmeta.model.likelihood.buckets import Bucket
from bayesmeta.model.likelihood.draws import RandomEffects
from bayesmeta.model.likelihood.nesting import Nesting

MIN_RECIPROCAL_CONDITION = 1e-13  # ratio of extreme eigenvalues at which a factor has no digits

Linear = Callable[[Array], Array]


class Factored(NamedTuple):
    """V of a bucket of n studies."""

    G: Array  # (..., n, size, groups + 1)
    inner: Array  # lower Cholesky factor of I + G'G
    log_det: Array  # log|V| (..., n)
    whiten: Linear  # W^(1/2), applied to columns (..., n, size, q)
    back: Linear  # the transpose of W^(1/2), also applied to columns


def dense_products(
    z: Array, buckets: list[Bucket], taus: Taus, rho: Scalar, nesting: Nesting
) -> tuple[Array, Array]:
    """Return log|V_s| (studies, ...) and z'V_s^-1 z (studies, q, q, ...), 0 outside the buckets.

    z is (k, q) or (k, q, ...); `taus` and `rho` are as for `marginal` and `error_sums`.
    """
    taus = Taus(*(with_node_axes(tau, max(taus, key=np.ndim)) for tau in taus))
    by_bucket = [_products(z, bucket, taus, rho) for bucket in buckets]
    xp = namespace(*by_bucket[0])
    study = np.concatenate([bucket.study for bucket in buckets])
    place = np.full(nesting.studies, len(study))  # the last place holds the 0 of other studies
    place[study] = np.arange(len(study))
    joined = (xp.concatenate(parts) for parts in zip(*by_bucket, strict=True))
    log_det, products = (xp.concatenate([x, xp.zeros_like(x[:1])])[place] for x in joined)
    return log_det, products


def _products(z: Array, bucket: Bucket, taus: Taus, rho: Scalar) -> tuple[Array, Array]:
    v = _factor(bucket, taus, rho)
    xp = namespace(v.log_det, z)
    white = v.whiten(_nodes_first(z[bucket.effects], 3))
    solved = xp.linalg.solve(v.inner, v.G.swapaxes(-1, -2) @ white)
    products = white.swapaxes(-1, -2) @ white - solved.swapaxes(-1, -2) @ solved
    log_det = xp.broadcast_to(v.log_det, products.shape[:-2])
    return _nodes_last(log_det, 1), _nodes_last(products, 3)


def _nodes_first(x: Array, axes: int) -> Array:
    return namespace(x).moveaxis(x, range(axes, x.ndim), range(x.ndim - axes))


def _nodes_last(x: Array, axes: int) -> Array:
    return namespace(x).moveaxis(x, range(x.ndim - axes, x.ndim), range(axes))


def draw_dense_effects(
    rng: Generator, r: np.ndarray, buckets: list[Bucket], taus: Taus, rho: Scalar, nesting: Nesting
) -> RandomEffects:
    """Draw the random effects of buckets jointly, given residuals r (k, draws): Matheron's rule."""
    k, draws = r.shape
    u = taus.study * rng.standard_normal((nesting.studies, draws))
    w = taus.group * rng.standard_normal((nesting.groups, draws))
    d = taus.effect * rng.standard_normal((k, draws))
    total = u[nesting.study_of_effect] + w[nesting.group_of_effect] + d
    gap = r - total - draw_dense_errors(rng, buckets, rho, r.shape)
    solved = np.zeros_like(r)
    for bucket in buckets:
        columns = gap[bucket.effects].transpose(2, 0, 1)[..., None]
        in_bucket = _solve(_factor(bucket, taus, rho), columns)
        solved[bucket.effects] = in_bucket[..., 0].transpose(1, 2, 0)
    by_group = nesting.levels[0].sum(solved)
    u = u + np.square(taus.study) * nesting.levels[1].sum(by_group)
    w = w + np.square(taus.group) * by_group
    return RandomEffects(u, w, d + np.square(taus.effect) * solved)


def _solve(v: Factored, columns: np.ndarray) -> np.ndarray:
    """Return V^-1 times columns (draws, n, size, 1)."""
    white = v.whiten(columns)
    inner = v.inner @ v.inner.swapaxes(-1, -2)
    return v.back(white - v.G @ np.linalg.solve(inner, v.G.swapaxes(-1, -2) @ white))


def dense_row_sums(buckets: list[Bucket], taus: Taus, rho: float, k: int) -> np.ndarray:
    """Return the sums of the rows of V^-1 (k,), 0 of effects outside the buckets."""
    sums = np.zeros(k)
    for bucket in buckets:
        ones = np.ones((*bucket.effects.shape, 1))
        sums[bucket.effects] = _solve(_factor(bucket, taus, rho), ones)[..., 0]
    return sums


def draw_dense_errors(
    rng: Generator, buckets: list[Bucket], rho: Scalar, shape: tuple[int, int]
) -> np.ndarray:
    """Draw sampling errors e ~ N(0, E) of the studies in buckets (k, draws), 0 of others."""
    normal = rng.standard_normal(shape)
    errors = np.zeros(shape)
    for bucket in buckets:
        factor = np.linalg.cholesky(_errors(bucket, rho))
        drawn = factor @ normal[bucket.effects].transpose(2, 0, 1)[..., None]
        errors[bucket.effects] = drawn[..., 0].transpose(1, 2, 0)
    return errors


def _errors(bucket: Bucket, rho: Scalar) -> Array:
    return bucket.fixed + (rho if np.ndim(rho) == 0 else rho.reshape(-1, 1, 1, 1)) * bucket.rising


def _factor(bucket: Bucket, taus: Taus, rho: Scalar) -> Factored:
    tau_study = _of_units(taus.study, bucket.study[:, None, None])
    tau_group = _of_units(taus.group, bucket.group[:, None, :])
    tau_effect = _of_units(taus.effect, bucket.effects[:, :1])  # constant within a study
    xp = namespace(tau_study, tau_group, tau_effect, rho)
    log_det, whiten, back = _whitening(bucket, tau_effect**2, rho)
    white_members = whiten(xp.asarray(bucket.members))
    by_group = white_members * tau_group
    by_study = white_members.sum(-1, keepdims=True) * tau_study
    shape = np.broadcast_shapes(by_group.shape[:-1], by_study.shape[:-1])
    parts = [xp.broadcast_to(part, (*shape, part.shape[-1])) for part in (by_group, by_study)]
    G = xp.concatenate(parts, -1)
    inner = _cholesky(np.eye(G.shape[-1]) + G.swapaxes(-1, -2) @ G)
    pivots = xp.log(xp.diagonal(inner, axis1=-2, axis2=-1)).sum(-1)
    return Factored(G, inner, log_det + 2 * pivots, whiten, back)


def _whitening(bucket: Bucket, variance: Array, rho: Scalar) -> tuple[Array, Linear, Linear]:
    """Return -log|W| (..., n), W^(1/2) and its transpose, at tau_effect^2 (..., n, 1)."""
    xp = namespace(variance, rho)
    errors = _errors(bucket, rho)
    if isinstance(errors, np.ndarray) and np.ndim(rho) == 0:
        eigenvalues, basis = np.linalg.eigh(errors)
        sd = xp.sqrt(eigenvalues + variance)[..., None]
        log_det = 2 * xp.log(sd).sum((-2, -1))
        return log_det, lambda x: basis.swapaxes(-1, -2) @ x / sd, lambda z: basis @ (z / sd)
    factor = _cholesky(errors + variance[..., None] * np.eye(errors.shape[-1]))
    log_det = 2 * xp.log(xp.diagonal(factor, axis1=-2, axis2=-1)).sum(-1)
    upper = factor.swapaxes(-1, -2)
    return log_det, lambda x: xp.linalg.solve(factor, x), lambda z: xp.linalg.solve(upper, z)


def _cholesky(matrix: Array) -> Array:
    """Return Cholesky factors, nan where a matrix is ill-conditioned, as at far too large taus."""
    xp = namespace(matrix)
    if xp is not np:
        return xp.linalg.cholesky(matrix)
    try:
        return np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        eigenvalues = np.linalg.eigvalsh(matrix)
        definite = eigenvalues[..., 0] > MIN_RECIPROCAL_CONDITION * eigenvalues[..., -1]
        definite = definite[..., None, None]
        factors = np.linalg.cholesky(np.where(definite, matrix, np.eye(matrix.shape[-1])))
        return np.where(definite, factors, np.nan)


def _of_units(tau: Scalar, units: np.ndarray) -> Array:
    """Return the tau of every unit of a bucket, nodes first, to broadcast to their shape."""
    if np.ndim(tau) == 0:
        return namespace(tau).full((1,) * units.ndim, tau)
    values = tau[units] if len(tau) > 1 else tau[np.zeros_like(units[:1])]
    return _nodes_first(values, units.ndim)
