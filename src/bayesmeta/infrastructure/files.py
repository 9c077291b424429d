"""Folders of the project and of the user: `models/` and `data/`, and a cache; hashes of files."""

import hashlib
import os
from pathlib import Path

import platformdirs

_PACKAGE = Path(__file__).parents[1]


def root() -> Path:
    """Return the folder that holds `models/` and `data/`, in a checkout or an installed package."""
    shipped = _PACKAGE / "shipped"
    return shipped if shipped.is_dir() else _PACKAGE.parents[1]


def cache_folder() -> Path:
    """Return the folder for results that can be made again: BAYESMETA_CACHE or the user's cache."""
    return Path(os.environ.get("BAYESMETA_CACHE") or platformdirs.user_cache_dir("bayesmeta"))


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, read in pieces: a posterior may be larger than memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
