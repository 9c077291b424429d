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

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

jax.config.update("jax_enable_x64", True)  # in 32 bits every use of the likelihood is wrong in the third digit

Scalar = Array | float  # a tau may also be an array, one for each unit of its level


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
