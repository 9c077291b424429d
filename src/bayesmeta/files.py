"""Where the project's own files are: `models/` and `data/`, in a checkout or inside an installed package."""

from pathlib import Path

_PACKAGE = Path(__file__).parent


def root() -> Path:
    """Folder that holds `models/` and `data/`."""
    shipped = _PACKAGE / "shipped"
    return shipped if shipped.is_dir() else _PACKAGE.parents[1]
