"""Layout of figures with named rows: wrapped names, row heights, columns of text at the right."""

from collections.abc import Iterable, Iterator, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.transforms import ScaledTranslation

from bayesmeta.output.figures.style import FAINT, Style

LINE = 0.15  # inches, height of a line of text


def row_height(names: Iterable[str], least: float) -> float:
    """Return the height in inches, at least `least`, that the name with most lines needs."""
    lines = 1 + max((name.count("\n") for name in names), default=0)
    return max(least, 0.08 + LINE * lines)


def name_rows(ax: Axes, names: Sequence[str], *, above: float = 0.5, below: float = 0.5) -> None:
    """Label rows 0, 1, ... from the top; axes end `above` the first and `below` the last row."""
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 1 + below, -above)
    ax.tick_params(axis="y", which="both", length=0)
    ax.spines["left"].set_visible(False)


def divide_rows(ax: Axes, rows: int) -> None:
    """Draw a faint line between adjacent rows."""
    ax.set_yticks([row + 0.5 for row in range(rows - 1)], minor=True)
    ax.grid(axis="y", which="minor", color=FAINT, linewidth=0.5)
    ax.tick_params(axis="y", which="minor", length=0)


def grouped_rows(
    table: pd.DataFrame, row: str, kind: str, step: float, rows: Sequence[str] | None = None
) -> Iterator[tuple[str, pd.DataFrame, pd.Series]]:
    """Yield every kind with its part of the table and the heights of that part.

    The kinds of a row are `step` apart around its height, in the order of the table; `rows` are
    the names of the rows from the top if they are not those of the table.
    """
    names = list(table[row].unique() if rows is None else rows)
    kinds = list(table[kind].unique())
    for at, name in enumerate(kinds):
        part = table[table[kind] == name]
        yield name, part, part[row].map(names.index) + step * (at - (len(kinds) - 1) / 2)


def write_column(
    ax: Axes, inches: float, heading: str, texts: Sequence[str], *, heading_at: float = -1
) -> None:
    """Write a text beside every row, its right end `inches` beyond the axes, and a heading."""
    beside = ax.get_yaxis_transform() + ScaledTranslation(inches, 0, ax.figure.dpi_scale_trans)
    layout: Style = {"transform": beside, "ha": "right", "va": "center"}
    ax.text(1, heading_at, heading, weight="bold", **layout)
    for y, text in enumerate(texts):
        ax.text(1, y, text, **layout)
