"""Provenance of an output: command, choices, versions, data, code, time."""

import json
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bayesmeta import __version__
from bayesmeta.infrastructure.files import file_sha256, root

LIBRARIES = "pymc pytensor jax numpyro arviz numpy scipy pandas xarray formulaic scikit-learn"
PACKAGES = tuple(LIBRARIES.split())
EPOCH_DIGITS = 12  # a time beyond the year 5138 has more
SYNTHETIC = "SYNTHETIC: simulated, says nothing about the world"


def provenance_of(choices: Mapping[str, Any], attrs: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the provenance of a run.

    `choices` are what the user asked for: dataset, model and the hash of its file, seed, draws and
    so on; `attrs` those of the effect table: title, synthetic, sources, notes.
    """
    python = {"python": platform.python_version(), "bayesmeta": __version__}
    return {
        "label": SYNTHETIC if attrs.get("synthetic") else "real data",
        "synthetic": bool(attrs.get("synthetic", False)),
        "title": attrs.get("title"),
        "command": command_line(),
        **choices,
        "sources": attrs.get("sources", []),
        "notes": attrs.get("notes", []),
        "git_commit": git_commit(),
        "versions": python | {name: version(name) for name in PACKAGES},
        "machine": f"{platform.system()} {platform.machine()}",
        "created": now().isoformat(timespec="seconds"),
    }


def now() -> datetime:
    """Return the time, or that of SOURCE_DATE_EPOCH (seconds since 1970), a convention of builds.

    With it a command writes the same bytes again, the seconds that its steps took excepted.
    """
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    if given.isdecimal() and len(given) < EPOCH_DIGITS:
        return datetime.fromtimestamp(int(given), UTC)
    return datetime.now(UTC)


def command_line() -> str:
    """Return the command that started this process, as a shell takes it."""
    program = Path(sys.argv[0])
    name = "bayesmeta" if program.name == "__main__.py" else program.name
    start = f"python {program}" if program.suffix == ".py" and name != "bayesmeta" else name
    return " ".join([start, *map(shlex.quote, sys.argv[1:])])


def git_commit() -> str | None:
    """Return the commit of the checkout, with `+changes` if files differ from it; else None."""
    if not (root() / ".git").exists():
        return None
    try:
        head = _git("rev-parse", "HEAD")
        changes = _git("status", "--porcelain")
    except (OSError, subprocess.CalledProcessError):
        return None
    return head.strip() + ("+changes" if changes else "")


def hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file below a folder, by relative path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): file_sha256(path) for path in files}


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write readable JSON."""
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _git(*arguments: str) -> str:
    """Return the output of a git command in the checkout."""
    command = ["git", "-C", str(root()), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
