"""Where the project keeps `models/` and `data/`, in a checkout or an installed package; and where it may keep more."""

import os
from pathlib import Path

import platformdirs

_PACKAGE = Path(__file__).parents[1]


def root() -> Path:
    """Folder that holds `models/` and `data/`."""
    shipped = _PACKAGE / "shipped"
    return shipped if shipped.is_dir() else _PACKAGE.parents[1]


def cache_folder() -> Path:
    """Folder for what can be made again: BAYESMETA_CACHE, or one in the user's cache."""
    return Path(os.environ.get("BAYESMETA_CACHE") or platformdirs.user_cache_dir("bayesmeta"))
