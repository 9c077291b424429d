"""Frequentist and Bayesian estimates: paired intervals, profile likelihoods against posteriors."""

import pandas as pd
from matplotlib.axes import Axes

from bayesmeta.estimates.text import words
from bayesmeta.output.figures.panels import Figure, legend_below, panelled, styled, titled
from bayesmeta.output.figures.row_layout import divide_rows, grouped_rows, name_rows
from bayesmeta.output.figures.style import BLUE, GREY, SKY, VERMILLION, Style

COLOURS = (GREY, VERMILLION, SKY, BLUE)
STEP = 0.19  # rows between the intervals of a term


def paired(table: pd.DataFrame, ax: Axes) -> Axes:
    """Draw rows by term, in order: term, source (at most four), estimate, ci_lb, ci_ub."""
    ax.axvline(0, color=GREY, linewidth=0.8, zorder=1)
    colours = COLOURS[-table["source"].nunique() :]
    groups = grouped_rows(table, "term", "source", STEP)
    for colour, (source, rows, y) in zip(colours, groups, strict=True):
        circle: Style = {"color": colour, "markersize": 4.5, "markeredgecolor": "white"}
        ax.hlines(y, rows["ci_lb"], rows["ci_ub"], colour, linewidth=2)
        ax.plot(rows["estimate"], y, "o", label=source, **circle)
    names = [words(term) for term in table["term"].unique()]
    name_rows(ax, names)
    divide_rows(ax, len(names))
    return ax


@styled
def draw_paired(table: pd.DataFrame, *, xlabel: str, title: str) -> Figure:
    """Draw a figure with `paired`, as high as the table is long."""
    figure = titled(title, 8, 1.6 + 0.16 * len(table))
    ax = paired(table, figure.add_subplot(xlabel=xlabel))
    legend_below(figure, ax, columns=4)
    return figure


def draw_profiles(table: pd.DataFrame, *, title: str) -> Figure:
    """Draw curves of tau, panels by level on a common scale, peaks 1: level, which, tau, height."""
    levels = table.groupby("level", sort=False)
    grid = panelled(title, len(levels), columns=len(levels), size=(3.2, 2.2), sharex="all")
    with grid as (figure, axes):
        for (level, rows), ax in zip(levels, axes, strict=True):
            curves = rows.groupby("which", sort=False)
            for (which, curve), colour in zip(curves, (VERMILLION, BLUE), strict=True):
                ax.plot(curve["tau"], curve["height"], color=colour, label=which)
            ax.spines["left"].set_visible(False)
            ax.set(xlabel=f"tau, {words(level)}", xlim=(0, None), ylim=(0, None), yticks=[])
    return figure
