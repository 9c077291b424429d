"""The mean along a moderator with its bands, over the effects to which it was fitted."""

from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from bayesmeta.estimates.text import words
from bayesmeta.output.figures.labels import shortened
from bayesmeta.output.figures.panels import Figure, legend_below, styled, titled
from bayesmeta.output.figures.scales import UNCHANGED, Scale, label_ticks
from bayesmeta.output.figures.style import GREY, STYLE, Style

NAME = 34  # characters of a line's name
XLABEL = 100  # characters of a line below the axis
HEIGHT = 5.4  # inches
LARGEST = 110.0  # area of the most precise effect, in square points
SMALLEST = 3.0


@styled
def draw_conditional(
    lines: pd.DataFrame,
    points: pd.DataFrame,
    *,
    xlabel: str,
    ylabel: str,
    title: str,
    by: str = "",
    scale: Scale = UNCHANGED,
) -> Figure:
    """Draw the mean along x with its 95 % band, a line per level of a second moderator `by`.

    Dashed lines enclose the true mean of a new study. The area of a point is its weight, or else
    its precision; effects of levels without a line are grey. A single line has no legend.

    Columns of `lines`: x, line, mean, ci_lb, ci_ub, pi_lb, pi_ub, pi_level; of `points`: x, line,
    yi, and weight or sei.
    """
    figure = titled(title, 8, HEIGHT)
    ax = figure.add_subplot(xlabel=fill(xlabel, XLABEL), ylabel=scale.label or ylabel)
    names = list(lines["line"].unique())
    colours = dict(zip(names, STYLE["axes.prop_cycle"].by_key()["color"], strict=False))
    weight = points["weight"] if "weight" in points else points["sei"] ** -2
    area = np.maximum(LARGEST * weight / weight.max(), SMALLEST)
    shades = [colours.get(name, GREY) for name in points["line"]]
    ax.scatter(points["x"], points["yi"], area, shades, alpha=0.35, linewidth=0, zorder=1)
    if scale.null is not None:
        ax.axhline(scale.null, color=GREY, linewidth=0.8, zorder=0)
    for name in names:
        _draw_line(lines[lines["line"] == name], ax, colours[name], shortened(name, NAME))
    low = lines["x"].min()
    high = lines["x"].max()
    room = 0.03 * (high - low)
    ax.set_xlim(low - room, high + room)
    label_ticks(ax.yaxis, scale, HEIGHT)
    meaning = "band: 95 % credible interval of the mean"
    if lines["pi_lb"].notna().any():
        meaning += f"; dashes: 95 % prediction interval, new {lines['pi_level'].iloc[0]}"
    ax.set_title(meaning, size=7.5)
    if len(names) > 1:
        legend_below(figure, ax, columns=3, heading=words(by))
    return figure


def _draw_line(rows: pd.DataFrame, ax: Axes, colour: str, label: str) -> None:
    x = rows["x"]
    style: Style = {"color": colour, "zorder": 2}
    ax.fill_between(x, rows["ci_lb"], rows["ci_ub"], alpha=0.25, linewidth=0, **style)
    ax.plot(x, rows[["pi_lb", "pi_ub"]], linewidth=0.9, linestyle="--", **style)
    ax.plot(x, rows["mean"], linewidth=1.8, label=label, color=colour, zorder=3)
