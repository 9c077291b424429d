"""Every way to split a leaf of a tree in two, and the between-subgroup Q that each would give."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from bayesmeta.infrastructure.errors import BadInput

NUMBERS = 4_000_000  # in the largest array of weights
NODES = 24  # values of tau2 between which Qb is interpolated
ROUGH = 1e-3  # relative distance from the largest Qb within which an interpolated one is computed in full
SAME = 1e-9  # relative difference below which two splits are the same split


@dataclass(frozen=True)
class Moderator:
    """A column to split on: numbers, or codes into `levels` (sorted; empty if it is numeric)."""

    name: str
    values: np.ndarray
    levels: tuple[str, ...]


@dataclass(frozen=True)
class Effects:
    """What trees are grown from: yi and vi (effects,), and the moderators in the order in which they are tried."""

    yi: np.ndarray
    vi: np.ndarray
    moderators: tuple[Moderator, ...]


class Cuts(NamedTuple):
    """Splits of one leaf by one moderator: its rows in order, how many of them go left, and up to which value."""

    moderator: Moderator
    order: np.ndarray
    ends: np.ndarray
    up_to: np.ndarray

    def left(self, at: int | slice = slice(None)) -> np.ndarray:
        """Which rows go left, for all splits or the one `at` a place (splits, rows)."""
        return self.order.argsort() < np.atleast_1d(self.ends[at])[:, None]


def effects_of(table: pd.DataFrame, moderators: Sequence[str]) -> Effects:
    """Take yi, vi and the moderators, each complete, from a table of effects.

    Columns of numbers stay numbers; all others, booleans too, are categories.

    Raises
    ------
    BadInput
        A column is not there or has missing values; vi is not above 0; no moderator or no effect is given.
    """
    if not moderators or table.empty:
        raise BadInput("a tree needs a moderator and an effect at least")
    if unknown := [name for name in ("yi", "vi", *moderators) if name not in table]:
        raise BadInput(f"the table has no columns {unknown}; it has: {', '.join(map(str, table.columns))}")
    missing = table[["yi", "vi", *moderators]].isna().sum()
    if missing.any():
        counts = ", ".join(f"{name} ({count})" for name, count in missing[missing > 0].items())
        raise BadInput(f"missing values in {counts}; impute them, or leave these rows or moderators out")
    yi, vi = table["yi"].to_numpy(float), table["vi"].to_numpy(float)
    if not (np.isfinite(yi).all() and np.isfinite(vi).all() and (vi > 0).all()):
        raise BadInput("yi should be finite and vi above 0 in every row of a tree")
    return Effects(yi, vi, tuple(_moderator(table[name]) for name in moderators))


def _moderator(column: pd.Series) -> Moderator:
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return Moderator(str(column.name), column.to_numpy(float), ())
    words = column.astype(str).to_numpy(str)
    levels, codes = np.unique(words, return_inverse=True)
    return Moderator(str(column.name), codes, tuple(map(str, levels)))


def cuts_of(effects: Effects, rows: np.ndarray, min_bucket: int) -> list[Cuts]:
    """Every split of these rows (n,) that leaves at least `min_bucket` of them on each side, by moderator.

    A numeric moderator is cut at each value that is there. The levels of a categorical one are put in the order of
    their mean yi among these rows, each effect counting the same as in metacart, and the order is cut everywhere.
    """
    found = []
    for each in effects.moderators:
        values = each.values[rows]
        if each.levels:
            # rounded, so that equal means are equal in whichever order their effects were added
            values = _means(effects.yi[rows], values, len(each.levels)).round(12)[values]
        order = values.argsort(kind="stable")
        ordered = values[order]
        ends = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
        ends = ends[(ends >= min_bucket) & (ends <= len(rows) - min_bucket)]
        if len(ends):
            found.append(Cuts(each, order, ends, ordered[ends - 1]))
    return found


def _means(yi: np.ndarray, codes: np.ndarray, levels: int) -> np.ndarray:
    counts = np.bincount(codes, minlength=levels)
    return np.bincount(codes, yi, levels) / np.maximum(counts, 1)


def between(effects: Effects, leaf: np.ndarray, rows: np.ndarray, left: np.ndarray) -> np.ndarray:
    """Between-subgroup Q and residual tau2 of all leaves, for each split of one of them (2, splits).

    With w = 1 / vi, leaves l of a tree with this split and L leaves, W_l the sum of w in l and y_l their weighted mean:
    tau2 = max(0, (sum of w (yi - y_l)^2 - (k - L)) / sum over l of (W_l - sum of w^2 / W_l)), and with
    w* = 1 / (vi + tau2) instead of w, Qb = sum over l of W*_l (y*_l - y*)^2.

    Parameters
    ----------
    leaf : array (effects,)
        Codes from 0 of the leaves before the split.
    rows : array (n,)
        The effects of the leaf that is split.
    left : array of bool (splits, n)
        Which of these go to the left leaf; both sides need one.

    References
    ----------
    DerSimonian & Laird 1986, doi:10.1016/0197-2456(86)90046-2;
    Li, Dusseldorp, Su & Meulman 2020, doi:10.3758/s13428-020-01360-0.
    """
    step = max(1, NUMBERS // len(leaf))
    parts = [_between(effects, leaf, rows, left[at : at + step]) for at in range(0, len(left), step)]
    return np.concatenate(parts, axis=1) if parts else np.empty((2, 0))


def _between(effects: Effects, leaf: np.ndarray, rows: np.ndarray, left: np.ndarray) -> np.ndarray:
    sums, others = _sums(effects), _others(leaf, rows)
    tau2 = _tau2(effects, sums[rows].sum(0), left @ sums[rows], others.T @ sums)
    new = 1 / (effects.vi + tau2[:, None])
    both = np.stack([new, new * sums[:, 1] / sums[:, 0]])
    sides = ((both[:, :, rows] * side).sum(-1) for side in (left, ~left))
    return np.stack([_q_between(*sides, *np.moveaxis(both @ others, -1, 0)), tau2])


def _sums(effects: Effects) -> np.ndarray:
    """What is added up: w, w y, w y^2 and w^2 of each effect (effects, 4), y from the weighted mean of all."""
    weights = 1 / effects.vi
    centred = effects.yi - np.average(effects.yi, weights=weights)
    return np.stack([weights, weights * centred, weights * centred**2, weights**2], 1)


def _others(leaf: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Which effects are in which of the leaves that are not split (effects, leaves - 1), as numbers."""
    return np.delete(leaf[:, None] == np.arange(leaf.max() + 1), leaf[rows[0]], axis=1).astype(float)


