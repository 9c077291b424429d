"""The axis of a forest: observed and shrunken estimates, diamonds, prediction bars."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from bayesmeta.output.figures.forest.geometry import Geometry
from bayesmeta.output.figures.forest.layouts import FONT, PREDICTION, SHRUNKEN
from bayesmeta.output.figures.style import GREY, Style

Limits = tuple[float, float]
FAR = 0.4  # of the range of the estimates: an interval that reaches farther ends in an arrow
NEAR = 0.3  # the same of many rows
OUTLYING = 0.01  # share of the estimates at either end that do not stretch the axis
MANY = 40  # rows, from which on outlying estimates do not stretch the axis
UP = 0.16  # of a row: the observed estimate above, the shrunken one below the middle
DOWN = 0.24
LARGEST = 6.5  # side of the square of the heaviest study, in points
SMALLEST = 2.2
USUAL = 4.5  # without weights
HALF = 0.36  # height of a diamond above and below the middle


def limits_of(table: pd.DataFrame, null: float | None) -> Limits:
    """Return the ends of the axis: all estimates, intervals as far as they are not far away."""
    estimates = table["estimate"].dropna()
    many = len(estimates) > MANY
    share = OUTLYING if many else 0.0
    inner = [*estimates.quantile([share, 1 - share])]
    means = table[table["part"] == "mean"]
    inner += [*means[["ci_lb", "ci_ub", "pi_lb", "pi_ub"]].to_numpy(float).ravel()]
    inner += [] if null is None else [null]
    low = np.nanmin(inner)
    high = np.nanmax(inner)
    reach = (NEAR if many else FAR) * (high - low) or 1.0
    low = max(low - reach, min(low, table["ci_lb"].min()))
    high = min(high + reach, max(high, table["ci_ub"].max()))
    room = 0.03 * (high - low)
    return float(low - room), float(high + room)


def draw_studies(ax: Axes, rows: pd.DataFrame, geometry: Geometry, heaviest: float) -> None:
    """Draw studies and effects at the heights `y`: observed above, shrunken below."""
    if rows.empty:
        return
    scale = geometry.size / FONT
    shrunken = rows["shrunken"].notna()
    y = rows["y"] - np.where(shrunken, UP * geometry.row, 0.0)
    colours = np.where(rows["part"] == "effect", GREY, geometry.page.layout.ink)
    _line(ax, y, rows["ci_lb"], rows["ci_ub"], colours, linewidth=1.0)
    side = LARGEST * np.sqrt(rows["weight"].clip(lower=0) / heaviest)
    side = scale * side.clip(lower=SMALLEST).fillna(USUAL)
    marks: Style = {"marker": geometry.page.layout.marker, "linewidth": 0, "zorder": 3}
    inside = rows["estimate"].where(rows["estimate"].between(*ax.get_xlim()))
    ax.scatter(inside, y, side**2, colours, **marks)
    if shrunken.any():
        below = rows["y"] + DOWN * geometry.row
        colours = np.full(len(rows), SHRUNKEN)
        _line(ax, below, rows["shrunken_lb"], rows["shrunken_ub"], colours, linewidth=0.8)
        ax.scatter(rows["shrunken"], below, 9 * scale**2, SHRUNKEN, linewidth=0, zorder=3)


def _line(
    ax: Axes,
    y: pd.Series,
    lower: pd.Series,
    upper: pd.Series,
    colours: np.ndarray,
    *,
    linewidth: float,
) -> None:
    """Draw intervals; ends beyond the axis are arrows."""
    low, high = ax.get_xlim()
    ends = lower.clip(low, high), upper.clip(low, high)
    ax.hlines(y, *ends, colours.tolist(), linewidth=linewidth, zorder=2)
    for beyond, limit, mark in ((lower < low, low, "<"), (upper > high, high, ">")):
        if beyond.any():
            at = np.full(beyond.sum(), limit)
            arrow: Style = {"marker": mark, "linewidth": 0, "clip_on": False, "zorder": 3}
            ax.scatter(at, y[beyond], 14, colours[beyond].tolist(), **arrow)


def draw_means(ax: Axes, rows: pd.DataFrame, geometry: Geometry) -> None:
    """Draw the diamonds of means at the heights `y`."""
    half = HALF * geometry.row
    style: Style = {"color": geometry.page.layout.diamond, "linewidth": 0.5, "zorder": 4}
    for mean in rows.to_dict("records"):
        y = mean["y"]
        across = [mean["ci_lb"], mean["estimate"], mean["ci_ub"], mean["estimate"]]
        ax.fill(across, [y, y - half, y, y + half], **style)


def draw_predictions(ax: Axes, rows: pd.DataFrame) -> None:
    """Draw the prediction bars at the heights `y`."""
    if len(rows):
        colours = np.full(len(rows), PREDICTION)
        _line(ax, rows["y"], rows["pi_lb"], rows["pi_ub"], colours, linewidth=3.0)


def draw_references(ax: Axes, null: float | None, means: Sequence[float]) -> None:
    """Draw the line of no effect, and a dashed line at the mean if there is only one."""
    ends = ax.get_ylim()
    if null is not None:
        ax.vlines(null, *ends, "black", linewidth=0.8, zorder=1)
    if len(means) == 1:
        ax.vlines(means[0], *ends, GREY, linewidth=0.7, linestyle=(0, (4, 3)), zorder=1)
