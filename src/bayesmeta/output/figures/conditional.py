"""The mean along a moderator with its bands, over the effects to which it was fitted."""

from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes

from bayesmeta.estimates.text import words
from bayesmeta.output.figures.row_layout import shortened
from bayesmeta.output.figures.style import GREY, STYLE, Figure, Style

NAME = 34  # characters of a line's name
XLABEL = 100  # characters of a line below the axis
LARGEST = 110.0  # area of the most precise effect, in square points
SMALLEST = 3.0


def conditional(lines: pd.DataFrame, points: pd.DataFrame, ax: Axes) -> Axes:
    """Draw the mean along x with its 95 % band, a line per level of a second moderator.

    Dashed lines enclose the true mean of a new study. The area of a point is its precision; effects
    of levels without a line are grey.

    Parameters
    ----------
    lines : DataFrame
        x, line, mean, ci_lb, ci_ub, pi_lb, pi_ub, pi_level.
    points : DataFrame
        x, line, yi, sei.
    ax : Axes
    """
    names = list(dict.fromkeys(lines["line"]))
    colours = dict(zip(names, STYLE["axes.prop_cycle"].by_key()["color"], strict=False))
    area = np.maximum(LARGEST * (points["sei"].min() / points["sei"]) ** 2, SMALLEST)
    shades = [colours.get(name, GREY) for name in points["line"]]
    ax.scatter(points["x"], points["yi"], area, shades, alpha=0.35, linewidth=0, zorder=1)
    ax.axhline(0, color=GREY, linewidth=0.8, zorder=0)
    for name in names:
        rows = lines[lines["line"] == name]
        x = rows["x"]
        style: Style = {"color": colours[name], "zorder": 2}
        ax.fill_between(x, rows["ci_lb"], rows["ci_ub"], alpha=0.25, linewidth=0, **style)
        for end in ("pi_lb", "pi_ub"):
            ax.plot(x, rows[end], linewidth=0.9, linestyle="--", **style)
        label = shortened(name, NAME)
        ax.plot(x, rows["mean"], linewidth=1.8, label=label, color=colours[name], zorder=3)
    low = lines["x"].min()
    high = lines["x"].max()
    room = 0.03 * (high - low)
    ax.set_xlim(low - room, high + room)
    return ax


@rc_context(STYLE)
def draw_conditional(
    lines: pd.DataFrame,
    points: pd.DataFrame,
    *,
    xlabel: str,
    ylabel: str,
    title: str,
    by: str = "",
) -> Figure:
    """Draw a figure with `conditional`.

    Its legend, with the name of the second moderator as its heading, is left out for a single line.
    """
    figure = Figure((8, 5.4), layout="constrained")
    ax = conditional(lines, points, figure.add_subplot())
    ax.set(xlabel=fill(xlabel, XLABEL), ylabel=ylabel)
    meaning = "band: 95 % credible interval of the mean"
    if lines["pi_lb"].notna().any():
        meaning += f"; dashes: 95 % prediction interval, new {lines['pi_level'].iloc[0]}"
    ax.set_title(meaning, size=7.5)
    if len(lines["line"].unique()) > 1:
        entries = ax.get_legend_handles_labels()
        figure.legend(*entries, loc="outside lower center", ncols=3, title=words(by))
    figure.suptitle(title, x=0.01, ha="left")
    return figure
