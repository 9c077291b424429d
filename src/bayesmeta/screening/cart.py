"""Random-effects meta-CART: split effects into subgroups until the between-subgroup Q no longer grows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.screening.splits import SAME, Cuts, Effects, best_cut, between, cuts_of, effects_of

LEAST = 1e-5  # by which a split has to raise Qb, metacart's cp


@dataclass(frozen=True)
class Choices:
    """How a tree is grown.

    Attributes
    ----------
    max_splits : int
        metacart's maxL.
    min_split, min_bucket : int
        Effects that a node needs to be split, and that each side of a split needs.
    look_ahead : bool
        Choose the first two splits together, instead of one after the other.

    Raises
    ------
    BadInput
        A number below 1, or a min_bucket that is not below min_split.
    """

    max_splits: int = 10
    min_split: int = 6
    min_bucket: int = 3
    look_ahead: bool = True

    def __post_init__(self) -> None:
        if min(self.max_splits, self.min_bucket) < 1 or self.min_split <= self.min_bucket:
            raise BadInput(
                f"max_splits {self.max_splits}, min_split {self.min_split}, min_bucket {self.min_bucket}: "
                "the first and the last should be 1 or more, and min_split above min_bucket"
            )


@dataclass(frozen=True)
class Split:
    """One split: the i-th, from 1, makes the nodes 2i (left) and 2i + 1 of node `parent`; the root is node 1.

    Left go the effects with a level in `left`, or numbers up to `cut`; `right` are the other levels that were there.
    `Qb` and `tau2` are of all leaves after it.
    """

    parent: int
    moderator: str
    left: tuple[str, ...]
    right: tuple[str, ...]
    cut: float
    Qb: float
    tau2: float


@dataclass(frozen=True)
class Tree:
    """A grown tree: its splits in order, and tau2 of the root alone."""

    splits: tuple[Split, ...]
    tau2: float

    def tau2_after(self, splits: int) -> float:
        """Residual tau2 of the tree of the first so many splits."""
        return self.splits[splits - 1].tau2 if splits else self.tau2


def grow(table: pd.DataFrame, moderators: Sequence[str], choices: Choices | None = None) -> Tree:
    """Grow a random-effects meta-tree, not pruned.

    At every step every leaf is split in every way, tau2 is estimated anew for each (DerSimonian and Laird, one for all
    leaves), and the split with the largest Qb is kept. With look-ahead the first two splits are the pair with the
    largest Qb; of pairs that give the same three leaves, metacart's: the one whose second moderator comes first.

    Parameters
    ----------
    table : DataFrame
        A row per effect: yi, vi and the moderators, complete.
    moderators : sequence of str
        In the order in which they win ties. Columns of numbers are cut at their values, others by levels.

    Raises
    ------
    BadInput
        As in `splits.effects_of`.

    Notes
    -----
    metacart's `REmrt`, which asks for min_bucket in the second of the two splits of look-ahead only. Effects count as
    independent, as there.

    References
    ----------
    Li, Dusseldorp, Su & Meulman 2020, doi:10.3758/s13428-020-01360-0.
    """
    choices, effects = choices or Choices(), effects_of(table, moderators)
    root = np.ones(len(table), int)
    splits = _first_two(effects, choices) if choices.look_ahead and choices.max_splits > 1 else []
    while len(splits) < choices.max_splits:
        best = best_split(effects, _divide(effects, root, splits), choices)
        if best is None or best.Qb - (splits[-1].Qb if splits else 0) < LEAST:
            break
        splits.append(best)
    return Tree(tuple(splits), _root_tau2(effects))


def best_split(effects: Effects, nodes: np.ndarray, choices: Choices) -> Split | None:
    """The split with the largest Qb among all of the leaves in `nodes` (effects,); None if there is none."""
    best: Split | None = None
    numbers, leaf = np.unique(nodes, return_inverse=True)
    for number in numbers:
        rows = np.flatnonzero(nodes == number)
        cuts = cuts_of(effects, rows, choices.min_bucket) if len(rows) >= choices.min_split else []
        if not cuts:
            continue
        which, place, qb, tau2 = best_cut(effects, leaf, rows, cuts)
        if best is None or qb > best.Qb * (1 + SAME):
            best = _split(int(number), rows, cuts[which], place, qb, tau2)
    return best


def _first_two(effects: Effects, choices: Choices) -> list[Split]:
    """The pair of splits with the largest Qb; none if there is no second split that raises it."""
    rows, order = np.arange(len(effects.yi)), [each.name for each in effects.moderators]
    if len(rows) < choices.min_split:
        return []
    firsts = [(cuts, at) for cuts in cuts_of(effects, rows, choices.min_bucket) for at in range(len(cuts.ends))]
    seconds = [best_split(effects, np.where(cuts.left(at)[0], 2, 3), choices) for cuts, at in firsts]
    found = [(second, number) for number, second in enumerate(seconds) if second]
    if not found:
        return []
    largest = max(second.Qb for second, _ in found)
    tied = [(second, number) for second, number in found if second.Qb >= largest * (1 - SAME)]
    second, number = min(tied, key=lambda pair: (order.index(pair[0].moderator), pair[1]))
    cuts, at = firsts[number]
    qb, tau2 = map(float, between(effects, np.zeros(len(rows), int), rows, cuts.left(at))[:, 0])
    return [_split(1, rows, cuts, at, qb, tau2), second] if second.Qb - qb >= LEAST else []


def _split(parent: int, rows: np.ndarray, cuts: Cuts, at: int, qb: float, tau2: float) -> Split:
    moderator = cuts.moderator
    if not moderator.levels:
        return Split(parent, moderator.name, (), (), float(cuts.up_to[at]), qb, tau2)
    codes, end = moderator.values[rows][cuts.order], cuts.ends[at]
    left, right = (tuple(moderator.levels[code] for code in np.unique(side)) for side in (codes[:end], codes[end:]))
    return Split(parent, moderator.name, left, right, float("nan"), qb, tau2)


def _divide(effects: Effects, nodes: np.ndarray, splits: Sequence[Split]) -> np.ndarray:
    columns = {
        each.name: np.array(each.levels)[each.values] if each.levels else each.values for each in effects.moderators
    }
    for step, split in enumerate(splits, 1):
        nodes = divide(columns[split.moderator], nodes, split, step)
    return nodes


def divide(values: np.ndarray, nodes: np.ndarray, split: Split, step: int) -> np.ndarray:
    """Nodes after a split; a level that was not there when it was made stays in the parent."""
    here = nodes == split.parent
    left = np.isin(values, split.left) if split.left else values <= split.cut
    right = np.isin(values, split.right) if split.left else ~left
    return np.select([here & left, here & right], [2 * step, 2 * step + 1], nodes)


def nodes_of(tree: Tree, table: pd.DataFrame) -> np.ndarray:
    """The node of each row of a table after 0, 1, ... splits (splits + 1, rows).

    Raises
    ------
    BadInput
        A moderator of the tree is not there or has missing values.
    """
    used = list(dict.fromkeys(split.moderator for split in tree.splits))
    if bad := [name for name in used if name not in table or table[name].isna().any()]:
        raise BadInput(f"the tree splits on {bad}, which the table should have, without missing values")
    nodes = [np.ones(len(table), int)]
    for step, split in enumerate(tree.splits, 1):
        column = table[split.moderator]
        values = column.astype(str).to_numpy(str) if split.left else column.to_numpy(float)
        nodes.append(divide(values, nodes[-1], split, step))
    return np.stack(nodes)


def _root_tau2(effects: Effects) -> float:
    weights = 1 / effects.vi
    within = weights @ (effects.yi - np.average(effects.yi, weights=weights)) ** 2
    scale = weights.sum() - (weights**2).sum() / weights.sum()
    return float(max(0.0, (within - len(weights) + 1) / scale)) if len(weights) > 1 else 0.0
