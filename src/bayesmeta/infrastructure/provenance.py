"""Where an output came from: command, choices, versions, data, code, time."""

import hashlib
import json
import platform
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bayesmeta import __version__
from bayesmeta.infrastructure.files import root

PACKAGES = (
    "pymc",
    "pytensor",
    "jax",
    "numpyro",
    "arviz",
    "numpy",
    "scipy",
    "pandas",
    "xarray",
    "formulaic",
    "scikit-learn",
)


def provenance_of(choices: Mapping[str, Any], attrs: Mapping[Any, Any]) -> dict[str, Any]:
    """Provenance of a run.

    Parameters
    ----------
    choices : mapping
        What was asked for: dataset, model and the hash of its file, seed, draws and so on.
    attrs : mapping
        `attrs` of the effect table: title, variant, synthetic, sources, notes.
    """
    return {
        "label": "SYNTHETIC: simulated, says nothing about the world" if attrs.get("synthetic") else "real data",
        "synthetic": bool(attrs.get("synthetic", False)),
        "title": attrs.get("title"),
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        **choices,
        "sources": attrs.get("sources", []),
        "notes": attrs.get("notes", []),
        "git_commit": git_commit(),
        "versions": {"python": platform.python_version(), "bayesmeta": __version__}
        | {name: version(name) for name in PACKAGES},
        "machine": f"{platform.system()} {platform.machine()}",
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def git_commit() -> str | None:
    """Commit of the checkout the code runs from, with `+changes` where files differ from it; None outside one."""
    if not (root() / ".git").exists():
        return None
    git = ["git", "-C", str(root())]
    try:
        head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
        changed = subprocess.run([*git, "status", "--porcelain"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return head.stdout.strip() + ("+changes" if changed.stdout else "")


def hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder, by relative path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): _sha256(path) for path in files}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:  # in pieces: a posterior may be larger than memory
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write readable JSON."""
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
