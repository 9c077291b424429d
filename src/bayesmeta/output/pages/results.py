"""What the commands left in a folder, as a page reads it: tables, figures, where they came from."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bayesmeta.infrastructure.errors import BadInput

FIT = "fit"


@dataclass(frozen=True)
class Results:
    """A folder of results.

    Attributes
    ----------
    folder : Path
    tables : dict
        tables/*.csv by name; those of a subfolder with its name before: `terms`, `screening/importance`.
    figures : dict
        SVG files by name, in the same way.
    provenance : dict
        By command's noun: `fit` (provenance.json), `comparison`, `check`, `lint`, `multiverse`, `screen`.
    diagnostics : dict
        Of the fit; empty without one.
    """

    folder: Path
    tables: dict[str, pd.DataFrame]
    figures: dict[str, Path]
    provenance: dict[str, dict[str, Any]]
    diagnostics: dict[str, Any]

    @property
    def about(self) -> dict[str, Any]:
        """Provenance of the fit, or of what there is first."""
        return self.provenance.get(FIT) or next(iter(self.provenance.values()))

    def file(self, table: str) -> Path:
        """Where a table is kept."""
        *folders, stem = table.split("/")
        return self.folder.joinpath(*folders, "tables", f"{stem}.csv")


def read_results(folder: Path) -> Results:
    """Read a folder that `bayesmeta fit` and others wrote.

    Raises
    ------
    BadInput
        It is no folder, holds no results, or a file of it cannot be read.
    """
    found = sorted(folder.rglob("provenance*.json")) if folder.is_dir() else []
    if not found:
        raise BadInput(
            f"{folder} holds no results; a folder that bayesmeta fit, compare or check wrote does"
        )
    try:
        provenance = {
            path.stem.removeprefix("provenance").removeprefix("-") or FIT: _json(path)
            for path in found
        }
        tables = {
            _name(folder, path): pd.read_csv(path) for path in sorted(folder.rglob("tables/*.csv"))
        }
        verdict = folder / "diagnostics.json"
        diagnostics = _json(verdict) if verdict.is_file() else {}
    except (OSError, ValueError) as error:
        raise BadInput(
            f"{folder} has a file that cannot be read: {error}; run its command again"
        ) from error
    figures = {_name(folder, path): path for path in sorted(folder.rglob("figures/*.svg"))}
    return Results(folder, tables, figures, provenance, diagnostics)


def _name(folder: Path, path: Path) -> str:
    """`tables/terms.csv` is terms, `screening/tables/importance.csv` screening/importance."""
    return "/".join([*path.relative_to(folder).parts[:-2], path.stem])


def _json(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
