"""Directions: how probable the best one is on each side, prior beside posterior."""

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes

from bayesmeta.output.figures.rows import row_height, wrapped, write_column
from bayesmeta.output.figures.style import BLUE, FAINT, GREY, STYLE, Figure, interval_text

NAME = 26
APART = 0.16  # of the prior below the posterior


def directions(table: pd.DataFrame, ax: Axes) -> Axes:
    """Draw probabilities with prior and posterior intervals, in the table's order from the top.

    Columns: label, counted (`0 of 3`), mean, ci_lb, ci_ub, prior_mean, prior_ci_lb, prior_ci_ub.
    """
    y = np.arange(len(table))
    ax.hlines(
        y - APART,
        table["ci_lb"],
        table["ci_ub"],
        BLUE,
        linewidth=3.5,
        label="posterior, 95 % interval",
    )
    ax.plot(table["mean"], y - APART, "o", color=BLUE, markersize=6, markeredgecolor="white")
    ax.hlines(
        y + APART,
        table["prior_ci_lb"],
        table["prior_ci_ub"],
        GREY,
        linewidth=1.5,
        label="prior, 95 % interval",
    )
    ax.plot(table["prior_mean"], y + APART, "o", color=GREY, markersize=4)
    ax.set_yticks(y, [wrapped(label, NAME) for label in table["label"]])
    ax.set(xlim=(0, 1), ylim=(len(table) - 0.4, -1.5))
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="y", color=FAINT, linewidth=0.5)
    ax.spines["left"].set_visible(False)
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0, ncols=2)
    write_column(
        ax,
        1.6,
        "posterior",
        [interval_text(*row) for row in table[["mean", "ci_lb", "ci_ub"]].to_numpy()],
    )
    prior = table[["prior_mean", "prior_ci_lb", "prior_ci_ub"]].to_numpy()
    write_column(ax, 3.0, "prior", [interval_text(*row) for row in prior])
    write_column(ax, 3.75, "count", list(table["counted"]))
    return ax


@rc_context(STYLE)
def draw_directions(table: pd.DataFrame, *, xlabel: str, title: str) -> Figure:
    """A figure with `directions`, as high as the table is long."""
    row = row_height([wrapped(label, NAME) for label in table["label"]], 0.42)
    figure = Figure((9.5, 1.5 + row * len(table)), layout="constrained")
    directions(table, figure.add_subplot()).set_xlabel(xlabel)
    figure.suptitle(title, x=0.01, ha="left")
    return figure
