"""Conclusions against alternatives: how probable each conclusion stays."""

from bisect import bisect_right
from itertools import groupby
from typing import Any

import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from bayesmeta.output.figures.style import GREY, STYLE, Figure, words

# orange to blue through white: told apart by every kind of colour vision, and .975 from .9 as well as .6 from .4
COLOURS = ("#B35806", "#E08214", "#FDB863", "#FEE0B6", "#D9EAF5", "#9ECAE1", "#5BA3D0", "#2166AC")
EDGES = (0, 0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975, 1)
DARK = {"#B35806", "#2166AC"}
EMPTY, PALE = "#F0F0F0", 0.25
MARKS: dict[str, dict[str, Any]] = {
    "open": {
        "marker": "o",
        "markerfacecolor": "white",
        "markeredgecolor": "black",
        "markersize": 4,
    },
    "opposite": {
        "marker": "X",
        "markerfacecolor": "black",
        "markeredgecolor": "white",
        "markersize": 6,
    },
}
MEANINGS = {
    "open": "below .975: the sign is not settled",
    "opposite": "below .5: the other sign is more probable",
}
KINDS = {
    "base": "",
    "comparison": "one type",
    "data": "data",
    "model": "model",
    "priors": "priors",
    "deletion": "",
}
Cell = dict[Any, Any]


def multiverse_map(table: pd.DataFrame, ax: Axes) -> Axes:
    """Draw a matrix: conclusions from the top, alternatives from the left, in the table's order.

    Columns: contrast, conclusion (`> 0`), alternative, kind (its kin), label, p_conclusion (the colour), text (in the
    cell), state (settled, open, opposite or no data: a mark), moved (whether it differs from the base).
    """
    contrasts, alternatives = (list(table[name].unique()) for name in ("contrast", "alternative"))
    for cell in table.to_dict("records"):
        _draw(ax, alternatives.index(cell["alternative"]), contrasts.index(cell["contrast"]), cell)
    rows, columns = (table.drop_duplicates(name) for name in ("contrast", "alternative"))
    ax.set_yticks(range(len(rows)), [_conclusion(row) for row in rows.to_dict("records")])
    ax.set_xticks(
        range(len(columns)),
        columns["label"].tolist(),
        rotation=48,
        ha="left",
        rotation_mode="anchor",
    )
    ax.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
    ax.spines[:].set_visible(False)
    ax.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(rows) - 0.3, -0.5))
    _gather(ax, columns["kind"].tolist(), len(rows))
    return ax


def _draw(ax: Axes, x: int, y: int, cell: Cell) -> None:
    """One cell: its colour, its number, its mark."""
    colour = (
        COLOURS[bisect_right(EDGES, cell["p_conclusion"], 1, len(COLOURS)) - 1]
        if cell["text"]
        else EMPTY
    )
    ink, alpha, style = "white" if colour in DARK else "black", 1.0, "normal"
    if cell["text"] and not cell["moved"]:
        ink, alpha, style = GREY, PALE, "italic"
    ax.add_patch(
        Rectangle(
            (x - 0.5, y - 0.5), 1, 1, facecolor=(colour, alpha), edgecolor="white", linewidth=1.2
        )
    )
    ax.text(x, y, cell["text"], ha="center", va="center", size=7, color=ink, style=style)
    if cell["state"] in MARKS:
        ax.plot(x + 0.32, y - 0.3, zorder=4, **MARKS[cell["state"]])


def _conclusion(cell: Cell) -> str:
    name = " ".join(words(cell["contrast"]).split()).replace(" - ", " − ")
    return f"{name}  {cell['conclusion']}"


def _gather(ax: Axes, kinds: list[str], rows: int) -> None:
    """A gap between kinds of alternatives, and below each kind its name."""
    start = 0
    for kind, members in groupby(kinds):
        end = start + len(list(members))
        if start:
            ax.axvline(start - 0.5, color="white", linewidth=5)
        if KINDS.get(kind, kind):
            ax.plot([start - 0.35, end - 0.65], [rows - 0.42] * 2, color=GREY, linewidth=1)
            ax.text(
                (start + end - 1) / 2,
                rows - 0.32,
                KINDS.get(kind, kind),
                ha="center",
                va="top",
                color=GREY,
            )
        start = end


@rc_context(STYLE)
def draw_multiverse(table: pd.DataFrame, *, title: str) -> Figure:
    """A figure with `multiverse_map`, as large as the table, and the scale of its colours."""
    rows, columns = table["contrast"].nunique(), table["alternative"].nunique()
    figure = Figure((3.8 + 0.46 * columns, 2.9 + 0.3 * rows), layout="constrained")
    ax = multiverse_map(table, figure.add_subplot())
    scale = ScalarMappable(BoundaryNorm(EDGES, len(COLOURS)), ListedColormap(COLOURS))
    bar = figure.colorbar(
        scale, ax=ax, location="right", ticks=EDGES, spacing="uniform", fraction=0.03, aspect=18
    )
    bar.set_label("probability of the conclusion")
    bar.ax.set_yticklabels([f"{edge:g}".removeprefix("0") or "0" for edge in EDGES])
    figure.suptitle(title, x=0.01, ha="left")
    figure.legend(handles=_keys(table), loc="outside lower center", ncols=4)
    return figure


def _keys(table: pd.DataFrame) -> list[Any]:
    """What the marks in this table mean."""
    found = set(table["state"])
    keys: list[Any] = [
        Line2D([], [], linestyle="none", label=MEANINGS[name], **mark)
        for name, mark in MARKS.items()
        if name in found
    ]
    keys += [Patch(facecolor=EMPTY, edgecolor=GREY, linewidth=0.5, label="no data for it")] * (
        "no data" in found
    )
    same = not table["moved"].all()
    return (
        keys
        + [Patch(facecolor=(COLOURS[-1], PALE), label="pale, slanted: it leaves this as it is")]
        * same
    )
