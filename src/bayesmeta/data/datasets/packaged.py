"""Tables so small that they are part of the package: `data/<name>.csv`."""

from hashlib import sha256
from typing import NamedTuple

import pandas as pd

from bayesmeta.infrastructure.files import root


class Packaged(NamedTuple):
    """A table of the package, and its entry in the provenance."""

    table: pd.DataFrame
    source: dict[str, str]


def packaged_table(name: str) -> Packaged:
    """Return the table of a dataset that is part of the package."""
    path = root() / "data" / f"{name}.csv"
    digest = sha256(path.read_bytes()).hexdigest()
    source = {"name": path.name, "sha256": digest, "found_in": "the package"}
    return Packaged(pd.read_csv(path), source)
