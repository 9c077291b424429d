"""The lowest level of the kernel: sums over effects under W, the inverse of V + tau_effect^2 I.

The errors of a group that correlate by rho are sqrt(1 - rho) times independent errors plus
sqrt(rho) times a common error with the standard errors s as loadings, so that the Sherman-Morrison
identity applies to every group:

    W = diag(omega) - sum over groups of f (omega s)(omega s)',   omega = 1 / ((1 - rho) v + tau^2),
    f = rho / (1 + rho sum omega v),   log|W^-1| = -sum log omega + sum log(1 + rho sum omega v)
"""

from typing import NamedTuple

import numpy as np

from bayesmeta.model.likelihood.arrays import Array, Scalar, is_zero, namespace, with_node_axes
from bayesmeta.model.likelihood.kernel import Sums
from bayesmeta.model.likelihood.nesting import Nesting, Totals


class ErrorWeights(NamedTuple):
    """W of the module's equations."""

    omega: Array  # (k, ...)
    scaled: Array  # omega s (k, ...)
    factor: Array | None  # f (groups, ...); None where rho is 0
    log_effect: Array  # terms of the first sum of log|W^-1| (k, ...)
    log_group: Array | None  # terms of its second sum (groups, ...); None where rho is 0


def error_weights(v: Array, nesting: Nesting, tau_effect: Scalar, rho: Scalar) -> ErrorWeights:
    """Invert V + tau_effect^2 I, with arguments as for `error_sums`."""
    xp = namespace(v, tau_effect, rho)
    v = with_node_axes(v, max(tau_effect, rho, key=np.ndim))
    variance = (1 - rho) * v + tau_effect**2
    omega = 1 / variance
    scaled = omega * xp.sqrt(v)
    if is_zero(rho):
        return ErrorWeights(omega, scaled, None, xp.log(variance), None)
    inflation = 1 + rho * nesting.levels[0].sum(omega * v)
    return ErrorWeights(omega, scaled, rho / inflation, xp.log(variance), xp.log(inflation))


def error_sums(
    z: Array,
    v: Array,
    nesting: Nesting,
    *,
    tau_effect: Scalar = 0.0,
    rho: Scalar = 0.0,
    by_study: bool = False,
    weights: Array | None = None,
) -> Sums:
    """Sum the columns z (k, q, ...) under W over the units of the lowest level.

    v : sampling variances (k,). tau_effect : standard deviation of the effect level, 0 for none: a
    number, or an array (k, ...) or (1, ...). rho : correlation of sampling errors within a group, 0
    <= rho < 1: a number, or an array (1, ...). by_study, weights : as for `marginal`.
    """
    totals = Totals(by_study, weights)
    groups = nesting.levels[0]
    error = error_weights(with_node_axes(v, z[:, 0]), nesting, tau_effect, rho)
    weighted = with_node_axes(z, error.omega, axes=1) * error.omega[:, None]
    A = groups.sum(error.omega)
    b = groups.sum(weighted)
    S, L = totals.collect(z, error.omega, error.log_effect, nesting.effects_of_study)
    if error.factor is None:
        return Sums(A, b, S, L)
    common = groups.sum(error.scaled)
    common_z = groups.sum(with_node_axes(z, error.scaled, axes=1) * error.scaled[:, None])
    loss, gain = totals.collect(common_z, error.factor, error.log_group, nesting.to_study[0])
    shrunk = error.factor * common
    return Sums(A - shrunk * common, b - shrunk[:, None] * common_z, S - loss, L + gain)
