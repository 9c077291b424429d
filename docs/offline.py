"""Warn if a built page would load something from the network; `make docs` treats it as an error."""

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
    """Return the network addresses that pages and styles in a folder load, by file."""
    requests = {}
    for pattern, kind in ((FETCHES, "*.html"), (IMPORTS, "*.css")):
        for path in sorted(folder.rglob(kind)):
            if addresses := pattern.findall(path.read_text(encoding="utf-8")):
                requests[str(path.relative_to(folder))] = addresses
    return requests


def _check(app: Sphinx, error: Exception | None) -> None:
    """Warn about every built page that loads from the network."""
    if error is None and app.builder.format == "html":
        for page, addresses in requests_of(Path(app.outdir)).items():
            logging.getLogger(__name__).warning(
                "%s loads from the network: %s", page, ", ".join(addresses)
            )


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the check of the built pages."""
    app.connect("build-finished", _check)
    return {"parallel_read_safe": True}
