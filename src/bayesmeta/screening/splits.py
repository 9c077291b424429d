"""Every way to split a leaf of a tree in two, and the resulting between-subgroup Q."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import sparse

from bayesmeta.screening.effects import Effects

MAX_ARRAY_SIZE = 4_000_000  # of the largest array of weights: 32 MB
TAU2_NODES = 12  # values of tau2 between which Qb is interpolated
MAX_HALF_RANGE = 2  # of log tau2, for which so many are precise to 1e-6; for more, more nodes
NEAR_BEST = 1e-3  # relative distance from the largest Qb within which Qb is computed in full
EQUAL_QB_TOLERANCE = 1e-9  # relative difference below which two splits are the same split
DECIMALS = 12  # of means: equal means stay equal in whichever order their effects were added
ROUNDING = 1e-9  # relative scale of DerSimonian and Laird that is only rounding
MIN_HALF_RANGE = 1e-6  # of log tau2, where all splits have the same tau2


class Cuts(NamedTuple):
    """Splits of a leaf by all moderators: values up to a place go left, the others right.

    Attributes
    ----------
    rows : array (n,), the effects of the leaf.
    membership : sparse array (values, n), the values of the moderators that they have.
    order : array (values,), places of the values moderator by moderator, as they are cut.
    first, last : arrays (splits,), places in `order` of the first and last value that go left.
    """

    rows: np.ndarray
    membership: sparse.csc_array
    order: np.ndarray
    first: np.ndarray
    last: np.ndarray

    def left(self, effects: Effects, at: int | slice | np.ndarray = slice(None)) -> np.ndarray:
        """Return the rows that go left, for all splits or those `at` a place (splits, rows)."""
        last = np.atleast_1d(self.last[at])
        moderator = effects.owner[self.order[last]]
        position = self.order.argsort()[effects.places[self.rows]]
        return position.T[moderator] <= last[:, None]

    def sums(self, of_rows: np.ndarray) -> np.ndarray:
        """Return the sums over the rows that go left (splits, columns) of an array (n, columns)."""
        of_values = (self.membership @ of_rows)[self.order]
        up_to = np.concatenate([np.zeros((1, of_rows.shape[1])), of_values.cumsum(0)])
        return up_to[self.last + 1] - up_to[self.first]


def cuts_of(effects: Effects, rows: np.ndarray, min_bucket: int) -> Cuts:
    """Return every split of these rows (n,) with at least `min_bucket` of them on both sides.

    A numeric moderator is cut at every value that occurs. The levels of a category are sorted by
    their mean yi among these rows, all effects counting the same (metacart), and cut everywhere.
    """
    membership = effects.membership[rows].T
    columns = np.stack([np.ones(len(rows)), effects.yi[rows]], 1)
    counts, sums = (membership @ columns).T
    means = (sums / np.maximum(counts, 1)).round(DECIMALS)
    numbers = np.concatenate(effects.values)
    category = np.array([bool(moderator.levels) for moderator in effects.moderators])
    key = np.where(category[effects.owner], means, numbers)
    key[counts == 0] = np.inf  # at the end, where no row is on the right
    order = np.lexsort((key, effects.owner))
    owner = effects.owner[order]
    first = np.searchsorted(owner, owner)
    cumulated = counts[order].cumsum()
    to_left = cumulated - np.append(0, cumulated)[first]
    parted = np.append((owner[1:] != owner[:-1]) | (key[order][1:] != key[order][:-1]), True)
    allowed = parted & (to_left >= min_bucket) & (to_left <= len(rows) - min_bucket)
    last = np.flatnonzero(allowed)
    return Cuts(rows, membership, order, first[last], last)


def between(effects: Effects, leaf: np.ndarray, rows: np.ndarray, left: np.ndarray) -> np.ndarray:
    """Return between-subgroup Q and residual tau2 of all leaves, per split of a leaf (2, splits).

    With w = 1 / vi, leaves l of a tree with this split and L leaves, W_l the sum of w in l and y_l
    their weighted mean: tau2 = max(0, (sum of w (yi - y_l)^2 - (k - L)) / sum over l of (W_l - sum
    of w^2 / W_l)), and with w* = 1 / (vi + tau2) instead of w, Qb = sum over l of W*_l (y*_l -
    y*)^2. `leaf`: array (effects,), codes from 0 of the leaves before the split. `rows`: array
    (n,), the effects of the leaf that is split. `left`: array of bool (splits, n), the rows that go
    to the left leaf; both sides need a row.
    Source: DerSimonian & Laird 1986, doi:10.1016/0197-2456(86)90046-2; Li, Dusseldorp, Su & Meulman
    2020, doi:10.3758/s13428-020-01360-0.
    """
    step = max(1, MAX_ARRAY_SIZE // len(leaf))
    starts = range(0, len(left), step)
    parts = [_between(effects, leaf, rows, left[start : start + step]) for start in starts]
    return np.concatenate(parts, axis=1) if parts else np.empty((2, 0))


def _between(effects: Effects, leaf: np.ndarray, rows: np.ndarray, left: np.ndarray) -> np.ndarray:
    terms = effects.terms
    others = np.delete(_members(leaf), leaf[rows[0]], axis=1)
    tau2 = _tau2(effects, terms[rows].sum(0), left @ terms[rows], others.T @ terms)
    weights = 1 / (effects.vi + tau2[:, None])
    both = np.stack([weights, weights * terms[:, 1] / terms[:, 0]])
    sides = ((both[:, :, rows] * side).sum(-1) for side in (left, ~left))
    return np.stack([_q_between(*sides, *np.moveaxis(both @ others, -1, 0)), tau2])


def _members(leaf: np.ndarray) -> np.ndarray:
    """Return the membership in the leaves (effects, leaves), as numbers."""
    return (leaf[:, None] == np.arange(leaf.max() + 1)).astype(float)


def _tau2(effects: Effects, node: np.ndarray, left: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return residual tau2 of splits from sums of terms over node, left sides and other leaves."""
    of_sides = _moments(np.stack([left, node - left])).sum(1)
    within, scale = of_sides + _moments(others).sum(1)[:, None]
    excess = within - (len(effects.yi) - len(others) - 2)
    # where every leaf is a single effect the scale is only rounding
    defined = scale > ROUNDING / effects.vi.mean()
    return np.where(defined, excess / np.where(defined, scale, 1), 0).clip(min=0)


