r"""Nested Gauss-Legendre nodes that follow the mass of a density on (0, inf)^m, m = 1 to 3.

The axes are x = arcsinh(tau / scale): straight near zero, where a tau may have its mode, logarithmic far out,
where a prior may have a long tail. The outermost axis has one range; every node of it has its own range on the next
axis, and so on, so that ridges (two levels that the data hardly tell apart) cost no more nodes than round densities.
"""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple, Protocol

import numpy as np
from numpy.polynomial import legendre
from numpy.polynomial.legendre import legvander

from bayesmeta.infrastructure.errors import BadInput

FARTHEST = 30.0  # sinh(30) is 5e12
KEPT = 0.65  # share of each side of a box that a round must keep to be the last
UNBOUND = (
    "the data do not bound the taus: under flat priors so few studies leave them a tail without end; leave out a "
    "level, take a model with priors, or add studies"
)
leggauss = cache(legendre.leggauss)


class Axis(NamedTuple):
    """One axis of a rule: range of each row, low and high (n, ..., n), and its nodes, points (n, ..., n, n)."""

    low: np.ndarray
    high: np.ndarray
    points: np.ndarray


class Rule(NamedTuple):
    """Axes, outermost first, and the log weight of every node (n, ..., n) for integrals over x."""

    axes: tuple[Axis, ...]
    log_weight: np.ndarray

    @property
    def order(self) -> int:
        """Nodes per row."""
        return int(self.log_weight.shape[-1])

    def x(self) -> list[np.ndarray]:
        """Coordinates of every node on each axis, each (n, ..., n)."""
        return [
            np.broadcast_to(spread(axis.points, self), self.log_weight.shape) for axis in self.axes
        ]


Ranges = Callable[[list[np.ndarray]], tuple[np.ndarray, np.ndarray]]


def spread(values: np.ndarray, rule: Rule) -> np.ndarray:
    """Values (n, ..., n) on the outer axes with the inner axes appended, so that they broadcast over all nodes."""
    return values.reshape(values.shape + (1,) * (len(rule.axes) - values.ndim))


