"""Forests on all folds but one, examined on that fold: R2, importance, error by number of trees."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np
import pandas as pd

from bayesmeta.infrastructure.jobs import Job
from bayesmeta.screening.convergence import counts_of, held_out_errors
from bayesmeta.screening.folds import held_out
from bayesmeta.screening.forest import MEASURES, Training, Tuning, agreement_of, grow
from bayesmeta.screening.importance import REPEATS, paired, percentiles, permuted_loss
from bayesmeta.screening.moderators import Coded
from bayesmeta.screening.running import DEFAULT, JobOptions
from bayesmeta.screening.targets import Target

COLUMNS = ["training", "folds", "fold", "k", "part", "name", "value"]


def examine(training: Training, train: np.ndarray, test: np.ndarray, seed: int) -> pd.DataFrame:
    """Grow a forest on some rows and examine it on others.

    Columns: k (rows of the test), part, name, value. Part r2 has the measures of
    `forest.agreement`, part importance by moderator the increase of the mean squared error, part
    error by number of trees the mean squared error. Rows have no weights in the error, as in
    ranger.
    """
    coded, y, _, tuning = training
    forest = grow(training, train, seed=seed)
    loss = permuted_loss(forest, coded, y, test, repeats=REPEATS, seed=seed) / len(test)
    errors = held_out_errors(forest, coded.matrix[test], y[test])
    by_part = {
        "r2": agreement_of(forest, training, train, test),
        "importance": dict(zip(coded.names, loss, strict=True)),
        "error": dict(zip(counts_of(tuning.trees).astype(str), errors, strict=True)),
    }
    rows = [
        (len(test), part, name, value)
        for part, values in by_part.items()
        for name, value in values.items()
    ]
    return pd.DataFrame(rows, columns=COLUMNS[3:])


def examine_folds(
    trainings: Sequence[Training],
    folds: Mapping[str, np.ndarray],
    *,
    seed: int = 1,
    options: JobOptions = DEFAULT,
) -> pd.DataFrame:
    """Run `examine` for all trainings and all folds of all divisions, in a job per forest.

    `folds`: by name of the clusters, the fold of every effect (k,). Fold f has seed + f.
    Columns: training (from 0), folds (name of the clusters), fold, k, part, name, value.
    """
    jobs = {}
    for at, training in enumerate(trainings):
        for name, division in folds.items():
            for fold, rows in enumerate(held_out(division)):
                words = f"forest {at + 1}, {name} fold {fold + 1}"
                jobs[at, name, fold] = Job(words, examine, (training, *rows, seed + fold))
    tables = options.run_all(list(jobs.values()), "predicting held-out folds")
    parts = [
        table.assign(training=at, folds=name, fold=fold)
        for (at, name, fold), table in zip(jobs, tables, strict=True)
    ]
    return pd.concat(parts, ignore_index=True)[COLUMNS]


def trainings_of(
    codings: Sequence[Coded], target: Target, weight: np.ndarray, tuning: Tuning
) -> list[Training]:
    """Return a training per draw of a target and imputation; the shorter list is recycled."""
    count = max(len(codings), len(target.values))
    return [Training(*paired(codings, target, at), weight, tuning) for at in range(count)]


def measures_of(examined: pd.DataFrame, tunings: Sequence[Tuning]) -> pd.DataFrame:
    """Return the input of `tuning.r2cv_table`: choices, fold, k, r2, r2_sse, rmse, mae.

    `examined`: of `examine_folds`, where training number i has the choices `tunings[i]`; folds by
    different clusters stay apart by the column folds.
    """
    rows = examined[examined["part"] == "r2"]
    by = ["training", "folds", "fold", "k"]
    wide = rows.pivot_table(index=by, columns="name", values="value").reindex(columns=MEASURES)
    wide = wide.reset_index().rename_axis(columns=None)
    choices = pd.DataFrame([asdict(tuning) for tuning in tunings])
    return wide.merge(choices, left_on="training", right_index=True).drop(columns="training")


def held_out_importance(examined: pd.DataFrame) -> pd.DataFrame:
    """Average importance over folds (and trainings), on the scale of the squared target."""
    rows = examined[examined["part"] == "importance"]
    total = (rows["value"] * rows["k"]).groupby(rows["name"]).sum()
    importance = total / rows.groupby("name")["k"].sum()
    return importance.rename("importance").rename_axis("moderator").reset_index()


def r2cv_draws(examined: pd.DataFrame) -> pd.DataFrame:
    """Return measure, mean, sd (over folds, averaged), ci_lb, ci_ub (95 % of trainings' means)."""
    rows = examined[examined["part"] == "r2"]
    by_draw = rows.groupby(["name", "training"])["value"]
    means = by_draw.mean().groupby("name")
    columns = {"mean": means.mean(), "sd": by_draw.std().groupby("name").mean()}
    table = pd.DataFrame(columns | percentiles(means))
    return table.rename_axis("measure").reset_index()
