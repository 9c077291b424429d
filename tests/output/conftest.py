"""The browser of the tests of pages."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from browsers import launched


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    yield from launched()
