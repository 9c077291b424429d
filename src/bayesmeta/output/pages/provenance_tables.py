"""Provenance of a folder of results as tables, and the files that were changed afterwards."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.output.pages.results import Results

PART = ["part", "command", "model", "model_sha256", "seed"]
PART += ["commit", "bayesmeta", "created", "seconds"]
CHECKED = ("tables", "figures")  # the folders that a page shows; no page reads the large posterior


def parts_table(results: Results) -> pd.DataFrame:
    """Return a row per command with results in the folder, in the order of their runs: PART."""
    rows = [
        about
        | {"part": part, "commit": about.get("git_commit")}
        | {"bayesmeta": about.get("versions", {}).get("bayesmeta")}
        | {"seconds": sum(about.get("timings", {}).values()) or None}
        for part, about in results.provenance.items()
    ]
    table = pd.DataFrame([{name: row.get(name) for name in PART} for row in rows])
    return table.astype({"seed": "Int64"}).sort_values("created", ignore_index=True)


def files_table(results: Results) -> pd.DataFrame:
    """Return the data files: file, sha256, found_in, parts (the commands that read it)."""
    rows = [
        [*(source.get(name) for name in ("name", "sha256", "found_in")), part]
        for part, metadata in results.provenance.items()
        for source in metadata.get("sources", [])
    ]
    return _grouped(rows, ["file", "sha256", "found_in"])


def versions_table(results: Results) -> pd.DataFrame:
    """Return the software: package, version, parts (the commands that ran with it)."""
    rows = [
        [package, version, part]
        for part, metadata in results.provenance.items()
        for package, version in metadata.get("versions", {}).items()
    ]
    return _grouped(rows, ["package", "version"])


def _grouped(rows: list[list[str]], by: list[str]) -> pd.DataFrame:
    """Return rows with the same values as a single row that lists their parts."""
    table = pd.DataFrame(rows, columns=[*by, "parts"])
    return table.groupby(by, sort=False, dropna=False)["parts"].agg(", ".join).reset_index()


def changed_files(folder: Path) -> set[Path]:
    """Return the tables and figures with another hash than a provenance states."""
    hashes: dict[Path, set[str]] = {}
    for provenance in folder.rglob("provenance*.json"):
        outputs = json.loads(provenance.read_text(encoding="utf-8")).get("outputs", {})
        for name, digest in outputs.items():
            if set(CHECKED) & set(Path(name).parts):
                hashes.setdefault(provenance.parent / name, set()).add(digest)
    return {
        path
        for path, digests in hashes.items()
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() not in digests
    }


@contextmanager
def refused_if_changed(folder: Path) -> Iterator[None]:
    """Raise BadInput if a table cannot be read because it was changed since it was written."""
    try:
        yield
    except (LookupError, TypeError, ValueError) as error:
        if not (changed := changed_files(folder)):
            raise
        names = ", ".join(sorted(str(path.relative_to(folder)) for path in changed))
        problem = f"{folder} has files that were changed since they were written: {names}"
        advice = "run the commands that wrote them again"
        raise BadInput(f"{problem}; they cannot be read any more ({error!r}); {advice}") from error
