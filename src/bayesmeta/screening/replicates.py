"""The forest again on resampled studies, of one target or of draws: intervals of importance and dependence."""

from collections.abc import Hashable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from bayesmeta.estimates.conventions import INTERVAL
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.jobs import Job, run_jobs
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.screening.dependence import dependence, interaction, pair_dependence
from bayesmeta.screening.folds import resample
from bayesmeta.screening.forest import Tuning, agreement, grow
from bayesmeta.screening.importance import paired, permuted_loss
from bayesmeta.screening.moderators import Coded
from bayesmeta.screening.targets import Target

REPEATS = 3
Pairs = Sequence[tuple[str, str]]


def replicate(
    coded: Coded,
    y: np.ndarray,
    weight: np.ndarray,
    tuning: Tuning,
    studies: Sequence[str],
    pairs: Pairs,
    seed: int,
) -> pd.DataFrame:
    """One forest on resampled studies; importance and r2 on the studies that were not drawn, on average 37 %.

    Returns
    -------
    DataFrame
        part (r2, importance, one, two, interaction), value, and what it is of: the columns of `dependence` and
        `pair_dependence`. Dependence is averaged over all effects, whoever was drawn.
    """
    train, test = resample(studies, seed)
    forest = grow(coded, y, weight, tuning, train, seed=seed)
    found = agreement(y[test], forest.predict(coded.matrix[test]), float(y[train].mean()))
    gain = permuted_loss(forest, coded, y, test, repeats=REPEATS, seed=seed) / len(test)
    alone = dependence(forest, coded)
    together = [pair_dependence(forest, coded, *pair) for pair in pairs]
    strength = [interaction(table, alone)["strength"] for table in together]
    first, second = ([pair[place] for pair in pairs] for place in (0, 1))
    parts = [
        pd.DataFrame({"part": "r2", "moderator": list(found), "value": list(found.values())}),
        pd.DataFrame({"part": "importance", "moderator": coded.names, "value": gain}),
        alone.rename(columns={"effect": "value"}).assign(part="one"),
        *(table.rename(columns={"effect": "value"}).assign(part="two") for table in together),
        pd.DataFrame({"part": "interaction", "first": first, "second": second, "value": strength}),
    ]
    return pd.concat([part for part in parts if len(part)], ignore_index=True)


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
    steps: Steps | None = None,
    workers: int | None = None,
    cache: Path | None = None,
) -> pd.DataFrame:
    """`replicate` count times, a job each (see `jobs.run_jobs`): its columns, and replicate.

    Replicate r resamples the studies with seed + r and takes draw r of the target and imputation r of the moderators,
    beginning again after the last: an interval holds what the posterior, what the blanks and what the choice of studies
    leave open.

    Raises
    ------
    BadInput
        count is below 2.
    """
    if count < 2:
        raise BadInput(f"{count} resamples give no interval; 100 do")
    labels = tuple(studies.astype(str))
    jobs = [
        Job(
            f"resample {at + 1}",
            replicate,
            (*paired(codings, target, at), weight, tuning, labels, tuple(pairs), seed + at),
        )
        for at in range(count)
    ]
    done = run_jobs(jobs, steps=steps, title="resampling studies", workers=workers, cache=cache)
    return pd.concat([table.assign(replicate=at) for at, table in enumerate(done.tables.values())], ignore_index=True)


def importance_of(replicates: pd.DataFrame) -> pd.DataFrame:
    """replicate, moderator, importance: what `importance.importance_table` takes."""
    rows = replicates[replicates["part"] == "importance"]
    return rows[["replicate", "moderator", "value"]].rename(columns={"value": "importance"})


def with_intervals(table: pd.DataFrame, replicates: pd.DataFrame) -> pd.DataFrame:
    """A table of `dependence`, `pair_dependence` or `interactions_table` with ci_lb and ci_ub.

    Percentiles of the replicates. Rows without replicates have none.
    """
    part, by = _kind(table)
    rows = replicates[replicates["part"] == part].groupby(by)["value"]
    limits = pd.DataFrame({"ci_lb": rows.quantile(INTERVAL[0]), "ci_ub": rows.quantile(INTERVAL[1])})
    return table.merge(limits.reset_index(), how="left", on=by)


def _kind(table: pd.DataFrame) -> tuple[str, list[Hashable]]:
    if "moderator" in table:
        return "one", ["moderator", "level"]
    if "level_1" in table:
        return "two", ["first", "second", "level_1", "level_2"]
    return "interaction", ["first", "second"]
