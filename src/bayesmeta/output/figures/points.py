"""Effects as points: funnel with contours of significance, radial plot, L'Abbé plot."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from bayesmeta.output.figures.labels import legend_columns, shortened, wrapped
from bayesmeta.output.figures.panels import Figure, legend_below, panelled, styled, titled
from bayesmeta.output.figures.scales import UNCHANGED, Scale, label_ticks
from bayesmeta.output.figures.style import BLUE, GREY, VERMILLION, Style

CONTOURS = (  # upper end of |z|, colour and name of an area, from the middle outwards
    (1.644854, "#FFFFFF", "p > .10"),
    (1.959964, "#E4E9EE", ".05 < p < .10"),
    (2.575829, "#C9D3DD", ".01 < p < .05"),
)
SIGNIFICANT = "#F3F3F3"  # colour of the rest of the axes: p < .01
EDGE: Style = {"linewidth": 0.3, "edgecolor": "#AAB4BE", "zorder": 0}
NORMAL = 1.959964
NARROW = "95 % of the effects without heterogeneity"
LARGEST = 160.0  # area of the heaviest point, in square points
SMALLEST = 6.0
POINT: Style = {"color": BLUE, "alpha": 0.65, "linewidth": 0.4, "edgecolor": "white", "zorder": 3}
PANEL = (4.4, 3.9)
TITLE = 40  # characters of a line above a panel


def draw_contours(
    table: pd.DataFrame, *, xlabel: str, title: str, scale: Scale = UNCHANGED
) -> Figure:
    """Draw a funnel with contours of significance, a panel per cell.

    The areas show which effects differ from zero at which level of a two-sided test; the funnel of
    dashed lines holds 95 % of the effects of the cell if the true effects do not vary. Columns:
    cell, yi, sei, mean (missing in a model with slopes: no line).

    Source: Peters et al. 2008, doi 10.1016/j.jclinepi.2007.11.010.
    """
    cells = list(table.groupby("cell", sort=False))
    label = scale.label or xlabel
    grid = panelled(title, len(cells), columns=3, size=PANEL, sharex="col", xlabel=label)
    lowest = 1.05 * table["sei"].max()
    with grid as (figure, axes):
        for (cell, rows), ax in zip(cells, axes, strict=True):
            _draw_funnel(rows, ax, lowest, scale.null or 0.0)
            name = f"{wrapped(cell, TITLE)}: {len(rows)} effects" if cell else ""
            ax.set_title(name)
            label_ticks(ax.xaxis, scale, PANEL[0])
        axes[0].set_ylabel("standard error")
    return figure


def _draw_funnel(rows: pd.DataFrame, ax: Axes, lowest: float, null: float) -> None:
    mean = rows["mean"].iloc[0]
    centre = null if np.isnan(mean) else mean
    ends = [*rows["yi"], centre - NORMAL * lowest, centre + NORMAL * lowest]
    room = 0.04 * (max(ends) - min(ends))
    ax.set(xlim=(min(ends) - room, max(ends) + room), ylim=(lowest, 0))
    se = np.array([0.0, lowest])
    inner = 0.0
    for z, colour, name in CONTOURS:
        for side, label in ((-1, name), (1, "")):
            limits = null + side * inner * se, null + side * z * se
            ax.fill_betweenx(se, *limits, facecolor=colour, label=label or None, **EDGE)
        inner = z
    ax.set_facecolor(SIGNIFICANT)
    ax.fill_between([], [], [], facecolor=SIGNIFICANT, label="p < .01", **EDGE)
    ax.axvline(null, color="black", linewidth=0.8, zorder=1)
    if not np.isnan(mean):
        ax.axvline(mean, color=VERMILLION, linewidth=1, zorder=2, label="mean")
        for side in (-1, 1):
            line: Style = {"color": VERMILLION, "linewidth": 0.9, "linestyle": "--", "zorder": 2}
            line |= {"label": NARROW} if side > 0 else {}
            ax.plot(mean + side * NORMAL * se, se, **line)
    ax.scatter(rows["yi"], rows["sei"], 22, label="effect", **POINT)


@styled
def draw_radial(table: pd.DataFrame, *, xlabel: str, title: str) -> Figure:
    """Draw effects divided by their standard deviation against its inverse: Galbraith's plot.

    The line from the origin has the slope of the mean of a cell; 95 % of the effects of a single
    cell lie in its band. The right axis is the effect size that a point of the right edge
    has. Columns: x, y, mean, cell.
    """
    cells = table.groupby("cell", sort=False)
    figure = titled(title, 7.5, 5.4)
    ax = figure.add_subplot(xlabel="1 / standard deviation around the mean", ylabel="effect / sd")
    reach = 1.06 * table["x"].max()
    for cell, rows in cells:
        label = shortened(cell, TITLE) if cell else "effect"
        points = ax.scatter(rows["x"], rows["y"], 26, alpha=0.7, linewidth=0, label=label, zorder=3)
        mean = rows["mean"].iloc[0]
        colour = points.get_facecolor()[0]
        x = np.array([0.0, reach])
        if len(cells) == 1:
            ends = mean * x - NORMAL, mean * x + NORMAL
            ax.fill_between(x, *ends, color=colour, alpha=0.1, linewidth=0)
        ax.plot(x, mean * x, color=colour, linewidth=1)
    ax.axhline(0, color=GREY, linewidth=0.8)
    ax.set_xlim(0, reach)
    right = ax.secondary_yaxis("right", functions=(lambda y: y / reach, lambda v: v * reach))
    right.set_ylabel(xlabel)
    right.spines["right"].set_visible(True)
    labels = ax.get_legend_handles_labels()[1]
    legend_below(figure, ax, columns=legend_columns(labels, 7.0, 3))
    return figure


@styled
def draw_labbe(table: pd.DataFrame, *, title: str) -> Figure:
    """Draw the risk in the first group against that in the second; the area is the weight.

    Points on the diagonal have equal risks. Columns: control, treated, weight.
    """
    figure = titled(title, 6.2, 6.2)
    names = {"xlabel": "risk in group 2 (ci / n2i)", "ylabel": "risk in group 1 (ai / n1i)"}
    ax = figure.add_subplot(**names)
    area = LARGEST * table["weight"] / table["weight"].max()
    ax.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, zorder=1, label="equal risks")
    ax.scatter(table["control"], table["treated"], area.clip(lower=SMALLEST), **POINT)
    ax.scatter([], [], 30, label="trial (area: weight)", **POINT)
    reach = min(1.0, 1.1 * float(table[["control", "treated"]].to_numpy().max()))
    ax.set(xlim=(0, reach), ylim=(0, reach), aspect="equal")
    legend_below(figure, ax, columns=2)
    return figure
