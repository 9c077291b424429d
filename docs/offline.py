"""A built page that would fetch something from elsewhere is a warning, and so an error in `make docs`."""

import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.util import logging

FETCHES = re.compile(
    r"""<(?:script|img|link|iframe|source)\b[^>]*?(?:src|href)=["']((?:https?:)?//[^"']+)"""
)
IMPORTS = re.compile(r"""(?:@import\s+|url\()["']?((?:https?:)?//[^"')]+)""")


def requests_of(folder: Path) -> dict[str, list[str]]:
    """Addresses elsewhere that pages and styles below a folder load by themselves, by file."""
    found = {}
    for pattern, kind in ((FETCHES, "*.html"), (IMPORTS, "*.css")):
        for path in sorted(folder.rglob(kind)):
            if addresses := pattern.findall(path.read_text(encoding="utf-8")):
                found[str(path.relative_to(folder))] = addresses
    return found


def _check(app: Sphinx, error: Exception | None) -> None:
    if error is None and app.builder.format == "html":
        for page, addresses in requests_of(Path(app.outdir)).items():
            logging.getLogger(__name__).warning(
                "%s asks the network for %s", page, ", ".join(addresses)
            )


def setup(app: Sphinx) -> dict[str, Any]:
    """Look at what was built."""
    app.connect("build-finished", _check)
    return {"parallel_read_safe": True}
