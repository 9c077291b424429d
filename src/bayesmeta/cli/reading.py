"""Commands that read a table or results: data, init, interpret."""

from pathlib import Path
from typing import Annotated

import typer

from bayesmeta.cli.app import app
from bayesmeta.cli.options import Columns, Variant


@app.command()
def data(
    dataset: Annotated[str, typer.Argument(help="A dataset's name: preclinical, clinical, clinical-all ...")],
    variant: Variant = "calibrated",
    out: Annotated[Path | None, typer.Option(help="Folder to write; default reports/<dataset>/data.")] = None,
) -> None:
    """Print a dataset's sizes by cell, species and comparison; write its effect table as CSV and Parquet."""
    from rich.console import Console

    from bayesmeta.commands.data import run_data

    raise typer.Exit(run_data(dataset, variant, out, Console()))


@app.command()
def init(
    file: Annotated[Path, typer.Argument(help="A table: .csv, .tsv, .xlsx or .parquet.")],
    columns: Columns = None,
    out: Annotated[Path | None, typer.Option(help="Model file to write; default <stem of the table>.toml.")] = None,
    force: Annotated[bool, typer.Option(help="Overwrite an existing model file.")] = False,
) -> None:
    """Look at a table of your own and write a model file for it: columns, levels, priors, possible moderators."""
    from rich.console import Console

    from bayesmeta.commands.init import run_init
    from bayesmeta.commands.request import columns_of

    raise typer.Exit(run_init(file, out, Console(), columns=columns_of(None, columns), force=force))


@app.command()
def interpret(
    results: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that bayesmeta fit and others wrote.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder for supplement.md and the tables as LaTeX and CSV; default none.")
    ] = None,
) -> None:
    """Print what a folder of results says, in five sentences; write a paper's supplement from it."""
    from rich.console import Console

    from bayesmeta.commands.interpret import run_interpret

    raise typer.Exit(run_interpret(results, out, Console()))
