"""The stamp of a report: the same command again answers without computing or loading anything."""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from bayesmeta.commands.options import Output, Reporting, Request
from bayesmeta.infrastructure.files import root
from bayesmeta.infrastructure.stamps import find_stamp, keep_stamp

RECORD = "provenance-report.json"
DATA_FOLDER = "BAYESMETA_DATA"


def repeat_report(
    request: Request, options: Reporting, out: Path | None, output: Output, console: Console
) -> int | None:
    """Print where a report is that is as it would be; return its exit code, or None if it is not.

    It is if request, options, code, libraries, every file that it read and every file in its folder
    are as they were.
    """
    stamp = find_stamp(_choices(request, options, out))
    if stamp is None:
        return None
    folder = Path(stamp["folder"]) if out is None else out
    code = int(stamp["code"])
    console.print(f"nothing has changed since {stamp['created']}: {folder}", highlight=False)
    if output.as_json:
        from bayesmeta.commands.console.summary import print_summary  # imports pandas

        print_summary(folder, RECORD, code)
    return code


def keep_report(
    request: Request,
    options: Reporting,
    out: Path,
    code: int,
    *,
    is_default: bool,
    matrices: Iterable[Path] = (),
) -> None:
    """Keep the stamp of a report in the folder `out`, which may be the default one.

    `matrices` : files that the model names.
    """
    read = [*_files(root() / "models"), *_files(root() / "data"), *matrices]
    read += [Path(name) for name in (request.dataset, request.model) if name]
    if request.dataset is None or not Path(request.dataset).is_file():
        from bayesmeta.data.sources import candidates  # imports pandas

        read += candidates()
    created = json.loads((out / RECORD).read_text(encoding="utf-8"))["created"]
    content = {"folder": str(out), "code": code, "created": created}
    for folder in [out, *([None] if is_default else [])]:
        keep_stamp(_choices(request, options, folder), [*read, *_files(out)], content)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _choices(request: Request, options: Reporting, out: Path | None) -> list[Any]:
    given = {**asdict(request), "columns": dict(request.columns)}
    place = None if out is None else str(out.resolve())
    return [given, asdict(options), place, str(Path.cwd()), os.environ.get(DATA_FOLDER)]
