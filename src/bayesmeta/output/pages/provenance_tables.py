"""Provenance of a folder of results as tables, and the files that were changed afterwards."""

import hashlib
import json
from pathlib import Path

import pandas as pd

from bayesmeta.output.pages.results import Results

CHECKED = ("tables", "figures")  # the folders that a page shows; no page reads the large posterior


def parts_table(results: Results) -> pd.DataFrame:
    """Return a row per command with results in the folder, in the order of their runs.

    Returns
    -------
    DataFrame
        part, command, model, model_sha256, seed, commit, bayesmeta, created, seconds.
    """
    rows = [
        {
            "part": part,
            "command": metadata.get("command"),
            "model": metadata.get("model"),
            "model_sha256": metadata.get("model_sha256"),
            "seed": metadata.get("seed"),
            "commit": metadata.get("git_commit"),
            "bayesmeta": metadata.get("versions", {}).get("bayesmeta"),
            "created": metadata.get("created"),
            "seconds": sum(metadata.get("timings", {}).values()) or None,
        }
        for part, metadata in results.provenance.items()
    ]
    return pd.DataFrame(rows).astype({"seed": "Int64"}).sort_values("created", ignore_index=True)


def files_table(results: Results) -> pd.DataFrame:
    """Return the data files: file, sha256, found_in, parts (the commands that read it)."""
    rows = [
        {
            "file": source.get("name"),
            "sha256": source.get("sha256"),
            "found_in": source.get("found_in"),
            "parts": part,
        }
        for part, metadata in results.provenance.items()
        for source in metadata.get("sources", [])
    ]
    return _grouped(rows, ["file", "sha256", "found_in"])


def versions_table(results: Results) -> pd.DataFrame:
    """Return the software: package, version, parts (the commands that ran with it)."""
    rows = [
        {"package": package, "version": version, "parts": part}
        for part, metadata in results.provenance.items()
        for package, version in metadata.get("versions", {}).items()
    ]
    return _grouped(rows, ["package", "version"])


def _grouped(rows: list[dict[str, str]], by: list[str]) -> pd.DataFrame:
    """Return rows with the same values as a single row that lists their parts."""
    table = pd.DataFrame(rows, columns=[*by, "parts"])
    return table.groupby(by, sort=False, dropna=False)["parts"].agg(", ".join).reset_index()


def changed_files(folder: Path) -> set[Path]:
    """Return the tables and figures with another hash than their provenance states.

    Files that no provenance names are left out.
    """
    hashes: dict[Path, set[str]] = {}
    for provenance in folder.rglob("provenance*.json"):
        outputs = json.loads(provenance.read_text(encoding="utf-8")).get("outputs", {})
        for name, digest in outputs.items():
            if set(CHECKED) & set(Path(name).parts):
                hashes.setdefault(provenance.parent / name, set()).add(digest)
    return {
        path for path, digests in hashes.items() if path.is_file() and _digest(path) not in digests
    }


def _digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
