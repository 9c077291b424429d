"""Whether a forest has trees enough: its error by the number of trees."""

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestRegressor

from bayesmeta.screening.forest import Tuning, grow, held_out
from bayesmeta.screening.moderators import Coded


def convergence(
    coded: Coded,
    y: np.ndarray,
    weight: np.ndarray,
    tuning: Tuning,
    folds: np.ndarray,
    *,
    seed: int = 1,
    points: int = 25,
) -> pd.DataFrame:
    """Mean squared error by the number of trees: trees, out_of_bag, held_out.

    out_of_bag predicts a row by the trees that did not see it (though they saw its study); held_out as in
    `cross_validate`. The first n trees of a forest are the forest of n trees.
    """
    counts = np.unique(np.linspace(1, tuning.trees, points + 1).round().astype(int))[1:]
    whole = np.arange(len(y))
    forest = grow(coded, y, weight, tuning, whole, seed=seed)
    drawn = [np.bincount(rows, minlength=len(y)) for rows in forest.estimators_samples_]
    outside = np.array(drawn) == 0
    total, seen = np.cumsum(outside * _by_tree(forest, coded.matrix), axis=0), np.cumsum(outside, axis=0)
    predicted = np.divide(total, seen, out=np.full(total.shape, np.nan), where=seen > 0)[counts - 1]
    out_of_bag = np.nanmean((predicted - y) ** 2, axis=1)
    errors = np.zeros(len(counts))
    for fold, (train, test) in enumerate(held_out(folds)):
        part = _by_tree(grow(coded, y, weight, tuning, train, seed=seed + fold), coded.matrix[test])
        running = np.cumsum(part, axis=0)[counts - 1] / counts[:, None]
        errors += ((running - y[test]) ** 2).sum(1)
    return pd.DataFrame({"trees": counts, "out_of_bag": out_of_bag, "held_out": errors / len(y)})


def _by_tree(forest: RandomForestRegressor, matrix: np.ndarray) -> np.ndarray:
    """Predictions (trees, rows)."""
    return np.array([tree.predict(matrix) for tree in forest.estimators_])
