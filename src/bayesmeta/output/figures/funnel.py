"""An observed funnel over the cloud of its replicates, and the statistics of both."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, LogNorm

from bayesmeta.estimates.text import probability_statement
from bayesmeta.output.figures.panels import Figure, legend_below, styled, titled
from bayesmeta.output.figures.style import BLUE, GREY, MAX_SHAPES, SKY, VERMILLION, Style

CRITICAL: dict[str, tuple[float, str]] = {  # two-sided critical values of z, style of the line
    "p = .05": (1.959964, "--"),
    "p = .01": (2.575829, ":"),
}
CLOUD = LinearSegmentedColormap.from_list("cloud", ["#EEF6FB", SKY])
TITLES = {
    "egger": "Egger slope",
    "egger_size": "Egger slope, sizes alone",
    "skewness": "skewness",
    "significant": "share of |z| > 1.96",
    "step": "step at z = 1.96",
}
INSIDE = 0.99  # share of the points within the axes at either end


def _draw_funnel(points: pd.DataFrame, ax: Axes, zero: float | None) -> None:
    observed, cloud = (points[points["which"] == which] for which in ("observed", "replicate"))
    left, right = _ends(observed["residual"], cloud["residual"])
    lowest = max(_ends(observed["se"], cloud["se"])[1], float(cloud["se"].min()))
    _draw_cloud(cloud, ax, (left, right, 0.0, lowest))
    ax.set(xlim=(left, right), ylim=(lowest, 0))
    x, y = (observed[name].tolist() for name in ("residual", "se"))
    circle: Style = {"color": BLUE, "markersize": 2.6, "alpha": 0.6, "mew": 0}
    circle |= {"rasterized": len(x) > MAX_SHAPES}
    ax.plot(x, y, "o", label="observed effects", **circle)
    ax.axvline(0, color=GREY, linewidth=0.8)
    _draw_significance(ax, zero, lowest)
    outside = ~observed["residual"].between(left, right) | (observed["se"] > lowest)
    if beyond := int(outside.sum()):
        note = f"effects beyond the axes: {beyond}"
        ax.text(0.005, 0.02, note, transform=ax.transAxes, size=7, color=GREY)
    ax.set(ylabel="standard error", xlabel="residual from the fitted mean, in its direction")


def _draw_cloud(cloud: pd.DataFrame, ax: Axes, extent: tuple[float, float, float, float]) -> None:
    left, right, _, lowest = extent
    drawn = cloud[cloud["residual"].between(left, right) & (cloud["se"] < lowest)]
    bins: Style = {"gridsize": (60, 26), "extent": extent, "norm": LogNorm(), "mincnt": 1}
    bins |= {"rasterized": True}  # a thousand hexagons
    ax.hexbin(drawn["residual"], drawn["se"], cmap=CLOUD, linewidths=0.1, **bins)


def _draw_significance(ax: Axes, zero: float | None, lowest: float) -> None:
    """Draw the lines at which an effect is significant, or a residual if `zero` is None."""
    start = zero or 0.0
    tested = "of the residual" if zero is None else "of the effect"
    for label, (z, style) in CRITICAL.items():
        for sign in (-1, 1):
            name = f"{label} {tested}" if sign > 0 else None
            line: Style = {"color": "black", "linestyle": style, "linewidth": 0.9, "label": name}
            ax.plot([start, start + sign * z * lowest], [0.0, lowest], **line)


def _ends(observed: pd.Series, cloud: pd.Series) -> tuple[float, float]:
    """Return the range of nearly all values of both, with a twentieth more at either end."""
    parts = [part for part in (observed, cloud) if len(part)]
    low = min(float(part.quantile(1 - INSIDE)) for part in parts)
    high = max(float(part.quantile(INSIDE)) for part in parts)
    room = 0.05 * (high - low)
    return low - room, high + room


def _draw_replicates(rows: pd.DataFrame, statistic: Mapping[Any, Any], ax: Axes) -> None:
    low, high = np.nanquantile(rows[["replicate", "naive"]].to_numpy(), [0.005, 0.995])
    edges = np.linspace(low, high, 25).tolist()
    filled: Style = {"histtype": "stepfilled", "color": SKY, "alpha": 0.8}
    filled |= {"label": "replicates without selection"}
    ax.hist(rows["replicate"].dropna(), edges, **filled)
    outline: Style = {"histtype": "step", "color": GREY, "linewidth": 1}
    ax.hist(rows["naive"].dropna(), edges, label="the same, variances held fixed", **outline)
    ax.axvline(statistic["observed"], color=VERMILLION, linewidth=2, label="observed")
    p = probability_statement("p", statistic["p"], draws=len(rows))
    ax.set(title=f"{TITLES[statistic['statistic']]}\n{p}", yticks=[])
    ax.spines["left"].set_visible(False)


@styled
def draw_funnel(
    points: pd.DataFrame,
    statistics: pd.DataFrame,
    draws: pd.DataFrame,
    *,
    title: str,
    cell: str = "all",
    zero: float | None = None,
) -> Figure:
    """Draw a funnel over the cloud of its replicates, and below the distributions of statistics.

    Outermost points lie beyond the axes; a note in the corner gives their number. Tables of
    `bayesmeta.funnel.funnel_checks`, of all cells: `points` has which ("observed" or "replicate"),
    residual, se; `statistics` statistic, observed, p; `draws`, of the replicates, statistic,
    replicate, naive (with variances held fixed). `zero` is the residual of an effect of zero, from
    which the lines of significance start: of a cell, minus its mean. If it differs between effects
    it is None: they start at the fitted mean.
    """
    drawn = points if cell == "all" else points[points["cell"] == cell]
    statistics, draws = (table[table["cell"] == cell] for table in (statistics, draws))
    figure = titled(title, 9, 7.2)
    grid = figure.add_gridspec(2, len(statistics), height_ratios=(2.6, 1))
    above = figure.add_subplot(grid[0, :])
    _draw_funnel(drawn, above, zero)
    for column, statistic in enumerate(statistics.to_dict("records")):
        below = figure.add_subplot(grid[1, column])
        _draw_replicates(draws[draws["statistic"] == statistic["statistic"]], statistic, below)
    legend_below(figure, above, below, columns=3)
    return figure
