"""No text of a figure covers another or leaves the canvas, for few short names and for many long ones."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from matplotlib.text import Text

import drawings_of_checks  # noqa: F401
from bayesmeta.output import figures
from drawings import DRAW, SIZES, Size

TOLERANCE = 1.0  # pixels: an extent holds the room of letters that the text has not
ELSEWHERE = {"plan", "multiverse"}  # not in `bayesmeta.figures`


@contextmanager
def recorded(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Text]]:
    """The texts that are really drawn: a figure keeps ticks beyond its axes, and hidden ones."""
    seen: list[Text] = []
    draw = Text.draw

    def note(text: Text, *arguments: Any, **choices: Any) -> None:
        if text.get_visible() and text.get_text().strip():
            seen.append(text)
        draw(text, *arguments, **choices)

    with monkeypatch.context() as patch:
        patch.setattr(Text, "draw", note)
        yield seen


def corners(text: Text) -> np.ndarray:
    """The four corners (4, 2) of a text, turned as it is, less the tolerance."""
    box, angle = text.get_window_extent(), np.deg2rad(text.get_rotation())
    cos, sin = abs(np.cos(angle)), abs(np.sin(angle))
    width, height = np.linalg.solve([[cos, sin], [sin, cos]], box.size)
    half = np.maximum(np.array([width, height]) / 2 - TOLERANCE, 0)
    turned = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return np.array([(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2]) + (
        np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half @ turned
    )


def covers(one: np.ndarray, two: np.ndarray) -> bool:
    """Whether two rectangles have more than a border in common: no side of either parts them."""
    for shape in (one, two):
        for side in shape[1:3] - shape[0:2]:
            first, second = one @ (-side[1], side[0]), two @ (-side[1], side[0])
            if first.max() <= second.min() or second.max() <= first.min():
                return False
    return True


def faults(texts: list[Text], page: np.ndarray) -> list[str]:
    """What covers what, and what leaves the page."""
    shapes = [corners(text) for text in texts]
    said = [repr(text.get_text()) for text in texts]
    low, high = (np.array([end(shape, axis=0) for shape in shapes]) for end in (np.min, np.max))
    near = (low[:, None] < high).all(-1) & (high[:, None] > low).all(-1)
    found = [
        f"{said[i]} covers {said[j]}"
        for i, j in np.argwhere(np.triu(near, 1))
        if covers(shapes[i], shapes[j])
    ]
    return found + [
        f"{said[at]} leaves the page"
        for at in np.flatnonzero((low < 0).any(1) | (high > page).any(1))
    ]


@pytest.mark.parametrize("size", SIZES, ids=["few", "many"])
@pytest.mark.parametrize("name", DRAW)
def test_no_text_covers_another_or_is_cut(
    name: str, size: Size, monkeypatch: pytest.MonkeyPatch
) -> None:
    figure = DRAW[name](size)
    figure.draw_without_rendering()
    with recorded(monkeypatch) as texts:
        figure.draw_without_rendering()
        assert len(texts) > 3
        assert faults(texts, figure.bbox.size) == []


def test_every_figure_is_looked_at() -> None:
    exported = {name.removeprefix("draw_") for name in figures.__all__ if name.startswith("draw_")}
    assert exported == set(DRAW) - ELSEWHERE
