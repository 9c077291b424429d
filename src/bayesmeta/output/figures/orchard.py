"""Every effect beside the mean of its term: orchard plot."""

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes

from bayesmeta.output.figures.rows import row_height, wrapped, write_column
from bayesmeta.output.figures.style import BLUE, FAINT, GREY, STYLE, VERMILLION, Figure

MOST = 3000  # points, so that a picture of many effects stays small
SIZES = np.linspace(
    1.6, 8.5, 9
)  # diameters in points; few, so that every point of one is the same mark
INSIDE = 0.99
BAND = 0.34  # of a row, to either side of its middle


def orchard(table: pd.DataFrame, ax: Axes, *, most: int = MOST, seed: int = 1) -> Axes:
    """Draw every effect as a point, the larger the more precise, and each term's mean and intervals.

    Columns: part (term or effect), term, estimate, se, ci_lb, ci_ub, pi_lb, pi_ub, pi_level, k, studies. Terms stand
    from the top in the order of their rows. Of more than `most` effects a random sample is drawn, and said to be one;
    so is the number of those beyond the axes.
    """
    terms, effects = (table[table["part"] == part] for part in ("term", "effect"))
    rng = np.random.default_rng(seed)
    drawn = effects.sample(min(most, len(effects)), random_state=rng) if len(effects) else effects
    y = drawn["term"].map(list(terms["term"]).index) + rng.uniform(-BAND, BAND, len(drawn))
    precision = np.sqrt(
        effects["se"].min() / drawn["se"]
    )  # of the area, so that it is as the precision
    size = SIZES[np.abs(precision.to_numpy()[:, None] * SIZES[-1] - SIZES).argmin(axis=1)]
    for each in np.unique(size):
        at = size == each
        ax.plot(
            drawn["estimate"][at],
            y[at],
            "o",
            color=GREY,
            alpha=0.4,
            markersize=each,
            markeredgewidth=0,
            zorder=1,
        )
    shown = (
        "effect"
        if len(drawn) == len(effects)
        else f"effect, {len(drawn):,} of {len(effects):,} drawn"
    )
    ax.plot(
        [],
        [],
        "o",
        color=GREY,
        alpha=0.6,
        markersize=5,
        markeredgewidth=0,
        label=f"{shown} (area: precision)",
    )
    _draw_terms(terms, ax)
    _fit_axis(terms, effects, ax)
    return ax


def _draw_terms(terms: pd.DataFrame, ax: Axes) -> None:
    """Mean, thick credible and thin prediction interval of each term, its name and its counts."""
    y = np.arange(len(terms))
    prediction = f"95 % prediction interval, new {' or '.join(terms['pi_level'].dropna().unique())}"
    ax.axvline(0, color="black", linewidth=0.8, linestyle=":", zorder=1.5)
    ax.hlines(
        y, terms["pi_lb"], terms["pi_ub"], VERMILLION, linewidth=1.3, label=prediction, zorder=2
    )
    ax.hlines(
        y,
        terms["ci_lb"],
        terms["ci_ub"],
        BLUE,
        linewidth=5,
        label="95 % credible interval",
        zorder=3,
    )
    ax.plot(
        terms["estimate"],
        y,
        "o",
        color="white",
        markeredgecolor=BLUE,
        markersize=3.5,
        zorder=4,
        label="mean",
    )
    ax.set_yticks(y, [wrapped(term, 26) for term in terms["term"]])
    ax.tick_params(axis="y", length=0)
    ax.set_yticks(y[:-1] + 0.5, minor=True)
    ax.grid(axis="y", which="minor", color=FAINT, linewidth=0.5)
    ax.tick_params(axis="y", which="minor", length=0)
    ax.spines["left"].set_visible(False)
    ax.set_ylim(len(terms) - 0.5, -0.9)
    write_column(ax, 0.55, "effects", [f"{k:.0f}" for k in terms["k"]], heading_at=-0.7)
    write_column(
        ax, 1.15, "studies", [f"{studies:.0f}" for studies in terms["studies"]], heading_at=-0.7
    )


def _fit_axis(terms: pd.DataFrame, effects: pd.DataFrame, ax: Axes) -> None:
    """The axis holds all intervals and nearly all effects; how many lie beyond is written in the corner."""
    ends = [*terms[["ci_lb", "ci_ub", "pi_lb", "pi_ub"]].to_numpy(float).ravel(), 0.0]
    if len(effects):
        ends += [*effects["estimate"].quantile([1 - INSIDE, INSIDE])]
    low, high = np.nanmin(ends), np.nanmax(ends)
    room = 0.03 * (high - low)
    ax.set_xlim(low - room, high + room)
    if beyond := int((~effects["estimate"].between(*ax.get_xlim())).sum()):
        ax.text(
            0,
            1,
            f"effects beyond the axis: {beyond}",
            transform=ax.transAxes,
            size=7,
            color=GREY,
            va="bottom",
        )


@rc_context(STYLE)
def draw_orchard(table: pd.DataFrame, *, xlabel: str, title: str, most: int = MOST) -> Figure:
    """A figure with `orchard`, as high as it has terms."""
    terms = table.loc[table["part"] == "term", "term"]
    row = row_height([wrapped(term, 26) for term in terms], 0.62)
    figure = Figure((8.5, 1.5 + row * len(terms)), layout="constrained")
    ax = orchard(table, figure.add_subplot(), most=most)
    ax.set_xlabel(xlabel)
    figure.suptitle(title, x=0.01, ha="left")
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure
