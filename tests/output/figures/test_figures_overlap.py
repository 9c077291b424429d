"""No text of a figure covers another or leaves the page, with few short or many long names."""

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
    """Record the drawn texts; a figure also has ticks beyond its axes, and hidden texts."""
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
    """Return the four corners (4, 2) of a rotated text, reduced by the tolerance."""
    box = text.get_window_extent()
    angle = np.deg2rad(text.get_rotation())
    cos = abs(np.cos(angle))
    sin = abs(np.sin(angle))
    width, height = np.linalg.solve([[cos, sin], [sin, cos]], box.size)
    half = np.maximum(np.array([width, height]) / 2 - TOLERANCE, 0)
    turned = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return np.array([(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2]) + (
        np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half @ turned
    )


def covers(shape: np.ndarray, other: np.ndarray) -> bool:
    """Return whether two rectangles overlap, so that no side of either separates them."""
    for rectangle in (shape, other):
        for side in rectangle[1:3] - rectangle[0:2]:
            normal = (-side[1], side[0])
            first = shape @ normal
            second = other @ normal
            if first.max() <= second.min() or second.max() <= first.min():
                return False
    return True


def faults(texts: list[Text], page: np.ndarray) -> list[str]:
    """Return which texts cover others or leave the page."""
    shapes = [corners(text) for text in texts]
    labels = [repr(text.get_text()) for text in texts]
    low, high = (np.array([end(shape, axis=0) for shape in shapes]) for end in (np.min, np.max))
    near = (low[:, None] < high).all(-1) & (high[:, None] > low).all(-1)
    covering = [
        f"{labels[i]} covers {labels[j]}"
        for i, j in np.argwhere(np.triu(near, 1))
        if covers(shapes[i], shapes[j])
    ]
    return covering + [
        f"{labels[at]} leaves the page"
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
    exported = {name.removeprefix("draw_") for name in vars(figures) if name.startswith("draw_")}
    assert exported == set(DRAW) - ELSEWHERE
