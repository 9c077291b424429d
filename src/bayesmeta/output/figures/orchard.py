"""Orchard plot: every effect beside the mean of its term."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from bayesmeta.output.figures.labels import prediction_label, wrapped
from bayesmeta.output.figures.panels import Figure, legend_below, styled, titled
from bayesmeta.output.figures.row_layout import divide_rows, name_rows, row_height, write_column
from bayesmeta.output.figures.scales import UNCHANGED, Scale, label_ticks
from bayesmeta.output.figures.style import BLUE, GREY, VERMILLION, Style

MAX_POINTS = 3000  # so that a picture of many effects stays small
SIZES = np.linspace(1.6, 8.5, 9)  # diameters in points; few, so that equal points share their mark
INSIDE = 0.99  # share of the effects within the axis at either end
BAND = 0.34  # rows from the middle of a row to its outermost points
AXIS = 5  # inches, about its length
NAME = 26  # characters of a line of a term's name


@styled
def draw_orchard(
    table: pd.DataFrame,
    *,
    xlabel: str,
    title: str,
    most: int = MAX_POINTS,
    scale: Scale = UNCHANGED,
) -> Figure:
    """Draw every effect as a point, larger if it is more precise, and the mean of every term.

    Above `most` effects only a random sample is drawn, and the legend gives its size. A note
    gives the number of effects beyond the axis.
    Columns: part (term or effect), term, estimate, se, ci_lb, ci_ub, pi_lb, pi_ub, pi_level, k,
    studies. Terms stand from the top in the order of their rows.
    """
    terms, effects = (table[table["part"] == part] for part in ("term", "effect"))
    names = [wrapped(term, NAME) for term in terms["term"]]
    figure = titled(title, 8.5, 1.5 + row_height(names, 0.62) * len(terms))
    ax = figure.add_subplot(xlabel=scale.label or xlabel)
    _draw_effects(effects, list(terms["term"]), ax, most)
    _draw_terms(terms, ax)
    if scale.null is not None:
        ax.axvline(scale.null, color="black", linewidth=0.8, linestyle=":", zorder=1.5)
    name_rows(ax, names, above=0.9)
    divide_rows(ax, len(terms))
    write_column(ax, 0.55, "effects", [f"{k:.0f}" for k in terms["k"]], heading_at=-0.7)
    studies = [f"{count:.0f}" for count in terms["studies"]]
    write_column(ax, 1.15, "studies", studies, heading_at=-0.7)
    _fit_axis(terms, effects, ax, scale.null)
    label_ticks(ax.xaxis, scale, AXIS)
    legend_below(figure, ax, columns=2)
    return figure


def _draw_effects(effects: pd.DataFrame, terms: list[str], ax: Axes, most: int) -> None:
    """Draw at most `most` effects as points, scattered at random within the rows of the terms."""
    rng = np.random.default_rng(1)
    drawn = effects.sample(min(most, len(effects)), random_state=rng) if len(effects) else effects
    label = "effect"
    if len(drawn) < len(effects):
        label = f"effect, {len(drawn):,} of {len(effects):,} drawn"
    y = drawn["term"].map(terms.index) + rng.uniform(-BAND, BAND, len(drawn))
    # the area is proportional to the precision, the diameter to its root
    diameter = SIZES[-1] * np.sqrt(effects["se"].min() / drawn["se"]).to_numpy()
    size = SIZES[np.abs(diameter[:, None] - SIZES).argmin(axis=1)]
    points: Style = {"color": GREY, "markeredgewidth": 0}
    for value in np.unique(size):
        at = size == value
        x = drawn["estimate"][at]
        ax.plot(x, y[at], "o", alpha=0.4, markersize=value, zorder=1, **points)
    ax.plot([], [], "o", alpha=0.6, markersize=5, label=f"{label} (area: precision)", **points)


def _draw_terms(terms: pd.DataFrame, ax: Axes) -> None:
    y = np.arange(len(terms))
    credible = terms["ci_lb"], terms["ci_ub"]
    prediction = terms["pi_lb"], terms["pi_ub"]
    label = prediction_label(terms["pi_level"])
    ax.hlines(y, *prediction, VERMILLION, linewidth=1.3, label=label, zorder=2)
    ax.hlines(y, *credible, BLUE, linewidth=5, label="95 % credible interval", zorder=3)
    circle: Style = {"color": "white", "markeredgecolor": BLUE, "markersize": 3.5}
    ax.plot(terms["estimate"], y, "o", zorder=4, label="mean", **circle)


def _fit_axis(terms: pd.DataFrame, effects: pd.DataFrame, ax: Axes, null: float | None) -> None:
    """Fit the axis to all intervals and nearly all effects, and note how many lie beyond."""
    ends = [*terms[["ci_lb", "ci_ub", "pi_lb", "pi_ub"]].to_numpy(float).ravel()]
    ends += [] if null is None else [null]
    if len(effects):
        ends += [*effects["estimate"].quantile([1 - INSIDE, INSIDE])]
    low = np.nanmin(ends)
    high = np.nanmax(ends)
    room = 0.03 * (high - low)
    ax.set_xlim(low - room, high + room)
    if beyond := int((~effects["estimate"].between(*ax.get_xlim())).sum()):
        note = f"effects beyond the axis: {beyond}"
        ax.text(0, 1, note, transform=ax.transAxes, size=7, color=GREY, va="bottom")
