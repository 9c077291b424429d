"""`bayesmeta flow`: the flow chart of a search (PRISMA 2020), from a small TOML file."""

from pathlib import Path
from typing import Any

from rich.console import Console

from bayesmeta.commands.options import Search
from bayesmeta.commands.outcome import Outcome, finish
from bayesmeta.data.prisma import read_flow
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.output.figures import draw_flow
from bayesmeta.output.folders.folder import Folder


def run_flow(options: Search, out: Path | None, console: Console, *, as_json: bool = False) -> int:
    """Draw the flow of a search; return the exit code, 0.

    Raise BadInput, and write nothing, if the file cannot be read or its counts do not add up.
    """
    title, table = read_flow(options.file)
    steps = Steps(console)

    def compute() -> Outcome:
        with steps("drawing the flow"):
            figure = draw_flow(table, title=title)

        def write(folder: Folder) -> None:
            folder.write_pages(".", "flow", [figure], table)

        return Outcome(write=write, show=lambda printer: None, record="provenance-flow.json")

    name = options.file.stem
    out = out or Path("reports") / name
    choices: dict[str, Any] = {"dataset": name, "model": "", "file": str(options.file)}
    return finish(
        compute, out, choices | {"out": str(out)}, {"title": title}, steps, console, as_json=as_json
    )
