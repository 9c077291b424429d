"""The error of a forest by its number of trees: whether more trees would help."""

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestRegressor as Forest

from bayesmeta.screening.forest import Training, grow, held_out


def convergence(
    training: Training, folds: np.ndarray, *, seed: int = 1, points: int = 25
) -> pd.DataFrame:
    """Return the mean squared error by the number of trees.

    The first n trees of a forest are the forest of n trees.
    Columns: trees; out_of_bag: a row is predicted by the trees that were grown without it (though
    perhaps with its study); held_out: as in `cross_validate`.
    """
    coded, y, _, tuning = training
    counts = np.unique(np.linspace(1, tuning.trees, points + 1).round().astype(int))[1:]
    forest = grow(training, np.arange(len(y)), seed=seed)
    errors = np.zeros(len(counts))
    for fold, (train, test) in enumerate(held_out(folds)):
        of_fold = grow(training, train, seed=seed + fold)
        sums = np.cumsum(_by_tree(of_fold, coded.matrix[test]), axis=0)
        predicted = sums[counts - 1] / counts[:, None]
        errors += ((predicted - y[test]) ** 2).sum(1)
    out_of_bag = _out_of_bag(forest, coded.matrix, y, counts)
    return pd.DataFrame({"trees": counts, "out_of_bag": out_of_bag, "held_out": errors / len(y)})


def _out_of_bag(forest: Forest, matrix: np.ndarray, y: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Return the mean squared out-of-bag error after so many trees (sizes,)."""
    drawn = [np.bincount(rows, minlength=len(y)) for rows in forest.estimators_samples_]
    outside = np.array(drawn) == 0
    total = np.cumsum(outside * _by_tree(forest, matrix), axis=0)
    trees = np.cumsum(outside, axis=0)
    mean = np.divide(total, trees, out=np.full(total.shape, np.nan), where=trees > 0)
    return np.nanmean((mean[sizes - 1] - y) ** 2, axis=1)


def _by_tree(forest: Forest, matrix: np.ndarray) -> np.ndarray:
    """Return predictions (trees, rows)."""
    return np.array([tree.predict(matrix) for tree in forest.estimators_])
