r"""Smooth functions of u + w at all pairs of nodes of u and w, from a table at few points.

The sums u + w of the nodes fill an interval. A function is computed at points of it, spaced as the
nodes are, and between them by cubic convolution, whose error is of the order of the cube of the
spacing: 81 points in place of the 1025 pairs of 41 and 25 nodes.

Source: Keys 1981, doi 10.1109/TASSP.1981.1163711.
"""

import numpy as np

from bayesmeta.model.likelihood.arrays import Array, Scalar, namespace
from bayesmeta.model.likelihood.nested_mean import BEND, WIDEST, spread_out

REACH = 4  # points around a place that have a weight


def points(count: int) -> np.ndarray:
    """Return the points, in units of tau_study + tau_group (count,)."""
    return spread_out(np.linspace(-edge(count), edge(count), count))


def edge(count: int) -> float:
    """Return the last point, beyond the last sum, where the cubic needs it; 1 is the last sum."""
    return (count - 1) / (count - 3)


def cubic(x: Array) -> Array:
    """Return the weight of a point at a distance x, in spacings (...)."""
    xp = namespace(x)
    x = xp.abs(x)
    near = (1.5 * x - 2.5) * x**2 + 1
    far = ((2.5 - 0.5 * x) * x - 4) * x + 2
    return xp.where(x < 1, near, xp.where(x < 2, far, 0.0))


def at_pairs(
    table: Array, tau_study: Scalar, tau_group: Scalar, z_study: np.ndarray, z_group: np.ndarray
) -> Array:
    """Return a table (units, [draws,] points) at all pairs (units, [draws,] z_study, z_group).

    The taus are numbers or (draws,), z the nodes in units of them.
    """
    xp = namespace(table, tau_study, tau_group)
    tau_study = xp.asarray(tau_study)
    tau_group = xp.asarray(tau_group)
    sums = tau_study[..., None, None] * z_study[:, None] + tau_group[..., None, None] * z_group
    reach = tau_study + tau_group
    t = xp.arcsinh(sums / reach[..., None, None] / BEND) / np.arcsinh(WIDEST / BEND)
    count = table.shape[-1]
    place = (t + edge(count)) * (count - 1) / (2 * edge(count))
    place = place.reshape(*place.shape[:-2], 1, -1)
    by_draw = xp.moveaxis(table, 0, -2) @ _weights(place, count)
    return xp.moveaxis(by_draw, -2, 0).reshape(*table.shape[:-1], len(z_study), len(z_group))


def _weights(place: Array, count: int) -> Array:
    """Return the weights of the points (..., points, places) at places (..., 1, places)."""
    xp = namespace(place)
    if xp is not np:
        return cubic(place - np.arange(count)[:, None])
    first = np.clip(np.floor(place).astype(int) - 1, 0, count - REACH)
    near = first + np.arange(REACH)[:, None]
    weights = np.zeros((*place.shape[:-2], count, place.shape[-1]))
    np.put_along_axis(weights, near, cubic(place - near), axis=-2)
    return weights
