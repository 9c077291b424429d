"""`bayesmeta multiverse`: every conclusion under every reasonable alternative analysis."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pandas as pd

from bayesmeta.commands.console import print_multiverse
from bayesmeta.commands.effects import keep_rows, read_effects
from bayesmeta.commands.options import Options, Request
from bayesmeta.commands.outcome import Outcome
from bayesmeta.commands.record import STRICT, has_record, record_of_species
from bayesmeta.commands.request import Inputs
from bayesmeta.commands.run import Task
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.jobs import Job, run_jobs
from bayesmeta.model.design.contrasts import named_weights
from bayesmeta.output.folders.multiverse import write_multiverse
from bayesmeta.robustness import multiverse
from bayesmeta.robustness.multiverse import Question, Version


def compute(task: Task[Options]) -> Outcome:
    """Refit under every alternative, and judge every conclusion."""
    with task.steps("coding the alternatives"):
        versions = multiverse.versions_of(analysis_of(task.request, task.inputs))
    done = run_jobs(
        jobs_of(versions),
        steps=task.steps,
        title="refitting",
        dask=task.machine.dask,
        workers=task.machine.workers,
    )
    tables = tables_of(multiverse.with_refusals(versions, done.refused), done.tables)
    return Outcome(
        write=lambda folder: write_multiverse(folder, tables),
        show=lambda printer: print_multiverse(printer, tables),
        record="provenance-multiverse.json",
    )


def analysis_of(request: Request, inputs: Inputs) -> Question:
    """Return the analysis to vary: every term and contrast of the model, on the kept effects."""
    contrasts = named_weights(inputs.design, inputs.spec)
    if not has_record(inputs.dataset):
        return Question(inputs.frame, inputs.spec, contrasts, record=inputs.frame)
    record = record_of_species(inputs.frame)
    kept = record if request.where is None else keep_rows(record, request.where)
    is_strict = inputs.frame.attrs["variant"] == STRICT
    strict = None if is_strict else strict_reader(request)
    return Question(inputs.frame, inputs.spec, contrasts, kept, strict)


def strict_reader(request: Request) -> Callable[[], pd.DataFrame]:
    """Return a function that reads the strict variant; it has no rows if the query keeps none."""

    def read() -> pd.DataFrame:
        frame = read_effects(replace(request, variant=STRICT))
        try:
            return frame if request.where is None else keep_rows(frame, request.where)
        except BadInput:
            return frame.iloc[:0]

    return read


def jobs_of(versions: Sequence[Version]) -> list[Job]:
    """Return a refit of every version with data, by the name of its alternative.

    The long refits come first, so that no process waits at the end.
    """
    by_length = sorted(
        versions, key=lambda version: version.alternative.refit is multiverse.integrated
    )
    return [
        Job(
            version.alternative.name,
            version.alternative.refit,
            (version.design, version.spec, version.weights),
        )
        for version in by_length
        if version.weights is not None
    ]


def tables_of(
    versions: Sequence[Version], refitted: Mapping[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """Return the tables by file name, and the cells behind the figure."""
    rows = multiverse.long_table(versions, refitted)
    return {
        "multiverse": multiverse.wide_table(rows),
        "multiverse_long": rows,
        "alternatives": multiverse.alternatives_table(versions, refitted),
        "verdicts": multiverse.verdicts_table(rows),
        "cells": multiverse.cells_table(rows, versions),
    }
