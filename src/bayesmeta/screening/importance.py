"""Permutation importance of moderators on rows that the forest has not seen, with intervals and ranks."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestRegressor
from sklearn.tree import DecisionTreeRegressor

from bayesmeta.estimates.conventions import INTERVAL
from bayesmeta.infrastructure.jobs import Job, run_jobs
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.screening.folds import held_out
from bayesmeta.screening.forest import Tuning, agreement, grow
from bayesmeta.screening.moderators import Coded
from bayesmeta.screening.targets import Target

REPEATS = 5


def permuted_loss(
    forest: RandomForestRegressor | DecisionTreeRegressor,
    coded: Coded,
    y: np.ndarray,
    rows: np.ndarray,
    *,
    repeats: int,
    seed: int,
) -> np.ndarray:
    """Increase of the squared error summed over rows when a moderator is permuted among them, (moderators,).

    All columns of a moderator move together, so that a category stays whole. The mean over repeats.

    Source: Breiman 2001, doi 10.1023/A:1010933404324; here for the whole forest on rows held out.
    """
    rng, matrix = np.random.default_rng(seed), coded.matrix[rows]
    base = ((forest.predict(matrix) - y[rows]) ** 2).sum()
    increase = np.zeros(len(coded.names))
    for place, name in enumerate(coded.names):
        own = coded.columns(name)
        mixed = np.tile(matrix, (repeats, 1))
        mixed[:, own] = np.concatenate([matrix[rng.permutation(len(rows))][:, own] for _ in range(repeats)])
        error = (forest.predict(mixed) - np.tile(y[rows], repeats)) ** 2
        increase[place] = error.sum() / repeats - base
    return increase


def examine(
    coded: Coded,
    y: np.ndarray,
    weight: np.ndarray,
    tuning: Tuning,
    folds: np.ndarray,
    seed: int,
    repeats: int = REPEATS,
) -> pd.DataFrame:
    """What one cross-validation tells: fold, k, part, name, value.

    Part r2 has the measures of `forest.cross_validate`, part importance by moderator the increase of the mean squared
    error in the fold that was held out. No row is weighted in the error, as in ranger.
    """
    parts = []
    for fold, (train, test) in enumerate(held_out(folds)):
        forest = grow(coded, y, weight, tuning, train, seed=seed + fold)
        told = agreement(y[test], forest.predict(coded.matrix[test]), float(y[train].mean()))
        gain = permuted_loss(forest, coded, y, test, repeats=repeats, seed=seed + fold) / len(test)
        part = ["r2"] * len(told) + ["importance"] * len(gain)
        own = {"part": part, "name": [*told, *coded.names], "value": [*told.values(), *gain]}
        parts.append(pd.DataFrame({"fold": fold, "k": len(test), **own}))
    return pd.concat(parts, ignore_index=True)


def examine_draws(
    codings: Sequence[Coded],
    target: Target,
    weight: np.ndarray,
    tuning: Tuning,
    folds: np.ndarray,
    *,
    seed: int = 1,
    steps: Steps | None = None,
    workers: int | None = None,
    cache: Path | None = None,
) -> pd.DataFrame:
    """`examine` of each draw of a target and each imputation, a job each (see `jobs.run_jobs`): its columns, and draw.

    The fewer begin again after the last, so that two draws and four imputations are four jobs.
    """
    jobs = [
        Job(f"draw {at + 1}", examine, (*paired(codings, target, at), weight, tuning, folds, seed))
        for at in range(max(len(codings), len(target.values)))
    ]
    done = run_jobs(jobs, steps=steps, title="predicting held-out folds", workers=workers, cache=cache)
    return pd.concat([table.assign(draw=at) for at, table in enumerate(done.tables.values())], ignore_index=True)


def paired(codings: Sequence[Coded], target: Target, at: int) -> tuple[Coded, np.ndarray]:
    """The imputation and the draw of a job."""
    return codings[at % len(codings)], target.values[at % len(target.values)]


def held_out_importance(examined: pd.DataFrame) -> pd.DataFrame:
    """Over all folds (and draws) of `examine`: moderator, importance, on the scale of the target squared."""
    rows = examined[examined["part"] == "importance"]
    total = (rows["value"] * rows["k"]).groupby(rows["name"]).sum() / rows.groupby("name")["k"].sum()
    return total.rename("importance").rename_axis("moderator").reset_index()


def r2cv_draws(examined: pd.DataFrame) -> pd.DataFrame:
    """Of `examine_draws`: measure, mean, sd (over folds, on average), ci_lb, ci_ub (95 % of the draws' means)."""
    rows = examined[examined["part"] == "r2"]
    by = rows.groupby(["name", "draw"])["value"]
    means, spread = by.mean().groupby("name"), by.std().groupby("name")
    limits = {"ci_lb": means.quantile(INTERVAL[0]), "ci_ub": means.quantile(INTERVAL[1])}
    table = pd.DataFrame({"mean": means.mean(), "sd": spread.mean(), **limits})
    return table.rename_axis("measure").reset_index()


def out_of_bag_importance(
    coded: Coded, y: np.ndarray, weight: np.ndarray, tuning: Tuning, *, seed: int = 1
) -> pd.DataFrame:
    """Importance as published (ranger's): tree by tree, on the effects that a tree did not draw; moderator, importance.

    A tree knows the studies of those effects, and its errors do not average out as a forest's do, so that moderators
    that stand for each other are each important: it is for comparison with the paper.
    """
    rng, gain = np.random.default_rng(seed), np.zeros(len(coded.names))
    forest = grow(coded, y, weight, tuning, np.arange(len(y)), seed=seed)
    for tree, drawn in zip(forest.estimators_, forest.estimators_samples_, strict=True):
        rows = np.setdiff1d(np.arange(len(y)), drawn)
        own = int(rng.integers(2**31))
        gain += permuted_loss(tree, coded, y, rows, repeats=1, seed=own) / len(rows)
    return pd.DataFrame({"moderator": coded.names, "importance": gain / tuning.trees})


def importance_table(replicates: pd.DataFrame, on_folds: pd.DataFrame, target: str) -> pd.DataFrame:
    """Importance with intervals and ranks, the most important moderator first.

    Parameters
    ----------
    replicates : DataFrame
        replicate, moderator, importance: of resamples of the studies, of draws, or of both.
    on_folds : DataFrame
        Of `held_out_importance` on all studies.
    target : str
        Name of the target; a column.

    Returns
    -------
    DataFrame
        moderator, mean, sd, ci_lb, ci_ub (95 %, percentiles), p_positive over the replicates; held_out, that of all
        studies; mean_rank, p_rank_1, p_rank_2, ...: the share of replicates where the moderator has that rank; target.
    """
    wide = replicates.pivot_table(index="replicate", columns="moderator", values="importance")
    ranks = wide.rank(axis=1, ascending=False, method="first")
    low, high = wide.quantile(INTERVAL[0]), wide.quantile(INTERVAL[1])
    table = pd.DataFrame(
        {"mean": wide.mean(), "sd": wide.std(), "ci_lb": low, "ci_ub": high, "p_positive": (wide > 0).mean()}
    )
    table["held_out"] = on_folds.set_index("moderator")["importance"]
    table["mean_rank"] = ranks.mean()
    shares = {f"p_rank_{rank}": (ranks == rank).mean() for rank in range(1, wide.shape[1] + 1)}
    table = table.assign(**shares, target=target).rename_axis("moderator").reset_index()
    return table.sort_values("mean", ascending=False, ignore_index=True)
