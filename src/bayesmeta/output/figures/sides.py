"""Two sides of a factor: mirrored forest, and ridges of the differences between the sides."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.transforms import offset_copy

from bayesmeta.estimates.conventions import MIN_STUDIES
from bayesmeta.estimates.text import probability_statement, words
from bayesmeta.output.figures.estimates import draw_intervals
from bayesmeta.output.figures.labels import prediction_label, wrapped
from bayesmeta.output.figures.panels import Figure, legend_below, styled, titled
from bayesmeta.output.figures.row_layout import name_rows, row_height
from bayesmeta.output.figures.style import BLUE, FAINT, GREY, SKY, Style

HOLLOW = f"hollow: fewer than {MIN_STUDIES} studies"
CELL = 26  # characters of a line of a cell's name
CONTRAST = 34  # and of a contrast's name
BELOW = 0.13  # rows from a ridge down to its mean and interval
RIDGE = 0.65  # rows, height of the highest ridge


@styled
def draw_mirrored(table: pd.DataFrame, *, xlabel: str, title: str) -> Figure:
    """Draw a forest plot of two sides on the same rows and scale, with the cells' names between.

    The table has a row per cell and side: cell, side (the first is drawn left), mean, ci_lb, ci_ub,
    pi_lb, pi_ub, k (effects), studies; cells from the top in their first order. A row that is
    absent or has no mean reads "no data"; a missing prediction interval is left out. An optional
    column pi_level names what is predicted. Axes of the figure are left panel, names, right panel.
    Raises ValueError if the table has not exactly two sides.
    """
    cells = list(table["cell"].unique())
    names = [wrapped(cell, CELL) for cell in cells]
    figure = titled(title, 9, 1.6 + len(cells) * row_height(names, 0.28))
    left, between, right = figure.subplots(1, 3, width_ratios=(1, 0.001, 1))
    right.sharex(left)
    for side, ax in zip(table["side"].unique(), (left, right), strict=True):
        _draw_side(table[table["side"] == side].set_index("cell").reindex(cells), ax)
        ax.set_title(words(side), loc="center", weight="bold")
    right.yaxis.tick_right()
    right.tick_params(axis="y", which="both", length=0)
    for y, name in enumerate(names):
        between.text(0.5, y, name, ha="center", va="center_baseline")
    between.set(ylim=left.get_ylim())
    between.axis("off")
    legend_below(figure, left, right, columns=4, heading=xlabel)
    return figure


def _draw_side(rows: pd.DataFrame, ax: Axes) -> None:
    y = pd.Series(range(len(rows)), rows.index)
    draw_intervals(ax, rows, prediction_label(rows.get("pi_level", pd.Series(dtype=object))))
    draw_means(ax, rows["mean"], y, rows["studies"] < MIN_STUDIES)
    for absent in y[rows["mean"].isna()]:
        note = ax.text(0.5, absent, "no data", ha="center", va="center", style="italic", color=GREY)
        note.set_transform(ax.get_yaxis_transform())
        note.set_bbox({"facecolor": "white", "linewidth": 0, "pad": 2})
    counts = rows[["mean", "k", "studies"]].itertuples(index=False)
    labels = ["" if np.isnan(mean) else f"{k:.0f} / {studies:.0f}" for mean, k, studies in counts]
    name_rows(ax, labels, above=1.5, below=0.6)
    ax.set_yticks([-1], ["effects / studies"], minor=True, weight="bold")


def draw_means(ax: Axes, x: pd.Series, y: pd.Series, few: pd.Series, hollow: str = HOLLOW) -> None:
    """Draw means as filled circles, and as hollow circles for few studies; label both kinds."""
    kinds = ((~few, BLUE, "white", "mean"), (few, "white", BLUE, hollow))
    for kind, face, edge, label in kinds:
        rows = kind & x.notna()
        if rows.any():
            style: Style = {"color": face, "markeredgecolor": edge, "markersize": 6}
            ax.plot(x[rows], y[rows], "o", zorder=4, label=label, **style)


@styled
def draw_ridge(
    densities: pd.DataFrame, table: pd.DataFrame, *, rope: float, xlabel: str, title: str
) -> Figure:
    """Draw posterior densities of contrasts over the region of practical equivalence (ROPE).

    All ridges have the same scale of density, so that their areas are equal; below a ridge stand
    its mean and 95 % interval. `densities` has contrast, value (increasing), density, at least two
    rows per contrast; `table` contrast, mean, ci_lb, ci_ub, p_positive, exploratory (bool), in
    order from the top. `rope` is half the width of the region around zero. KeyError for a contrast
    without density.
    """
    names = [wrapped(contrast, CONTRAST) for contrast in table["contrast"]]
    figure = titled(title, 8, 1.5 + len(names) * row_height(names, 0.55))
    ax = figure.add_subplot()
    region = f"practically zero (ROPE ± {rope:g})"
    ax.axvspan(-rope, rope, color=FAINT, alpha=0.7, linewidth=0, label=region, zorder=0)
    ax.axvline(0, color=GREY, linewidth=0.8, zorder=1)
    _draw_densities(densities, table, ax)
    below = np.arange(len(table)) + BELOW
    bounds = (table["ci_lb"], table["ci_ub"])
    ax.hlines(below, *bounds, BLUE, linewidth=2, zorder=3, label="95 % interval")
    circle: Style = {"color": BLUE, "markersize": 5, "markeredgecolor": "white"}
    ax.plot(table["mean"], below, "o", zorder=4, label="mean", **circle)
    beside = offset_copy(ax.get_yaxis_transform(), figure, x=8, units="points")
    for y, p in enumerate(table["p_positive"]):
        statement = probability_statement("P(> 0)", p)
        ax.text(1, y, statement, transform=beside, va="center_baseline")
    name_rows(ax, names, above=1, below=0.4)
    legend_below(figure, ax, columns=5, heading=xlabel)
    return figure


def _draw_densities(densities: pd.DataFrame, table: pd.DataFrame, ax: Axes) -> None:
    curves = densities.groupby("contrast")
    peak = densities["density"].max()
    for y, row in enumerate(table.itertuples()):
        curve = curves.get_group(row.contrast)
        kind = "posterior, exploratory" if row.exploratory else "posterior"
        alpha = 0.25 if row.exploratory else 0.8
        ridge = y - RIDGE * curve["density"] / peak
        fill: Style = {"color": SKY, "alpha": alpha, "linewidth": 0, "label": kind}
        ax.fill_between(curve["value"], y, ridge, zorder=2, **fill)
        ax.plot(curve["value"], ridge, color=BLUE, linewidth=0.8, zorder=2)
