"""The exact marginal likelihood of nested normal random effects in O(k), for all engines.

Effects i lie in groups, groups in studies, and so on, for any number of nested levels:

    y = X beta + u[study] + w[group] + d[effect] + e,      e ~ N(0, V),
    V_ij = v_i (i = j),  rho sqrt(v_i v_j) (i, j of one group),  0 otherwise.

Let z be any columns (the columns of X and y, or residuals y - X beta) and W the inverse of V +
tau_effect^2 I. Every covariance is a diagonal plus ones per unit of a level, so one application of
the Sherman-Morrison identity per level replaces every matrix inverse. From the lowest level
upwards, for every unit of a level,

    A = 1'W1,  b = 1'Wz                        sums over the effects of the unit
    D = 1 + tau^2 A                            its random effect is integrated out
    log|V|   gains   log D
    z'V^-1 z loses   tau^2 b b' / D
    P = sum A / D,  C = sum b / D              over the units of each unit above,

where P and C take the place of A and b at the next level. After the highest level, log|V| and
z'V^-1 z are complete, in total or for every unit of the highest level, called a study here.

The same text runs on NumPy arrays (quadrature, REML, deletion, draws) and on JAX arrays (NUTS).
Shapes are as in `arrays`: units first, nodes or draws last.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bayesmeta.model.likelihood.arrays import Array, Scalar, namespace, with_node_axes
from bayesmeta.model.likelihood.nesting import Nesting, Totals


class Sums(NamedTuple):
    """Sums of columns z over the effects of a level's units, and the part that is complete."""

    A: Array  # 1'W1 (units, ...)
    b: Array  # 1'Wz (units, q, ...)
    S: Array  # z'Wz less losses at lower levels, (q, q, ...) or by study (studies, q, q, ...)
    L: Array  # log|W^-1| with the gains at lower levels, (...) or by study (studies, ...)


class Step(NamedTuple):
    """A level that was integrated out: A (units, ...), b (units, q, ...) and D (units, ...)."""

    A: Array
    b: Array
    D: Array


class Marginal(NamedTuple):
    """The marginal covariance matrix V of y."""

    L: Array  # log|V|, (...) or by study (studies, ...)
    S: Array  # z'V^-1 z, (q, q, ...) or by study (studies, q, q, ...)
    steps: tuple[Step, ...]  # the levels that were integrated out, lowest first


def marginal(
    sums: Sums,
    taus: Sequence[Scalar],
    nesting: Nesting,
    *,
    by_study: bool = False,
    weights: Array | None = None,
) -> Marginal:
    """Integrate out every level above the effects.

    `sums` are of `error_sums`, with the same `by_study` and `weights`. `taus` are the standard
    deviations of the levels, lowest first: numbers, or arrays (units, ...) or (1, ...) with nodes
    or draws on the last axes; those of a level may extend those of the level below. `by_study`
    keeps L and S for every study; else they are summed over the studies, with `weights` (studies,).
    """
    totals = Totals(by_study, weights)
    steps = []
    for level, tau in enumerate(taus):
        D = 1 + tau**2 * with_node_axes(sums.A, tau)
        step = Step(sums.A, sums.b, with_node_axes(D, sums.b[:, 0]))
        steps.append(step)
        sums = _integrate_out(step, sums, tau, nesting, level, totals)
    return Marginal(sums.L, sums.S, tuple(steps))


def _integrate_out(
    step: Step, sums: Sums, tau: Scalar, nesting: Nesting, level: int, totals: Totals
) -> Sums:
    """Apply the identity to a level: return S and L after it, A and b of the level above."""
    A, b, D = step
    loss, gain = totals.collect(b, tau**2 / D, namespace(D).log(D), nesting.to_study[level])
    S = with_node_axes(sums.S, D, axes=1 + totals.by_study) - loss
    L = with_node_axes(sums.L, D, axes=totals.by_study - 1) + gain
    if level + 1 == len(nesting.levels):
        return Sums(A, b, S, L)
    members = nesting.levels[level + 1]
    P = members.sum(with_node_axes(A, D) / D)
    C = members.sum(with_node_axes(b, D, axes=1) / D[:, None])
    return Sums(P, C, S, L)


def residual_sums(sums: Sums, beta: Array) -> Sums:
    """Return the sums by study of r = y - X beta, beta (p, ...), from those of [X, y]."""
    xp = namespace(sums.b, beta)
    to_residual = xp.concatenate([-beta, xp.ones_like(beta[:1])])
    b = xp.tensordot(sums.b, to_residual, axes=(1, 0))
    S = (xp.tensordot(sums.S, to_residual, axes=(2, 0)) * to_residual).sum(1)
    return Sums(sums.A, b[:, None], S[:, None, None], sums.L)


def log_likelihood(integrated: Marginal, effects: Array) -> Array:
    """Return the log-likelihood by study (studies, ...) of a column of residuals."""
    quadratic = integrated.S[:, 0, 0]
    constant = with_node_axes(effects * np.log(2 * np.pi), quadratic)
    return -0.5 * (constant + with_node_axes(integrated.L, quadratic) + quadratic)
