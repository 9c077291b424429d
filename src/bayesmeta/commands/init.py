"""`bayesmeta init`: a model file for a table, ready for `bayesmeta fit`."""

import shlex
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from bayesmeta.commands.column_roles import columns_table
from bayesmeta.commands.console.printer import Printer
from bayesmeta.commands.console.summary import print_json
from bayesmeta.commands.console.tables import print_columns
from bayesmeta.commands.model_draft import model_text
from bayesmeta.commands.options import Draft
from bayesmeta.data.table import Reading, read_file
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.files import write_whole
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.model.design import build_design
from bayesmeta.model.design.reserved import reserved_names, without_reserved
from bayesmeta.model.spec import parse_spec


def run_init(options: Draft, out: Path | None, console: Console, *, as_json: bool = False) -> int:
    """Write a model file for a table; return 0. Raise BadInput if it exists or cannot be made."""
    path = options.file
    out = out or Path(f"{path.stem}.toml")
    if out.exists() and not options.force:
        raise BadInput(f"{out} exists; give another name by --out, or overwrite it by --force")
    with Steps(console)("reading the data"):
        reading = _likeliest(options)
        aside = reading.aside | reserved_names(reading.frame)
        reading = replace(reading, frame=without_reserved(reading.frame), aside=aside)
    command = f"bayesmeta fit --dataset {shlex.quote(str(path))} --model {shlex.quote(str(out))}"
    text = model_text(reading, path.name, command)
    build_design(reading.frame, parse_spec(text, out.stem))  # refuses a table that cannot be fitted
    try:
        write_whole(out, text.encode())
    except OSError as error:
        raise BadInput(f"{out} cannot be written ({error.strerror})") from error
    printer = Printer(console)
    attrs = reading.frame.attrs
    print_columns(printer, attrs["title"], columns_table(reading), attrs["notes"])
    printer.written(out)
    printer.line(f"run it: {command}", wrap=False)
    if as_json:
        print_json({"file": str(out), "command": command, "notes": attrs["notes"]})
    return 0


def _likeliest(options: Draft) -> Reading:
    """Return the likeliest reading of a table; rows that cannot be an effect are left out."""
    asked = dict(options.columns)
    try:
        return read_file(options.file, columns=asked, propose=True)
    except BadInput as error:
        try:
            return read_file(options.file, columns=asked | {"incomplete": "omit"}, propose=True)
        except BadInput:
            raise error from None
