"""Random-effects meta-CART: subgroups that increase the between-subgroup Q, split by split."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.screening.effects import Effects, effects_of
from bayesmeta.screening.splits import (
    EQUAL_QB_TOLERANCE,
    Cuts,
    best_cut,
    between,
    cuts_of,
    near_best,
    roughly,
)

MIN_QB_GAIN = 1e-5  # by which a split has to raise Qb, metacart's cp


@dataclass(frozen=True)
class Choices:
    """The choices of a tree; BadInput for a number below 1, or min_bucket not below min_split."""

    max_splits: int = 10  # metacart's maxL
    min_split: int = 6  # effects that a node needs to be split
    min_bucket: int = 3  # effects that both sides of a split need
    look_ahead: bool = True  # choose the first two splits together, instead of in turn

    def __post_init__(self) -> None:
        if min(self.max_splits, self.min_bucket) < 1 or self.min_split <= self.min_bucket:
            needs = "max_splits and min_bucket should be 1 or more, and min_split above min_bucket"
            raise BadInput(f"{needs}; got {self}")


@dataclass(frozen=True)
class Split:
    """A split: the i-th, from 1, makes nodes 2i (left) and 2i + 1 of `parent`; the root is 1."""

    parent: int
    moderator: str
    left: tuple[str, ...]  # levels
    right: tuple[str, ...]  # the other levels that occurred
    cut: float  # numbers up to it go left
    Qb: float  # of all leaves after the split
    tau2: float  # the same


@dataclass(frozen=True)
class Tree:
    """A grown tree: its splits in order, and tau2 of the root alone."""

    splits: tuple[Split, ...]
    tau2: float

    def tau2_after(self, splits: int) -> float:
        """Return the residual tau2 of the tree with the first so many splits."""
        return self.splits[splits - 1].tau2 if splits else self.tau2


def grow(table: pd.DataFrame, moderators: Sequence[str], choices: Choices | None = None) -> Tree:
    """Grow a random-effects meta-tree, not pruned.

    At every step every leaf is split in all possible ways, tau2 is estimated again for every split
    (DerSimonian and Laird, the same tau2 for all leaves), and the split with the largest Qb is
    kept. With look-ahead the first two splits are the pair with the largest Qb; of pairs that give
    the same three leaves, it is metacart's: the pair with the second moderator that comes first.
    metacart's `REmrt`, which requires min_bucket only in the second of the two splits of
    look-ahead. Effects count as independent, as there. `table`: a row per effect: yi, vi and the
    moderators, complete. `moderators`: the order decides ties. Columns of numbers are cut at their
    values, others by levels. Raises BadInput: as in `effects.effects_of`.
    Source: Li, Dusseldorp, Su & Meulman 2020, doi:10.3758/s13428-020-01360-0.
    """
    choices = choices or Choices()
    effects = effects_of(table, moderators)
    root = np.ones(len(table), int)
    splits: list[Split] = []
    if choices.look_ahead and choices.max_splits > 1:
        splits = _first_two(effects, choices)
    while len(splits) < choices.max_splits:
        best = best_split(effects, _divide(effects, root, splits), choices)
        if best is None or best.Qb - (splits[-1].Qb if splits else 0) < MIN_QB_GAIN:
            break
        splits.append(best)
    return Tree(tuple(splits), _root_tau2(effects))


def best_split(effects: Effects, nodes: np.ndarray, choices: Choices) -> Split | None:
    """Return the split with the largest Qb of all leaves in `nodes` (effects,); None for none."""
    numbers, leaf = np.unique(nodes, return_inverse=True)
    leaves = _cuts_of_leaves(effects, leaf, choices)
    if not leaves:
        return None
    rough = roughly(effects, leaf, leaves)
    largest = max(of_leaf.max() for of_leaf in rough)
    best: Split | None = None
    for cuts, of_leaf in zip(leaves, rough, strict=True):
        among = near_best(of_leaf, largest)
        if len(among):
            at, qb, tau2 = best_cut(effects, leaf, cuts, among)
            if best is None or qb > best.Qb * (1 + EQUAL_QB_TOLERANCE):
                best = _split(effects, int(numbers[leaf[cuts.rows[0]]]), cuts, at, qb, tau2)
    return best


def _cuts_of_leaves(effects: Effects, leaf: np.ndarray, choices: Choices) -> list[Cuts]:
    """Return the splits of every leaf (effects,) that has any."""
    parts = [np.flatnonzero(leaf == number) for number in range(leaf.max() + 1)]
    large = [rows for rows in parts if len(rows) >= choices.min_split]
    cuts = [cuts_of(effects, rows, choices.min_bucket) for rows in large]
    return [of_leaf for of_leaf in cuts if len(of_leaf.last)]


def _first_two(effects: Effects, choices: Choices) -> list[Split]:
    """Return the pair of splits with the largest Qb; none if no second split raises it."""
    rows = np.arange(len(effects.yi))
    if len(rows) < choices.min_split:
        return []
    cuts = cuts_of(effects, rows, choices.min_bucket)
    halves = np.where(cuts.left(effects), 0, 1)
    rough = np.full(len(halves), -np.inf)  # the largest Qb after a second split
    for at, leaf in enumerate(halves):
        if leaves := _cuts_of_leaves(effects, leaf, choices):
            rough[at] = np.concatenate(roughly(effects, leaf, leaves)).max()
    if np.isinf(rough).all():
        return []
    pairs = []
    for at in near_best(rough, rough.max()):
        second = best_split(effects, halves[at] + 2, choices)
        if second:
            pairs.append((second, int(at)))
    largest = max(second.Qb for second, _ in pairs)
    tied = [pair for pair in pairs if pair[0].Qb >= largest * (1 - EQUAL_QB_TOLERANCE)]
    order = [moderator.name for moderator in effects.moderators]
    second, at = min(tied, key=lambda pair: order.index(pair[0].moderator))  # the first
    root = np.zeros(len(rows), int)
    qb, tau2 = map(float, between(effects, root, rows, cuts.left(effects, at))[:, 0])
    if second.Qb - qb < MIN_QB_GAIN:
        return []
    return [_split(effects, 1, cuts, at, qb, tau2), second]


def _split(effects: Effects, parent: int, cuts: Cuts, at: int, qb: float, tau2: float) -> Split:
    last = cuts.last[at]
    owner = effects.owner[cuts.order[last]]
    moderator = effects.moderators[owner]
    values = moderator.values[cuts.rows]
    left = np.unique(values[cuts.left(effects, at)[0]])
    if not moderator.levels:
        return Split(parent, moderator.name, (), (), float(left[-1]), qb, tau2)
    sides = (left, np.setdiff1d(values, left))
    lower, upper = (tuple(moderator.levels[code] for code in side) for side in sides)
    return Split(parent, moderator.name, lower, upper, float("nan"), qb, tau2)


def _divide(effects: Effects, nodes: np.ndarray, splits: Sequence[Split]) -> np.ndarray:
    """Return the nodes (effects,) after splits."""
    columns = {moderator.name: moderator.labels for moderator in effects.moderators}
    for step, split in enumerate(splits, 1):
        nodes = divide(columns[split.moderator], nodes, split, step)
    return nodes


def divide(values: np.ndarray, nodes: np.ndarray, split: Split, step: int) -> np.ndarray:
    """Return the nodes after a split; a level that was absent at the split stays in the parent."""
    here = nodes == split.parent
    left = np.isin(values, split.left) if split.left else values <= split.cut
    right = np.isin(values, split.right) if split.left else ~left
    return np.select([here & left, here & right], [2 * step, 2 * step + 1], nodes)


def nodes_of(tree: Tree, table: pd.DataFrame) -> np.ndarray:
    """Return nodes after 0, 1, ... splits (splits + 1, rows); BadInput if columns lack values."""
    used = list(dict.fromkeys(split.moderator for split in tree.splits))
    if bad := [name for name in used if name not in table or table[name].isna().any()]:
        raise BadInput(f"the tree splits on {bad}; the table should have them, without blanks")
    nodes = [np.ones(len(table), int)]
    for step, split in enumerate(tree.splits, 1):
        column = table[split.moderator]
        values = column.astype(str).to_numpy(str) if split.left else column.to_numpy(float)
        nodes.append(divide(values, nodes[-1], split, step))
    return np.stack(nodes)


def _root_tau2(effects: Effects) -> float:
    """Return tau2 of all effects, DerSimonian and Laird."""
    weights = 1 / effects.vi
    if len(weights) == 1:
        return 0.0
    within = weights @ (effects.yi - np.average(effects.yi, weights=weights)) ** 2
    scale = weights.sum() - (weights**2).sum() / weights.sum()
    return float(max(0.0, (within - len(weights) + 1) / scale))
