"""The page of a made-up table that the browser tests of the live page open."""

from pathlib import Path

import pytest

from live_pages import frame_of, written


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("live")
    written(made, frame_of(60))
    return made
