"""Fixtures of all rooms: the raw TRACE files and the reference table, where this machine has them."""

import os
from pathlib import Path
from typing import NoReturn

import pandas as pd
import pytest

from bayesmeta.files import root
from bayesmeta.sampling import start_jax
from bayesmeta.studies import sources

start_jax(devices=4)  # before the first test that uses JAX


def unavailable(what: str) -> NoReturn:
    """Skip the test, or fail it where CI promised to run it."""
    message = f"{what} not found; a test that needs it cannot run"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def trace_data() -> dict[str, sources.Source]:
    """The raw TRACE files by key, found without a download."""
    found = {key: sources.find(key) for key in sources.register()["files"]}
    missing = [key for key, source in found.items() if source is None]
    if missing:
        unavailable(f"raw TRACE files {missing}")
    return {key: source for key, source in found.items() if source is not None}


@pytest.fixture(scope="session")
def trace_oracle() -> pd.DataFrame:
    """The table that R and metafor made from the raw files, as text; blank and NA are the empty string."""
    path = root() / ".." / "shared" / "reference" / "trace_effects.csv"
    if not Path(path).is_file():
        unavailable("the reference table trace_effects.csv")
    table = pd.read_csv(path, dtype=str, keep_default_na=False).replace("NA", "")
    return table.set_index(table["search"] + ":" + table["sheet_row"])
