"""The flow from records to effects: boxes from the top, with the exclusions beside them."""

from textwrap import fill

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from bayesmeta.output.figures.panels import Figure, styled
from bayesmeta.output.figures.style import BLUE, GREY, Style

# all lengths in inches
WIDTH = 6.6
MARGIN = 0.15
HEAD = 0.32  # height of a part's heading
TITLE = 0.42
BOX = 2.9  # width of a box with exclusions beside it
SIDE = 3.05  # width of a box of exclusions
BETWEEN = 0.35
LINE = 0.165  # height of a line of text
PADDING = 0.1
ARROW = 0.32
LETTERS = 14.0  # characters per inch
PALE = "#EEF6FB"
INDENT = "     "  # of the further lines of a reason


@styled
def draw_flow(table: pd.DataFrame, *, title: str) -> Figure:
    """Draw a flow from the top: a box per count, and beside its arrow the exclusions with reasons.

    Columns as from `trace.flow_table`: part (with a heading), step (its kept rows stand side by
    side, below its exclusions), kept, count, what. Axes: inches from the upper left.
    """
    figure = Figure((WIDTH, 1))
    ax = figure.add_axes((0, 0, 1, 1))
    y = TITLE
    for part, rows in table.groupby("part", sort=False):
        ax.text(MARGIN, y + HEAD / 2, str(part), weight="bold", va="center")
        y += HEAD
        room = WIDTH - 2 * MARGIN if rows["kept"].all() else BOX
        steps = rows["step"].ne(rows["step"].shift()).cumsum()
        for at, (_, step) in enumerate(rows.groupby(steps)):
            y = _draw_level(ax, y, room, step, pointed=at > 0)
        y += HEAD / 2
    ax.set(xlim=(0, WIDTH), ylim=(y, 0))
    ax.set_axis_off()
    figure.set_size_inches(WIDTH, y)
    figure.suptitle(title, x=MARGIN / WIDTH, y=1 - 0.1 / y, ha="left", va="top")
    return figure


def _draw_level(ax: Axes, top: float, room: float, step: pd.DataFrame, *, pointed: bool) -> float:
    """Draw the exclusions, then the boxes, with arrows if `pointed`; return the lower end."""
    middle = MARGIN + room / 2
    y = top + ARROW * pointed
    excluded, kept = (step[step["kept"] == state].to_dict("records") for state in (False, True))
    if excluded:
        reasons = "\n".join(_count_text(row, SIDE, INDENT) for row in excluded)
        left = MARGIN + BOX + BETWEEN
        start = top + PADDING
        end = _draw_box(ax, left, start, SIDE, reasons, side=True)
        _draw_arrow(ax, (middle, (start + end) / 2), (left, (start + end) / 2))
        y = end + PADDING
    width = (room - BETWEEN * (len(kept) - 1)) / max(1, len(kept))
    ends = [y]
    for at, row in enumerate(kept):
        left = MARGIN + at * (width + BETWEEN)
        ends.append(_draw_box(ax, left, y, width, _count_text(row, width), side=False))
        if pointed:
            below = left + width / 2
            _draw_arrow(ax, (below if room > BOX else middle, top), (below, y))
    return max(ends)


def _draw_arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    arrow = {"arrowstyle": "-|>", "color": GREY, "linewidth": 1, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", end, xytext=start, arrowprops=arrow)


def _count_text(row: dict[object, object], width: float, indent: str = "") -> str:
    letters = int((width - 2 * PADDING) * LETTERS)
    return fill(f"{row['count']:,} {row['what']}", letters, subsequent_indent=indent)


def _draw_box(ax: Axes, left: float, top: float, width: float, text: str, *, side: bool) -> float:
    """Draw a box with centred text, or with left-aligned text at the side; return its lower end."""
    height = LINE * (1 + text.count("\n")) + 2 * PADDING
    box: Style = {"boxstyle": "round,pad=0,rounding_size=0.05"}
    box |= {"facecolor": "white" if side else PALE, "edgecolor": GREY if side else BLUE}
    ax.add_patch(FancyBboxPatch((left, top), width, height, **box))
    x = left + PADDING if side else left + width / 2
    ha = "left" if side else "center"
    ax.text(x, top + height / 2, text, ha=ha, va="center", linespacing=1.25)
    return top + height
