"""`bayesmeta screen`: importance of moderators, a meta-tree, and a model to test them."""

from functools import partial
from typing import Any

import pandas as pd

from bayesmeta import replication, screening
from bayesmeta.commands.console.tables import print_screen
from bayesmeta.commands.options import Screening
from bayesmeta.commands.outcome import Outcome
from bayesmeta.commands.request import Inputs
from bayesmeta.commands.run import Task
from bayesmeta.commands.screen_forest import Tables, forest_tables, running
from bayesmeta.data.datasets import DATASETS
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.output.folders.analyses import write_screen

ACROSS = "across"


def compute(task: Task[Screening]) -> Outcome:
    """Screen the moderators, and write a model of the strongest pair."""
    options = task.options
    tables, followup = screen_tables(task)
    scale = task.inputs.design.attrs["scale"]
    command = f"bayesmeta fit --dataset ... --model {task.out / 'followup.toml'}"
    return Outcome(
        write=lambda folder: write_screen(folder, tables, followup, scale),
        show=lambda printer: print_screen(printer, tables, options.target, options.folds, command),
        record="provenance-screen.json",
    )


def screen_tables(task: Task[Screening]) -> tuple[Tables, str]:
    """Return the tables by file name, and the model file of the strongest pair of moderators."""
    options = task.options
    dataset = task.inputs.dataset
    frame = task.inputs.frame.reset_index(drop=True)
    names, left_out = screening.choose_moderators(frame, options.moderators or None)
    filled = impute(task.inputs, frame, names, options)
    codings = screening.code_each(filled, ordered=options.coding == "alphabet")
    forest = forest_tables(frame, codings, task)
    tree = tree_tables(frame, filled[0], task)
    strongest = names[:1]
    if len(forest["interactions"]):
        strongest = list(forest["interactions"].iloc[0][["first", "second"]])
    tables = {"moderators": moderators_table(frame, dict.fromkeys(names, "") | left_out)}
    tables |= with_published(forest, dataset)
    return tables | tree, screening.followup(filled[0], strongest, dataset)


def moderators_table(frame: pd.DataFrame, reasons: dict[str, str]) -> pd.DataFrame:
    """Return moderator, number of missing values, and the reason if it was left out."""
    missing = frame[list(reasons)].isna().sum().tolist()
    columns = {"moderator": list(reasons), "missing": missing, "left_out": list(reasons.values())}
    return pd.DataFrame(columns)


def impute(
    inputs: Inputs, frame: pd.DataFrame, names: list[str], options: Screening
) -> list[pd.DataFrame]:
    """Return moderators without blanks: a single table, or a random table per imputation."""
    known = DATASETS.get(inputs.dataset)
    within = options.impute
    like = None
    if within is None:
        within = (known.kind if known else None) or ""
    elif within == ACROSS:
        within = ""
        if known and known.record:
            like = known.record(str(inputs.frame.attrs["variant"]))
    elif within not in frame.columns:
        raise BadInput(f"--impute '{within}' is neither a column nor '{ACROSS}'")
    fill = partial(screening.fill_in, frame, names, within=within, like=like)
    if options.imputations == 1:
        return [fill(seed=None)]
    return [fill(seed=options.seed + number) for number in range(options.imputations)]


def with_published(forest: Tables, dataset: str) -> Tables:
    """Add the published importance and R2_cv of a dataset, if there are any."""
    ranks = replication.published_importance(dataset)
    published = replication.published_forest(dataset)
    if ranks is None or published is None:
        return forest
    names = ranks[["moderator", "rank"]].rename(columns={"rank": "published_rank"})
    rows = published.drop(columns="source").assign(target="raw, as published")
    return forest | {
        "importance": forest["importance"].merge(names, how="left", on="moderator"),
        "r2cv_folds": pd.concat([forest["r2cv_folds"], rows], ignore_index=True),
    }


def tree_tables(frame: pd.DataFrame, filled: pd.DataFrame, task: Task[Screening]) -> Tables:
    """Return the meta-tree, its steps, errors and stability.

    A meta-tree weights raw effect sizes by their sampling variances, so its target is raw.
    """
    options = task.options
    table = filled.assign(**{name: frame[name] for name in ("study", "group", "yi", "vi")})
    names = list(map(str, filled))
    with task.steps("growing the tree"):
        grown = screening.grow_tree(table, names)
    errors = screening.cross_validate_tree(table, names, by=options.folds, **running(task))
    pruned = screening.prune(grown, errors)
    count = len(pruned.splits)
    resamples = options.resamples
    sizes: Any = {"splits": count, "resamples": resamples}
    splits = screening.resampled_splits(table, names, **sizes, **running(task))
    published = replication.published_tree(task.inputs.dataset)
    tables = {
        "tree": screening.tree_table(pruned, table),
        "tree_steps": screening.steps_table(grown, count, published),
        "tree_errors": errors.assign(folds=options.folds),
        "tree_stability": screening.frequencies(splits, names, resamples=resamples),
    }
    return {name: table.assign(target="raw") for name, table in tables.items()}
