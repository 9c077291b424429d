"""Which texts of a figure cover others or leave the page."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from matplotlib.text import Text

TOLERANCE = 1.0  # pixels: an extent holds the room of letters that the text has not


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
