"""Averages over models: means by model, inclusion, Bayes factors under other priors."""

from collections.abc import Sequence
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from bayesmeta.estimates.text import words
from bayesmeta.output.figures.panels import Figure, panels_of, styled, titled
from bayesmeta.output.figures.style import GREY

AVERAGE = "average"
MOST_PANELS = 8
LABEL = 46  # characters of a line of a label
LIMIT = np.log(1e6)  # of a log Bayes factor that is drawn
MARKS = (3, 10, 30)  # Bayes factors with a line; conventions of Jeffreys 1961


def means_over_models(table: pd.DataFrame, axes: Sequence[Axes]) -> Sequence[Axes]:
    """Draw the mean and interval of every model, a panel per combination.

    Columns: name, model, posterior, mean, ci_lb, ci_ub. Models are ordered from the most probable;
    the area of a mark is the probability of its model, and the average stands below.
    """
    for ax, (name, rows) in zip(axes, table.groupby("name", sort=False), strict=True):
        places = np.arange(len(rows))[::-1]
        is_average = (rows["model"] == AVERAGE).to_numpy()
        for row, y, last in zip(rows.to_dict("records"), places, is_average, strict=True):
            colour = "C1" if last else "C0"
            ax.plot(
                [row["ci_lb"], row["ci_ub"]], [y, y], color=colour, linewidth=2.5 if last else 1
            )
            size = 40 if last else 8 + 160 * row["posterior"]
            ax.scatter(row["mean"], y, s=size, color=colour, marker="D" if last else "s", zorder=3)
        ax.axvline(0, color=GREY, linewidth=1, zorder=0.5)
        labels = [
            model if last else f"{model}  {share:.2f}"
            for model, share, last in zip(rows["model"], rows["posterior"], is_average, strict=True)
        ]
        ax.set_yticks(places, [fill(label, LABEL) for label in labels], size=7)
        ax.set(title=words(name), ylim=(-0.7, len(rows) - 0.3))
    return axes


@styled
def draw_averages(table: pd.DataFrame, *, title: str, xlabel: str) -> Figure:
    """Draw a figure with `means_over_models`, of the first combinations."""
    names = table["name"].drop_duplicates().head(MOST_PANELS)
    shown = table[table["name"].isin(names)]
    columns = 1 if len(names) == 1 else 2
    rows = -(-len(names) // columns)
    height = 0.7 + 0.24 * shown.groupby("name", sort=False).size().max()
    figure = titled(title, 8.0 * columns, 0.5 + rows * height)
    axes = panels_of(figure, len(names), columns)
    means_over_models(shown, axes)
    figure.supxlabel(xlabel)
    return figure


def inclusion(table: pd.DataFrame, ax: Axes) -> Axes:
    """Draw the probability of every component before and after the data.

    Columns: component, prior, posterior, bayes_factor.
    """
    places = np.arange(len(table))[::-1]
    for row, y in zip(table.to_dict("records"), places, strict=True):
        ax.annotate("", (row["posterior"], y), (row["prior"], y), arrowprops={"arrowstyle": "->"})
        ax.plot(row["prior"], y, "o", color="white", markeredgecolor="C0", zorder=3)
        ax.plot(row["posterior"], y, "o", color="C0", zorder=3)
    ax.set_yticks(places, [words(name) for name in table["component"]])
    ax.set(xlim=(-0.03, 1.03), ylim=(-0.6, len(table) - 0.4))
    ax.set_xlabel("probability that it is there: before (open) and after the data")
    return ax


@styled
def draw_inclusion(table: pd.DataFrame, *, title: str) -> Figure:
    """Draw a figure with `inclusion`."""
    figure = titled(title, 6.5, 1.2 + 0.35 * len(table))
    inclusion(table, figure.subplots())
    return figure


def factor_curves(table: pd.DataFrame, ax: Axes) -> Axes:
    """Draw log Bayes factors against the scale of the prior, a line per component.

    Columns: component, scale, log_bayes_factor.
    """
    for component, rows in table.groupby("component", sort=False):
        drawn = rows["log_bayes_factor"].clip(-LIMIT, LIMIT)
        ax.plot(rows["scale"], drawn / np.log(10), marker=".", label=words(component))
    for mark in MARKS:
        for sign in (1, -1):
            ax.axhline(sign * np.log10(mark), color=GREY, linewidth=0.5, linestyle=":")
    ax.axhline(0, color=GREY, linewidth=1)
    ax.axvline(1, color=GREY, linewidth=1, linestyle="--")
    ax.set_xscale("log")
    ticks = [0.25, 0.5, 1, 2, 4]
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    ax.set(xlabel="scale of the prior, 1 is the model's")
    ax.set_ylabel("log10 of the Bayes factor for it (at most 6)")
    ax.legend(fontsize=7)
    return ax


@styled
def draw_factor_curves(table: pd.DataFrame, *, title: str) -> Figure:
    """Draw a figure with `factor_curves`."""
    figure = titled(title, 6.5, 3.6)
    factor_curves(table, figure.subplots())
    return figure
