"""Forests on resampled studies, of a target or of draws: intervals of importance and dependence."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.jobs import Job
from bayesmeta.screening.dependence import dependence, interaction, pair_dependence
from bayesmeta.screening.folds import resample
from bayesmeta.screening.forest import Training, Tuning, agreement_of, grow
from bayesmeta.screening.importance import paired, percentiles, permuted_loss
from bayesmeta.screening.moderators import Coded
from bayesmeta.screening.running import DEFAULT, JobOptions
from bayesmeta.screening.targets import Target

TREES = 100  # of a resample, whose studies vary more than its trees
REPEATS = 3  # permutations per moderator; replicates average out the rest of the noise
KEYS = {  # by part of the replicates, the columns that identify a row
    "single": ["moderator", "level"],
    "pair": ["first", "second", "level_1", "level_2"],
    "interaction": ["first", "second"],
}
Pairs = Sequence[tuple[str, str]]


def replicate(training: Training, studies: Sequence[str], pairs: Pairs, seed: int) -> pd.DataFrame:
    """Grow a forest on resampled studies.

    Importance and r2 are on the studies that were not drawn, on average 37 %; dependence is
    averaged over all effects.
    Columns: part (r2, importance, single, pair, interaction), value, and labels: the columns of
    `dependence` and `pair_dependence`.
    """
    coded, y, *_ = training
    train, test = resample(studies, seed)
    forest = grow(training, train, seed=seed)
    measures = agreement_of(forest, training, train, test)
    loss = permuted_loss(forest, coded, y, test, repeats=REPEATS, seed=seed) / len(test)
    single = dependence(forest, coded)
    parts = [
        pd.DataFrame({"part": "r2", "moderator": list(measures), "value": list(measures.values())}),
        pd.DataFrame({"part": "importance", "moderator": coded.names, "value": loss}),
        single.rename(columns={"effect": "value"}).assign(part="single"),
    ]
    for first, second in pairs:
        pair = pair_dependence(forest, coded, first, second)
        parts.append(pair.rename(columns={"effect": "value"}).assign(part="pair"))
        strength = interaction(pair, single)["strength"]
        labels = {"part": "interaction", "first": first, "second": second}
        parts.append(pd.DataFrame([labels | {"value": strength}]))
    return pd.concat(parts, ignore_index=True)


def run_replicates(
    codings: Sequence[Coded],
    target: Target,
    weight: np.ndarray,
    tuning: Tuning,
    studies: pd.Series,
    *,
    count: int = 100,
    pairs: Pairs = (),
    seed: int = 1,
    options: JobOptions = DEFAULT,
) -> pd.DataFrame:
    """Run `replicate` count times, in a job per replicate.

    Replicate r resamples the studies with seed + r and takes draw r of the target and imputation r
    of the moderators; shorter lists are recycled. An interval thus contains the uncertainty of the
    posterior, of the blanks and of the choice of studies.
    Columns: those of `replicate`, and replicate. Raises BadInput: count is below 2.
    """
    if count < 2:
        raise BadInput(f"{count} resamples give no interval; 100 do")
    labels = tuple(studies.astype(str))
    jobs = []
    smaller = replace(tuning, trees=min(tuning.trees, TREES))
    for at in range(count):
        training = Training(*paired(codings, target, at), weight, smaller)
        arguments = (training, labels, tuple(pairs), seed + at)
        jobs.append(Job(f"resample {at + 1}", replicate, arguments))
    tables = enumerate(options.run_all(jobs, "resampling studies"))
    return pd.concat([table.assign(replicate=at) for at, table in tables], ignore_index=True)


def importance_of(replicates: pd.DataFrame) -> pd.DataFrame:
    """Return replicate, moderator, importance: the input of `importance.importance_table`."""
    rows = replicates[replicates["part"] == "importance"]
    return rows[["replicate", "moderator", "value"]].rename(columns={"value": "importance"})


def with_intervals(table: pd.DataFrame, replicates: pd.DataFrame) -> pd.DataFrame:
    """Add ci_lb, ci_ub to a dependence or interactions: percentiles of the replicates, or nan."""
    part, by = next((part, by) for part, by in KEYS.items() if set(by) <= set(table))
    values = replicates[replicates["part"] == part].groupby(by)["value"]
    return table.merge(pd.DataFrame(percentiles(values)).reset_index(), how="left", on=by)
