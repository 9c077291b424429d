"""What a command prints for another program: one JSON object."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

TABLES = (
    *("terms", "heterogeneity", "contrasts", "prediction", "frequentist", "verdicts"),
    *("predicted", "absolute", "sizes"),
)
ABOUT = ("command", "dataset", "model", "synthetic", "notes", "seed", "created")


def print_summary(out: Path, record: str, code: int) -> None:
    """Print the files of a command with its main tables and diagnostics, as JSON.

    `record` is the file of its provenance in the folder `out`, `code` the exit code.
    """
    provenance = json.loads((out / record).read_text(encoding="utf-8"))
    files = [*provenance["outputs"], record]
    summary: dict[str, Any] = {"exit_code": code, "folder": str(out), "files": files}
    summary |= {name: provenance.get(name) for name in ABOUT}
    for name in TABLES:
        if f"tables/{name}.csv" in files:
            summary[name] = _rows(out / "tables" / f"{name}.csv")
    if "diagnostics.json" in files:
        text = (out / "diagnostics.json").read_text(encoding="utf-8")
        summary["diagnostics"] = json.loads(text)
    print_json(summary)


def print_json(summary: Mapping[str, Any]) -> None:
    """Print one JSON object."""
    print(json.dumps(summary, indent=2, ensure_ascii=False), file=sys.stdout)


def _rows(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a table, with null for a missing number."""
    table = pd.read_csv(path, keep_default_na=False, na_values=[""])
    rows: list[dict[str, Any]] = json.loads(table.to_json(orient="records", double_precision=15))
    return rows
