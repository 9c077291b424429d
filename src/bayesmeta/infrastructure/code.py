"""The state of this package's code and of the libraries it computes with."""

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

from bayesmeta.infrastructure.provenance import PACKAGES

TEMPLATES = (".j2", ".toml", ".css", ".js", ".mjs", ".json")


@cache
def code_fingerprint(*, with_templates: bool = False) -> str:
    """Return the SHA-256 of this package's source and of the versions of numerical packages.

    `with_templates`: also of the templates, texts, styles and scripts of its pages.
    """
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    kinds = {".py", *TEMPLATES} if with_templates else {".py"}
    for path in sorted(path for path in package.rglob("*") if path.suffix in kinds):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(package).as_posix()} {content}\n".encode())
    for name in PACKAGES:
        digest.update(f"{name} {version(name)}\n".encode())
    return digest.hexdigest()
