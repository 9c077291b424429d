"""From a table of a user's own to a model file that `bayesmeta fit` takes: what `bayesmeta init` does."""

import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.progress import Steps

if TYPE_CHECKING:
    from rich.console import Console

    from bayesmeta.data.table import Reading

MOST_SHOWN = 40


def run_init(
    path: Path, out: Path | None, console: "Console", *, columns: Mapping[str, str] | None = None, force: bool = False
) -> int:
    """Inspect a table, say what was found, and write a model file that `bayesmeta fit` takes; gives 0.

    Parameters
    ----------
    path, out, console : Path, Path or None, Console
        The table; the file to write, <stem>.toml here by default; who is told.
    columns : mapping, optional
        The package's name of a column to the file's, where it cannot be inferred.
    force : bool
        Whether an existing file may be overwritten.

    Raises
    ------
    BadInput
        The table cannot be used, or the file exists; nothing is written then.
    """
    from rich.markup import escape

    from bayesmeta.commands.model_draft import model_text
    from bayesmeta.data.table import read_file
    from bayesmeta.model.design import build_design
    from bayesmeta.model.design.reserved import reserved_names, without_reserved
    from bayesmeta.model.spec.reading import parse_spec

    out = out or Path(f"{path.stem}.toml")
    if out.exists() and not force:
        raise BadInput(f"{out} exists; give another name by --out, or overwrite it by --force")
    with Steps(console)("reading the data"):
        reading = read_file(path, columns=columns)
        aside = reading.aside | reserved_names(reading.frame)
        reading = replace(reading, frame=without_reserved(reading.frame), aside=aside)
    command = f"bayesmeta fit --dataset {shlex.quote(str(path))} --model {shlex.quote(str(out))}"
    text = model_text(reading, path.name, command)
    build_design(reading.frame, parse_spec(text, out.stem))
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{out} cannot be written ({error.strerror})") from error
    _print(console, reading)
    console.print(
        f"written to [bold]{escape(str(out))}[/bold]; run it:\n{escape(command)}", highlight=False, soft_wrap=True
    )
    return 0


def _print(console: "Console", reading: "Reading") -> None:
    from rich.markup import escape
    from rich.table import Table

    from bayesmeta.commands.model_draft import columns_table

    table, found = Table(title=escape(reading.frame.attrs["title"])), columns_table(reading)
    for name in found.columns:
        table.add_column(name, justify="right" if name == "missing" else "left")
    for row in found.head(MOST_SHOWN).itertuples(index=False):
        table.add_row(*(escape(str(cell)) for cell in row))
    console.print(table)
    if len(found) > MOST_SHOWN:
        console.print(f"and {len(found) - MOST_SHOWN} columns more")
    for note in reading.frame.attrs["notes"]:
        console.print(f"note: {note}", style="dim", markup=False, highlight=False)
