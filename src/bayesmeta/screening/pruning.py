"""The number of splits of a tree that are worth keeping, by cross-validation."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.jobs import Job
from bayesmeta.screening.cart import Choices, Tree, grow, nodes_of
from bayesmeta.screening.folds import FOLDS, folds_of
from bayesmeta.screening.leaves import means
from bayesmeta.screening.running import DEFAULT, JobOptions


def cross_validate(
    table: pd.DataFrame,
    moderators: Sequence[str],
    choices: Choices | None = None,
    *,
    folds: int = FOLDS,
    by: str = "study",
    seed: int = 1,
    options: JobOptions = DEFAULT,
) -> pd.DataFrame:
    """Return the error of trees of 0, 1, ... splits in held-out effects.

    With S = sum of (yi - mean yi)^2, E_u the squared errors summed over the n_u effects of unit u
    of `by`, and E their mean over all effects: error = sum over u of E_u / S, and
    se = sqrt(sum over u of (E_u - n_u E)^2) / S, which by effect is metacart's. The tree of a fold
    that ends early predicts with the splits that it has.
    `folds`, `seed`: as in `folds_of`. `by`: column with values that stay together in a fold; with
    `effect` (or any column without repeats) the folds are metacart's. `options`: a job is a fold.
    Columns: splits (from 0 to max_splits), error, se.
    Raises BadInput: as in `grow` and `folds_of`; the column `by` is absent or has missing values.
    """
    choices = choices or Choices()
    if by not in table or table[by].isna().any():
        raise BadInput(f"folds by '{by}' need a column of this name without missing values")
    fold = folds_of(table[by], count=folds, seed=seed)
    rows = table[list(dict.fromkeys(("yi", "vi", *moderators)))].reset_index(drop=True)
    jobs = []
    for number in range(folds):
        arguments = (rows[fold != number], rows[fold == number], tuple(moderators), choices)
        jobs.append(Job(f"fold {number + 1}", predict_others, arguments))
    grown = options.run_all(jobs, "cross-validating the tree")
    predicted = pd.concat(grown).sort_index().to_numpy()
    yi = rows["yi"].to_numpy(float)[:, None]
    total = ((yi - yi.mean()) ** 2).sum()
    squares = (yi - predicted) ** 2
    deviations = pd.DataFrame(squares - squares.mean(0)).groupby(table[by].to_numpy()).sum()
    se = np.sqrt((deviations**2).sum()).to_numpy() / total
    splits = np.arange(choices.max_splits + 1)
    return pd.DataFrame({"splits": splits, "error": squares.sum(0) / total, "se": se})


def predict_others(
    rows: pd.DataFrame, others: pd.DataFrame, moderators: tuple[str, ...], choices: Choices
) -> pd.DataFrame:
    """Grow a tree from some rows and predict others (rows) after 0, 1, ... splits (columns)."""
    tree = grow(rows, moderators, choices)
    sizes = np.arange(choices.max_splits + 1)
    predicted = predict(tree, rows, others)[sizes.clip(max=len(tree.splits))]
    return pd.DataFrame(predicted.T, others.index, sizes.astype(str))


def predict(tree: Tree, rows: pd.DataFrame, others: pd.DataFrame) -> np.ndarray:
    """Predict other rows (n,) by the means of their nodes in the rows of a tree: (splits + 1, n).

    A row with a level that was absent at a split is predicted by the node that was split: metacart
    sends it right, or takes the overall mean if the level was absent from the tree.
    """
    yi, vi = (rows[name].to_numpy(float) for name in ("yi", "vi"))
    of_rows = nodes_of(tree, rows)
    predicted = []
    for size, of_others in enumerate(nodes_of(tree, others)):
        mean: dict[int, float] = {}
        for nodes in of_rows[: size + 1]:
            mean |= means(nodes, yi, vi, tree.tau2_after(size))
        predicted.append([mean[int(node)] for node in of_others])
    return np.array(predicted)


def kept_splits(errors: pd.DataFrame, c: float = 0.5) -> int:
    """Return the splits of the smallest tree within c (0 or more) SEs of the best, by its SE."""
    if not c >= 0:
        raise BadInput(f"c is {c}; it should be 0 or more")
    best = errors.iloc[int(errors["error"].to_numpy().argmin())]
    bound = best["error"] + c * best["se"]
    return int(errors.loc[errors["error"] <= bound, "splits"].min())


def prune(tree: Tree, errors: pd.DataFrame, c: float = 0.5) -> Tree:
    """Keep the first splits of a tree by the c x SE rule, with errors from `cross_validate`."""
    return replace(tree, splits=tree.splits[: kept_splits(errors, c)])
