"""The state of this package's code and of the libraries it computes with."""

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

from bayesmeta.infrastructure.provenance import PACKAGES


@cache
def code_fingerprint(*, with_templates: bool = False) -> str:
    """Return the SHA-256 of this package's source and of the versions of numerical packages.

    `with_templates`: also of the templates, texts, styles and scripts of its pages.
    """
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    files = (path for path in package.rglob("*") if path.is_file() and path.suffix != ".pyc")
    for path in sorted(path for path in files if with_templates or path.suffix == ".py"):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(package).as_posix()} {content}\n".encode())
    for name in PACKAGES:
        digest.update(f"{name} {version(name)}\n".encode())
    return digest.hexdigest()
