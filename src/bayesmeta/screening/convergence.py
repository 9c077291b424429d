"""The error of a forest by its number of trees: whether more trees would help.

The first n trees of a forest are the forest of n trees.
"""

import numpy as np
import pandas as pd

from bayesmeta.screening.forest import Forest, Training

POINTS = 25  # numbers of trees


def counts_of(trees: int) -> np.ndarray:
    """Return the numbers of trees (counts,) at which the error is computed."""
    return np.unique(np.linspace(1, trees, POINTS + 1).round().astype(int))[1:]


def held_out_errors(forest: Forest, matrix: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the mean squared error by number of trees (counts,) on rows outside the training."""
    counts = counts_of(len(forest.trees))
    sums = forest.predict_by_tree(matrix).cumsum(0)[counts - 1]
    errors: np.ndarray = ((sums / counts[:, None] - y) ** 2).mean(1)
    return errors


def convergence(forest: Forest, training: Training, examined: pd.DataFrame) -> pd.DataFrame:
    """Return the mean squared error by the number of trees.

    `forest`: grown on all rows of `training`; `examined`: from `examination.examine_folds`.
    Columns: trees; out_of_bag: a row is predicted by the trees that were grown without it (though
    perhaps with its study); held_out: on the folds, all effects counting the same.
    """
    counts = counts_of(training.tuning.trees)
    rows = examined[examined["part"] == "error"]
    total = (rows["value"] * rows["k"]).groupby(rows["name"]).sum()
    held_out = total / rows.groupby("name")["k"].sum()
    out_of_bag = _out_of_bag(forest, training.coded.matrix, training.y, counts)
    columns = {"trees": counts, "out_of_bag": out_of_bag}
    return pd.DataFrame(columns | {"held_out": held_out[counts.astype(str)].to_numpy()})


def _out_of_bag(forest: Forest, matrix: np.ndarray, y: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Return the mean squared out-of-bag error after so many trees (sizes,)."""
    outside = np.array([np.bincount(rows, minlength=len(y)) == 0 for rows in forest.drawn])
    total = np.cumsum(outside * forest.predict_by_tree(matrix), axis=0)
    trees = np.cumsum(outside, axis=0)
    mean = np.divide(total, trees, out=np.full(total.shape, np.nan), where=trees > 0)
    return np.nanmean((mean[sizes - 1] - y) ** 2, axis=1)
