"""`bayesmeta multiverse`: every conclusion under every reasonable alternative analysis."""

from collections.abc import Mapping, Sequence

import pandas as pd

from bayesmeta.commands.console.robustness import print_multiverse
from bayesmeta.commands.effects import keep_rows
from bayesmeta.commands.options import Options, Request
from bayesmeta.commands.outcome import Outcome
from bayesmeta.commands.request import Inputs
from bayesmeta.commands.run import Task
from bayesmeta.data.datasets import alternatives_to
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.jobs import Job, run_jobs
from bayesmeta.model.design.contrasts import named_weights
from bayesmeta.model.likelihood import refusal
from bayesmeta.output.folders.analyses import write_multiverse
from bayesmeta.robustness import multiverse
from bayesmeta.robustness.multiverse import Analysis, Version


def compute(task: Task[Options]) -> Outcome:
    """Refit under every alternative, and judge every conclusion."""
    with task.steps("coding the alternatives"):
        versions = multiverse.versions_of(analysis_of(task.request, task.inputs))
    done = run_jobs(jobs_of(versions), steps=task.steps, **vars(task.machine))
    tables = tables_of(multiverse.with_refusals(versions, done.refused), done.tables)
    return Outcome(
        write=lambda folder: write_multiverse(folder, tables),
        show=lambda printer: print_multiverse(printer, tables),
        record="provenance-multiverse.json",
    )


def analysis_of(request: Request, inputs: Inputs) -> Analysis:
    """Return the analysis to vary: every term and contrast of the model, on the kept effects."""

    def keep(frame: pd.DataFrame) -> pd.DataFrame:
        if request.where is None:
            return frame
        try:
            return keep_rows(frame, request.where)
        except BadInput:  # the query keeps none of these rows: no data, but no reason to stop
            return frame.iloc[:0]

    contrasts = named_weights(inputs.design, inputs.spec)
    frame = inputs.frame if inputs.incomplete is None else inputs.incomplete
    return Analysis(frame, inputs.spec, contrasts, alternatives_to(frame, keep))


def jobs_of(versions: Sequence[Version]) -> list[Job]:
    """Return refits by alternative; long ones first, so that no process waits at the end."""
    filled = [version for version in versions if version.weights is not None]
    filled.sort(key=is_exact)
    jobs = []
    for version in filled:
        jobs.append(Job(version.alternative.name, version.alternative.refit, version.arguments))
    return jobs


def is_exact(version: Version) -> bool:
    """Return whether a refit is a single quadrature, which takes less time than the others."""
    assert version.design is not None
    once = version.alternative.refit is multiverse.refit
    return once and not refusal(version.design, version.spec, "quadrature")


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