def _q_between(*leaves: np.ndarray) -> np.ndarray:
    """Return Qb from the sums of w and w y of every leaf (2, ...)."""
    w, wy = leaves[0] + sum(leaves[1:])
    return sum(wy**2 / w for w, wy in leaves) - wy**2 / w


def _moments(sums: np.ndarray) -> np.ndarray:
    """Return Q within and the factor of tau2 in its expectation (2, ...), from sums of terms."""
    w, wy, wy2, w2 = np.moveaxis(sums, -1, 0)
    return np.stack([(wy2 - wy**2 / w).clip(min=0), (w - w2 / w).clip(min=0)])


def best_cut(
    effects: Effects, leaf: np.ndarray, cuts: Cuts, among: np.ndarray
) -> tuple[int, float, float]:
    """Return the split with the largest Qb `among` some: its place, Qb and tau2.

    It is the first of equal splits.
    """
    qb, tau2 = between(effects, leaf, cuts.rows, cuts.left(effects, among))
    best = int((qb >= qb.max() - EQUAL_QB_TOLERANCE * max(1.0, qb.max())).argmax())
    return int(among[best]), float(qb[best]), float(tau2[best])


def near_best(rough: np.ndarray, largest: float) -> np.ndarray:
    """Return the places of splits that are to be computed in full, by their Qb from `roughly`."""
    return np.flatnonzero(rough >= largest - NEAR_BEST * max(1.0, largest))


def roughly(effects: Effects, leaf: np.ndarray, cuts: Sequence[Cuts]) -> list[np.ndarray]:
    """Return Qb of all splits of some leaves, interpolated: an array (splits,) per leaf.

    The cost grows with the splits and rows, not with their product. Every split has its tau2 and so
    its weights: its Qb is interpolated between values of tau2 at which sums by value of a moderator
    give it for all splits at once, the zeros of a Chebyshev polynomial in log(tau2 + least vi).
    """
    numbers = [int(leaf[of_leaf.rows[0]]) for of_leaf in cuts]
    members = _members(leaf)
    terms = members.T @ effects.terms
    tau2 = [
        _tau2(
            effects, terms[at], of_leaf.sums(effects.terms[of_leaf.rows]), np.delete(terms, at, 0)
        )
        for at, of_leaf in zip(numbers, cuts, strict=True)
    ]
    log_tau2 = np.log(np.concatenate(tau2) + effects.vi.min())
    lowest = log_tau2.min()
    half = max(np.ptp(log_tau2) / 2, MIN_HALF_RANGE)
    count = TAU2_NODES * max(1, int(np.ceil(half / MAX_HALF_RANGE)))
    angles = np.pi * (np.arange(count) + 0.5) / count
    tau2_nodes = np.exp(lowest + half * (1 + np.cos(angles))) - effects.vi.min()
    weights = 1 / (effects.vi[:, None] + tau2_nodes)
    both = np.hstack([weights, weights * (effects.terms[:, 1] / effects.terms[:, 0])[:, None]])
    of_leaves = (members.T @ both).reshape(-1, 2, count)
    at_nodes = np.concatenate(
        [
            _at_nodes(of_leaf.sums(both[of_leaf.rows]).reshape(-1, 2, count), of_leaves, at)
            for at, of_leaf in zip(numbers, cuts, strict=True)
        ]
    )
    # a discrete cosine transform gives the coefficients, a sum of cosines the value at tau2
    orders = np.arange(count)
    coefficients = 2 / count * at_nodes @ np.cos(np.outer(angles, orders))
    coefficients[:, 0] /= 2
    position = np.arccos(((log_tau2 - lowest) / half - 1).clip(-1, 1))
    rough = (coefficients * np.cos(np.outer(position, orders))).sum(1)
    return np.split(rough, np.cumsum([len(part) for part in tau2])[:-1])


def _at_nodes(left: np.ndarray, leaves: np.ndarray, split: int) -> np.ndarray:
    """Return Qb of splits at every node (splits, nodes), from sums of w and w y (..., 2, nodes).

    `left`: sums over the rows that go left; `leaves`: over all leaves, of which one is `split`.
    """
    others = np.delete(leaves, split, axis=0)
    sides = np.moveaxis(np.stack([left, leaves[split] - left]), 2, 1)
    return _q_between(*sides, *others[:, :, None, :])
