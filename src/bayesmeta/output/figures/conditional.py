"""The mean along a moderator with its bands, over the effects it was fitted to."""

from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes

from bayesmeta.output.figures.rows import shortened
from bayesmeta.output.figures.style import GREY, STYLE, Figure, words

NAME = 34  # characters of a line's name
WIDTH = 100  # and of a line below the axis
LARGEST = 110.0  # area of the most precise effect, in points squared


def conditional(lines: pd.DataFrame, points: pd.DataFrame, ax: Axes) -> Axes:
    """Draw the mean along x, a line for each level, with its 95 % band; dashes enclose the true mean of a new study.

    Columns of `lines`: x, line, mean, ci_lb, ci_ub, pi_lb, pi_ub, pi_level; of `points`: x, line, yi, sei. The area of
    a point is its precision; effects of levels without a line are grey.
    """
    names = list(dict.fromkeys(lines["line"]))
    colours = dict(zip(names, STYLE["axes.prop_cycle"].by_key()["color"], strict=False))
    area = LARGEST * np.minimum(1.0, (points["sei"].min() / points["sei"]) ** 2)
    shades = [colours.get(name, GREY) for name in points["line"]]
    ax.scatter(
        points["x"], points["yi"], np.maximum(area, 3.0), shades, alpha=0.35, linewidth=0, zorder=1
    )
    ax.axhline(0, color=GREY, linewidth=0.8, zorder=0)
    for name in names:
        own, colour = lines[lines["line"] == name], colours[name]
        ax.fill_between(
            own["x"], own["ci_lb"], own["ci_ub"], color=colour, alpha=0.25, linewidth=0, zorder=2
        )
        for end in ("pi_lb", "pi_ub"):
            ax.plot(own["x"], own[end], color=colour, linewidth=0.9, linestyle="--", zorder=2)
        ax.plot(
            own["x"],
            own["mean"],
            color=colour,
            linewidth=1.8,
            label=shortened(words(name), NAME),
            zorder=3,
        )
    low, high = lines["x"].min(), lines["x"].max()
    ax.set_xlim(low - 0.03 * (high - low), high + 0.03 * (high - low))
    return ax


@rc_context(STYLE)
def draw_conditional(
    lines: pd.DataFrame, points: pd.DataFrame, *, xlabel: str, ylabel: str, title: str, by: str = ""
) -> Figure:
    """A figure with `conditional`; the legend, headed by the name of the second moderator, is left out for one line."""
    figure = Figure((8, 5.4), layout="constrained")
    ax = conditional(lines, points, figure.add_subplot())
    ax.set(xlabel=fill(xlabel, WIDTH), ylabel=ylabel)
    told = "band: 95 % credible interval of the mean"
    if lines["pi_lb"].notna().any():
        told += f"; dashes: 95 % prediction interval, new {lines['pi_level'].iloc[0]}"
    ax.set_title(told, size=7.5)
    if len(lines["line"].unique()) > 1:
        figure.legend(
            *ax.get_legend_handles_labels(), loc="outside lower center", ncols=3, title=words(by)
        )
    figure.suptitle(title, x=0.01, ha="left")
    return figure
