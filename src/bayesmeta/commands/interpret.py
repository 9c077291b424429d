"""`bayesmeta interpret`: the conclusions of a folder of results, and the supplement of a paper."""

from pathlib import Path

from rich.console import Console

from bayesmeta.commands.console import Printer, print_conclusions
from bayesmeta.commands.options import Interpretation
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.output.folders.staging import staging
from bayesmeta.output.folders.supplement import write_supplement
from bayesmeta.output.pages.answers import sentences
from bayesmeta.output.pages.results import Results, read_results

ANALYSES = {"terms", "comparison", "check", "lint", "verdicts"}  # a table of every command


def run_interpret(options: Interpretation, out: Path | None, console: Console) -> int:
    """Print the conclusions; write a supplement if a folder is given; return the exit code, 0.

    Raise BadInput, and write nothing, if the folder has no analysis or `out` cannot be written.
    """
    results = read_results(options.results)
    refuse_without_analysis(results, options.results)
    conclusions = sentences(results, html=False)
    names: list[str] = []
    if out is not None:
        with staging(out) as folder:
            write_supplement(folder, results)
            names = sorted(path.name for path in folder.iterdir())
    printer = Printer(console, synthetic=bool(results.about.get("synthetic")))
    printer.banner()
    print_conclusions(printer, conclusions.values())
    if out is not None:
        printer.written(out, names)
    return 0


def refuse_without_analysis(results: Results, folder: Path) -> None:
    """Raise BadInput if a folder has directions only, or no analysis."""
    if "directions" in results.tables:
        table = "tables/directions.csv"
        raise BadInput(
            f"{folder} holds directions only, without means to interpret; see its {table}"
        )
    if not ANALYSES & set(results.tables):
        commands = "bayesmeta fit, compare, check, lint or multiverse"
        raise BadInput(f"{folder} holds no analysis; name a folder that {commands} wrote")