def _tau2(effects: Effects, node: np.ndarray, to_left: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Residual tau2 of each split, from the sums of the node (4,), of its left sides (splits, 4) and other leaves."""
    of_sides = _moments(np.stack([to_left, node - to_left])).sum(1)
    within, scale = of_sides + _moments(others).sum(1)[:, None]
    excess = within - (len(effects.yi) - len(others) - 2)
    # a scale of nothing but rounding: each leaf is a single effect
    defined = scale > 1e-9 / effects.vi.mean()
    return np.where(defined, excess / np.where(defined, scale, 1), 0).clip(min=0)


def _q_between(*leaves: np.ndarray) -> np.ndarray:
    """Qb from the sums of w and w y of each leaf (2, ...)."""
    w, wy = leaves[0] + sum(leaves[1:])
    return sum(wy**2 / w for w, wy in leaves) - wy**2 / w


def _moments(sums: np.ndarray) -> np.ndarray:
    """Q within and the factor of tau2 in its expectation, stacked (2, ...), from the sums of w, wy, wy^2 and w^2."""
    w, wy, wy2, w2 = np.moveaxis(sums, -1, 0)
    return np.stack([(wy2 - wy**2 / w).clip(min=0), (w - w2 / w).clip(min=0)])


def best_cut(effects: Effects, leaf: np.ndarray, rows: np.ndarray, cuts: list[Cuts]) -> tuple[int, int, float, float]:
    """The split with the largest Qb: which of `cuts`, its place there, Qb and tau2; the first of those that are equal.

    Of more splits than `NODES`, only those that are near the largest by `roughly` are computed in full.
    """
    which = np.repeat(np.arange(len(cuts)), [len(each.ends) for each in cuts])
    place = np.concatenate([np.arange(len(each.ends)) for each in cuts])
    if len(which) > NODES:
        rough = roughly(effects, leaf, rows, cuts)
        near = np.flatnonzero(rough >= rough.max() - ROUGH * max(1.0, rough.max()))
        which, place = which[near], place[near]
    left = np.concatenate([each.left(place[which == at]) for at, each in enumerate(cuts)])
    qb, tau2 = between(effects, leaf, rows, left)
    best = int((qb >= qb.max() - SAME * max(1.0, qb.max())).argmax())
    return int(which[best]), int(place[best]), float(qb[best]), float(tau2[best])


def roughly(effects: Effects, leaf: np.ndarray, rows: np.ndarray, cuts: list[Cuts]) -> np.ndarray:
    """Qb of all splits of a leaf (splits,), at a cost that grows with the splits and rows, not with their product.

    Each split has a tau2 of its own, and so weights of its own: its Qb is interpolated between `NODES` values of tau2
    at which running sums give it for all splits at once, the zeros of a Chebyshev polynomial in log(tau2 + least vi).
    """
    sums, others = _sums(effects), _others(leaf, rows)
    cumulated = np.concatenate([sums[rows][each.order].cumsum(0)[each.ends - 1] for each in cuts])
    tau2 = _tau2(effects, sums[rows].sum(0), cumulated, others.T @ sums)
    scale = np.log(tau2 + effects.vi.min())
    lowest, half = scale.min(), max(np.ptp(scale) / 2, 1e-6)
    angles = np.pi * (np.arange(NODES) + 0.5) / NODES
    new = 1 / (effects.vi[:, None] + np.exp(lowest + half * (1 + np.cos(angles))) - effects.vi.min())
    both = np.stack([new, new * sums[:, [1]] / sums[:, [0]]])
    there = both[:, rows]
    to_left = np.concatenate([there[:, each.order].cumsum(1)[:, each.ends - 1] for each in cuts], axis=1)
    rest = others.T @ both
    at_nodes = _q_between(to_left, there.sum(1)[:, None] - to_left, *np.moveaxis(rest[:, :, None], 1, 0))
    # the discrete cosine transform gives the coefficients, their sum of cosines the value at each split's tau2
    orders = np.arange(NODES)
    coefficients = 2 / NODES * at_nodes @ np.cos(np.outer(angles, orders))
    coefficients[:, 0] /= 2
    position = np.arccos(((scale - lowest) / half - 1).clip(-1, 1))
    value: np.ndarray = (coefficients * np.cos(np.outer(position, orders))).sum(1)
    return value
