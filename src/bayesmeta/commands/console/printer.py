"""A console that marks simulated data, and the first lines of a command."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

MARK = "SYNTHETIC"
Names = Sequence[str]
Rows = Iterable[Sequence[object]]


class Printer:
    """Prints results; of simulated data every result is marked SYNTHETIC."""

    def __init__(self, console: Console, *, synthetic: bool = False) -> None:
        self.console = console
        self.mark = MARK if synthetic else ""

    def banner(self) -> None:
        """Print the mark of simulated data."""
        if self.mark:
            self.console.print(f"[bold red]{self.mark}[/bold red]")

    def line(self, text: str, style: str | None = None, *, wrap: bool = True) -> None:
        """Print a line as it is; brackets are no markup."""
        plain: Any = {"highlight": False, "markup": False, "emoji": False}
        self.console.print(text, style=style, soft_wrap=not wrap, **plain)

    def markup(self, text: str) -> None:
        """Print a text with rich's markup."""
        self.console.print(text, highlight=False, emoji=False)

    def note(self, text: str, style: str = "dim") -> None:
        """Print a note."""
        self.line(f"note: {text}", style)

    def table(self, title: str, columns: Names, rows: Rows, *, left: Sequence[int] = (0,)) -> None:
        """Print a table; `left` are the positions of columns of words, the others hold numbers."""
        heading = " ".join(filter(None, [self.mark, title]))
        table = Table(title=escape(heading), title_justify="left")
        for place, name in enumerate(columns):
            table.add_column(escape(name), justify="left" if place in left else "right")
        for row in rows:
            table.add_row(*(cell if isinstance(cell, Text) else escape(str(cell)) for cell in row))
        self.console.print(table)

    def frame(self, title: str, frame: pd.DataFrame) -> None:
        """Print a table as it is."""
        rows = frame.itertuples(index=False)
        self.table(title, list(map(str, frame.columns)), rows, left=range(len(frame.columns)))

    def written(self, out: Path, names: Names = ()) -> None:
        """Print where the results are."""
        files = f": {', '.join(names)}" if names else ""
        self.markup(f"written to [bold]{escape(str(out))}[/bold]{escape(files)}")


def print_data(
    console: Console, design: xr.Dataset, attrs: Mapping[Any, Any], left_out: Names
) -> None:
    """Print the sizes of a table, whether it is real, where it comes from, and its notes."""
    printer = Printer(console, synthetic=bool(attrs.get("synthetic")))
    sizes = design.sizes
    k, studies, terms = (sizes[name] for name in ("effect", "study", "term"))
    counts = f"{k} directions of {studies} papers, {terms} terms; no effect sizes"
    if "yi" in design:
        counts = f"{k} effects, {sizes['group']} groups, {studies} studies, {terms} terms"
    folders = sorted({source["found_in"] for source in attrs.get("sources", [])})
    origin = f", from {', '.join(folders)}" if folders else ""
    variant = f" ({attrs['variant']})" if attrs.get("variant") else ""
    mark = f"[bold red]{printer.mark}[/bold red] " if printer.mark else ""
    dataset = escape(str(attrs["dataset"]))
    printer.markup(f"{mark}[bold]{dataset}[/bold]{variant}: {counts}{escape(origin)}")
    for note in attrs.get("notes", []):
        printer.note(note)
    if left_out:
        printer.line(f"left out, their cells are empty here: {', '.join(left_out)}", "yellow")
