"""The state of this package's code and of the libraries it computes with."""

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

from bayesmeta.infrastructure.provenance import PACKAGES


@cache
def code_fingerprint() -> str:
    """Return the SHA-256 of this package's source and of the versions of numerical packages."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(package).as_posix()} {content}\n".encode())
    for name in PACKAGES:
        digest.update(f"{name} {version(name)}\n".encode())
    return digest.hexdigest()
