"""Frequentist and Bayesian estimates: paired intervals, profile likelihoods against posteriors."""

from collections.abc import Sequence

import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes

from bayesmeta.estimates.text import words
from bayesmeta.output.figures.row_layout import divide_rows, name_rows
from bayesmeta.output.figures.style import (
    BLUE,
    GREY,
    SKY,
    STYLE,
    VERMILLION,
    Figure,
    Style,
    panelled,
)

COLOURS = (GREY, VERMILLION, SKY, BLUE)
STEP = 0.19  # rows between the intervals of a term


def paired(table: pd.DataFrame, ax: Axes) -> Axes:
    """Draw several estimates of every term in a group of rows, in the table's order.

    Columns: term, source (of the estimate; at most four), estimate, ci_lb, ci_ub.
    """
    terms = list(table["term"].unique())
    sources = list(table["source"].unique())
    ax.axvline(0, color=GREY, linewidth=0.8, zorder=1)
    for at, (source, colour) in enumerate(zip(sources, COLOURS[-len(sources) :], strict=True)):
        rows = table[table["source"] == source]
        y = rows["term"].map(terms.index) + STEP * (at - (len(sources) - 1) / 2)
        circle: Style = {"color": colour, "markersize": 4.5, "markeredgecolor": "white"}
        ax.hlines(y, rows["ci_lb"], rows["ci_ub"], colour, linewidth=2)
        ax.plot(rows["estimate"], y, "o", label=source, **circle)
    name_rows(ax, [words(term) for term in terms])
    divide_rows(ax, len(terms))
    ax.set_ylim(len(terms) - 0.5, -0.5)
    return ax


def profiles(table: pd.DataFrame, axes: Sequence[Axes]) -> Sequence[Axes]:
    """Draw curves of tau scaled to a peak of 1, a panel per level.

    Columns: level, which, tau, height.
    """
    for (level, rows), ax in zip(table.groupby("level", sort=False), axes, strict=True):
        curves = rows.groupby("which", sort=False)
        for (which, curve), colour in zip(curves, (VERMILLION, BLUE), strict=True):
            ax.plot(curve["tau"], curve["height"], color=colour, label=which)
        ax.spines["left"].set_visible(False)
        ax.set(xlabel=f"tau, {words(level)}", xlim=(0, None), ylim=(0, None), yticks=[])
    return axes


@rc_context(STYLE)
def draw_paired(table: pd.DataFrame, *, xlabel: str, title: str) -> Figure:
    """Draw a figure with `paired`, as high as the table is long."""
    figure = Figure((8, 1.6 + 0.16 * len(table)), layout="constrained")
    ax = paired(table, figure.add_subplot())
    ax.set_xlabel(xlabel)
    figure.suptitle(title, x=0.01, ha="left")
    entries = ax.get_legend_handles_labels()
    figure.legend(*entries, loc="outside lower center", ncols=4)
    return figure


def draw_profiles(table: pd.DataFrame, *, title: str) -> Figure:
    """Draw a figure with `profiles`: panels with the same scale in a row."""
    panels = table["level"].nunique()
    grid = panelled(title, panels, columns=panels, size=(3.2, 2.2), sharex="all")
    with grid as (figure, axes):
        profiles(table, axes)
    return figure
