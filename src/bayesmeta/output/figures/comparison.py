"""Two schools side by side: paired intervals, profile likelihoods against posteriors."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes

from bayesmeta.output.figures.style import (
    BLUE,
    FAINT,
    GREY,
    SKY,
    STYLE,
    VERMILLION,
    Figure,
    panelled,
    words,
)

COLOURS = (GREY, VERMILLION, SKY, BLUE)


def paired(table: pd.DataFrame, ax: Axes) -> Axes:
    """Draw several estimates of each term below each other, in the table's order of terms and sources.

    Columns: term, source (who estimates), estimate, ci_lb, ci_ub; at most four sources.
    """
    terms, sources = list(table["term"].unique()), list(table["source"].unique())
    ax.axvline(0, color=GREY, linewidth=0.8, zorder=1)
    for source, colour in zip(sources, COLOURS[-len(sources) :], strict=True):
        rows = table[table["source"] == source]
        y = rows["term"].map(terms.index) + 0.19 * (sources.index(source) - (len(sources) - 1) / 2)
        ax.hlines(y, rows["ci_lb"], rows["ci_ub"], colour, linewidth=2)
        ax.plot(
            rows["estimate"],
            y,
            "o",
            color=colour,
            markersize=4.5,
            markeredgecolor="white",
            label=source,
        )
    ax.set_yticks(range(len(terms)), list(map(words, terms)))
    ax.set_ylim(len(terms) - 0.5, -0.5)
    ax.set_yticks(np.arange(len(terms) - 1) + 0.5, minor=True)
    ax.grid(axis="y", which="minor", color=FAINT, linewidth=0.5)
    ax.tick_params(axis="y", which="both", length=0)
    ax.spines["left"].set_visible(False)
    return ax


def profiles(table: pd.DataFrame, axes: Sequence[Axes]) -> Sequence[Axes]:
    """Draw curves of tau scaled to a peak of 1, a panel per level. Columns: level, which, tau, height."""
    for (level, rows), ax in zip(table.groupby("level", sort=False), axes, strict=True):
        for (which, curve), colour in zip(
            rows.groupby("which", sort=False), (VERMILLION, BLUE), strict=True
        ):
            ax.plot(curve["tau"], curve["height"], color=colour, label=which)
        ax.spines["left"].set_visible(False)
        ax.set(xlabel=f"tau, {words(level)}", xlim=(0, None), ylim=(0, None), yticks=[])
    return axes


@rc_context(STYLE)
def draw_paired(table: pd.DataFrame, *, xlabel: str, title: str) -> Figure:
    """A figure with `paired`, as high as the table is long."""
    figure = Figure((8, 1.6 + 0.16 * len(table)), layout="constrained")
    ax = paired(table, figure.add_subplot())
    ax.set_xlabel(xlabel)
    figure.suptitle(title, x=0.01, ha="left")
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def draw_profiles(table: pd.DataFrame, *, title: str) -> Figure:
    """A figure with `profiles`: panels of one scale in one row."""
    panels = table["level"].nunique()
    with panelled(title, panels, columns=panels, size=(3.2, 2.2), sharex="all") as (figure, axes):
        profiles(table, axes)
    return figure
