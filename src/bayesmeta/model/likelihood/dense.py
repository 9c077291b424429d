r"""The exact marginal likelihood and exact conditionals where errors covary in any way within a study.

Effects of one control measurement may be of different groups, so that the errors' covariance E does not nest in them
and `marginal` does not hold:

    V = E + tau_effect^2 I + tau_group^2 Z_g Z_g' + tau_study^2 1 1'

With W^-1 = E + tau_effect^2 I, F = [tau_group I, tau_study 1], so that V = W^-1 + Z_g F F' Z_g', and G = W^(1/2) Z_g F:

    log|V| = -log|W| + log|I + G'G|,        V^-1 = W^(1/2)' (I - G (I + G'G)^-1 G') W^(1/2)

W^(1/2) comes from the eigenvectors of E, found once, or where rho is estimated from a Cholesky factor each time: the
cost grows with the square or the cube of a study's effects.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.linalg import cho_solve, solve_triangular
from jax.typing import ArrayLike

from bayesmeta.model.likelihood.buckets import Bucket
from bayesmeta.model.likelihood.marginal import Nesting, Scalar


class Factored(NamedTuple):
    """V of a bucket: G (n, size, groups + 1), lower factor of I + G'G, log|V| (n,); W^(1/2) of columns, and its '."""

    g: Array
    inner: Array
    log_det: Array
    whiten: Callable[[Array], Array]
    back: Callable[[Array], Array]


def dense_log_likelihood(
    r: ArrayLike, buckets: list[Bucket], taus: Mapping[str, Scalar], rho: Scalar, nesting: Nesting
) -> Array:
    """Exact marginal log-likelihood of each study in a bucket (studies,), 0 of others, from residuals (k,)."""
    r, total = jnp.asarray(r), jnp.zeros(nesting.studies)
    for bucket in buckets:
        v = _factor(bucket, taus, rho)
        white = v.whiten(r[bucket.effects][..., None])
        taken = solve_triangular(v.inner, v.g.swapaxes(1, 2) @ white, lower=True)
        squares = (white**2).sum((1, 2)) - (taken**2).sum((1, 2))
        alone = -0.5 * (bucket.effects.shape[1] * np.log(2 * np.pi) + v.log_det + squares)
        total = total.at[bucket.study].set(alone)
    return total


def draw_dense_effects(
    key: Array, r: ArrayLike, buckets: list[Bucket], taus: Mapping[str, Scalar], rho: Scalar, nesting: Nesting
) -> tuple[Array, Array, Array]:
    """One exact joint draw of u (studies,), w (groups,), d (k,) of the studies in buckets, given residuals r (k,).

    All are drawn from the prior with errors and corrected by Cov(., r) V^-1 (r - their sum) (Matheron's rule).
    """
    r, keys = jnp.asarray(r), jax.random.split(key, 4)
    sd = [taus.get(level, 0.0) for level in ("study", "group", "effect")]
    shapes = (nesting.studies,), nesting.study_of_group.shape, r.shape
    u, w, d = (s * jax.random.normal(k, shape) for k, s, shape in zip(keys[:3], sd, shapes, strict=True))
    total = u[nesting.study_of_effect] + w[nesting.group_of_effect] + d
    miss, pull = r - total - draw_dense_errors(keys[3], buckets, rho, r.shape), jnp.zeros_like(r)
    for bucket in buckets:
        v = _factor(bucket, taus, rho)
        white = v.whiten(miss[bucket.effects][..., None])
        solved = v.back(white - v.g @ cho_solve((v.inner, True), v.g.swapaxes(1, 2) @ white))
        pull = pull.at[bucket.effects].set(solved[..., 0])
    by_group = nesting.by_group(pull)
    by_study = nesting.by_study(by_group)
    return u + jnp.square(sd[0]) * by_study, w + jnp.square(sd[1]) * by_group, d + jnp.square(sd[2]) * pull


def draw_dense_errors(key: Array, buckets: list[Bucket], rho: Scalar, shape: tuple[int, ...]) -> Array:
    """One draw of the sampling errors e ~ N(0, E) of the studies in buckets (k,), 0 of others."""
    z, errors = jax.random.normal(key, shape), jnp.zeros(shape)
    for bucket in buckets:
        covariance = bucket.fixed + rho * bucket.rising
        factor = np.linalg.cholesky(covariance) if isinstance(rho, float) else jnp.linalg.cholesky(covariance)
        errors = errors.at[bucket.effects].set((factor @ z[bucket.effects][..., None])[..., 0])
    return errors


def _factor(bucket: Bucket, taus: Mapping[str, Scalar], rho: Scalar) -> Factored:
    tau_study = _of_units(taus.get("study", 0.0), bucket.study[:, None, None])
    tau_group = _of_units(taus.get("group", 0.0), bucket.group[:, None, :])
    tau_effect = _of_units(taus.get("effect", 0.0), bucket.effects[:, :1])  # one per study
    log_det, whiten, back = _whitening(bucket, jnp.square(tau_effect), rho)
    z = whiten(jnp.asarray(bucket.members))
    g = jnp.concatenate([z * tau_group, z.sum(2, keepdims=True) * tau_study], axis=2)
    inner = jnp.linalg.cholesky(np.eye(g.shape[2]) + g.swapaxes(1, 2) @ g)
    return Factored(g, inner, log_det + 2 * jnp.log(jnp.diagonal(inner, axis1=1, axis2=2)).sum(1), whiten, back)


def _whitening(
    bucket: Bucket, variance: Array, rho: Scalar
) -> tuple[Array, Callable[[Array], Array], Callable[[Array], Array]]:
    """-log|W| (n,), W^(1/2) and its transpose as functions of columns (n, size, q), from tau_effect^2 by study."""
    errors = bucket.fixed + rho * bucket.rising
    if isinstance(rho, float):
        spread, basis = np.linalg.eigh(errors)
        sd = jnp.sqrt(spread + variance)[..., None]
        return 2 * jnp.log(sd).sum((1, 2)), lambda x: basis.swapaxes(1, 2) @ x / sd, lambda z: basis @ (z / sd)
    factor = jnp.linalg.cholesky(errors + variance[..., None] * np.eye(errors.shape[1]))
    log_det = 2 * jnp.log(jnp.diagonal(factor, axis1=1, axis2=2)).sum(1)
    return (
        log_det,
        lambda x: solve_triangular(factor, x, lower=True),
        lambda z: solve_triangular(factor, z, trans=1, lower=True),
    )


def _of_units(tau: Scalar, units: np.ndarray) -> Array:
    """The tau of each unit of a level, in the units' shape; where it does not differ, one that broadcasts to it."""
    tau = jnp.asarray(tau)
    return tau[units] if tau.ndim else jnp.full((1,) * units.ndim, tau)
