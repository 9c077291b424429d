"""Nested Gauss-Legendre nodes that follow the mass of a density on (0, inf)^m, m = 1 to 3.

The axes are x = arcsinh(tau / scale): straight near zero, where a tau may have its mode,
logarithmic far out, where a prior may have a long tail. The outermost axis has a single range;
every node of it has a separate range on the next axis, and so on, so that ridges (two levels that
the data hardly separate) cost no more nodes than round densities.
"""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple, Protocol

import numpy as np
from numpy.polynomial import legendre

from bayesmeta.infrastructure.errors import BadInput

FARTHEST = 30.0  # sinh(30) is 5e12
KEPT = 0.65  # share of every side of a box that a round must keep to be the last
UNBOUND = (
    "the data do not bound the taus: under flat priors, and with so few studies, their posterior "
    "is improper; leave out a level, use a model with priors, or add studies"
)
leggauss = cache(legendre.leggauss)


class Axis(NamedTuple):
    """Axis of a rule: ranges of its rows, low and high (n, ..., n), and nodes (n, ..., n, n)."""

    low: np.ndarray
    high: np.ndarray
    points: np.ndarray


class Rule(NamedTuple):
    """Axes, outermost first, and the log weight of every node (n, ..., n) for integrals over x."""

    axes: tuple[Axis, ...]
    log_weight: np.ndarray

    @property
    def order(self) -> int:
        """Return the number of nodes per axis."""
        return int(self.log_weight.shape[-1])

    def x(self) -> list[np.ndarray]:
        """Return the coordinates of every node on every axis, each (n, ..., n)."""
        shape = self.log_weight.shape
        return [np.broadcast_to(spread(axis.points, self), shape) for axis in self.axes]


Arrays = tuple[np.ndarray, ...]
Ranges = Callable[[list[np.ndarray]], Arrays]


def spread(values: np.ndarray, rule: Rule) -> np.ndarray:
    """Return values (n, ..., n) on the outer axes with the inner axes appended, to broadcast."""
    return values.reshape(values.shape + (1,) * (len(rule.axes) - values.ndim))


def place(order: int, axes: int, ranges: Ranges) -> Rule:
    """Return the rule of `order` nodes per row, with ranges from the nodes of the axes outside."""
    unit, weight = leggauss(order)
    placed: list[Axis] = []
    log_weight = np.zeros(())
    for _ in range(axes):
        low, high = ranges([axis.points for axis in placed])
        half = (high - low)[..., None] / 2
        placed.append(Axis(low, high, low[..., None] + half * (unit + 1)))
        log_weight = log_weight[..., None] + np.log(half * weight)
    return Rule(tuple(placed), log_weight)


def box(low: np.ndarray, high: np.ndarray) -> Ranges:
    """Return the same range in every row of an axis: low, high (axes,)."""

    def ranges(outer: list[np.ndarray]) -> Arrays:
        shape = outer[-1].shape if outer else ()
        return np.full(shape, low[len(outer)]), np.full(shape, high[len(outer)])

    return ranges


def follow(rule: Rule, log_density: np.ndarray, drop: float) -> Ranges:
    """Return ranges of all nodes within `drop` of their row's peak, with spare nodes at the ends.

    A new row takes the hull of the ranges of the two old rows on either side of it.
    """
    axes = enumerate(rule.axes, start=1)
    kept = [_kept(axis, _highest(log_density, depth), drop) for depth, axis in axes]
    points = [axis.points for axis in rule.axes]
    return lambda outer: _hull(points[: len(outer)], *kept[len(outer)], outer)


class HasDensity(Protocol):
    """Values at the nodes of a rule."""

    @property
    def log_density(self) -> np.ndarray:
        """Return the log density (n, ..., n)."""


