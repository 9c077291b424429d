"""Folders of the project and of the user, and a cache; whole files, and their hashes."""

import hashlib
import os
import time
from contextlib import suppress
from pathlib import Path

import platformdirs

LEFT_AFTER = 60  # seconds; a file that takes milliseconds to write is left by then
_PACKAGE = Path(__file__).parents[1]


def root() -> Path:
    """Return the folder that holds `models/` and `data/`, in a checkout or an installed package."""
    shipped = _PACKAGE / "shipped"
    return shipped if shipped.is_dir() else _PACKAGE.parents[1]


def cache_folder() -> Path:
    """Return the folder for results that can be made again: BAYESMETA_CACHE or the user's cache."""
    return Path(os.environ.get("BAYESMETA_CACHE") or platformdirs.user_cache_dir("bayesmeta"))


def write_whole(path: Path, content: bytes) -> None:
    """Write a file completely or not at all."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def remove_unfinished_files(folder: Path) -> None:
    """Remove what processes left that were killed while they wrote a file of a folder."""
    with suppress(OSError):
        for path in folder.glob(".*"):
            if time.time() - path.stat().st_mtime > LEFT_AFTER:
                path.unlink()


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, read in pieces: a posterior may be larger than memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
