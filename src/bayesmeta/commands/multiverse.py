"""Does each conclusion hold under every reasonable alternative? From a dataset's name or a file to tables and a figure."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayesmeta.commands.request import Inputs, Request, keep_rows, show_inputs
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.infrastructure.provenance import provenance_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from rich.console import Console

    from bayesmeta.infrastructure.jobs import Job
    from bayesmeta.robustness.multiverse import Analysis, Version

STRONG = 3.0  # of a log Bayes factor: 20 to 1, Kass & Raftery 1995, doi 10.1080/01621459.1995.10476572
SHADES = {"holds": "green", "weakens": "yellow", "changes sign": "red", "overturned": "bold red", "open": "dim"}


def run_multiverse(
    request: Request, out: Path | None, console: "Console", *, dask: str | None = None, workers: int | None = None
) -> int:
    """Refit under every alternative; write tables, figures/multiverse and provenance-multiverse.json; gives 0.

    Parameters
    ----------
    request, out, console : Request, Path or None, Console
        What is asked, where results go, who is told.
    dask : str, optional
        Address of a Dask scheduler that refits in place of this machine.
    workers : int, optional
        Processes on this machine.

    Raises
    ------
    BadInput
        Nothing is written then.
    """
    steps = Steps(console)
    inputs = show_inputs(request, steps, console)
    attrs, out = inputs.frame.attrs, inputs.folder(out)
    with steps("coding the alternatives"):
        from bayesmeta.infrastructure.jobs import run_jobs
        from bayesmeta.output import folders
        from bayesmeta.robustness.multiverse import versions_of, with_refusals

        versions = versions_of(analysis_of(request, inputs))
    with folders.staging(out) as folder:
        done = run_jobs(jobs_of(versions), steps=steps, title="refitting", dask=dask, workers=workers)
        tables = tables_of(with_refusals(versions, done.refused), done.tables)
        provenance = provenance_of(asdict(request) | inputs.choices(out, seed=None), attrs)
        write_multiverse(folder, tables, provenance, steps)
    print_multiverse(console, tables, out, synthetic=provenance["synthetic"])
    return 0


def analysis_of(request: Request, inputs: Inputs) -> "Analysis":
    """Return the analysis to which there are alternatives: every term and contrast, the kept effects."""
    from bayesmeta.data.datasets import alternatives_to
    from bayesmeta.model.design import named_weights
    from bayesmeta.robustness.multiverse import Analysis

    def keep(frame: "pd.DataFrame") -> "pd.DataFrame":
        if request.where is None:
            return frame
        try:
            return keep_rows(frame, request.where)
        except BadInput:  # the query keeps none of these rows: no data, but no reason to stop
            return frame.iloc[:0]

    contrasts = named_weights(inputs.design, inputs.spec)
    return Analysis(inputs.frame, inputs.spec, contrasts, alternatives_to(inputs.frame, keep))


def jobs_of(versions: "Sequence[Version]") -> "list[Job]":
    """A refit of every version that has something to refit, by name of its alternative; the long ones first.

    So no core waits for another at the end.
    """
    from bayesmeta.infrastructure.jobs import Job
    from bayesmeta.robustness.multiverse import integrated

    versions = sorted(versions, key=lambda version: version.alternative.refit is integrated)
    return [
        Job(version.alternative.name, version.alternative.refit, (version.design, version.spec, version.weights))
        for version in versions
        if version.weights is not None
    ]


def tables_of(versions: "Sequence[Version]", refitted: "Mapping[str, pd.DataFrame]") -> "dict[str, pd.DataFrame]":
    """The tables of the contract, the sentences (verdicts), and the cells behind the figure."""
    from bayesmeta.robustness import multiverse

    rows = multiverse.long_table(versions, refitted)
    return {
        "multiverse": multiverse.wide_table(rows),
        "multiverse_long": rows,
        "alternatives": multiverse.alternatives_table(versions, refitted),
        "verdicts": multiverse.verdicts_table(rows),
        "cells": multiverse.cells_table(rows, versions),
    }


def write_multiverse(
    folder: Path, tables: "Mapping[str, pd.DataFrame]", provenance: dict[str, Any], steps: Steps
) -> None:
    """Write tables/*.csv, figures/multiverse (PNG, SVG, CSV) and provenance-multiverse.json into an empty folder."""
    from bayesmeta.output.figures import save
    from bayesmeta.output.figures.multiverse import draw_multiverse
    from bayesmeta.output.folders import write_provenance, write_tables

    write_tables(folder, {name: tables[name] for name in ("multiverse", "multiverse_long", "alternatives", "verdicts")})
    title = ", ".join(dict.fromkeys((provenance["dataset"], provenance["model"])))
    source = f"bayesmeta {provenance['versions']['bayesmeta']}, {title}, {provenance['created']}"
    with steps("drawing figures"):
        (folder / "figures").mkdir()
        figure = draw_multiverse(tables["cells"], title=f"Does each conclusion hold? {title[0].upper()}{title[1:]}")
        stem = folder / "figures" / "multiverse"
        save(figure, stem, tables["cells"], synthetic=provenance["synthetic"], source=source)
    write_provenance(folder / "provenance-multiverse.json", provenance, steps)


def print_multiverse(console: "Console", tables: "Mapping[str, pd.DataFrame]", out: Path, *, synthetic: bool) -> None:
    """Each conclusion with its lowest probability, then a sentence for each, and where the files are."""
    from rich.markup import escape
    from rich.table import Table

    from bayesmeta.estimates.text import probability_text

    mark = "SYNTHETIC  " if synthetic else ""
    table = Table(title=f"{mark}Does each conclusion hold under {len(tables['alternatives']) - 1} alternatives?")
    table.title_justify = "left"
    for column in ("conclusion", "P", "least P", "under", "verdict"):
        table.add_column(column, justify="right" if "P" in column else "left")
    for row in tables["verdicts"].to_dict("records"):
        shade = SHADES[row["verdict"]]
        sign = ">" if row["direction"] == "positive" else "<"
        numbers = probability_text(row["p_base"]), probability_text(row["least"])
        table.add_row(f"{row['contrast']} {sign} 0", *numbers, row["under"], f"[{shade}]{row['verdict']}[/{shade}]")
    console.print(table)
    better = tables["alternatives"].sort_values("log_bayes_factor").dropna().tail(1)
    for name, factor in better.loc[better["log_bayes_factor"] > STRONG, ["alternative", "log_bayes_factor"]].to_numpy():
        console.print(f"[yellow]note: the same data bear '{name}' better (log Bayes factor {factor:.1f})[/yellow]")
    for sentence in tables["verdicts"]["sentence"]:
        console.print(f"- {sentence}", highlight=False, markup=False)
    console.print(
        f"written to [bold]{escape(str(out))}[/bold]: tables/multiverse*.csv, figures/multiverse, provenance-multiverse.json"
    )
