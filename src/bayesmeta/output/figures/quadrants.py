"""Concordance of signs: the means of a side against those of another."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.text import Text
from matplotlib.transforms import offset_copy

from bayesmeta.estimates.conventions import MIN_STUDIES
from bayesmeta.estimates.text import probability_text
from bayesmeta.output.figures.labels import wrapped
from bayesmeta.output.figures.panels import Figure, legend_below, styled, titled
from bayesmeta.output.figures.point_labels import label_points
from bayesmeta.output.figures.sides import CELL, HOLLOW, draw_means
from bayesmeta.output.figures.style import BLUE, GREY, SKY, Style

QUADRANTS = (  # y in the axes, vertical alignment, text at the left and at the right of zero
    (0.985, "top", "opposite", "both positive"),
    (0.015, "bottom", "both negative", "opposite"),
)
BOX = {"facecolor": "white", "alpha": 0.65, "linewidth": 0, "pad": 0.5}
RADIUS = 6.0  # pixels around a mean that no name may cover


@styled
def draw_quadrants(table: pd.DataFrame, *, xlabel: str, ylabel: str, title: str) -> Figure:
    """Draw a side against another: a point with crossed 95 % intervals per cell, named.

    Quadrants with equal signs are tinted. Columns: cell, x_mean, x_ci_lb, x_ci_ub, y_mean, y_ci_lb,
    y_ci_ub, p_same (probability of the same sign, written behind the cell's name), studies_x,
    studies_y. A cell without both means is left out.
    """
    table = table.dropna(subset=["x_mean", "y_mean"]).reset_index(drop=True)
    figure = titled(title, 7.2, 7.6)
    ax = figure.add_subplot(aspect="equal", xlabel=xlabel, ylabel=ylabel)
    ends = [*table.filter(regex="_ci_").to_numpy().ravel(), -1e-6, 1e-6]
    low = min(*ends, -max(ends) / 3)  # so that every quadrant has room for its text
    high = max(*ends, -min(ends) / 3)
    room = 0.06 * (high - low)
    limits = (low - room, high + room)
    ax.set(xlim=limits, ylim=limits)
    texts = _draw_quadrants(ax, figure)
    _draw_crosses(ax, table)
    ax.plot([], [], " ", label="in brackets: probability of the same sign")
    legend_below(figure, ax, columns=3)
    figure.draw_without_rendering()
    _name_cells(ax, table, texts)
    return figure


def _draw_quadrants(ax: Axes, figure: Figure) -> list[Text]:
    """Tint the quadrants with equal signs, and return the texts of all, the upper two first."""
    ax.axhline(0, color=GREY, linewidth=0.8, zorder=1)
    ax.axvline(0, color=GREY, linewidth=0.8, zorder=1)
    for end in ax.get_xlim():
        ax.fill_between([0, end], 0, end, color=SKY, alpha=0.15, linewidth=0, zorder=0)
    texts = []
    for y, va, left, right in QUADRANTS:
        for name, ha, shift in ((left, "right", -6), (right, "left", 6)):
            beside = offset_copy(ax.get_xaxis_transform(), figure, x=shift, units="points")
            text = ax.text(0, y, name, ha=ha, va=va, color=GREY, weight="bold")
            text.set_transform(beside)
            texts.append(text)
    return texts


def _draw_crosses(ax: Axes, table: pd.DataFrame) -> None:
    equality: Style = {"color": GREY, "linewidth": 0.8, "linestyle": "--", "label": "equal in both"}
    ax.axline((0, 0), slope=1, zorder=1, **equality)
    arms: dict[str, Any] = {"color": BLUE, "linewidth": 1, "alpha": 0.55, "zorder": 2}
    x_bounds = (table["x_ci_lb"], table["x_ci_ub"])
    y_bounds = (table["y_ci_lb"], table["y_ci_ub"])
    ax.hlines(table["y_mean"], *x_bounds, label="95 % intervals", **arms)
    ax.vlines(table["x_mean"], *y_bounds, **arms)
    few = table[["studies_x", "studies_y"]].min(axis=1) < MIN_STUDIES
    draw_means(ax, table["x_mean"], table["y_mean"], few, f"{HOLLOW} on a side")


def _name_cells(ax: Axes, table: pd.DataFrame, texts: list[Text]) -> None:
    """Write the name of every cell with its probability, between the upper and lower texts."""
    names = [
        f"{wrapped(cell, CELL)} ({probability_text(p)})"
        for cell, p in zip(table["cell"], table["p_same"], strict=True)
    ]
    arms_x = table[["x_ci_lb", "x_ci_ub", "x_mean", "x_mean"]].to_numpy()
    arms_y = table[["y_mean", "y_mean", "y_ci_lb", "y_ci_ub"]].to_numpy()
    lines = tuple([*arms[:, :2], *arms[:, 2:]] for arms in (arms_x, arms_y))
    lowest = max(text.get_window_extent().y1 for text in texts[2:])
    highest = min(text.get_window_extent().y0 for text in texts[:2])
    ylim = ax.transData.inverted().transform([(0, lowest), (0, highest)])[:, 1]
    options: Style = {"size": 8.5, "radius": RADIUS, "lines": lines, "ylim": tuple(ylim)}
    means = table[["x_mean", "y_mean"]]
    label_points(ax, means, pd.Series(names, table.index), **options, bbox=BOX)
