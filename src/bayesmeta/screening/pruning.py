"""How many splits of a tree are worth keeping, by cross-validation."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.jobs import Job, run_jobs
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.screening.cart import Choices, Tree, grow, nodes_of
from bayesmeta.screening.folds import FOLDS, folds_of
from bayesmeta.screening.leaves import means


def cross_validate(
    table: pd.DataFrame,
    moderators: Sequence[str],
    choices: Choices | None = None,
    *,
    folds: int = FOLDS,
    by: str = "study",
    seed: int = 1,
    steps: Steps | None = None,
    workers: int | None = None,
    dask: str | None = None,
    cache: Path | None = None,
) -> pd.DataFrame:
    """Error of trees of 0, 1, ... splits in effects that they were not grown from.

    With S = sum of (yi - mean yi)^2, E_u the squared errors summed over the n_u effects of unit u of `by`, and E their
    mean over all effects: error = sum over u of E_u / S, and se = sqrt(sum over u of (E_u - n_u E)^2) / S, which by
    effect is metacart's. A fold's tree that ends early predicts with what it has.

    Parameters
    ----------
    folds, seed : int
        As in `folds_of`.
    by : str
        Column whose values stay together; `effect` (or any column without repeats) is what metacart does.
    steps, workers, dask, cache : optional
        As in `jobs.run_jobs`; a job per fold.

    Returns
    -------
    DataFrame
        splits (from 0 to max_splits), error, se.

    Raises
    ------
    BadInput
        As in `grow` and `folds_of`; there is no column `by`, or it has missing values.
    """
    choices = choices or Choices()
    if by not in table or table[by].isna().any():
        raise BadInput(f"folds by '{by}' need a column of this name without missing values")
    fold = folds_of(table[by], count=folds, seed=seed)
    rows = table[list(dict.fromkeys(("yi", "vi", *moderators)))].reset_index(drop=True)
    jobs = [
        Job(f"fold {each + 1}", predict_others, (rows[fold != each], rows[fold == each], tuple(moderators), choices))
        for each in range(folds)
    ]
    grown = run_jobs(jobs, steps=steps, title="cross-validating the tree", workers=workers, dask=dask, cache=cache)
    if grown.refused:
        raise BadInput(next(iter(grown.refused.values())))
    predicted = pd.concat(grown.tables.values()).sort_index().to_numpy()
    yi = rows["yi"].to_numpy(float)[:, None]
    total, squares = ((yi - yi.mean()) ** 2).sum(), (yi - predicted) ** 2
    apart = pd.DataFrame(squares - squares.mean(0)).groupby(table[by].to_numpy()).sum()
    errors = {"error": squares.sum(0) / total, "se": np.sqrt((apart**2).sum()).to_numpy() / total}
    return pd.DataFrame({"splits": np.arange(choices.max_splits + 1), **errors})


def predict_others(
    rows: pd.DataFrame, others: pd.DataFrame, moderators: tuple[str, ...], choices: Choices
) -> pd.DataFrame:
    """Grow a tree from some rows and predict others after 0, 1, ..., max_splits splits (a column each)."""
    tree = grow(rows, moderators, choices)
    predicted = predict(tree, rows, others)
    last = len(tree.splits)
    return pd.DataFrame(
        {str(size): predicted[min(size, last)] for size in range(choices.max_splits + 1)}, index=others.index
    )


def predict(tree: Tree, rows: pd.DataFrame, others: pd.DataFrame) -> np.ndarray:
    """Predict other rows (n,) by the means of their nodes in the rows that a tree was grown from: (splits + 1, n).

    A row whose level a split never met is predicted by the node that was split: metacart sends it right, or takes the
    overall mean if the tree never met it at all.
    """
    yi, vi = rows["yi"].to_numpy(float), rows["vi"].to_numpy(float)
    there, asked, predicted = nodes_of(tree, rows), nodes_of(tree, others), []
    for size, nodes in enumerate(asked):
        known: dict[int, float] = {}
        for earlier in there[: size + 1]:
            known |= means(earlier, yi, vi, tree.tau2_after(size))
        predicted.append([known[int(node)] for node in nodes])
    return np.array(predicted)


def kept_splits(errors: pd.DataFrame, c: float = 0.5) -> int:
    """Splits of the smallest tree whose error is at most the least error and c of its standard errors.

    Raises
    ------
    BadInput
        c is below 0.
    """
    if not c >= 0:
        raise BadInput(f"c is {c}; it should be 0 or more")
    best = errors.iloc[int(errors["error"].to_numpy().argmin())]
    return int(errors.loc[errors["error"] <= best["error"] + c * best["se"], "splits"].min())


def prune(tree: Tree, errors: pd.DataFrame, c: float = 0.5) -> Tree:
    """Keep the first splits of a tree by the c x SE rule on what `cross_validate` gave."""
    return replace(tree, splits=tree.splits[: kept_splits(errors, c)])