def zoom[Evaluated: HasDensity](
    evaluate: Callable[[Rule], Evaluated], axes: int, drop: float, *, order: int, rounds: int = 40
) -> tuple[Evaluated, np.ndarray, np.ndarray]:
    """Find the box around the nodes within `drop` of the highest log density.

    It starts from everything and shrinks until a round would take off less than a third of every
    side. Return the evaluation of `order` nodes on every axis of the box, and its ends low, high
    (axes,). Raise BadInput if the density does not fall off where a tau grows (infinite integral).
    """
    low = np.zeros(axes)
    high = np.full(axes, FARTHEST)
    for turn in range(rounds):
        evaluated = evaluate(place(order, axes, box(low, high)))
        if turn == 0:
            _refuse_endless(evaluated.log_density, drop)
        new_low, new_high = _near(evaluated.log_density, low, high, drop)
        if ((new_high - new_low) / (high - low)).min() > KEPT:
            break
        low, high = new_low, new_high
    return evaluated, low, high


def _near(density: np.ndarray, low: np.ndarray, high: np.ndarray, drop: float) -> Arrays:
    """Return the part of a box within `drop` of the peak, with a spare node on every side."""
    near = density > density.max() - drop
    order = density.shape[0]
    ends = []
    for axis in range(len(low)):
        others = tuple(other for other in range(len(low)) if other != axis)
        positions = np.flatnonzero(near.any(others))
        x = low[axis] + (high[axis] - low[axis]) * (leggauss(order)[0] + 1) / 2
        edges = np.array([low[axis], *x, high[axis]])  # node i is edge i + 1
        ends.append((edges[positions[0]], edges[positions[-1] + 2]))
    return tuple(np.array(ends).T)


def cell_edges(order: int) -> np.ndarray:
    """Return the edges of the nodes' cells, as wide as their weights, on (0, 1) (order + 1,)."""
    return np.concatenate([[0.0], np.cumsum(leggauss(order)[1]) / 2])


def cells(rule: Rule) -> Arrays:
    """Return every node's cell, which fill a row: lower edges and widths, (nodes, axes) each."""
    edges = cell_edges(rule.order)
    shape = rule.log_weight.shape
    columns = []
    for axis in rule.axes:
        length = (axis.high - axis.low)[..., None]
        parts = (axis.low[..., None] + length * edges[:-1], length * np.diff(edges))
        columns += [np.broadcast_to(spread(part, rule), shape).ravel() for part in parts]
    return np.column_stack(columns[::2]), np.column_stack(columns[1::2])


def _highest(values: np.ndarray, depth: int) -> np.ndarray:
    return values.reshape((*values.shape[:depth], -1)).max(-1)


def _refuse_endless(log_density: np.ndarray, drop: float) -> None:
    """Raise BadInput unless the density is negligible before a tau is too large."""
    axes = range(log_density.ndim)
    for axis in axes:
        along = log_density.max(tuple(other for other in axes if other != axis))
        if along[np.isfinite(along)][-1] > along.max() - drop:
            raise BadInput(UNBOUND)


def _kept(axis: Axis, highest: np.ndarray, drop: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the range of every row (n, ..., n) within `drop` of the row's maximum."""
    near = highest >= highest.max(-1, keepdims=True) - drop
    edges = np.concatenate([axis.low[..., None], axis.points, axis.high[..., None]], -1)
    first = near.argmax(-1)
    last = near.shape[-1] - near[..., ::-1].argmax(-1) + 1
    low, high = (np.take_along_axis(edges, at[..., None], -1)[..., 0] for at in (first, last))
    return low, high


def _hull(
    points: list[np.ndarray], low: np.ndarray, high: np.ndarray, outer: list[np.ndarray]
) -> Arrays:
    """Return ranges for new outer nodes: the hull over the old rows on either side."""
    if not outer:
        return low, high
    right = np.clip(np.searchsorted(points[0], outer[0]), 1, len(points[0]) - 1)
    if len(outer) == 1:
        return np.minimum(low[right - 1], low[right]), np.maximum(high[right - 1], high[right])
    lows, highs = [], []
    for new, old in enumerate(right):
        inner = [axis[new] for axis in outer[1:]]
        of_row = {row: [axis[row] for axis in points[1:]] for row in (old - 1, old)}
        sides = [_hull(of_row[row], low[row], high[row], inner) for row in (old - 1, old)]
        lows.append(np.minimum(sides[0][0], sides[1][0]))
        highs.append(np.maximum(sides[0][1], sides[1][1]))
    return np.array(lows), np.array(highs)
