"""What does a folder of results say? Five sentences on the console, a supplement in a folder."""

from pathlib import Path
from typing import TYPE_CHECKING

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.output.pages.answers import sentences
from bayesmeta.output.pages.results import read_results

if TYPE_CHECKING:
    from rich.console import Console

ANALYSES = {"terms", "comparison", "check", "lint", "verdicts"}  # a table of each command that there is to interpret


def run_interpret(results: Path, out: Path | None, console: "Console") -> int:
    """Print the answer; with `out`, write supplement.md and the tables as LaTeX and CSV, all or nothing; gives 0.

    Parameters
    ----------
    results : Path
        A folder that `bayesmeta fit` and others wrote.
    out : Path or None
        Where the supplement goes.
    console : Console
        Who is told.

    Raises
    ------
    BadInput
        It holds no results, or `out` cannot be written; nothing is written then.
    """
    from rich.markup import escape

    found = read_results(results)
    if "directions" in found.tables:
        raise BadInput(f"{results} holds directions alone, without means to tell of; see its tables/directions.csv")
    if not ANALYSES & set(found.tables):
        raise BadInput(
            f"{results} holds no analysis; a folder that bayesmeta fit, compare, check, lint or multiverse wrote does"
        )
    said = sentences(found, html=False)
    if out is not None:
        from bayesmeta.output.folders.staging import staging
        from bayesmeta.output.folders.supplement import write_supplement

        with staging(out) as folder:
            names = write_supplement(folder, found)
    if found.about.get("synthetic"):
        console.print("[bold red]SYNTHETIC[/bold red]")
    for sentence in said.values():
        console.print(sentence, highlight=False, markup=False, soft_wrap=True)
    if out is not None:
        console.print(f"written to [bold]{escape(str(out))}[/bold]: {', '.join(names)}", highlight=False)
    return 0
