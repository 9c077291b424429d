"""Permutation importance of moderators on unseen rows, with intervals and ranks."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from bayesmeta.estimates.conventions import INTERVAL
from bayesmeta.screening.forest import Forest, Training
from bayesmeta.screening.moderators import Coded
from bayesmeta.screening.targets import Target

REPEATS = 5  # permutations per moderator and fold


def permuted_loss(
    forest: Forest, coded: Coded, y: np.ndarray, rows: np.ndarray, *, repeats: int, seed: int
) -> np.ndarray:
    """Return the increase of the squared error when a moderator is permuted (moderators,).

    The error is summed over the rows, among which the moderator is permuted; the increase is the
    mean over repeats. All columns of a moderator move together, so that a category stays intact.
    Rows with the same values of all moderators are predicted once.
    Source: Breiman 2001, doi 10.1023/A:1010933404324; here for the entire forest on held-out rows.
    """
    rng = np.random.default_rng(seed)
    kinds, kind = coded.kinds
    parts = [kinds]
    places = [kind[rows]]
    for i, name in enumerate(coded.names):
        order = np.concatenate([rng.permutation(len(rows)) for _ in range(repeats)])
        values = coded.values[i]
        pairs = np.tile(kind[rows], repeats) * len(values) + coded.codes[rows, i][order]
        needed, place = np.unique(pairs, return_inverse=True)
        permuted = kinds[needed // len(values)]
        permuted[:, coded.columns(name)] = values[needed % len(values)]
        places.append(place + sum(map(len, parts)))
        parts.append(permuted)
    predicted = forest.predict(np.concatenate(parts))
    base, *errors = (
        ((predicted[place].reshape(-1, len(rows)) - y[rows]) ** 2).sum() for place in places
    )
    return np.array(errors) / repeats - base


def paired(codings: Sequence[Coded], target: Target, at: int) -> tuple[Coded, np.ndarray]:
    """Return the imputation and the draw of a job."""
    return codings[at % len(codings)], target.values[at % len(target.values)]


def percentiles(values: Any) -> dict[str, pd.Series]:
    """Return the bounds of 95 % intervals of a table's columns or of the groups of a series."""
    return {name: values.quantile(p) for name, p in zip(("ci_lb", "ci_ub"), INTERVAL, strict=True)}


def out_of_bag_importance(forest: Forest, training: Training, *, seed: int = 1) -> pd.DataFrame:
    """Return the importance as published (ranger's): tree by tree, on the effects not drawn.

    A tree was grown with other effects of their studies, and its errors do not average out as a
    forest's do, so that two correlated moderators are both important: it is for comparison with
    the paper. `forest`: grown on all rows of `training`.
    Columns: moderator, importance.
    """
    coded, y, *_ = training
    rng = np.random.default_rng(seed)
    total = np.zeros(len(coded.names))
    for tree, drawn in zip(forest.trees, forest.drawn, strict=True):
        rows = np.setdiff1d(np.arange(len(y)), drawn)
        tree_seed = int(rng.integers(2**31))
        single = Forest((tree,), drawn[None])
        total += permuted_loss(single, coded, y, rows, repeats=1, seed=tree_seed) / len(rows)
    return pd.DataFrame({"moderator": coded.names, "importance": total / len(forest.trees)})


def importance_table(replicates: pd.DataFrame, on_folds: pd.DataFrame, target: str) -> pd.DataFrame:
    """Return importance with intervals and ranks, the most important moderator first.

    `replicates`: replicate, moderator, importance: of resamples of the studies, of draws, or of
    both. `on_folds`: from `held_out_importance` on all studies. `target`: name of the target; a
    column.
    Columns: moderator, mean, sd, ci_lb, ci_ub (95 %, percentiles), p_positive over the replicates;
    held_out, that of all studies; mean_rank, p_rank_1, p_rank_2, ...: the share of replicates where
    the moderator has that rank; target.
    """
    wide = replicates.pivot_table(index="replicate", columns="moderator", values="importance")
    ranks = wide.rank(axis=1, ascending=False, method="first")
    table = pd.DataFrame({"mean": wide.mean(), "sd": wide.std(), **percentiles(wide)})
    table["p_positive"] = (wide > 0).mean()
    table["held_out"] = on_folds.set_index("moderator")["importance"]
    table["mean_rank"] = ranks.mean()
    shares = {f"p_rank_{rank}": (ranks == rank).mean() for rank in range(1, wide.shape[1] + 1)}
    table = table.assign(**shares, target=target).rename_axis("moderator").reset_index()
    return table.sort_values("mean", ascending=False, ignore_index=True)
