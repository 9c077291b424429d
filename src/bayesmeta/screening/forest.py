r"""Random forests for meta-analysis: weights, folds, tuning, R2 on held-out effects.

The bootstrap sample of a tree is drawn with the weights as probabilities, as ranger does for
metaforest.
Source: metaforest 0.1.5, doi 10.32614/CRAN.package.metaforest.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import sklearn
from sklearn.tree import DecisionTreeRegressor as Regressor
from sklearn.tree._tree import Tree

from bayesmeta.screening.moderators import Coded

WEIGHTS = ("random", "fixed", "uniform")
TREES = 500
MAX_SEED = np.iinfo(np.int32).max  # as scikit-learn draws the seeds of trees
MEASURES = ["r2", "r2_sse", "rmse", "mae"]  # of `agreement`


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


class Forest(NamedTuple):
    """Trees of scikit-learn, and the rows that each of them drew, as places (trees, rows)."""

    trees: tuple[Tree, ...]
    drawn: np.ndarray

    def predict_by_tree(self, matrix: np.ndarray) -> np.ndarray:
        """Return the prediction of every tree (trees, rows)."""
        rows = np.ascontiguousarray(matrix, np.float32)
        return np.array([tree.predict(rows)[:, 0] for tree in self.trees])

    def predict(self, matrix: np.ndarray) -> np.ndarray:
        """Return the mean prediction of the trees (rows,)."""
        rows = np.ascontiguousarray(matrix, np.float32)
        total = np.zeros(len(rows))
        for tree in self.trees:
            total += tree.predict(rows)[:, 0]
        return total / len(self.trees)


def case_weights(frame: pd.DataFrame, tau2: float) -> dict[str, np.ndarray]:
    """Return the weight of every effect (k,), on average 1, by name of `WEIGHTS`."""
    vi = frame["vi"].to_numpy(float)
    weights = {"random": 1 / (vi + tau2), "fixed": 1 / vi, "uniform": np.ones_like(vi)}
    return {name: weight / weight.mean() for name, weight in weights.items()}


def grow(training: Training, rows: np.ndarray, *, seed: int) -> Forest:
    """Grow a forest on some rows, which may be repeated.

    The trees are those of scikit-learn's RandomForestRegressor with these weights and this seed,
    without its checks and copies, which take a third of its time.
    """
    coded, y, weight, tuning = training
    matrix = np.ascontiguousarray(coded.matrix[rows], np.float32)
    chance = weight[rows] / weight[rows].sum()
    columns = columns_tried(coded, tuning)
    leaf = tuning.min_samples_leaf
    seeds = np.random.RandomState(seed).randint(MAX_SEED, size=tuning.trees)
    trees = []
    drawn = np.empty((len(seeds), len(rows)), int)
    with sklearn.config_context(skip_parameter_validation=True):
        for at, of_tree in enumerate(map(int, seeds)):
            drawn[at] = np.random.RandomState(of_tree).choice(len(rows), len(rows), p=chance)
            times = np.bincount(drawn[at], minlength=len(rows)).astype(float)
            tree = Regressor(max_features=columns, min_samples_leaf=leaf, random_state=of_tree)
            tree.fit(matrix, y[rows], sample_weight=times, check_input=False)
            trees.append(tree.tree_)
    return Forest(tuple(trees), drawn)


def columns_tried(coded: Coded, tuning: Tuning) -> int:
    """Return the number of columns that a split tries."""
    columns = coded.matrix.shape[1]
    share = round(tuning.max_features * columns / len(coded.names))
    return min(columns, max(1, share))


def agreement_of(
    forest: Forest, training: Training, train: np.ndarray, test: np.ndarray
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
