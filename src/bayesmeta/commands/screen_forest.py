"""Tables of the forests of `bayesmeta screen`."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayesmeta import screening
from bayesmeta.commands.options import Screening
from bayesmeta.commands.run import Task
from bayesmeta.screening.forest import Training
from bayesmeta.screening.moderators import Coded
from bayesmeta.screening.targets import Target

MAX_INTERACTING = 5  # moderators whose pairs are examined: the number of pairs grows as a square
MAX_PAIRS = 3  # pairs that are drawn
CLUSTERS = ("study", "group")  # that stay in a fold, in the order of r2cv_folds.csv
Tables = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class TunedForest:
    """Moderators per imputation, target, and the forest of the first imputation and the mean draw.

    `examined`: the forest on held-out folds, from `screening.examine_folds`.
    """

    codings: list[Coded]
    target: Target
    first: Training
    folds: np.ndarray
    examined: pd.DataFrame


def running(task: Task[Screening]) -> dict[str, Any]:
    """Return seed, progress and processes for the functions of the screening."""
    options = screening.JobOptions(steps=task.steps, workers=task.machine.workers)
    return {"seed": task.options.seed, "options": options}


def forest_tables(frame: pd.DataFrame, codings: list[Coded], task: Task[Screening]) -> Tables:
    """Return the tables of the forests: tuning, importance, dependence, interactions and others."""
    options = task.options
    tables, forest = tune_forest(frame, codings, task)
    examined = forest.examined
    if len(codings) > 1 or len(forest.target.values) > 1:
        trainings = screening.trainings_of(codings, forest.target, *forest.first[2:])
        divisions: dict[str, np.ndarray] = {options.folds: forest.folds}
        examined = screening.examine_folds(trainings, divisions, **running(task))
        tables["r2cv_draws"] = screening.r2cv_draws(examined)
    held_out = screening.held_out_importance(examined)
    tables |= effect_tables(frame, forest, held_out, task)
    return {name: table.assign(target=options.target) for name, table in tables.items()}


def tune_forest(
    frame: pd.DataFrame, codings: list[Coded], task: Task[Screening]
) -> tuple[Tables, TunedForest]:
    """Tune on the mean of the target's draws and the first imputation; return R2_cv and forest."""
    options = task.options
    with task.steps("the target"):
        target = screening.target_of(frame, options.target, draws=options.draws, seed=options.seed)
        weights = screening.case_weights(frame, screening.total_tau2(frame))
    by_cluster = {name: frame[name] for name in CLUSTERS}
    folds = {name: screening.folds_of(of, seed=options.seed) for name, of in by_cluster.items()}
    chosen: dict[str, np.ndarray] = {options.folds: folds.pop(options.folds)}
    typical = target.values.mean(0)
    tuned = screening.tune(codings[0], typical, weights, chosen[options.folds], **running(task))
    points = [Training(codings[0], typical, weights[at.weights], at) for at in tuned.kept]
    examined = screening.examine_folds(points, chosen, **running(task))
    measured = screening.measures_of(examined, tuned.kept).drop(columns="folds")
    r2cv = screening.r2cv_table(with_rows(tuned.table, measured)).assign(folds=options.folds)
    best = screening.best_of(r2cv)
    at = tuned.kept.index(best)
    of_best = examined[examined["training"] == at]
    others = screening.examine_folds([points[at]], folds, **running(task))
    measured = screening.measures_of(others, [best])
    parts = {name: screening.r2cv_table(rows) for name, rows in measured.groupby("folds")}
    by_folds = pd.concat([r2cv[:1], *(part.assign(folds=name) for name, part in parts.items())])
    order = by_folds["folds"].map(CLUSTERS.index).argsort()
    tables = {"r2cv": r2cv, "r2cv_folds": by_folds.iloc[order].reset_index(drop=True)}
    return tables, TunedForest(codings, target, points[at], chosen[options.folds], of_best)


def with_rows(table: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Add rows to a table, which may have none."""
    return pd.concat([table, rows], ignore_index=True) if len(table) else rows


def effect_tables(
    frame: pd.DataFrame, forest: TunedForest, held_out: pd.DataFrame, task: Task[Screening]
) -> Tables:
    """Return importance, dependence, interactions, pairs and convergence of the tuned forest."""
    seed = task.options.seed
    coded = forest.codings[0]
    top = held_out.nlargest(MAX_INTERACTING, "importance")["moderator"].tolist()
    with task.steps("pairs of moderators, number of trees"):
        grown = screening.grow(forest.first, np.arange(len(frame)), seed=seed)
        interactions = pd.DataFrame()
        if len(top) > 1:
            interactions = screening.interactions_table(grown, coded, top)
        pairs = strongest_pairs(interactions)
        convergence = screening.convergence_table(grown, forest.first, forest.examined)
        out_of_bag = screening.out_of_bag_importance(grown, forest.first, seed=seed)
    fitted = (forest.codings, forest.target, *forest.first[2:])
    resampled = screening.run_replicates(  # bootstrap resamples of studies, for the intervals
        *fitted, frame["study"], count=task.options.resamples, pairs=pairs, **running(task)
    )
    of_forests = screening.importance_of(resampled)
    importance = screening.importance_table(of_forests, held_out, task.options.target)
    out_of_bag = out_of_bag.rename(columns={"importance": "out_of_bag"})
    dependence = screening.dependence_table(grown, coded)
    if pairs:
        interactions = screening.with_intervals(interactions, resampled)
    both = [screening.pair_dependence(grown, coded, *pair) for pair in pairs]
    both = [screening.with_intervals(pair, resampled) for pair in both]
    return {
        "importance": importance.merge(out_of_bag, on="moderator"),
        "dependence": screening.with_intervals(dependence, resampled),
        "interactions": interactions,
        "pairs": pd.concat(both) if both else pd.DataFrame(),
        "convergence": convergence,
    }


def strongest_pairs(interactions: pd.DataFrame) -> tuple[tuple[str, str], ...]:
    """Return the first pairs of a table of interactions."""
    if interactions.empty:
        return ()
    pairs = interactions[["first", "second"]][:MAX_PAIRS]
    return tuple((first, second) for first, second in pairs.itertuples(index=False))
