"""Would other studies have given the same tree? Trees grown from resampled studies, counted."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.jobs import Job, run_jobs
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.screening.cart import Choices, grow
from bayesmeta.screening.folds import resample
from bayesmeta.screening.leaves import in_words

PER_JOB = 10  # resamples
ORDINALS = ["first", "second"]


def resampled_splits(
    table: pd.DataFrame,
    moderators: Sequence[str],
    choices: Choices | None = None,
    *,
    splits: int,
    resamples: int = 200,
    seed: int = 1,
    steps: Steps | None = None,
    workers: int | None = None,
    dask: str | None = None,
    cache: Path | None = None,
) -> pd.DataFrame:
    """Grow trees from studies drawn with replacement, each as often as there are studies.

    Parameters
    ----------
    table : DataFrame
        As in `grow`, with `study`.
    splits : int
        How many splits each tree has at most: those of the pruned tree whose stability is asked for. 0 gives none.
    resamples, seed : int
        The same seed gives the same resamples, and more of them begin with these.
    steps, workers, dask, cache : optional
        As in `jobs.run_jobs`; a job is ten trees.

    Returns
    -------
    DataFrame
        resample (from 0), step (from 1), parent, moderator, split (the condition of the left node, in words).

    Raises
    ------
    BadInput
        As in `grow`; there is no column study, or no resample.
    """
    if "study" not in table or resamples < 1:
        raise BadInput("stability needs a column study, and 1 resample or more")
    rows = table[list(dict.fromkeys(("study", "yi", "vi", *moderators)))].reset_index(drop=True)
    choices = replace(choices or Choices(), max_splits=max(1, splits))
    starts = range(0, resamples if splits else 0, PER_JOB)
    batches = [tuple(range(at, min(at + PER_JOB, resamples))) for at in starts]
    jobs = [
        Job(f"trees {batch[0] + 1} to {batch[-1] + 1}", grow_resampled, (rows, tuple(moderators), choices, seed, batch))
        for batch in batches
    ]
    grown = run_jobs(jobs, steps=steps, title="resampling studies", workers=workers, dask=dask, cache=cache)
    if grown.refused:
        raise BadInput(next(iter(grown.refused.values())))
    empty = pd.DataFrame(columns=["resample", "step", "parent", "moderator", "split"])
    return pd.concat(grown.tables.values(), ignore_index=True) if grown.tables else empty


def grow_resampled(
    rows: pd.DataFrame, moderators: tuple[str, ...], choices: Choices, seed: int, numbers: Sequence[int]
) -> pd.DataFrame:
    """The splits of the trees from these resamples of the studies, as `resampled_splits` gives them."""
    found = []
    for number in numbers:
        tree = grow(rows.iloc[resample(rows["study"], [seed, number])[0]], moderators, choices)
        found += [
            (number, step, split.parent, split.moderator, in_words(split)[0])
            for step, split in enumerate(tree.splits, 1)
        ]
    return pd.DataFrame(found, columns=["resample", "step", "parent", "moderator", "split"])


def frequencies(splits: pd.DataFrame, moderators: Sequence[str], *, resamples: int) -> pd.DataFrame:
    """How often each moderator made the first, the second and any split.

    Returns
    -------
    DataFrame
        moderator, first, second, any: shares of the resamples; splits: how many it made in a tree on average. Most
        frequent first.
    """
    wanted = list(moderators)

    def share(chosen: pd.DataFrame) -> pd.Series:
        return chosen.groupby("moderator")["resample"].nunique().reindex(wanted, fill_value=0) / resamples

    shares = {name: share(splits[splits["step"] == step]) for step, name in enumerate(ORDINALS, 1)}
    counts = splits.groupby("moderator").size().reindex(wanted, fill_value=0) / resamples
    table = pd.DataFrame(shares | {"any": share(splits), "splits": counts}).rename_axis("moderator").reset_index()
    return table.sort_values(["any", "first", "splits"], ascending=False, kind="stable", ignore_index=True)
