"""Layout of figures with named rows: wrapped names, row heights, columns of text at the right."""

from collections.abc import Iterable, Sequence
from textwrap import fill

from matplotlib.axes import Axes
from matplotlib.transforms import ScaledTranslation

from bayesmeta.estimates.text import words
from bayesmeta.output.figures.style import FAINT, Style

LINE = 0.15  # inches, height of a line of text
LETTER = 0.078  # inches, mean width of a letter
HANDLE = 0.55  # inches, width of a legend entry without its text


def wrapped(name: object, width: int) -> str:
    """Return a name in words, on lines of at most `width` characters."""
    return fill(words(name), width)


def shortened(name: object, width: int) -> str:
    """Return a name in words, cut to at most `width` characters with an ellipsis."""
    text = words(name)
    return text if len(text) <= width else f"{text[: width - 2].rstrip(', ')} …"


def legend_columns(labels: Iterable[str], inches: float, most: int) -> int:
    """Return the number of legend columns, at most `most`, that fit into a width in inches."""
    widest = max((len(line) for label in labels for line in label.split("\n")), default=1)
    return int(min(most, max(1, inches // (HANDLE + LETTER * widest))))


def row_height(names: Iterable[str], least: float) -> float:
    """Return the height in inches, at least `least`, that the name with most lines needs."""
    lines = 1 + max((name.count("\n") for name in names), default=0)
    return max(least, 0.08 + LINE * lines)


def name_rows(ax: Axes, names: Sequence[str]) -> None:
    """Label rows 0, 1, ... with names, from the top, without an axis line."""
    ax.set_yticks(range(len(names)), names)
    ax.tick_params(axis="y", which="both", length=0)
    ax.spines["left"].set_visible(False)


def divide_rows(ax: Axes, rows: int) -> None:
    """Draw a faint line between adjacent rows."""
    ax.set_yticks([row + 0.5 for row in range(rows - 1)], minor=True)
    ax.grid(axis="y", which="minor", color=FAINT, linewidth=0.5)
    ax.tick_params(axis="y", which="minor", length=0)


def write_column(
    ax: Axes, inches: float, heading: str, texts: Sequence[str], *, heading_at: float = -1
) -> None:
    """Write a text beside every row, and a heading above them.

    Parameters
    ----------
    ax : Axes
    inches : float
        Distance of the texts' right ends from the right end of the axes.
    heading : str
    texts : sequence of str
    heading_at : float
        Row of the heading.
    """
    beside = ax.get_yaxis_transform() + ScaledTranslation(inches, 0, ax.figure.dpi_scale_trans)
    layout: Style = {"transform": beside, "ha": "right", "va": "center"}
    ax.text(1, heading_at, heading, weight="bold", **layout)
    for y, text in enumerate(texts):
        ax.text(1, y, text, **layout)
