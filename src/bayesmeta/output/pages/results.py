"""A folder of results: the tables, figures and provenance that the commands wrote."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bayesmeta.infrastructure.errors import BadInput

FIT = "fit"
REQUIRED = {"dataset": str, "created": str}  # entries of a record
OTHERS = {"columns": dict, "versions": dict, "timings": dict, "notes": list}


@dataclass(frozen=True)
class Results:
    """A folder of results."""

    folder: Path
    tables: dict[str, pd.DataFrame]  # by name, with that of a subfolder: `screening/importance`
    figures: dict[str, Path]  # SVG files, by such a name
    provenance: dict[str, dict[str, Any]]  # by command: `fit` (provenance.json), `check`, ...
    diagnostics: dict[str, Any]  # of the fit, empty without a fit

    @property
    def about(self) -> dict[str, Any]:
        """Provenance of the fit, or else of the first command."""
        return self.provenance.get(FIT) or next(iter(self.provenance.values()))

    def file(self, table: str) -> Path:
        """Return the path of a table."""
        *folders, stem = table.split("/")
        return self.folder.joinpath(*folders, "tables", f"{stem}.csv")


def read_results(folder: Path) -> Results:
    """Read a folder that commands wrote; BadInput: no folder, no results, or an unreadable file."""
    records = _visible(folder, "provenance*.json") if folder.is_dir() else []
    if not records:
        advice = "give a folder that bayesmeta fit, compare or check wrote"
        raise BadInput(f"{folder} holds no results; {advice}")
    diagnostics = folder / "diagnostics.json"
    try:
        return Results(
            folder,
            {name: pd.read_csv(path) for name, path in _files(folder, "tables/*.csv")},
            dict(_files(folder, "figures/*.svg")),
            {_command(path, folder): _record(path) for path in records},
            _json(diagnostics) if diagnostics.is_file() else {},
        )
    except (OSError, ValueError, RecursionError) as error:
        unreadable = f"{folder} has a file that cannot be read: {error}; run its command again"
        raise BadInput(unreadable) from error


def _files(folder: Path, pattern: str) -> Iterator[tuple[str, Path]]:
    """Yield files with their names: `screening/importance` of screening/tables/importance.csv."""
    for path in _visible(folder, pattern):
        yield "/".join([*path.relative_to(folder).parts[:-2], path.stem]), path


def _visible(folder: Path, pattern: str) -> list[Path]:
    """Return the files that match, without those in hidden folders, which runs are filling."""
    parts = {path: path.relative_to(folder).parts for path in sorted(folder.rglob(pattern))}
    return [
        path for path, names in parts.items() if not any(name.startswith(".") for name in names)
    ]


def _command(path: Path, folder: Path) -> str:
    """Return the command of a provenance file: `check` of provenance-check.json.

    A fit in a subfolder is named with it: `supported/fit`.
    """
    command = path.stem.removeprefix("provenance").removeprefix("-")
    beside = "" if path.parent == folder else f"{path.parent.name}/"
    return command or beside + FIT


def _record(path: Path) -> dict[str, Any]:
    record = _json(path)
    wrong = [name for name, kind in REQUIRED.items() if not isinstance(record.get(name), kind)]
    wrong += [
        name for name, kind in OTHERS.items() if not isinstance(record.get(name, kind()), kind)
    ]
    if wrong:
        raise ValueError(f"{path.name} is no record of a command: see {', '.join(wrong)}")
    return record


def _json(path: Path) -> dict[str, Any]:
    content = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise ValueError(f"{path.name} holds no JSON object")
    return content
