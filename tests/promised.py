"""What a test needs and this machine may lack: a skip, or a failure where CI promised it."""

import os
from typing import NoReturn

import pytest


def unavailable(what: str) -> NoReturn:
    """Skip the test, or fail it where CI promised to run it."""
    message = f"{what} not found; a test that needs it cannot run"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)
