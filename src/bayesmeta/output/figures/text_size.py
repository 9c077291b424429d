"""Sizes of texts before they are drawn, so that columns are as wide as their texts."""

from functools import lru_cache

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from bayesmeta.output.figures.style import STYLE

POINTS = 72.0  # of an inch
LINE = 1.3  # height of a line in sizes of the font


@lru_cache(maxsize=20_000)
def width_of(text: str, size: float, bold: bool = False) -> float:
    """Return the width in inches of the longest line of a text; the size of the font in points."""
    font = FontProperties(family=STYLE["font.family"], size=size, weight=700 if bold else 400)
    widths = [
        text_to_path.get_text_width_height_descent(line, font, False)[0]
        for line in text.split("\n")
        if line
    ]
    return float(max(widths, default=0.0)) / POINTS


def fitted(text: str, width: float, size: float, *, bold: bool = False) -> str:
    """Return a text on lines of at most `width` inches; only longer words are broken."""
    if width_of(text, size, bold) <= width:
        return text
    lines: list[str] = []
    for word in text.split():
        joined = f"{lines[-1]} {word}" if lines else word
        if lines and width_of(joined, size, bold) <= width:
            lines[-1] = joined
        else:
            lines += _pieces(word, width, size, bold)
    return "\n".join(lines)


def _pieces(word: str, width: float, size: float, bold: bool) -> list[str]:
    pieces = [""]
    for letter in word:
        if pieces[-1] and width_of(pieces[-1] + letter, size, bold) > width:
            pieces.append("")
        pieces[-1] += letter
    return pieces
