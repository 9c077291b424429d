"""No text of a figure covers another or leaves the page, with few short or many long names."""

import pytest

import drawings_of_checks  # noqa: F401
import drawings_of_studies  # noqa: F401
from bayesmeta.output import figures
from drawings import DRAW, SIZES, Size
from overlaps import faults, recorded

pytestmark = pytest.mark.wide

ELSEWHERE = {"plan", "multiverse"}  # not in `bayesmeta.figures`


@pytest.mark.parametrize("size", SIZES, ids=["few", "many"])
@pytest.mark.parametrize("name", DRAW)
def test_no_text_covers_another_or_is_cut(
    name: str, size: Size, monkeypatch: pytest.MonkeyPatch
) -> None:
    figure = DRAW[name](size)
    with recorded(monkeypatch) as texts:
        figure.draw_without_rendering()
        assert len(texts) > 3
        assert faults(texts, figure.bbox.size) == []


def test_every_figure_is_looked_at() -> None:
    exported = {name.removeprefix("draw_") for name in vars(figures) if name.startswith("draw_")}
    assert exported == set(DRAW) - ELSEWHERE
