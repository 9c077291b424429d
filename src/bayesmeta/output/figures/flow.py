"""From records to effects: boxes from the top, what was left out beside them."""

from collections.abc import Iterator
from textwrap import fill

import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from bayesmeta.output.figures.style import BLUE, GREY, STYLE, Figure

# inches
WIDTH, MARGIN, HEAD, TITLE = 6.6, 0.15, 0.32, 0.42
BOX, SIDE, BETWEEN = (
    2.9,
    3.05,
    0.35,
)  # widths of a box and of one beside it, and the room between both
LINE, PADDING, ARROW = 0.165, 0.1, 0.32
LETTERS = 14.0  # per inch of text
PALE = "#EEF6FB"
Level = tuple[pd.DataFrame, pd.DataFrame]


def levels(table: pd.DataFrame) -> Iterator[tuple[str, list[Level]]]:
    """The parts of a flow, each with what is left out before a level and the boxes of that level."""
    for part, rows in table.groupby("part", sort=False):
        step = rows["step"].ne(rows["step"].shift()).cumsum()
        yield (
            str(part),
            [(each[~each["kept"]], each[each["kept"]]) for _, each in rows.groupby(step)],
        )


def flow(table: pd.DataFrame, ax: Axes) -> Axes:
    """Draw a flow from the top: a box per count that goes on, beside the arrow to it what is left out and why.

    Columns: part (a heading each), step (its kept rows stand side by side, below what it leaves out), kept, count,
    what. The axes are in inches from the upper left corner.
    """
    y = TITLE
    for part, steps in levels(table):
        ax.text(MARGIN, y + HEAD / 2, part, weight="bold", va="center")
        y += HEAD
        room = BOX if any(len(left_out) for left_out, _ in steps) else WIDTH - 2 * MARGIN
        begun = False
        for left_out, kept in steps:
            y = _draw_level(ax, y, room, left_out, kept, pointed=begun)
            begun = True
        y += HEAD / 2
    ax.set(xlim=(0, WIDTH), ylim=(y, 0))
    ax.set_axis_off()
    return ax


def _draw_level(
    ax: Axes, top: float, room: float, left_out: pd.DataFrame, kept: pd.DataFrame, *, pointed: bool
) -> float:
    """What is left out, then the boxes of what is kept, with arrows unless they are the first; gives where they end."""
    middle, y = MARGIN + room / 2, top + ARROW * pointed
    if len(left_out):
        reasons = "\n".join(_said(row, SIDE, "     ") for row in left_out.to_dict("records"))
        left, begin = MARGIN + BOX + BETWEEN, top + PADDING
        end = _draw_box(ax, left, begin, SIDE, reasons, side=True)
        _point(ax, (middle, (begin + end) / 2), (left, (begin + end) / 2))
        y = end + PADDING
    width = (room - BETWEEN * (len(kept) - 1)) / max(1, len(kept))
    ends = [y]
    for at, row in enumerate(kept.to_dict("records")):
        left = MARGIN + at * (width + BETWEEN)
        ends.append(_draw_box(ax, left, y, width, _said(row, width), side=False))
        if pointed:
            straight = left + width / 2
            _point(ax, (straight if room > BOX else middle, top), (straight, y))
    return max(ends)


def _point(ax: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """An arrow."""
    arrow = {"arrowstyle": "-|>", "color": GREY, "linewidth": 1, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", end, xytext=start, arrowprops=arrow)


def _said(row: dict[object, object], width: float, indent: str = "") -> str:
    """A count and what it counts, on lines that fit a box."""
    return fill(
        f"{row['count']:,} {row['what']}",
        int((width - 2 * PADDING) * LETTERS),
        subsequent_indent=indent,
    )


def _draw_box(ax: Axes, left: float, top: float, width: float, text: str, *, side: bool) -> float:
    """A box with its text, in the middle or, at the side, from the left; gives where it ends."""
    height = LINE * (1 + text.count("\n")) + 2 * PADDING
    face, edge = ("white", GREY) if side else (PALE, BLUE)
    shape = "round,pad=0,rounding_size=0.05"
    ax.add_patch(
        FancyBboxPatch((left, top), width, height, boxstyle=shape, facecolor=face, edgecolor=edge)
    )
    x, ha = (left + PADDING, "left") if side else (left + width / 2, "center")
    ax.text(x, top + height / 2, text, ha=ha, va="center", linespacing=1.25)
    return top + height


@rc_context(STYLE)
def draw_flow(table: pd.DataFrame, *, title: str) -> Figure:
    """A figure with `flow`, as high as its boxes.

    Parameters
    ----------
    table : DataFrame
        As from `characteristics.flow_table`.
    title : str
        Written above.
    """
    figure = Figure((WIDTH, 1))
    ax = flow(table, figure.add_axes((0, 0, 1, 1)))
    height = float(ax.get_ylim()[0])
    figure.set_size_inches(WIDTH, height)
    figure.suptitle(title, x=MARGIN / WIDTH, y=1 - 0.1 / height, ha="left", va="top")
    return figure
