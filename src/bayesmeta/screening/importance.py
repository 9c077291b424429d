"""Permutation importance of moderators on unseen rows, with intervals and ranks."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestRegressor as Forest
from sklearn.tree import DecisionTreeRegressor

from bayesmeta.estimates.conventions import INTERVAL
from bayesmeta.infrastructure.jobs import Job
from bayesmeta.screening.folds import held_out
from bayesmeta.screening.forest import Training, Tuning, agreement_of, grow
from bayesmeta.screening.moderators import Coded
from bayesmeta.screening.running import DEFAULT, JobOptions
from bayesmeta.screening.targets import Target

type Regressor = Forest | DecisionTreeRegressor
REPEATS = 5  # permutations per moderator and fold


def permuted_loss(
    forest: Regressor, coded: Coded, y: np.ndarray, rows: np.ndarray, *, repeats: int, seed: int
) -> np.ndarray:
    """Return the increase of the squared error when a moderator is permuted (moderators,).

    The error is summed over the rows, among which the moderator is permuted; the increase is the
    mean over repeats. All columns of a moderator move together, so that a category stays intact.
    Source: Breiman 2001, doi 10.1023/A:1010933404324; here for the entire forest on held-out rows.
    """
    rng = np.random.default_rng(seed)
    matrix = coded.matrix[rows]
    base = ((forest.predict(matrix) - y[rows]) ** 2).sum()
    increase = np.zeros(len(coded.names))
    for i, name in enumerate(coded.names):
        columns = coded.columns(name)
        permuted = np.tile(matrix, (repeats, 1))
        orders = [rng.permutation(len(rows)) for _ in range(repeats)]
        permuted[:, columns] = matrix[np.concatenate(orders)][:, columns]
        error = (forest.predict(permuted) - np.tile(y[rows], repeats)) ** 2
        increase[i] = error.sum() / repeats - base
    return increase


def examine(training: Training, folds: np.ndarray, seed: int) -> pd.DataFrame:
    """Cross-validate a forest for its R2 and the importance of the moderators.

    Columns: fold, k, part, name, value. Part r2 has the measures of `forest.cross_validate`, part
    importance by moderator the increase of the mean squared error in the held-out fold. Rows have
    no weights in the error, as in ranger.
    """
    coded, y, *_ = training
    parts = []
    for fold, (train, test) in enumerate(held_out(folds)):
        forest = grow(training, train, seed=seed + fold)
        measures = agreement_of(forest, training, train, test)
        loss = permuted_loss(forest, coded, y, test, repeats=REPEATS, seed=seed + fold) / len(test)
        by_part = {"r2": measures, "importance": dict(zip(coded.names, loss, strict=True))}
        for part, values in by_part.items():
            table = pd.DataFrame(values.items(), columns=["name", "value"])
            parts.append(table.assign(fold=fold, k=len(test), part=part))
    return pd.concat(parts, ignore_index=True)[["fold", "k", "part", "name", "value"]]


def examine_draws(
    codings: Sequence[Coded],
    target: Target,
    weight: np.ndarray,
    tuning: Tuning,
    folds: np.ndarray,
    *,
    seed: int = 1,
    options: JobOptions = DEFAULT,
) -> pd.DataFrame:
    """Run `examine` for every draw of a target and every imputation, in a job per pair.

    The shorter list is recycled: two draws and four imputations give four jobs.
    Columns: those of `examine`, and draw.
    """
    jobs = []
    for at in range(max(len(codings), len(target.values))):
        training = Training(*paired(codings, target, at), weight, tuning)
        jobs.append(Job(f"draw {at + 1}", examine, (training, folds, seed)))
    tables = options.run_all(jobs, "predicting held-out folds")
    return pd.concat([table.assign(draw=at) for at, table in enumerate(tables)], ignore_index=True)


def paired(codings: Sequence[Coded], target: Target, at: int) -> tuple[Coded, np.ndarray]:
    """Return the imputation and the draw of a job."""
    return codings[at % len(codings)], target.values[at % len(target.values)]


def held_out_importance(examined: pd.DataFrame) -> pd.DataFrame:
    """Average importance over folds (and draws), on the scale of the squared target."""
    rows = examined[examined["part"] == "importance"]
    total = (rows["value"] * rows["k"]).groupby(rows["name"]).sum()
    importance = total / rows.groupby("name")["k"].sum()
    return importance.rename("importance").rename_axis("moderator").reset_index()


def r2cv_draws(examined: pd.DataFrame) -> pd.DataFrame:
    """Return measure, mean, sd (over folds, averaged), ci_lb, ci_ub (95 % of the draws' means)."""
    rows = examined[examined["part"] == "r2"]
    by_draw = rows.groupby(["name", "draw"])["value"]
    means = by_draw.mean().groupby("name")
    columns = {"mean": means.mean(), "sd": by_draw.std().groupby("name").mean()}
    table = pd.DataFrame(columns | percentiles(means))
    return table.rename_axis("measure").reset_index()


def percentiles(values: Any) -> dict[str, pd.Series]:
    """Return the bounds of 95 % intervals of a table's columns or of the groups of a series."""
    return {name: values.quantile(p) for name, p in zip(("ci_lb", "ci_ub"), INTERVAL, strict=True)}


def out_of_bag_importance(training: Training, *, seed: int = 1) -> pd.DataFrame:
    """Return the importance as published (ranger's): tree by tree, on the effects not drawn.

    A tree was grown with other effects of their studies, and its errors do not average out as a
    forest's do, so that two correlated moderators are both important: it is for comparison with
    the paper.
    Columns: moderator, importance.
    """
    coded, y, _, tuning = training
    rng = np.random.default_rng(seed)
    total = np.zeros(len(coded.names))
    forest = grow(training, np.arange(len(y)), seed=seed)
    for tree, drawn in zip(forest.estimators_, forest.estimators_samples_, strict=True):
        rows = np.setdiff1d(np.arange(len(y)), drawn)
        tree_seed = int(rng.integers(2**31))
        total += permuted_loss(tree, coded, y, rows, repeats=1, seed=tree_seed) / len(rows)
    return pd.DataFrame({"moderator": coded.names, "importance": total / tuning.trees})


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
