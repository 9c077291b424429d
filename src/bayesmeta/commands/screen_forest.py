"""Tables of the forests of `bayesmeta screen`."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayesmeta import screening
from bayesmeta.commands.options import Screening
from bayesmeta.commands.run import Task
from bayesmeta.screening.forest import Training, Tuning
from bayesmeta.screening.moderators import Coded
from bayesmeta.screening.targets import Target

MAX_INTERACTING = 5  # moderators whose pairs are examined: the number of pairs grows as a square
MAX_PAIRS = 3  # pairs that are drawn
Tables = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class TunedForest:
    """Moderators per imputation, target, weights, tuning and folds of the forests."""

    codings: list[Coded]
    target: Target
    weight: np.ndarray
    tuning: Tuning
    folds: np.ndarray

    @property
    def first(self) -> Training:
        """Return first imputation, mean of the target's draws, weights and tuning."""
        return Training(self.codings[0], self.target.values.mean(0), self.weight, self.tuning)


def running(task: Task[Screening]) -> dict[str, Any]:
    """Return seed, progress and processes for the functions of the screening."""
    options = screening.JobOptions(steps=task.steps, workers=task.machine.workers)
    return {"seed": task.options.seed, "options": options}


def forest_tables(frame: pd.DataFrame, codings: list[Coded], task: Task[Screening]) -> Tables:
    """Return the tables of the forests: tuning, importance, dependence, interactions and others."""
    options = task.options
    tables, forest = tune_forest(frame, codings, task)
    fitted = (codings, forest.target, forest.weight, forest.tuning)
    examined = screening.examine_draws(*fitted, forest.folds, **running(task))
    if len(codings) > 1 or len(forest.target.values) > 1:
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
    folds = screening.folds_of(frame[options.folds], seed=options.seed)
    typical = target.values.mean(0)
    tuned = screening.tune(codings[0], typical, weights, folds, **running(task))
    r2cv = screening.r2cv_table(tuned)
    tuning = screening.best_of(r2cv)
    r2cv = r2cv.assign(folds=options.folds)
    other = {name: frame[name] for name in ("study", "group") if name != options.folds}
    by_other = screening.r2cv_folds(codings[0], typical, weights, other, tuning, **running(task))
    tables = {"r2cv": r2cv, "r2cv_folds": pd.concat([r2cv[:1], by_other], ignore_index=True)}
    return tables, TunedForest(codings, target, weights[tuning.weights], tuning, folds)


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
        convergence = screening.convergence_table(forest.first, forest.folds, seed=seed)
        out_of_bag = screening.out_of_bag_importance(forest.first, seed=seed)
    fitted = (forest.codings, forest.target, forest.weight, forest.tuning)
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
