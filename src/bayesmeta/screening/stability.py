"""The stability of a tree: splits of trees that are grown from resampled studies, counted."""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.jobs import Job
from bayesmeta.screening.cart import Choices, grow
from bayesmeta.screening.folds import resample
from bayesmeta.screening.leaves import in_words
from bayesmeta.screening.running import DEFAULT, JobOptions

PER_JOB = 10  # resamples: a tree is quicker than the start of a job
ORDINALS = ["first", "second"]
COLUMNS = ["resample", "step", "parent", "moderator", "split"]


def resampled_splits(
    table: pd.DataFrame,
    moderators: Sequence[str],
    choices: Choices | None = None,
    *,
    splits: int,
    resamples: int = 200,
    seed: int = 1,
    options: JobOptions = DEFAULT,
) -> pd.DataFrame:
    """Grow trees from studies drawn with replacement, as many as there are studies.

    `table`: as in `grow`, with `study`. `splits`: maximum number of splits of a tree: that of the
    pruned tree, the stability of which is in question. 0 gives none. `resamples`, `seed`: the same
    seed gives the same resamples; a larger number begins with these. `options`: a job is ten trees.
    Columns: resample (from 0), step (from 1), parent, moderator, split (the condition of the left
    node, in words).
    Raises BadInput: as in `grow`; the column study is absent, or resamples is below 1.
    """
    if "study" not in table or resamples < 1:
        raise BadInput("stability needs a column study, and 1 resample or more")
    rows = table[list(dict.fromkeys(("study", "yi", "vi", *moderators)))].reset_index(drop=True)
    choices = replace(choices or Choices(), max_splits=max(1, splits))
    jobs = []
    for start in range(0, resamples if splits else 0, PER_JOB):
        batch = tuple(range(start, min(start + PER_JOB, resamples)))
        name = f"trees {batch[0] + 1} to {batch[-1] + 1}"
        jobs.append(Job(name, grow_resampled, (rows, tuple(moderators), choices, seed, batch)))
    tables = options.run_all(jobs, "resampling studies")
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS)


def grow_resampled(
    rows: pd.DataFrame, moderators: Sequence[str], choices: Choices, seed: int, batch: Sequence[int]
) -> pd.DataFrame:
    """Return the splits of the trees from these resamples, as `resampled_splits`."""
    splits = []
    for number in batch:
        drawn, _ = resample(rows["study"], [seed, number])
        tree = grow(rows.iloc[drawn], moderators, choices)
        splits += [
            (number, step, split.parent, split.moderator, in_words(split)[0])
            for step, split in enumerate(tree.splits, 1)
        ]
    return pd.DataFrame(splits, columns=COLUMNS)


def frequencies(splits: pd.DataFrame, moderators: Sequence[str], *, resamples: int) -> pd.DataFrame:
    """Count how often every moderator made the first, the second and any split.

    Columns: moderator, first, second, any: shares of the resamples; splits: average number. Most
    frequent first.
    """
    names = list(moderators)

    def share(chosen: pd.DataFrame) -> pd.Series:
        resampled = chosen.groupby("moderator")["resample"].nunique()
        return resampled.reindex(names, fill_value=0) / resamples

    columns = {name: share(splits[splits["step"] == step]) for step, name in enumerate(ORDINALS, 1)}
    columns["any"] = share(splits)
    counts = splits.groupby("moderator").size()
    columns["splits"] = counts.reindex(names, fill_value=0) / resamples
    table = pd.DataFrame(columns).rename_axis("moderator").reset_index()
    order = ["any", "first", "splits"]
    return table.sort_values(order, ascending=False, kind="stable", ignore_index=True)
