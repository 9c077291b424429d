"""Exact draws of the random effects given the residuals, and of sampling errors."""

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from bayesmeta.model.likelihood.marginal import (
    ErrorWeights,
    GroupSums,
    Nesting,
    Scalar,
    error_weights,
    group_sums,
    integrate,
)


def draw_random_effects(
    key: Array,
    r: ArrayLike,
    v: ArrayLike,
    nesting: Nesting,
    *,
    tau_study: Scalar = 0.0,
    tau_group: Scalar = 0.0,
    tau_effect: Scalar = 0.0,
    rho: Scalar = 0.0,
) -> tuple[Array, Array, Array]:
    """One exact joint draw of the random effects given residuals r = y - X beta (k,) and the taus.

    u and w from `place_random_effects`; d | u, w by correcting a joint draw of (d, error) towards the residual
    (Matheron's rule).

    Returns
    -------
    u (studies,), w (groups,), d (k,)
        Zero at a level whose tau is zero.
    """
    r, v = jnp.asarray(r), jnp.asarray(v)
    keys = jax.random.split(key, 4)
    sums = group_sums(r[:, None], v, nesting, tau_effect, rho)
    z_study, z_group = jax.random.normal(keys[0], (nesting.studies,)), jax.random.normal(keys[1], sums.ones.shape)
    u, w = place_random_effects(sums, z_study, z_group, nesting, tau_study=tau_study, tau_group=tau_group)
    if is_zero(tau_effect):
        return u, w, jnp.zeros_like(r)
    d = tau_effect * jax.random.normal(keys[2], r.shape)
    target = r - u[nesting.study_of_effect] - w[nesting.group_of_effect]
    miss = target - d - draw_errors(keys[3], v, nesting, rho)
    return (
        u,
        w,
        d + jnp.square(tau_effect) * _weigh(miss, error_weights(v, nesting, tau_effect, rho), nesting),
    )


def place_random_effects(
    sums: GroupSums,
    z_study: ArrayLike,
    z_group: ArrayLike,
    nesting: Nesting,
    *,
    tau_study: Scalar = 0.0,
    tau_group: Scalar = 0.0,
) -> tuple[Array, Array]:
    """Random effects u (studies,) and w (groups,) given sums of one column of residuals, from standard normals.

    u_s ~ N(tau_study^2 C_s / E_s, tau_study^2 / E_s); w_g | u ~ N(tau_group^2 (b_g - A_g u_s) / D_g,
    tau_group^2 / D_g).
    """
    part = integrate(sums, tau_study, tau_group, nesting)
    u_sd = tau_study / jnp.sqrt(part.study)
    u = u_sd**2 * part.columns[:, 0] + u_sd * jnp.asarray(z_study)
    w_sd = tau_group / jnp.sqrt(part.group)
    pull = sums.columns[:, 0] - sums.ones * u[nesting.study_of_group]
    return u, w_sd**2 * pull + w_sd * jnp.asarray(z_group)


def draw_errors(key: Array, v: ArrayLike, nesting: Nesting, rho: Scalar = 0.0) -> Array:
    """One draw of the sampling errors e ~ N(0, V), (k,)."""
    own, common = jax.random.split(key)
    v = jnp.asarray(v)
    if is_zero(rho):
        return jnp.sqrt(v) * jax.random.normal(own, v.shape)
    shared = jax.random.normal(common, nesting.study_of_group.shape)[nesting.group_of_effect]
    return jnp.sqrt((1 - rho) * v) * jax.random.normal(own, v.shape) + jnp.sqrt(rho * v) * shared


def is_zero(value: Scalar) -> bool:
    """Whether a level or a correlation is absent, so that nothing need be compiled for it."""
    return isinstance(value, float) and value == 0.0


def _weigh(x: Array, weights: ErrorWeights, nesting: Nesting) -> Array:
    """W x for one column (k,)."""
    common = weights.factor * nesting.by_group(weights.shared * x)
    return weights.omega * x - weights.shared * common[nesting.group_of_effect]
