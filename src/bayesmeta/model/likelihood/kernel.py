r"""The exact marginal likelihood of nested normal random effects, in O(k): the kernel of every engine.

Effects i lie in groups, groups in studies, and so on, for any number of nested levels:

    y = X beta + u[study] + w[group] + d[effect] + e,      e ~ N(0, V),
    V_ij = v_i (i = j),  rho sqrt(v_i v_j) (i, j of one group),  0 otherwise.

Let z be any columns (the columns of X and y, or residuals y - X beta) and W the inverse of V + tau_effect^2 I. Every
covariance is a diagonal plus ones per unit of a level, so one application of the Sherman-Morrison identity per level
replaces every matrix inverse. From the lowest level upwards, for each unit of a level,

    A = 1'W1,  b = 1'Wz                        sums over the effects of the unit
    D = 1 + tau^2 A                            its random effect is integrated out
    log|V|   gains   log D
    z'V^-1 z loses   tau^2 b b' / D
    P = sum A / D,  C = sum b / D              over the units of each unit one level up,

where P and C take the place of A and b, and E = 1 + tau^2 P that of D. What is left after the highest level is log|V|
and z'V^-1 z, in total or for each unit of the highest level, which is called a study here.

The same text runs on NumPy arrays (quadrature, REML, deletion, draws) and on JAX arrays (NUTS). Units come first in
every array; axes for nodes or draws, over which the taus differ, come last.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
import scipy.special
from scipy.sparse import csr_array

Array = Any  # a NumPy or a JAX array
Scalar = Any  # a number, or an array (units or 1, ...) of the taus of a level


def namespace(*arrays: Array) -> Any:
    """Return jax.numpy if an array belongs to JAX, else numpy; JAX is never imported here."""
    jax = sys.modules.get("jax")
    if jax is not None and any(isinstance(array, jax.Array) for array in arrays):
        return jax.numpy
    return np


def special_functions(*arrays: Array) -> Any:
    """Return jax.scipy.special if an array belongs to JAX, else scipy.special."""
    return scipy.special if namespace(*arrays) is np else sys.modules["jax"].scipy.special


class Members:
    """Membership of units in the units of a level above.

    Attributes
    ----------
    parent : ndarray
        The unit above of each unit (units,).
    count : int
        Number of units above.
    """

    def __init__(self, parent: np.ndarray, count: int) -> None:
        self.parent = np.asarray(parent, int)
        self.count = count

    @cached_property
    def _incidence(self) -> csr_array:
        places = np.arange(len(self.parent))
        shape = (self.count, len(self.parent))
        return csr_array((np.ones(len(places)), (self.parent, places)), shape=shape)

    def sum(self, x: Array) -> Array:
        """Return the sums over the members of each unit above: (units, ...) to (count, ...)."""
        if isinstance(x, np.ndarray):
            return (self._incidence @ x.reshape(len(x), -1)).reshape(self.count, *x.shape[1:])
        return sys.modules["jax"].ops.segment_sum(x, self.parent, self.count)


@dataclass(frozen=True, eq=False)
class Nesting:
    """Nested levels above the effects.

    Attributes
    ----------
    levels : tuple of Members
        Effects in the units of the lowest level, these in the units of the next level, and so on: effects in groups,
        groups in studies.
    """

    levels: tuple[Members, ...]

    @classmethod
    def of(cls, *parents: np.ndarray, counts: Sequence[int] | None = None) -> "Nesting":
        """Return the nesting of these parents (units,), lowest first; `counts` where the last units may be empty."""
        sizes = counts or [int(parent.max()) + 1 for parent in parents]
        return cls(
            tuple(Members(parent, size) for parent, size in zip(parents, sizes, strict=True))
        )

    @property
    def group_of_effect(self) -> np.ndarray:
        """Unit of the lowest level of each effect (k,)."""
        return self.levels[0].parent

    @property
    def study_of_group(self) -> np.ndarray:
        """Unit of the highest level of each unit of the lowest level (groups,)."""
        return self.to_study[0].parent

    @cached_property
    def study_of_effect(self) -> np.ndarray:
        """Unit of the highest level of each effect (k,)."""
        return self.study_of_group[self.group_of_effect]

    @property
    def studies(self) -> int:
        """Number of units of the highest level."""
        return self.levels[-1].count

    @property
    def groups(self) -> int:
        """Number of units of the lowest level."""
        return self.levels[0].count

    @cached_property
    def to_study(self) -> tuple[Members, ...]:
        """Membership in the highest level of the units of every level, lowest first; of that level itself last."""
        parents = [members.parent for members in reversed(self.levels[1:])]
        identity = np.arange(self.studies)
        chains = accumulate(parents, lambda above, below: above[below], initial=identity)
        return tuple(Members(parent, self.studies) for parent in reversed(list(chains)))

    @cached_property
    def effects_of_study(self) -> Members:
        """Membership of the effects in the highest level."""
        return Members(self.study_of_effect, self.studies)


class Sums(NamedTuple):
    """Sums of columns z over the effects of each unit, and what is final so far.

    A : (units, ...), 1'W1. b : (units, q, ...), 1'Wz. S : (q, q, ...), or by study (studies, q, q, ...), z'Wz less what
    lower levels took. L : (...) or (studies, ...), log|W^-1| with what lower levels added.
    """

    A: Array
    b: Array
    S: Array
    L: Array


class Step(NamedTuple):
    """A level that was integrated out: A (units, ...), b (units, q, ...) and D (units, ...) of the module's equations."""

    A: Array
    b: Array
    D: Array


