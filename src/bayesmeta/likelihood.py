r"""The exact marginal likelihood of nested normal random effects, and the exact conditionals, in O(k).

Effects i in groups g in studies s, residuals r = y - X beta, and

    y = X beta + u[study] + w[group] + d[effect] + e,      e ~ N(0, V),
    V_ij = v_i (i = j),  rho sqrt(v_i v_j) (i, j of one group),  0 otherwise.

Every covariance is a diagonal plus ones per group and per study, so that one application of the Sherman-Morrison
identity per level replaces every matrix inverse. With W the inverse of V + tau_effect^2 I:

    A_g = 1' W 1,  b_g = 1' W r                        sums over one group
    D_g = 1 + tau_group^2 A_g                          group effects integrated out
    P_s = sum_g A_g / D_g,  C_s = sum_g b_g / D_g
    E_s = 1 + tau_study^2 P_s                          study effects integrated out
    log|V_s| = log|W^-1| + sum_g log D_g + log E_s
    r' V_s^-1 r = r' W r - sum_g tau_group^2 b_g^2 / D_g - tau_study^2 C_s^2 / E_s

The same sums for several columns z at once (the columns of X and y) give the cross-products that generalised least
squares needs. Plain JAX functions: PyMC, quadrature, REML and vectorised refits all call them.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax import Array
from jax.typing import ArrayLike

from bayesmeta.spec import ModelSpec

Scalar = Array | float


class Nesting(NamedTuple):
    """Which group each effect is in (k,), which study each group is in (groups,), how many studies."""

    group_of_effect: np.ndarray
    study_of_group: np.ndarray
    studies: int

    @property
    def study_of_effect(self) -> np.ndarray:
        """Study of each effect (k,)."""
        return self.study_of_group[self.group_of_effect]

    def by_group(self, x: ArrayLike) -> Array:
        """Sum over the effects of each group: (k, ...) -> (groups, ...)."""
        return jax.ops.segment_sum(jnp.asarray(x), self.group_of_effect, len(self.study_of_group))

    def by_study(self, x: ArrayLike) -> Array:
        """Sum over the groups of each study: (groups, ...) -> (studies, ...)."""
        return jax.ops.segment_sum(jnp.asarray(x), self.study_of_group, self.studies)


def nesting_of(design: xr.Dataset) -> Nesting:
    """Nesting of a design's effects."""
    return Nesting(design["effect_group"].values, design["group_study"].values, design.sizes["study"])


def columns_of(design: xr.Dataset) -> np.ndarray:
    """The columns [X, y] (k, p + 1)."""
    return np.column_stack([design["X"].values, design["yi"].values])


class GroupSums(NamedTuple):
    """Sufficient statistics of columns z (k, q) under W, the inverse of V + tau_effect^2 I.

    ones (groups,): 1'W1. columns (groups, q): 1'Wz. squares (studies, q, q): z'Wz.
    log_det (studies,): log|W^-1|. effects (studies,): number of effects.
    """

    ones: Array
    columns: Array
    squares: Array
    log_det: Array
    effects: Array


class ErrorWeights(NamedTuple):
    """W = diag(omega) - sum over groups of factor_g (omega s)(omega s)', with s the standard errors."""

    omega: Array
    shared: Array
    factor: Array
    log_det: Array


def error_weights(v: ArrayLike, nesting: Nesting, tau_effect: Scalar = 0.0, rho: Scalar = 0.0) -> ErrorWeights:
    """Inverse of V + tau_effect^2 I, group by group: omega, shared (k,), factor, log_det (groups,)."""
    v = jnp.asarray(v)
    variance = (1 - rho) * v + jnp.square(tau_effect)
    omega = 1 / variance
    shared = omega * jnp.sqrt(v)
    inflation = 1 + rho * nesting.by_group(omega * v)
    return ErrorWeights(omega, shared, rho / inflation, nesting.by_group(jnp.log(variance)) + jnp.log(inflation))


def group_sums(z: ArrayLike, v: ArrayLike, nesting: Nesting, tau_effect: Scalar = 0.0, rho: Scalar = 0.0) -> GroupSums:
    """Sufficient statistics of the columns z (k, q), given sampling variances v (k,).

    Parameters
    ----------
    tau_effect : scalar
        Standard deviation of the effect level, 0 for none.
    rho : scalar
        Correlation of sampling errors within a group, 0 <= rho < 1.
    """
    z = jnp.asarray(z)
    weights = error_weights(v, nesting, tau_effect, rho)
    ones, columns = nesting.by_group(weights.omega), nesting.by_group(weights.omega[:, None] * z)
    shared, shared_z = nesting.by_group(weights.shared), nesting.by_group(weights.shared[:, None] * z)
    squares = jax.ops.segment_sum(
        weights.omega[:, None, None] * z[:, :, None] * z[:, None, :], nesting.study_of_effect, nesting.studies
    )
    return GroupSums(
        ones=ones - weights.factor * shared**2,
        columns=columns - (weights.factor * shared)[:, None] * shared_z,
        squares=squares - nesting.by_study(weights.factor[:, None, None] * shared_z[:, :, None] * shared_z[:, None, :]),
        log_det=nesting.by_study(weights.log_det),
        effects=nesting.by_study(jnp.bincount(nesting.group_of_effect, length=len(nesting.study_of_group))),
    )


