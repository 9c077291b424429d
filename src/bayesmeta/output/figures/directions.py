"""Directions without effect sizes: the probability of a direction by side, prior and posterior."""

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes

from bayesmeta.estimates.text import estimate_text
from bayesmeta.output.figures.row_layout import row_height, wrapped, write_column
from bayesmeta.output.figures.style import BLUE, FAINT, GREY, STYLE, Figure, Style

NAME = 26  # characters of a line of a label
APART = 0.16  # rows from the middle up to the posterior and down to the prior


def directions(table: pd.DataFrame, ax: Axes) -> Axes:
    """Draw probabilities with prior and posterior intervals, in the table's order from the top.

    Columns: label, counted (`0 of 3`), mean, ci_lb, ci_ub, prior_mean, prior_ci_lb, prior_ci_ub.
    """
    y = np.arange(len(table))
    posterior = table[["mean", "ci_lb", "ci_ub"]].to_numpy()
    prior = table[["prior_mean", "prior_ci_lb", "prior_ci_ub"]].to_numpy()
    mean, lower, upper = posterior.T
    ax.hlines(y - APART, lower, upper, BLUE, linewidth=3.5, label="posterior, 95 % interval")
    circle: Style = {"color": BLUE, "markersize": 6, "markeredgecolor": "white"}
    ax.plot(mean, y - APART, "o", **circle)
    mean, lower, upper = prior.T
    ax.hlines(y + APART, lower, upper, GREY, linewidth=1.5, label="prior, 95 % interval")
    ax.plot(mean, y + APART, "o", color=GREY, markersize=4)
    ax.set_yticks(y, [wrapped(label, NAME) for label in table["label"]])
    ax.set(xlim=(0, 1), ylim=(len(table) - 0.4, -1.5))
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="y", color=FAINT, linewidth=0.5)
    ax.spines["left"].set_visible(False)
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0, ncols=2)
    write_column(ax, 1.6, "posterior", [estimate_text(*row) for row in posterior])
    write_column(ax, 3.0, "prior", [estimate_text(*row) for row in prior])
    write_column(ax, 3.75, "count", list(table["counted"]))
    return ax


@rc_context(STYLE)
def draw_directions(table: pd.DataFrame, *, xlabel: str, title: str) -> Figure:
    """Draw a figure with `directions`, as high as the table is long."""
    row = row_height([wrapped(label, NAME) for label in table["label"]], 0.42)
    figure = Figure((9.5, 1.5 + row * len(table)), layout="constrained")
    directions(table, figure.add_subplot()).set_xlabel(xlabel)
    figure.suptitle(title, x=0.01, ha="left")
    return figure