class Marginal(NamedTuple):
    """log|V| (...) or (studies, ...), z'V^-1 z (q, q, ...) or (studies, q, q, ...), and the steps, lowest level first."""

    L: Array
    S: Array
    steps: tuple[Step, ...]


def marginal(
    sums: Sums,
    taus: Sequence[Scalar],
    nesting: Nesting,
    *,
    by_study: bool = False,
    weights: Array | None = None,
) -> Marginal:
    """Integrate out every level above the effects.

    Parameters
    ----------
    sums : Sums
        From `error_sums`, with the same `by_study` and `weights`.
    taus : sequence
        Standard deviation of each level, lowest first: a number, or an array (units, ...) or (1, ...) whose last axes
        are nodes or draws. A level's last axes may extend those of the level below.
    nesting : Nesting
        The levels.
    by_study : bool
        Keep L and S for each study; else sum them over the studies.
    weights : array, optional
        Weight of each study in the totals (studies,).

    Returns
    -------
    Marginal
        log|V| and z'V^-1 z.
    """
    steps = []
    for level, tau in enumerate(taus):
        step = Step(sums.A, sums.b, 1 + tau**2 * with_node_axes(sums.A, tau))
        steps.append(step)
        sums = _integrate_out(step, sums, tau, nesting, level, by_study, weights)
    return Marginal(sums.L, sums.S, tuple(steps))


def _integrate_out(
    step: Step,
    sums: Sums,
    tau: Scalar,
    nesting: Nesting,
    level: int,
    by_study: bool,
    weights: Array | None,
) -> Sums:
    """Apply the module's identity to one level: S, L, and A, b of the level above."""
    A, b, D = step
    to_study, top = nesting.to_study[level], level + 1 == len(nesting.levels)
    log_D, shrinkage = namespace(D).log(D), tau**2 / D
    if by_study:
        products = _products_by_unit(b, shrinkage)
        S = with_node_axes(sums.S, D, axes=2) - (products if top else to_study.sum(products))
        L = with_node_axes(sums.L, D) + (log_D if top else to_study.sum(log_D))
    else:
        if weights is not None:
            weight = with_node_axes(weights[to_study.parent], D)
            shrinkage, log_D = shrinkage * weight, log_D * weight
        S = with_node_axes(sums.S, shrinkage, axes=1) - sum_of_products(b, shrinkage)
        L = with_node_axes(sums.L, log_D, axes=-1) + log_D.sum(0)
    if top:
        return Sums(A, b, S, L)
    members = nesting.levels[level + 1]
    return Sums(
        members.sum(with_node_axes(A, D) / D),
        members.sum(with_node_axes(b, D, axes=1) / D[:, None]),
        S,
        L,
    )


def sum_of_products(b: Array, weight: Array) -> Array:
    """Return the sum over units of weight b b', from b (units, q, ...) and weight (units, ...): (q, q, ...).

    The weight may have more last axes than b. Products of pairs are made once and meet all weights in one matrix
    product.
    """
    if weight.ndim == 1:
        return (b * weight[:, None]).T @ b
    xp, node_axes, q = namespace(b, weight), b.ndim - 2, b.shape[1]
    rows, columns, place = _pairs(q)
    last = xp.moveaxis(
        b, (0, 1), (-1, -2)
    ).copy()  # (..., q, units), in order for the matrix product
    pairs = last[..., rows, :] * last[..., columns, :]
    flat = xp.moveaxis(
        weight.reshape(*weight.shape[: 1 + node_axes], -1), 0, -2
    )  # (..., units, nodes)
    full = (pairs @ flat)[..., place, :]
    return xp.moveaxis(full, (-3, -2), (0, 1)).reshape(q, q, *weight.shape[1:])