def place(order: int, axes: int, ranges: Ranges) -> Rule:
    """Rule of `order` nodes per row; `ranges` gives each row's range from the nodes of the axes outside it."""
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
    """The same range in every row of an axis: low, high (axes,)."""

    def ranges(outer: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        shape = outer[-1].shape if outer else ()
        return np.full(shape, low[len(outer)]), np.full(shape, high[len(outer)])

    return ranges


def follow(rule: Rule, log_density: np.ndarray, drop: float) -> Ranges:
    """Ranges that hold all nodes within `drop` of their row's highest log density, one node to spare on each side.

    A new row takes the hull of the ranges of the two old rows on either side of it.
    """
    kept = [
        _kept(axis, _highest(log_density, depth + 1), drop) for depth, axis in enumerate(rule.axes)
    ]
    points = [axis.points for axis in rule.axes]
    return lambda outer: _hull(points[: len(outer)], *kept[len(outer)], outer)


class HasDensity(Protocol):
    """Values at the nodes of a rule, the log density (n, ..., n) among them."""

    @property
    def log_density(self) -> np.ndarray: ...


def zoom[Evaluated: HasDensity](
    evaluate: Callable[[Rule], Evaluated],
    axes: int,
    drop: float,
    *,
    order: int = 16,
    rounds: int = 40,
) -> tuple[Evaluated, np.ndarray, np.ndarray]:
    """Find the box around the nodes within `drop` of the highest log density.

    The box starts from everything and shrinks until a round would take off less than a third of every side.

    Returns
    -------
    The evaluation of `order` nodes on each axis of the box, and its ends low, high (axes,).

    Raises
    ------
    BadInput
        The density does not fall off where a tau grows: it has no integral that can be found.
    """
    low, high = np.zeros(axes), np.full(axes, FARTHEST)
    for turn in range(rounds):
        evaluated = evaluate(place(order, axes, box(low, high)))
        if turn == 0:
            _refuse_endless(evaluated.log_density, drop)
        new_low, new_high = _near(evaluated.log_density, low, high, drop)
        if ((new_high - new_low) / (high - low)).min() > KEPT:
            break
        low, high = new_low, new_high
    return evaluated, low, high


def _near(
    density: np.ndarray, low: np.ndarray, high: np.ndarray, drop: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the part of a box (low, high) that holds the nodes within `drop` of the peak, a node to spare."""
    near, order = density > density.max() - drop, density.shape[0]
    new_low, new_high = low.copy(), high.copy()
    for axis in range(len(low)):
        first, last = _ends(near.any(tuple(other for other in range(len(low)) if other != axis)))
        x = low[axis] + (high[axis] - low[axis]) * (leggauss(order)[0] + 1) / 2
        new_low[axis] = x[first - 1] if first else low[axis]
        new_high[axis] = x[last + 1] if last + 1 < order else high[axis]
    return new_low, new_high


class Marginal(NamedTuple):
    """Distribution of one tau, a Legendre series per row: low, high (rows,), series (rows, n), and the scale of x."""

    low: np.ndarray
    high: np.ndarray
    series: np.ndarray
    scale: float

    def cdf(self, tau: float) -> float:
        """P(tau' <= tau): the polynomial through each row's nodes, integrated exactly."""
        share = np.clip((np.arcsinh(tau / self.scale) - self.low) / (self.high - self.low), 0, 1)
        value = legvander(2 * share - 1, self.series.shape[1])
        integral = np.column_stack([value[:, 0] + value[:, 1], value[:, 2:] - value[:, :-2]]) / 2
        return float((self.series * integral).sum())


def marginal(rule: Rule, mass: np.ndarray, axis: int, scale: float) -> Marginal:
    """Distribution along one axis of a rule whose nodes have the given mass (n, ..., n).

    Between the nodes the log density is a polynomial, which is much closer than one through the density.
    """
    rows = mass.reshape((*mass.shape[: axis + 1], -1)).sum(-1).reshape(-1, rule.order)
    near = rows.sum(1) > 1e-16
    rows, low, high = (
        rows[near],
        rule.axes[axis].low.ravel()[near],
        rule.axes[axis].high.ravel()[near],
    )
    basis = _basis(rule.order)
    log_density = np.log(np.maximum(rows, 1e-25 * rows.max(1, keepdims=True)) / basis.weight)
    series = (log_density * basis.weight) @ basis.at_nodes * (np.arange(rule.order) + 0.5)
    fine_mass = basis.fine_weight * np.exp(series @ basis.at_fine.T)
    fine_mass *= rows.sum(1, keepdims=True) / fine_mass.sum(1, keepdims=True)
    return Marginal(low, high, fine_mass @ basis.series, scale)


class _Basis(NamedTuple):
    """Legendre polynomials at the nodes of a rule and at three times as many, with the weights of both."""

    weight: np.ndarray
    fine_weight: np.ndarray
    at_nodes: np.ndarray
    at_fine: np.ndarray
    series: np.ndarray


@cache
def _basis(order: int) -> _Basis:
    (unit, weight), (fine, fine_weight) = leggauss(order), leggauss(3 * order)
    at_nodes, at_fine = (legvander(nodes, order - 1) for nodes in (unit, fine))
    return _Basis(weight, fine_weight, at_nodes, at_fine, legvander(fine, len(fine) - 1))


def cell_edges(order: int) -> np.ndarray:
    """Return the edges of the cells of a rule's nodes on the unit interval (order + 1,); a cell is as wide as its weight."""
    return np.concatenate([[0.0], np.cumsum(leggauss(order)[1]) / 2])


def cells(rule: Rule) -> tuple[np.ndarray, np.ndarray]:
    """Each node's cell: lower edges and widths on every axis, (nodes, axes) each; a row's cells fill its range."""
    edges = cell_edges(rule.order)
    lower, width = [], []
    for axis in rule.axes:
        length = (axis.high - axis.low)[..., None]
        lower.append(axis.low[..., None] + length * edges[:-1])
        width.append(length * np.diff(edges))
    shape = rule.log_weight.shape
    flat = [
        np.column_stack([np.broadcast_to(spread(values, rule), shape).ravel() for values in part])
        for part in (lower, width)
    ]
    return flat[0], flat[1]


def _highest(values: np.ndarray, depth: int) -> np.ndarray:
    """Maximum over all but the first `depth` axes."""
    highest: np.ndarray = values.reshape((*values.shape[:depth], -1)).max(-1)
    return highest


def _refuse_endless(log_density: np.ndarray, drop: float) -> None:
    """Nothing where the density is negligible on every axis before a tau is too large to be computed with."""
    for axis in range(log_density.ndim):
        along = log_density.max(tuple(other for other in range(log_density.ndim) if other != axis))
        if along[np.isfinite(along)][-1] > along.max() - drop:
            raise BadInput(UNBOUND)


def _ends(near: np.ndarray) -> tuple[int, int]:
    """First and last true position."""
    found = np.flatnonzero(near)
    return int(found[0]), int(found[-1])


def _kept(axis: Axis, highest: np.ndarray, drop: float) -> tuple[np.ndarray, np.ndarray]:
    """Range of each row (n, ..., n) that holds what is within `drop` of the row's maximum."""
    near = highest >= highest.max(-1, keepdims=True) - drop
    edges = np.concatenate([axis.low[..., None], axis.points, axis.high[..., None]], -1)
    first, last = (
        near.argmax(-1)[..., None],
        near.shape[-1] - near[..., ::-1].argmax(-1)[..., None] + 1,
    )
    return np.take_along_axis(edges, first, -1)[..., 0], np.take_along_axis(edges, last, -1)[..., 0]


def _hull(
    points: list[np.ndarray], low: np.ndarray, high: np.ndarray, outer: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Ranges for new outer nodes from the ranges of the old ones: hull over the old rows on either side."""
    if not outer:
        return low, high
    right = np.clip(np.searchsorted(points[0], outer[0]), 1, len(points[0]) - 1)
    if len(outer) == 1:
        return np.minimum(low[right - 1], low[right]), np.maximum(high[right - 1], high[right])
    rows = []
    for new, place_right in enumerate(right):
        inner = [axis[new] for axis in outer[1:]]
        sides = [
            _hull([axis[row] for axis in points[1:]], low[row], high[row], inner)
            for row in (place_right - 1, place_right)
        ]
        rows.append((np.minimum(sides[0][0], sides[1][0]), np.maximum(sides[0][1], sides[1][1])))
    return np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
