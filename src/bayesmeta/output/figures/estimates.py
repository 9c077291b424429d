"""Cells and studies: means and caterpillar plots."""

from collections.abc import Sequence
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from bayesmeta.estimates.text import estimate_text, words
from bayesmeta.output.figures.labels import prediction_label, shortened, wrapped
from bayesmeta.output.figures.panels import Figure, panelled, styled, titled
from bayesmeta.output.figures.row_layout import name_rows, row_height, write_column
from bayesmeta.output.figures.scales import UNCHANGED, Scale, label_ticks
from bayesmeta.output.figures.style import BLUE, FAINT, GREY, SKY

NAME = 26  # characters of a line of a term's name
TITLE = 36  # characters of a line above a panel
STUDY = 18  # characters of a study's name
AXIS = 4.5  # inches, about the length of the axis of means
PANEL = 2.8  # inches, about the length of the axis of a panel
MAX_NAMED = 12  # studies of a panel; of more no names are written


@styled
def draw_means(table: pd.DataFrame, *, xlabel: str, title: str, scale: Scale = UNCHANGED) -> Figure:
    """Draw the means of cells, from the top; the numbers stand at the right, on `scale` as ticks.

    Columns: term, mean, ci_lb, ci_ub, pi_lb, pi_ub, pi_level (the level that is predicted), k
    (effects), studies. A missing prediction interval is left out.
    """
    names = [wrapped(term, NAME) for term in table["term"]]
    figure = titled(title, 9, 1.4 + row_height(names, 0.26) * len(table))
    ax = figure.add_subplot(xlabel=scale.label or xlabel)
    draw_intervals(ax, table, prediction_label(table["pi_level"]), scale.null)
    ax.plot(table["mean"], range(len(table)), "o", color=BLUE, ms=6, markeredgecolor="white")
    name_rows(ax, names, above=1.5, below=0.6)
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0, ncols=2)
    numbers = scale.function(table[["mean", "ci_lb", "ci_ub"]].to_numpy(float))
    write_column(ax, 1.7, "mean [95 % interval]", [estimate_text(*row) for row in numbers])
    write_column(ax, 2.3, "effects", [f"{k:.0f}" for k in table["k"]])
    write_column(ax, 2.9, "studies", [f"{studies:.0f}" for studies in table["studies"]])
    label_ticks(ax.xaxis, scale, AXIS)
    return figure


def draw_intervals(ax: Axes, rows: pd.DataFrame, prediction: str, null: float | None = 0.0) -> None:
    """Draw credible and prediction intervals, from the top, over faint lines and one at `null`."""
    y = range(len(rows))
    if null is not None:
        ax.axvline(null, color=GREY, linewidth=0.8, zorder=1)
    ax.hlines(y, rows["ci_lb"], rows["ci_ub"], BLUE, linewidth=3.5, label="95 % credible interval")
    ax.hlines(y, rows["pi_lb"], rows["pi_ub"], SKY, linewidth=1.5, label=prediction, zorder=1.8)
    ax.grid(axis="y", color=FAINT, linewidth=0.5)


def draw_caterpillar(
    table: pd.DataFrame, *, xlabel: str, title: str, scale: Scale = UNCHANGED
) -> Figure:
    """Draw a figure with `caterpillar`: equal panels on a common scale, at most three in a row."""
    panels = table["term"].nunique()
    label = scale.label or xlabel
    grid = panelled(title, panels, columns=3, size=(3.2, 2.8), sharex="all", xlabel=label)
    with grid as (figure, axes):
        caterpillar(table, axes, scale.null)
        label_ticks(axes[0].xaxis, scale, PANEL)
    return figure


def caterpillar(table: pd.DataFrame, axes: Sequence[Axes], null: float | None = 0.0) -> None:
    """Draw studies within cells, a panel per term, the lowest mean at the bottom.

    Columns: term, study, mean, ci_lb, ci_ub, and term_mean, term_ci_lb, term_ci_ub of the cell,
    the same in all rows of a term.
    """
    for (term, rows), ax in zip(table.groupby("term", sort=False), axes, strict=True):
        _draw_studies(rows.sort_values("mean", kind="stable"), ax)
        if null is not None:
            ax.axvline(null, color=GREY, linewidth=0.8, linestyle=":")
        title = fill(f"{words(term)} (studies: {len(rows)})", TITLE)
        ax.set(title=title, ylim=(-0.7, len(rows) - 0.3))


def _draw_studies(rows: pd.DataFrame, ax: Axes) -> None:
    y = np.arange(len(rows))
    room = len(rows) ** -0.5
    cell = rows.iloc[0]
    interval = cell[["term_ci_lb", "term_ci_ub"]]
    ax.axvspan(*interval, color=SKY, alpha=0.3, lw=0, label="cell, 95 % interval")
    ax.axvline(cell["term_mean"], color=SKY, label="cell, mean")
    width = min(1.2, 6 * room)
    ax.hlines(y, rows["ci_lb"], rows["ci_ub"], GREY, lw=width, label="study, 95 % interval")
    area = min(25, 60 * room)
    ax.scatter(rows["mean"], y, area, BLUE, linewidth=0, zorder=3, label="study, mean")
    names = rows["study"] if len(rows) <= MAX_NAMED else rows["study"][:0]
    ax.set_yticks(range(len(names)), [shortened(name, STUDY) for name in names])
    ax.tick_params(labelbottom=True)
