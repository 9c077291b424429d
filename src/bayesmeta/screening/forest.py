r"""Random forests for meta-analysis: weights, folds, tuning, R2 on held-out effects.

The bootstrap sample of a tree is drawn with the weights as probabilities, as ranger does for
metaforest.
Source: metaforest 0.1.5, doi 10.32614/CRAN.package.metaforest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice, product
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestRegressor

from bayesmeta.infrastructure.jobs import Job
from bayesmeta.screening.folds import Clusters, folds_of, held_out
from bayesmeta.screening.moderators import Coded
from bayesmeta.screening.running import DEFAULT, JobOptions

WEIGHTS = ("random", "fixed", "uniform")
TREES = 500
MEASURES = ["r2", "r2_sse", "rmse", "mae"]


@dataclass(frozen=True)
class Tuning:
    """The choices of a forest."""

    max_features: int = 6  # moderators tried at a split, as a share: columns are drawn
    min_samples_leaf: int = 2  # effects
    weights: str = "random"  # 1 / (vi + tau2); fixed, 1 / vi; uniform
    trees: int = TREES


class Training(NamedTuple):
    """Moderators, target (k,), weights of the effects (k,) and choices of a forest."""

    coded: Coded
    y: np.ndarray
    weight: np.ndarray
    tuning: Tuning


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


def case_weights(frame: pd.DataFrame, tau2: float) -> dict[str, np.ndarray]:
    """Return the weight of every effect (k,), on average 1, by name of `WEIGHTS`."""
    vi = frame["vi"].to_numpy(float)
    weights = {"random": 1 / (vi + tau2), "fixed": 1 / vi, "uniform": np.ones_like(vi)}
    return {name: weight / weight.mean() for name, weight in weights.items()}


def grow(training: Training, rows: np.ndarray, *, seed: int) -> RandomForestRegressor:
    """Grow a forest on some rows, which may be repeated."""
    coded, y, weight, tuning = training
    forest = RandomForestRegressor(
        tuning.trees,
        max_features=columns_tried(coded, tuning),
        min_samples_leaf=tuning.min_samples_leaf,
        random_state=seed,
        n_jobs=1,
    )
    return forest.fit(coded.matrix[rows], y[rows], sample_weight=weight[rows])


def columns_tried(coded: Coded, tuning: Tuning) -> int:
    """Return the number of columns that a split tries."""
    columns = coded.matrix.shape[1]
    share = round(tuning.max_features * columns / len(coded.names))
    return min(columns, max(1, share))


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


def agreement_of(
    forest: RandomForestRegressor, training: Training, train: np.ndarray, test: np.ndarray
) -> dict[str, float]:
    """Return `agreement` on some rows of a forest that was grown on others."""
    coded, y, *_ = training
    return agreement(y[test], forest.predict(coded.matrix[test]), float(y[train].mean()))


def agreement(y: np.ndarray, predicted: np.ndarray, mean: float) -> dict[str, float]:
    """Return r2 (0 if all are equal, nan for fewer than 3 rows), r2_sse, rmse, mae."""
    error = y - predicted
    varies = min(np.ptp(y), np.ptp(predicted)) > 0
    r2 = float(np.corrcoef(y, predicted)[0, 1] ** 2) if varies else 0.0
    sst = float(((y - mean) ** 2).sum())
    return {
        "r2": r2 if len(y) > 2 else np.nan,
        "r2_sse": 1 - float((error**2).sum()) / sst if sst else np.nan,
        "rmse": float(np.sqrt((error**2).mean())),
        "mae": float(np.abs(error).mean()),
    }


def tune(
    coded: Coded,
    y: np.ndarray,
    weights: dict[str, np.ndarray],
    folds: np.ndarray,
    *,
    grid: Sequence[Tuning] = GRID,
    seed: int = 1,
    options: JobOptions = DEFAULT,
) -> pd.DataFrame:
    """Cross-validate the points of a grid, in a job per point; points share folds and seeds.

    By successive halving: all points with few trees on some of the folds, the best of them with
    more, and the last with as many as it states. Points that grow the same forests are taken once.
    Columns: the choices of a point, with the number of trees of its last round, then fold, k, r2,
    r2_sse, rmse, mae; a row per fold.
    Source: Jamieson & Talwalkar 2016, arXiv 1502.07943.
    """
    points = distinct(grid, coded)
    tables = []
    last = Round(max(point.trees for point in points), len(np.unique(folds)), 0)
    rounds = [turn for turn in ROUNDS if len(points) > turn.kept]
    for trees, first, kept in [*rounds, last]:
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
    return pd.concat(tables, ignore_index=True)[[*asdict(grid[0]), "fold", "k", *MEASURES]]


def distinct(grid: Sequence[Tuning], coded: Coded) -> list[Tuning]:
    """Return the points of a grid without those that try as many columns as an earlier one."""
    by_forest: dict[Tuning, Tuning] = {}
    for point in grid:
        forest = replace(point, max_features=columns_tried(coded, point))
        by_forest.setdefault(forest, point)
    return list(by_forest.values())


def r2cv_table(tuned: pd.DataFrame) -> pd.DataFrame:
    """Average `tune` over the folds, the best point of the grid first.

    The best point has the lowest rmse, as caret chooses, of those with the most trees.
    Columns: the choices of a point, r2, r2_sd (over the folds), r2_sse, rmse, mae.
    """
    groups = tuned.groupby(list(asdict(GRID[0])), sort=False)
    table = groups[MEASURES].mean()
    table.insert(1, "r2_sd", groups["r2"].std())
    table = table.reset_index().sort_values("rmse", kind="stable")
    return table.sort_values("trees", ascending=False, kind="stable", ignore_index=True)


def r2cv_folds(
    coded: Coded,
    y: np.ndarray,
    weights: dict[str, np.ndarray],
    clusters: Mapping[str, Clusters],
    tuning: Tuning,
    *,
    seed: int = 1,
    options: JobOptions = DEFAULT,
) -> pd.DataFrame:
    """Return `r2cv_table` with folds by several clusters (column folds): they show a leak."""
    parts = []
    for name, cluster in clusters.items():
        folds = folds_of(cluster, seed=seed)
        tuned = tune(coded, y, weights, folds, grid=[tuning], seed=seed, options=options)
        parts.append(r2cv_table(tuned).assign(folds=name))
    return pd.concat(parts, ignore_index=True)


def best_of(table: pd.DataFrame) -> Tuning:
    """Return the first point of `r2cv_table`."""
    row = table.iloc[0]
    sizes = (int(row["max_features"]), int(row["min_samples_leaf"]))
    return Tuning(*sizes, str(row["weights"]), int(row["trees"]))