@cache
def _pairs(q: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the pairs of q columns (pairs,), (pairs,) and the pair of each entry of a symmetric matrix (q, q)."""
    rows, columns = np.triu_indices(q)
    place = np.zeros((q, q), int)
    place[rows, columns] = place[columns, rows] = np.arange(len(rows))
    return rows, columns, place


def _products_by_unit(b: Array, weight: Array) -> Array:
    """Return weight b b' of each unit, (units, q, q, ...)."""
    b = with_node_axes(b, weight, axes=1)
    return b[:, :, None] * b[:, None, :] * weight[:, None, None]


def with_node_axes(x: Array, other: Array, axes: int = 0) -> Array:
    """Return x with last axes added for nodes that `other` has and x lacks; x has `axes` more axes of units."""
    missing = np.ndim(other) + axes - np.ndim(x)
    scalar = np.ndim(x) == 0 or np.ndim(other) == 0
    return x if missing <= 0 or scalar else x.reshape(*np.shape(x), *(1,) * missing)


class ErrorWeights(NamedTuple):
    """W = diag(omega) - sum over groups of factor (omega s)(omega s)', with s the standard errors.

    omega, scaled = omega s : (k, ...); factor : (groups, ...), or None where rho is 0. log_det : log|W^-1| by effect
    (k, ...) and by group (groups, ...) or None.
    """

    omega: Array
    scaled: Array
    factor: Array | None
    log_effect: Array
    log_group: Array | None


def error_weights(
    v: Array, nesting: Nesting, tau_effect: Scalar = 0.0, rho: Scalar = 0.0
) -> ErrorWeights:
    """Invert V + tau_effect^2 I; the common part of a group's errors is a random effect with loadings s."""
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
    """Sum the columns z (k, q, ...) under W, the inverse of V + tau_effect^2 I, over the units of the lowest level.

    Parameters
    ----------
    v : array
        Sampling variances (k,).
    tau_effect : scalar
        Standard deviation of the effect level, 0 for none: a number, or an array (k, ...) or (1, ...).
    rho : scalar
        Correlation of sampling errors within a group, 0 <= rho < 1: a number, or an array (1, ...).
    by_study, weights
        As for `marginal`.
    """
    error, groups = error_weights(v, nesting, tau_effect, rho), nesting.levels[0]
    weighted = with_node_axes(z, error.omega, axes=1) * error.omega[:, None]
    A, b = groups.sum(error.omega), groups.sum(weighted)
    S, L = _collected(z, error.omega, error.log_effect, nesting.effects_of_study, by_study, weights)
    if error.factor is None:
        return Sums(A, b, S, L)
    common, common_z = (
        groups.sum(error.scaled),
        groups.sum(with_node_axes(z, error.scaled, axes=1) * error.scaled[:, None]),
    )
    taken, added = _collected(
        common_z, error.factor, error.log_group, nesting.to_study[0], by_study, weights
    )
    shrunk = error.factor * common
    return Sums(A - shrunk * common, b - shrunk[:, None] * common_z, S - taken, L + added)


def _collected(
    z: Array,
    weight: Array,
    log_det: Array,
    to_study: Members,
    by_study: bool,
    weights: Array | None,
) -> tuple[Array, Array]:
    """Sum weight z z' and log_det over units, by study or in total."""
    if by_study:
        return to_study.sum(_products_by_unit(z, weight)), to_study.sum(log_det)
    if weights is None:
        return sum_of_products(z, weight), log_det.sum(0)
    counted = with_node_axes(weights[to_study.parent], weight)
    return sum_of_products(z, weight * counted), (log_det * counted).sum(0)


def is_zero(value: Scalar) -> bool:
    """Return whether a level or a correlation is absent, so that nothing is computed for it."""
    return isinstance(value, int | float) and value == 0


def residual_sums(sums: Sums, beta: Array) -> Sums:
    """Return the sums by study of r = y - X beta from those of [X, y] (q = p + 1); the effects are not visited again.

    beta : (p, ...); its last axes are draws.
    """
    xp = namespace(sums.b, beta)
    to_residual = xp.concatenate([-beta, xp.ones_like(beta[:1])])
    b = xp.tensordot(sums.b, to_residual, axes=(1, 0))
    S = (xp.tensordot(sums.S, to_residual, axes=(2, 0)) * to_residual).sum(1)
    return Sums(sums.A, b[:, None], S[:, None, None], sums.L)


def log_likelihood(found: Marginal, effects: Array) -> Array:
    """Return the log-likelihood of each study (studies, ...) from one column of residuals, by study.

    effects : number of effects of each study (studies,).
    """
    quadratic = found.S[:, 0, 0]
    counted = with_node_axes(effects * np.log(2 * np.pi), quadratic)
    return -0.5 * (counted + with_node_axes(found.L, quadratic) + quadratic)
