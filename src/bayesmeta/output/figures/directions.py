"""Directions without effect sizes: the probability of a direction by side, prior and posterior."""

import numpy as np
import pandas as pd

from bayesmeta.estimates.text import estimate_text
from bayesmeta.output.figures.labels import wrapped
from bayesmeta.output.figures.panels import Figure, styled, titled
from bayesmeta.output.figures.row_layout import name_rows, row_height, write_column
from bayesmeta.output.figures.style import BLUE, FAINT, GREY

NAME = 26  # characters of a line of a label
APART = 0.16  # rows from the middle up to the posterior and down to the prior


@styled
def draw_directions(table: pd.DataFrame, *, xlabel: str, title: str) -> Figure:
    """Draw probabilities with prior and posterior intervals, in the table's order from the top.

    Columns: label, counted (`0 of 3`), mean, ci_lb, ci_ub, prior_mean, prior_ci_lb, prior_ci_ub.
    """
    names = [wrapped(label, NAME) for label in table["label"]]
    figure = titled(title, 9.5, 1.5 + row_height(names, 0.42) * len(table))
    ax = figure.add_subplot(xlim=(0, 1), xlabel=xlabel)
    y = np.arange(len(table))
    posterior = table[["mean", "ci_lb", "ci_ub"]].to_numpy()
    prior = table[["prior_mean", "prior_ci_lb", "prior_ci_ub"]].to_numpy()
    mean, lower, upper = posterior.T
    ax.hlines(y - APART, lower, upper, BLUE, linewidth=3.5, label="posterior, 95 % interval")
    ax.plot(mean, y - APART, "o", color=BLUE, markersize=6, markeredgecolor="white")
    mean, lower, upper = prior.T
    ax.hlines(y + APART, lower, upper, GREY, linewidth=1.5, label="prior, 95 % interval")
    ax.plot(mean, y + APART, "o", color=GREY, markersize=4)
    name_rows(ax, names, above=1.5, below=0.6)
    ax.grid(axis="y", color=FAINT, linewidth=0.5)
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0, ncols=2)
    write_column(ax, 1.6, "posterior", [estimate_text(*row) for row in posterior])
    write_column(ax, 3.0, "prior", [estimate_text(*row) for row in prior])
    write_column(ax, 3.75, "count", list(table["counted"]))
    return figure
