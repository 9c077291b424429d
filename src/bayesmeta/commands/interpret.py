"""`bayesmeta interpret`: the conclusions of a folder of results, and the supplement of a paper."""

from dataclasses import replace
from pathlib import Path

from rich.console import Console

from bayesmeta.commands.console.printer import Printer
from bayesmeta.commands.console.summary import print_json
from bayesmeta.commands.options import Interpretation
from bayesmeta.estimates.transformed import shown_tables
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.output.folders.staging import staging
from bayesmeta.output.folders.supplement import write_supplement
from bayesmeta.output.pages.answers import sentences
from bayesmeta.output.pages.provenance_tables import refused_if_changed
from bayesmeta.output.pages.results import read_results

ANALYSES = {"terms", "comparison", "check", "lint", "verdicts"}  # a table of every command


def run_interpret(
    options: Interpretation, out: Path | None, console: Console, *, as_json: bool = False
) -> int:
    """Print the conclusions; write a supplement if a folder is given; return the exit code, 0.

    Raise BadInput, and write nothing, if the folder has no analysis or `out` cannot be written.
    """
    results = read_results(options.results)
    if "directions" in results.tables:
        problem = "holds directions only, without means to interpret"
        raise BadInput(f"{options.results} {problem}; see its tables/directions.csv")
    if not ANALYSES & set(results.tables):
        commands = "bayesmeta fit, compare, check, lint or multiverse"
        raise BadInput(f"{options.results} holds no analysis; name a folder that {commands} wrote")
    names: list[str] = []
    with refused_if_changed(options.results):
        results = replace(results, tables=shown_tables(results.tables, options.transform))
        conclusions = sentences(results, html=False)
        if out is not None:
            with staging(out) as folder:
                write_supplement(folder, results)
                names = sorted(path.name for path in folder.iterdir())
    printer = Printer(console, synthetic=bool(results.about.get("synthetic")))
    printer.banner()
    for sentence in conclusions.values():
        printer.line(sentence, wrap=False)
    if out is not None:
        printer.written(out, names)
    if as_json:
        print_json({"sentences": conclusions, "folder": out and str(out), "files": names})
    return 0
