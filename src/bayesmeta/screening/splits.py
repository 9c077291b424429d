"""Every way to split a leaf of a tree in two, and the resulting between-subgroup Q."""

from typing import NamedTuple

import numpy as np

from bayesmeta.screening.effects import Effects, Moderator

MAX_ARRAY_SIZE = 4_000_000  # of the largest array of weights: 32 MB
TAU2_NODES = 12  # values of tau2 between which Qb is interpolated
NEAR_BEST = 1e-3  # relative distance from the largest Qb within which Qb is computed in full
EQUAL_QB_TOLERANCE = 1e-9  # relative difference below which two splits are the same split
DECIMALS = 12  # of means: equal means stay equal in whichever order their effects were added
ROUNDING = 1e-9  # relative scale of DerSimonian and Laird that is only rounding
MIN_HALF_RANGE = 1e-6  # of log tau2, where all splits have the same tau2


class Cuts(NamedTuple):
    """Splits of a leaf by a moderator."""

    moderator: Moderator
    order: np.ndarray  # (n,), the rows of the leaf in the order of the moderator
    ends: np.ndarray  # (splits,), the number of rows on the left
    up_to: np.ndarray  # (splits,), the value up to which they go left

    def left(self, at: int | slice = slice(None)) -> np.ndarray:
        """Return the rows that go left, for all splits or those `at` a place (splits, rows)."""
        return self.order.argsort() < np.atleast_1d(self.ends[at])[:, None]


def cuts_of(effects: Effects, rows: np.ndarray, min_bucket: int) -> list[Cuts]:
    """Return every split of these rows (n,) with at least `min_bucket` of them on both sides.

    A numeric moderator is cut at every value that occurs. The levels of a category are sorted by
    their mean yi among these rows, all effects counting the same (metacart), and cut everywhere.
    """
    cuts = []
    for moderator in effects.moderators:
        values = moderator.values[rows]
        if moderator.levels:
            counts = np.bincount(values)
            sums = np.bincount(values, effects.yi[rows])
            values = (sums / np.maximum(counts, 1)).round(DECIMALS)[values]
        order = values.argsort(kind="stable")
        ordered = values[order]
        ends = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
        ends = ends[(ends >= min_bucket) & (ends <= len(rows) - min_bucket)]
        if len(ends):
            cuts.append(Cuts(moderator, order, ends, ordered[ends - 1]))
    return cuts


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
    terms = _sum_terms(effects)
    others = _others(leaf, rows)
    tau2 = _tau2(effects, terms[rows].sum(0), left @ terms[rows], others.T @ terms)
    weights = 1 / (effects.vi + tau2[:, None])
    both = np.stack([weights, weights * terms[:, 1] / terms[:, 0]])
    sides = ((both[:, :, rows] * side).sum(-1) for side in (left, ~left))
    return np.stack([_q_between(*sides, *np.moveaxis(both @ others, -1, 0)), tau2])


def _sum_terms(effects: Effects) -> np.ndarray:
    """Return w, w y, w y^2 and w^2 of every effect (effects, 4); y from their weighted mean."""
    weights = 1 / effects.vi
    centred = effects.yi - np.average(effects.yi, weights=weights)
    return np.stack([weights, weights * centred, weights * centred**2, weights**2], 1)


def _others(leaf: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the membership in the leaves that are not split (effects, leaves - 1), as numbers."""
    member = leaf[:, None] == np.arange(leaf.max() + 1)
    return np.delete(member, leaf[rows[0]], axis=1).astype(float)


def _tau2(effects: Effects, node: np.ndarray, left: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return residual tau2 of splits from `_sum_terms` over node, left sides and other leaves."""
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
    """Return Q within and the factor of tau2 in its expectation (2, ...), from `_sum_terms`."""
    w, wy, wy2, w2 = np.moveaxis(sums, -1, 0)
    return np.stack([(wy2 - wy**2 / w).clip(min=0), (w - w2 / w).clip(min=0)])


def best_cut(
    effects: Effects, leaf: np.ndarray, rows: np.ndarray, cuts: list[Cuts]
) -> tuple[int, int, float, float]:
    """Return the split with the largest Qb, the first of equal splits.

    Of more than `TAU2_NODES` splits only those that are near the largest by `roughly` are computed
    in full. Returns: index of the element of `cuts`, the place of the split in it, Qb and tau2.
    """
    which = np.repeat(np.arange(len(cuts)), [len(cut.ends) for cut in cuts])
    place = np.concatenate([np.arange(len(cut.ends)) for cut in cuts])
    if len(which) > TAU2_NODES:
        rough = roughly(effects, leaf, rows, cuts)
        near = np.flatnonzero(rough >= rough.max() - NEAR_BEST * max(1.0, rough.max()))
        which = which[near]
        place = place[near]
    left = np.concatenate([cut.left(place[which == at]) for at, cut in enumerate(cuts)])
    qb, tau2 = between(effects, leaf, rows, left)
    best = int((qb >= qb.max() - EQUAL_QB_TOLERANCE * max(1.0, qb.max())).argmax())
    return int(which[best]), int(place[best]), float(qb[best]), float(tau2[best])


def roughly(effects: Effects, leaf: np.ndarray, rows: np.ndarray, cuts: list[Cuts]) -> np.ndarray:
    """Return Qb of all splits of a leaf (splits,), interpolated.

    The cost grows with the splits and rows, not with their product. Every split has its tau2 and so
    its weights: its Qb is interpolated between `TAU2_NODES` values of tau2 at which running sums
    give it for all splits at once, the zeros of a Chebyshev polynomial in log(tau2 + least vi).
    """
    terms = _sum_terms(effects)
    others = _others(leaf, rows)
    cumulated = np.concatenate([terms[rows][cut.order].cumsum(0)[cut.ends - 1] for cut in cuts])
    tau2 = _tau2(effects, terms[rows].sum(0), cumulated, others.T @ terms)
    log_tau2 = np.log(tau2 + effects.vi.min())
    lowest = log_tau2.min()
    half = max(np.ptp(log_tau2) / 2, MIN_HALF_RANGE)
    angles = np.pi * (np.arange(TAU2_NODES) + 0.5) / TAU2_NODES
    tau2_nodes = np.exp(lowest + half * (1 + np.cos(angles)))
    weights = 1 / (effects.vi[:, None] + tau2_nodes - effects.vi.min())
    both = np.stack([weights, weights * terms[:, [1]] / terms[:, [0]]])
    in_leaf = both[:, rows]
    parts = [in_leaf[:, cut.order].cumsum(1)[:, cut.ends - 1] for cut in cuts]
    to_left = np.concatenate(parts, axis=1)
    to_right = in_leaf.sum(1)[:, None] - to_left
    rest = others.T @ both
    at_nodes = _q_between(to_left, to_right, *np.moveaxis(rest[:, :, None], 1, 0))
    # a discrete cosine transform gives the coefficients, a sum of cosines the value at tau2
    orders = np.arange(TAU2_NODES)
    coefficients = 2 / TAU2_NODES * at_nodes @ np.cos(np.outer(angles, orders))
    coefficients[:, 0] /= 2
    position = np.arccos(((log_tau2 - lowest) / half - 1).clip(-1, 1))
    return (coefficients * np.cos(np.outer(position, orders))).sum(1)
