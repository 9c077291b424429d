"""Results of a command: computed in a staged folder, written with their provenance, printed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from bayesmeta.commands.console.printer import Printer
from bayesmeta.commands.console.summary import print_summary
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.infrastructure.provenance import provenance_of
from bayesmeta.output.folders.folder import Folder
from bayesmeta.output.folders.staging import staging


@dataclass(frozen=True)
class Outcome:
    """Results of a command, ready to be written and printed.

    Attributes
    ----------
    write, show : fill a folder with the results, and print them.
    record : name of the provenance file, which is written last.
    passed : False if a diagnostic of the sampler failed; the exit code is then 1.
    choices : provenance beside the request and the options.
    after : called with the exit code once everything is in its place.
    """

    write: Callable[[Folder], None]
    show: Callable[[Printer], None]
    record: str
    passed: bool = True
    choices: Mapping[str, Any] = field(default_factory=dict)
    after: Callable[[int], None] | None = None


def finish(
    compute: Callable[[], Outcome],
    out: Path,
    choices: Mapping[str, Any],
    attrs: Mapping[Any, Any],
    steps: Steps,
    console: Console,
    *,
    as_json: bool = False,
) -> int:
    """Compute results, write them into a folder that is complete or absent, and print them.

    `choices` of the command and `attrs` of its table are for `provenance_of`. Return the exit code.
    Raise BadInput if another process is writing to the folder.
    """
    with staging(out) as path:
        outcome = compute()
        folder = Folder(path, provenance_of({**choices, **outcome.choices}, attrs), steps)
        outcome.write(folder)
        folder.write_provenance(outcome.record)
        names = folder.entries()
    printer = Printer(console, synthetic=folder.synthetic)
    printer.banner()
    outcome.show(printer)
    printer.written(out, names)
    code = 0 if outcome.passed else 1
    if outcome.after:
        outcome.after(code)
    if as_json:
        print_summary(out, outcome.record, code)
    return code
