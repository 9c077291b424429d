"""The random effects given the data, from the highest level downwards.

With t the sum of the random effects above a unit, A, b, D from the kernel's step of its level, and
x standard normal,

    c = (b - A t) / D                          the unit's row of Z'V^-1 z
    u = tau^2 c + tau x / sqrt(D)              a draw; the conditional mean where x is 0

and for the effect level, with the residuals less all effects above, by Matheron's rule: a joint
draw of (d, e) from the prior is corrected towards these residuals.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from bayesmeta.model.likelihood.arguments import Taus
from bayesmeta.model.likelihood.arrays import Array, Scalar, is_zero, namespace, with_node_axes
from bayesmeta.model.likelihood.effect_level import ErrorWeights, error_sums, error_weights
from bayesmeta.model.likelihood.kernel import Marginal, marginal
from bayesmeta.model.likelihood.nesting import Nesting


class Placed(NamedTuple):
    """Random effects of a level (units, q, ...)."""

    score: Array  # c
    effect: Array  # u
    above: Array  # t, the sum of the effects above, or 0


def place_random_effects(
    integrated: Marginal, taus: Sequence[Scalar], nesting: Nesting, normals: Sequence[Array] = ()
) -> list[Placed]:
    """Return the random effects of every level above the effects, lowest first.

    `taus` are as for `marginal`; `normals` are standard normals (units, ...) of every level, lowest
    first. Without them the effects are conditional means.
    """
    placed: list[Placed] = []
    above: Array = 0.0
    for level in reversed(range(len(taus))):
        A, b, D = integrated.steps[level]
        tau = _of_columns(taus[level])
        score = (with_node_axes(b, D, 1) - with_node_axes(A, D)[:, None] * above) / D[:, None]
        effect = tau**2 * score
        if normals:
            effect = effect + tau * _of_columns(normals[level]) / namespace(D).sqrt(D)[:, None]
        placed.append(Placed(score, effect, above))
        above = (effect + above)[nesting.levels[level].parent]
    return placed[::-1]


def _of_columns(x: Scalar) -> Scalar:
    """Return numbers of units (units, ...) with an axis for the columns, (units, 1, ...)."""
    return x if np.ndim(x) == 0 else x[:, None]


def draw_effect_level(
    rng: Generator, r: Array, v: np.ndarray, nesting: Nesting, *, tau_effect: Scalar, rho: Scalar
) -> np.ndarray:
    """Draw d (k, ...) jointly, given the residuals r less all effects above (k, ...)."""
    d = tau_effect * rng.standard_normal(r.shape)
    gap = r - d - draw_errors(rng, v, nesting, rho, r.shape)
    return d + tau_effect**2 * weigh(gap, error_weights(v, nesting, tau_effect, rho), nesting)


def draw_errors(
    rng: Generator, v: np.ndarray, nesting: Nesting, rho: Scalar, shape: tuple[int, ...]
) -> np.ndarray:
    """Draw sampling errors e ~ N(0, V) of the shape (k, ...)."""
    normal = rng.standard_normal(shape)
    se = with_node_axes(np.sqrt(v), normal)
    if is_zero(rho):
        return se * normal
    common = rng.standard_normal((nesting.groups, *shape[1:]))[nesting.group_of_effect]
    return np.sqrt(1 - rho) * se * normal + np.sqrt(rho) * se * common


def weigh(x: np.ndarray, error: ErrorWeights, nesting: Nesting) -> np.ndarray:
    """Return W x (k, ...), W from `error_weights`; the last axes of x may be columns or draws."""
    weighted: np.ndarray = with_node_axes(error.omega, x) * x
    if error.factor is None:
        return weighted
    scaled = with_node_axes(error.scaled, x)
    common = with_node_axes(error.factor, x) * nesting.levels[0].sum(scaled * x)
    return weighted - scaled * common[nesting.group_of_effect]


def row_sums(v: np.ndarray, nesting: Nesting, taus: Taus, rho: float) -> np.ndarray:
    """Return the sums of the rows of the inverse of the marginal covariance matrix (k,).

    `taus` are numbers, or arrays of units without further axes.
    """
    ones = np.ones((len(v), 1))
    sums = error_sums(ones, v, nesting, tau_effect=taus.effect, rho=rho)
    group, _ = place_random_effects(marginal(sums, taus.above, nesting), taus.above, nesting)
    above = (group.effect + group.above)[nesting.group_of_effect]
    return weigh(ones - above, error_weights(v, nesting, taus.effect, rho), nesting)[:, 0]
