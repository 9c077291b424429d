"""The choices of a forest, by cross-validation over the published grid with successive halving."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from itertools import islice, product
from typing import NamedTuple

import numpy as np
import pandas as pd

from bayesmeta.infrastructure.jobs import Job
from bayesmeta.screening.folds import held_out
from bayesmeta.screening.forest import (
    MEASURES,
    WEIGHTS,
    Training,
    Tuning,
    agreement_of,
    columns_tried,
    grow,
)
from bayesmeta.screening.moderators import Coded
from bayesmeta.screening.running import DEFAULT, JobOptions


class Round(NamedTuple):
    """A round of tuning.

    Attributes
    ----------
    trees : of a forest.
    folds : number of folds that are predicted.
    kept : number of points that go on.
    """

    trees: int
    folds: int
    kept: int


ROUNDS = (Round(40, 5, 5), Round(150, 10, 2))
SIZES = (2, 4, 6)
# the published grid
GRID = tuple(Tuning(tried, leaf, name) for name, tried, leaf in product(WEIGHTS, SIZES, SIZES))


def cross_validate(
    training: Training, folds: np.ndarray, seed: int, first: int | None = None
) -> pd.DataFrame:
    """Predict the held-out effects of all folds, or of the `first` ones, with a forest.

    Columns: fold, k, r2, r2_sse, rmse, mae. r2 is the squared correlation of predictions and
    targets in a fold (Rsquared of caret, R2_cv of the paper); r2_sse is 1 - SSE / SST about the
    mean of the training rows, below 0 where that mean predicts better. Both without weights.
    """
    rows = []
    for fold, (train, test) in enumerate(islice(held_out(folds), first)):
        forest = grow(training, train, seed=seed + fold)
        measures = agreement_of(forest, training, train, test)
        rows.append({"fold": fold, "k": len(test), **measures})
    return pd.DataFrame(rows)


class Tuned(NamedTuple):
    """Folds of the points that a round left behind, and the points that remain, the best first."""

    table: pd.DataFrame
    kept: list[Tuning]


def tune(
    coded: Coded,
    y: np.ndarray,
    weights: dict[str, np.ndarray],
    folds: np.ndarray,
    *,
    grid: Sequence[Tuning] = GRID,
    seed: int = 1,
    options: JobOptions = DEFAULT,
) -> Tuned:
    """Compare the points of a grid on held-out folds, in a job per point; points share seeds.

    By successive halving: all points with few trees on some of the folds, then the best of them
    with more. Points that grow the same forests are taken once. Those that remain at the end have
    their full number of trees, and differ by less than the noise of the rounds: see
    `examination.examine_folds`.
    Columns of the table: the choices of a point, with the number of trees of its last round, then
    fold, k, r2, r2_sse, rmse, mae; a row per fold.
    Source: Jamieson & Talwalkar 2016, arXiv 1502.07943.
    """
    points = distinct(grid, coded)
    tables = [pd.DataFrame(columns=[*asdict(grid[0]), "fold", "k", *MEASURES])]
    for trees, first, kept in ROUNDS:
        if len(points) <= kept:
            continue
        jobs = []
        sized = [replace(point, trees=min(trees, point.trees)) for point in points]
        for point in sized:
            training = Training(coded, y, weights[point.weights], point)
            size = f"{point.max_features} features, leaves of {point.min_samples_leaf}"
            name = f"{point.weights} weights, {size}, {point.trees} trees"
            jobs.append(Job(name, cross_validate, (training, folds, seed, first)))
        done = options.run_all(jobs, "tuning the forest")
        order = np.argsort([table["rmse"].mean() for table in done], kind="stable")
        tables += [done[at].assign(**asdict(sized[at])) for at in order[kept:]]
        points = [points[at] for at in order[:kept]]
    filled = [table for table in tables if len(table)] or tables
    return Tuned(pd.concat(filled, ignore_index=True)[list(tables[0])], points)


def distinct(grid: Sequence[Tuning], coded: Coded) -> list[Tuning]:
    """Return the points of a grid without those that try as many columns as an earlier one."""
    by_forest: dict[Tuning, Tuning] = {}
    for point in grid:
        forest = replace(point, max_features=columns_tried(coded, point))
        by_forest.setdefault(forest, point)
    return list(by_forest.values())


def r2cv_table(tuned: pd.DataFrame) -> pd.DataFrame:
    """Average measures over the folds, the best point first.

    `tuned`: a row per point and fold, with the columns of `tune`. The best point has the lowest
    rmse, as caret chooses, of those with the most trees.
    Columns: the choices of a point, r2, r2_sd (over the folds), r2_sse, rmse, mae.
    """
    groups = tuned.groupby(list(asdict(GRID[0])), sort=False)
    table = groups[MEASURES].mean()
    table.insert(1, "r2_sd", groups["r2"].std())
    table = table.reset_index().sort_values("rmse", kind="stable")
    return table.sort_values("trees", ascending=False, kind="stable", ignore_index=True)


def best_of(table: pd.DataFrame) -> Tuning:
    """Return the first point of `r2cv_table`."""
    row = table.iloc[0]
    sizes = (int(row["max_features"]), int(row["min_samples_leaf"]))
    return Tuning(*sizes, str(row["weights"]), int(row["trees"]))
