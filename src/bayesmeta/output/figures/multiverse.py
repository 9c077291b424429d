"""Conclusions under alternative analyses: the probability of every conclusion in all of them."""

from bisect import bisect_right
from itertools import groupby
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from bayesmeta.estimates.conventions import INTERVAL
from bayesmeta.estimates.text import words
from bayesmeta.output.figures.panels import Figure, styled, titled
from bayesmeta.output.figures.style import GREY, Style

# orange to blue through white, distinct for every kind of colour vision
COLOURS = ["#B35806", "#E08214", "#FDB863", "#FEE0B6", "#D9EAF5", "#9ECAE1", "#5BA3D0", "#2166AC"]
EDGES = (0, INTERVAL[0], 0.1, 0.25, 0.5, 0.75, 0.9, INTERVAL[1], 1)
DARK = {COLOURS[0], COLOURS[-1]}  # with white text
EMPTY = "#F0F0F0"
PALE = 0.25  # opacity of a cell that an alternative leaves unchanged
MARKS: dict[str, Style] = {  # by state, with its meaning
    "open": {"marker": "o", "color": "white", "markeredgecolor": "black", "markersize": 4}
    | {"label": "below .975: the sign is not settled"},
    "opposite": {"marker": "X", "color": "black", "markeredgecolor": "white", "markersize": 6}
    | {"label": "below .5: the other sign is more probable"},
}
KINDS = {
    "base": "",
    "comparison": "single type",
    "average": "",
    "deletion": "",
}  # others have their names
Cell = dict[Any, Any]


def multiverse_map(table: pd.DataFrame, ax: Axes) -> Axes:
    """Draw a matrix: conclusions from the top, alternatives from the left, in the table's order.

    Columns: contrast, conclusion (`> 0`), alternative, kind (a group of alternatives), label,
    p_conclusion (the colour), text (in the cell), state (settled, open, opposite or no data: a
    mark), moved (whether it differs from the base).
    """
    contrasts, alternatives = (list(table[name].unique()) for name in ("contrast", "alternative"))
    for cell in table.to_dict("records"):
        x = alternatives.index(cell["alternative"])
        _draw_cell(ax, x, contrasts.index(cell["contrast"]), cell)
    rows, columns = (table.drop_duplicates(name) for name in ("contrast", "alternative"))
    names = zip(rows["contrast"], rows["conclusion"], strict=True)
    ax.set_yticks(range(len(rows)), [f"{words(name)}  {end}" for name, end in names])
    slanted: Style = {"rotation": 48, "ha": "left", "rotation_mode": "anchor"}
    ax.set_xticks(range(len(columns)), columns["label"].tolist(), **slanted)
    ax.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
    ax.spines[:].set_visible(False)
    ax.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(rows) - 0.3, -0.5))
    _name_kinds(ax, columns["kind"].tolist(), len(rows))
    return ax


def _draw_cell(ax: Axes, x: int, y: int, cell: Cell) -> None:
    colour = EMPTY
    if cell["text"]:
        colour = COLOURS[bisect_right(EDGES, cell["p_conclusion"], 1, len(COLOURS)) - 1]
    opacity = 1.0
    text: Style = {"color": "white" if colour in DARK else "black", "style": "normal"}
    if cell["text"] and not cell["moved"]:
        opacity = PALE
        text = {"color": GREY, "style": "italic"}
    face: Style = {"facecolor": (colour, opacity), "edgecolor": "white", "linewidth": 1.2}
    ax.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, **face))
    ax.text(x, y, cell["text"], ha="center", va="center", size=7, **text)
    if cell["state"] in MARKS:
        ax.plot(x + 0.32, y - 0.3, zorder=4, **MARKS[cell["state"]])


def _name_kinds(ax: Axes, kinds: list[str], rows: int) -> None:
    """Draw a gap between kinds of alternatives, and write their names below."""
    start = 0
    for kind, members in groupby(kinds):
        end = start + len(list(members))
        if start:
            ax.axvline(start - 0.5, color="white", linewidth=5)
        if name := KINDS.get(kind, kind):
            ax.plot([start - 0.35, end - 0.65], [rows - 0.42] * 2, color=GREY, linewidth=1)
            middle = (start + end - 1) / 2
            ax.text(middle, rows - 0.32, name, ha="center", va="top", color=GREY)
        start = end


@styled
def draw_multiverse(table: pd.DataFrame, *, title: str) -> Figure:
    """Draw a figure with `multiverse_map`, as large as the table, and the scale of its colours."""
    rows = table["contrast"].nunique()
    columns = table["alternative"].nunique()
    figure = titled(title, 3.8 + 0.46 * columns, 2.9 + 0.3 * rows)
    ax = multiverse_map(table, figure.add_subplot())
    scale = ScalarMappable(BoundaryNorm(EDGES, len(COLOURS)), ListedColormap(COLOURS))
    place: Style = {"location": "right", "fraction": 0.03, "aspect": 18}
    bar = figure.colorbar(scale, ax=ax, ticks=EDGES, spacing="uniform", **place)
    bar.set_label("probability of the conclusion")
    bar.ax.set_yticklabels([f"{edge:g}".removeprefix("0") or "0" for edge in EDGES])
    figure.legend(handles=_legend(table), loc="outside lower center", ncols=4)
    return figure


def _legend(table: pd.DataFrame) -> list[Any]:
    states = set(table["state"])
    marks = [mark for name, mark in MARKS.items() if name in states]
    entries: list[Any] = [Line2D([], [], linestyle="none", **mark) for mark in marks]
    if "no data" in states:
        empty: Style = {"facecolor": EMPTY, "edgecolor": GREY, "linewidth": 0.5}
        entries.append(Patch(label="no data for it", **empty))
    if not table["moved"].all():
        unchanged = "pale, slanted: the alternative changes nothing here"
        entries.append(Patch(facecolor=(COLOURS[-1], PALE), label=unchanged))
    return entries