def residual_sums(sums: GroupSums, beta: ArrayLike) -> GroupSums:
    """Sums of r = y - X beta from the sums of [X, y] (q = p + 1): the effects are not visited again."""
    combination = jnp.append(-jnp.asarray(beta), 1.0)
    return sums._replace(
        columns=(sums.columns @ combination)[:, None],
        squares=jnp.einsum("sij,i,j->s", sums.squares, combination, combination)[:, None, None],
    )


class Integrated(NamedTuple):
    """Group effects integrated out (`group` = D_g, (groups,)), then study effects (E_s, C_s, P_s by study)."""

    group: Array
    study: Array
    columns: Array
    ones: Array


def integrate(sums: GroupSums, tau_study: Scalar, tau_group: Scalar, nesting: Nesting) -> Integrated:
    """D_g (groups,), E_s (studies,), C_s (studies, q), P_s (studies,) of the module's equations."""
    group = 1 + jnp.square(tau_group) * sums.ones
    ones = nesting.by_study(sums.ones / group)
    columns = nesting.by_study(sums.columns / group[:, None])
    return Integrated(group, 1 + jnp.square(tau_study) * ones, columns, ones)


def cross_products(sums: GroupSums, tau_study: Scalar, tau_group: Scalar, nesting: Nesting) -> tuple[Array, Array]:
    """Per study: log|V_s| (studies,) and z' V_s^-1 z (studies, q, q)."""
    part = integrate(sums, tau_study, tau_group, nesting)
    scaled = sums.columns * (jnp.square(tau_group) / part.group)[:, None]
    squares = sums.squares - nesting.by_study(scaled[:, :, None] * sums.columns[:, None, :])
    shrunk = part.columns * (jnp.square(tau_study) / part.study)[:, None]
    log_det = sums.log_det + nesting.by_study(jnp.log(part.group)) + jnp.log(part.study)
    return log_det, squares - shrunk[:, :, None] * part.columns[:, None, :]


def log_likelihood(residuals: GroupSums, tau_study: Scalar, tau_group: Scalar, nesting: Nesting) -> Array:
    """Exact marginal log-likelihood of each study (studies,), from the sums of one column of residuals."""
    log_det, squares = cross_products(residuals, tau_study, tau_group, nesting)
    return -0.5 * (residuals.effects * np.log(2 * np.pi) + log_det + squares[:, 0, 0])


def study_log_likelihood(design: xr.Dataset, spec: ModelSpec) -> Callable[[Array, Array], Array]:
    """Function of beta (p,) and the taus of `spec.levels` (levels,) to each study's log-likelihood (studies,).

    Without an effect level the sums over groups are sufficient and made once.
    """
    nesting, v, columns = nesting_of(design), design["vi"].values, columns_of(design)
    once = None if "effect" in spec.levels else jax.jit(lambda: group_sums(columns, v, nesting, rho=spec.rho))()

    def by_study(beta: Array, tau: Array) -> Array:
        taus = dict(zip(spec.levels, tau, strict=True))
        if once is None:
            residuals = (columns[:, -1] - columns[:, :-1] @ beta)[:, None]
            sums = group_sums(residuals, v, nesting, taus["effect"], spec.rho)
        else:
            sums = residual_sums(once, beta)
        return log_likelihood(sums, taus.get("study", 0.0), taus.get("group", 0.0), nesting)

    return by_study


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

    u_s ~ N(tau_study^2 C_s / E_s, tau_study^2 / E_s); w_g | u ~ N(tau_group^2 (b_g - A_g u_s) / D_g,
    tau_group^2 / D_g); d | u, w by correcting a joint draw of (d, error) towards the residual (Matheron's rule).

    Returns
    -------
    u (studies,), w (groups,), d (k,)
        Zero at a level whose tau is zero.
    """
    r, v = jnp.asarray(r), jnp.asarray(v)
    keys = jax.random.split(key, 4)
    sums = group_sums(r[:, None], v, nesting, tau_effect, rho)
    part = integrate(sums, tau_study, tau_group, nesting)
    u_sd = tau_study / jnp.sqrt(part.study)
    u = u_sd**2 * part.columns[:, 0] + u_sd * jax.random.normal(keys[0], part.study.shape)
    w_sd = tau_group / jnp.sqrt(part.group)
    pull = sums.columns[:, 0] - sums.ones * u[nesting.study_of_group]
    w = w_sd**2 * pull + w_sd * jax.random.normal(keys[1], part.group.shape)
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
