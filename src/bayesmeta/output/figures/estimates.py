"""Cells and studies: forest and caterpillar plots."""

from collections.abc import Sequence
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes

from bayesmeta.estimates.text import estimate_text, words
from bayesmeta.output.figures.row_layout import row_height, shortened, wrapped, write_column
from bayesmeta.output.figures.style import BLUE, FAINT, GREY, SKY, STYLE, Figure, panelled

NAME = 26  # characters of a line of a term's name
TITLE = 36  # characters of a line above a panel
STUDY = 18  # characters of a study's name
MAX_NAMED = 12  # studies of a panel; of more no names are written


def forest(table: pd.DataFrame, ax: Axes) -> Axes:
    """Draw a forest plot of cells, from the top; the numbers stand at the right of the axes.

    Columns: term, mean, ci_lb, ci_ub, pi_lb, pi_ub, pi_level (the level that is predicted), k
    (effects), studies. A missing prediction interval is left out.
    """
    y = np.arange(len(table))
    levels = " or ".join(table["pi_level"].dropna().unique())
    prediction = f"95 % prediction interval, new {levels}"
    credible = (table["ci_lb"], table["ci_ub"])
    ax.axvline(0, color=GREY, linewidth=0.8, zorder=1)
    ax.hlines(y, *credible, BLUE, linewidth=3.5, label="95 % credible interval")
    ax.hlines(y, table["pi_lb"], table["pi_ub"], SKY, linewidth=1.5, label=prediction, zorder=1.8)
    ax.plot(table["mean"], y, "o", color=BLUE, markersize=6, markeredgecolor="white")
    ax.set_yticks(y, [wrapped(term, NAME) for term in table["term"]])
    ax.set_ylim(len(table) - 0.4, -1.5)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="y", color=FAINT, linewidth=0.5)
    ax.spines["left"].set_visible(False)
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0, ncols=2)
    numbers = table[["mean", "ci_lb", "ci_ub"]].itertuples(index=False)
    write_column(ax, 1.7, "mean [95 % interval]", [estimate_text(*row) for row in numbers])
    write_column(ax, 2.3, "effects", [f"{k:.0f}" for k in table["k"]])
    write_column(ax, 2.9, "studies", [f"{studies:.0f}" for studies in table["studies"]])
    return ax


def caterpillar(table: pd.DataFrame, axes: Sequence[Axes]) -> Sequence[Axes]:
    """Draw studies within cells, a panel per term, the lowest mean at the bottom.

    Columns: term, study, mean, ci_lb, ci_ub, and term_mean, term_ci_lb, term_ci_ub of the cell,
    the same in all rows of a term.
    """
    for (term, rows), ax in zip(table.groupby("term", sort=False), axes, strict=True):
        _draw_studies(rows.sort_values("mean", kind="stable"), ax)
        title = fill(f"{words(term)} (studies: {len(rows)})", TITLE)
        ax.set(title=title, ylim=(-0.7, len(rows) - 0.3))
    return axes


def _draw_studies(rows: pd.DataFrame, ax: Axes) -> None:
    """Draw the studies of a cell over the cell's interval; marks are smaller if there are many."""
    y = np.arange(len(rows))
    room = len(rows) ** -0.5
    cell = rows.iloc[0]
    interval = cell[["term_ci_lb", "term_ci_ub"]]
    ax.axvspan(*interval, color=SKY, alpha=0.3, lw=0, label="cell, 95 % interval")
    ax.axvline(cell["term_mean"], color=SKY, label="cell, mean")
    ax.axvline(0, color=GREY, linewidth=0.8, linestyle=":")
    width = min(1.2, 6 * room)
    ax.hlines(y, rows["ci_lb"], rows["ci_ub"], GREY, lw=width, label="study, 95 % interval")
    area = min(25, 60 * room)
    ax.scatter(rows["mean"], y, area, BLUE, linewidth=0, zorder=3, label="study, mean")
    if len(rows) <= MAX_NAMED:
        ax.set_yticks(y, [shortened(name, STUDY) for name in rows["study"]])
    else:
        ax.set_yticks([])
    ax.tick_params(labelbottom=True)


@rc_context(STYLE)
def draw_forest(table: pd.DataFrame, *, xlabel: str, title: str) -> Figure:
    """Draw a figure with `forest`, as high as the table is long."""
    row = row_height([wrapped(term, NAME) for term in table["term"]], 0.26)
    figure = Figure((9, 1.4 + row * len(table)), layout="constrained")
    forest(table, figure.add_subplot()).set_xlabel(xlabel)
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def draw_caterpillar(table: pd.DataFrame, *, xlabel: str, title: str) -> Figure:
    """Draw a figure with `caterpillar`: equal panels on a common scale, at most three in a row."""
    panels = table["term"].nunique()
    grid = panelled(title, panels, columns=3, size=(3.2, 2.8), sharex="all", xlabel=xlabel)
    with grid as (figure, axes):
        caterpillar(table, axes)
    return figure
