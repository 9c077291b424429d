"""Where the parts of a folder of results came from, as tables; and which files were changed afterwards."""

import hashlib
import json
from pathlib import Path

import pandas as pd

from bayesmeta.output.pages.results import Results

CHECKED = ("tables", "figures")  # what a page shows; the posterior is large, and no page reads it


def parts_table(results: Results) -> pd.DataFrame:
    """Every command whose results are here.

    Returns
    -------
    DataFrame
        part, command, model, model_sha256, seed, commit, bayesmeta, created, seconds; in the order in which they ran.
    """
    rows = [
        {
            "part": part,
            "command": told.get("command"),
            "model": told.get("model"),
            "model_sha256": told.get("model_sha256"),
            "seed": told.get("seed"),
            "commit": told.get("git_commit"),
            "bayesmeta": told.get("versions", {}).get("bayesmeta"),
            "created": told.get("created"),
            "seconds": sum(told.get("timings", {}).values()) or None,
        }
        for part, told in results.provenance.items()
    ]
    return pd.DataFrame(rows).astype({"seed": "Int64"}).sort_values("created", ignore_index=True)


def files_table(results: Results) -> pd.DataFrame:
    """The data files that were read: file, sha256, found_in, parts (the commands that read it)."""
    rows = [
        {
            "file": source.get("name"),
            "sha256": source.get("sha256"),
            "found_in": source.get("found_in"),
            "parts": part,
        }
        for part, told in results.provenance.items()
        for source in told.get("sources", [])
    ]
    return _gathered(rows, ["file", "sha256", "found_in"])


def versions_table(results: Results) -> pd.DataFrame:
    """The software that ran: package, version, parts (the commands that ran with it)."""
    rows = [
        {"package": package, "version": version, "parts": part}
        for part, told in results.provenance.items()
        for package, version in told.get("versions", {}).items()
    ]
    return _gathered(rows, ["package", "version"])


def _gathered(rows: list[dict[str, str]], by: list[str]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=[*by, "parts"])
    return table.groupby(by, sort=False, dropna=False)["parts"].agg(", ".join).reset_index()


def changed_files(folder: Path) -> set[Path]:
    """Tables and figures that no longer have the hash their provenance wrote down; not those it does not name."""
    written: dict[Path, set[str]] = {}
    for provenance in folder.rglob("provenance*.json"):
        for name, digest in (
            json.loads(provenance.read_text(encoding="utf-8")).get("outputs", {}).items()
        ):
            if set(CHECKED) & set(Path(name).parts):
                written.setdefault(provenance.parent / name, set()).add(digest)
    return {
        path for path, digests in written.items() if path.is_file() and _digest(path) not in digests
    }


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
