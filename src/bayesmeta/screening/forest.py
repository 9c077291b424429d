r"""Random forests for meta-analysis: weights, folds, tuning, R2 on what was held out.

Each tree's bootstrap sample is drawn with the weights as probabilities, as ranger does for metaforest.

Source: metaforest 0.1.5, doi 10.32614/CRAN.package.metaforest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestRegressor

from bayesmeta.infrastructure.jobs import Job, run_jobs
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.screening.folds import Clusters, folds_of, held_out
from bayesmeta.screening.moderators import Coded

WEIGHTS = ("random", "fixed", "uniform")
TREES = 500


@dataclass(frozen=True)
class Tuning:
    """Choices of a forest.

    Attributes
    ----------
    max_features : moderators tried at a split, as a share of them all that columns are drawn by
    min_samples_leaf : effects in a leaf at least
    weights : random, 1 / (vi + tau2); fixed, 1 / vi; uniform
    trees : how many
    """

    max_features: int = 6
    min_samples_leaf: int = 2
    weights: str = "random"
    trees: int = TREES


GRID = tuple(Tuning(tried, leaf, weights) for weights in WEIGHTS for tried in (2, 4, 6) for leaf in (2, 4, 6))


def case_weights(frame: pd.DataFrame, tau2: float) -> dict[str, np.ndarray]:
    """By name of `WEIGHTS`, the weight of each effect (k,), on average 1."""
    vi = frame["vi"].to_numpy(float)
    each = {"random": 1 / (vi + tau2), "fixed": 1 / vi, "uniform": np.ones_like(vi)}
    return {name: weight / weight.mean() for name, weight in each.items()}


def grow(
    coded: Coded, y: np.ndarray, weight: np.ndarray, tuning: Tuning, rows: np.ndarray, *, seed: int
) -> RandomForestRegressor:
    """A forest grown on some rows (which may be there more than once)."""
    columns, moderators = coded.matrix.shape[1], len(coded.names)
    forest = RandomForestRegressor(
        tuning.trees,
        max_features=min(columns, max(1, round(tuning.max_features * columns / moderators))),
        min_samples_leaf=tuning.min_samples_leaf,
        random_state=seed,
        n_jobs=1,
    )
    return forest.fit(coded.matrix[rows], y[rows], sample_weight=weight[rows])


def cross_validate(
    coded: Coded, y: np.ndarray, weight: np.ndarray, tuning: Tuning, folds: np.ndarray, seed: int
) -> pd.DataFrame:
    """How a forest predicts what was held out: fold, k, r2, r2_sse, rmse, mae.

    r2 is the squared correlation of predictions and targets in a fold, which is what caret calls Rsquared and the paper
    R2_cv; r2_sse is 1 - SSE / SST about the mean of the training rows, below 0 where that mean predicts better. No row
    is weighted in either.
    """
    rows = []
    for fold, (train, test) in enumerate(held_out(folds)):
        predicted = grow(coded, y, weight, tuning, train, seed=seed + fold).predict(coded.matrix[test])
        rows.append({"fold": fold, "k": len(test), **agreement(y[test], predicted, float(y[train].mean()))})
    return pd.DataFrame(rows)


def agreement(y: np.ndarray, predicted: np.ndarray, mean: float) -> dict[str, float]:
    """r2, r2_sse, rmse, mae of predictions; r2 is 0 where they are all equal, none where fewer than 3 are tested."""
    error, varies = y - predicted, min(np.ptp(y), np.ptp(predicted)) > 0
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
    steps: Steps | None = None,
    workers: int | None = None,
    cache: Path | None = None,
) -> pd.DataFrame:
    """Cross-validate every point of a grid: its choices, then fold, k, r2, r2_sse, rmse, mae; a row per fold.

    A job per point, kept when done: see `jobs.run_jobs`. All points share folds and seeds.
    """
    jobs = [Job(_name(each), cross_validate, (coded, y, weights[each.weights], each, folds, seed)) for each in grid]
    done = run_jobs(jobs, steps=steps, title="tuning the forest", workers=workers, cache=cache)
    parts = [done.tables[_name(each)].assign(**asdict(each)) for each in grid]
    return pd.concat(parts, ignore_index=True)[[*asdict(grid[0]), *parts[0].columns[:6]]]


def _name(tuning: Tuning) -> str:
    return f"{tuning.weights} weights, {tuning.max_features} features, leaves of {tuning.min_samples_leaf}"


def r2cv_table(tuned: pd.DataFrame) -> pd.DataFrame:
    """A row per point of the grid, best first: choices, r2, r2_sd, r2_sse, rmse, mae.

    The best has the lowest rmse, as caret chooses. Means over the folds, and the standard deviation of r2 over them.
    """
    choices = list(asdict(GRID[0]))
    groups = tuned.groupby(choices, sort=False)
    table = groups[["r2", "r2_sse", "rmse", "mae"]].mean()
    table.insert(1, "r2_sd", groups["r2"].std())
    return table.reset_index().sort_values("rmse", kind="stable", ignore_index=True)


def r2cv_folds(
    coded: Coded,
    y: np.ndarray,
    weights: dict[str, np.ndarray],
    clusters: Mapping[str, Clusters],
    tuning: Tuning,
    *,
    seed: int = 1,
    **running: Any,
) -> pd.DataFrame:
    """`r2cv_table` of one choice with folds by each of several clusters (a column folds): what a leak is worth."""
    parts = []
    for name, cluster in clusters.items():
        tuned = tune(coded, y, weights, folds_of(cluster, seed=seed), grid=[tuning], seed=seed, **running)
        parts.append(r2cv_table(tuned).assign(folds=name))
    return pd.concat(parts, ignore_index=True)


def best_of(table: pd.DataFrame) -> Tuning:
    """The first point of `r2cv_table`."""
    row = table.iloc[0]
    return Tuning(int(row["max_features"]), int(row["min_samples_leaf"]), str(row["weights"]), int(row["trees"]))
