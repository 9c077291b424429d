"""An observed funnel over the cloud of its replicates, and how the statistics of both compare."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, LogNorm

from bayesmeta.output.figures.style import BLUE, GREY, SKY, STYLE, VERMILLION, Figure

CRITICAL: dict[str, tuple[float, str]] = {"p = .05": (1.959964, "--"), "p = .01": (2.575829, ":")}
CLOUD = LinearSegmentedColormap.from_list("cloud", ["#EEF6FB", SKY])
SHORT = {
    "egger": "Egger slope",
    "egger_size": "Egger slope, sizes alone",
    "skewness": "skewness",
    "significant": "share of |z| > 1.96",
    "step": "step at z = 1.96",
}
INSIDE = 0.99


def funnel(points: pd.DataFrame, ax: Axes, *, zero: float | None = None) -> Axes:
    """Draw observed residuals against their standard errors, precise ones on top, over where replicates lie.

    Columns: which ("observed" or "replicate"), residual, se. `zero` is the residual of no effect, where lines of
    significance start; None where it differs between effects: lines then start at the fitted mean. The outermost
    points lie beyond the axes; how many is written in the corner.
    """
    seen, cloud = (points[points["which"] == which] for which in ("observed", "replicate"))
    left, right = _ends(seen["residual"], cloud["residual"], INSIDE)
    low = max(_ends(seen["se"], cloud["se"], INSIDE)[1], float(cloud["se"].min()))
    shown = cloud[cloud["residual"].between(left, right) & (cloud["se"] < low)]
    ax.hexbin(
        shown["residual"],
        shown["se"],
        gridsize=(60, 26),
        extent=(left, right, 0.0, low),
        norm=LogNorm(),
        cmap=CLOUD,
        mincnt=1,
        linewidths=0.1,
    )
    ax.set(xlim=(left, right), ylim=(low, 0))
    ax.plot(
        seen["residual"].tolist(),
        seen["se"].tolist(),
        "o",
        color=BLUE,
        markersize=2.6,
        alpha=0.6,
        mew=0,
        label="observed effects",
    )
    ax.axvline(0, color=GREY, linewidth=0.8)
    start, of = (0.0, "of the residual") if zero is None else (zero, "of the effect")
    for label, (z, style) in CRITICAL.items():
        for sign in (-1, 1):
            end, name = start + sign * z * low, f"{label} {of}" if sign > 0 else None
            ax.plot(
                [start, end], [0.0, low], color="black", linestyle=style, linewidth=0.9, label=name
            )
    if beyond := int((~seen["residual"].between(left, right) | (seen["se"] > low)).sum()):
        ax.text(
            0.005,
            0.02,
            f"effects beyond the axes: {beyond}",
            transform=ax.transAxes,
            size=7,
            color=GREY,
        )
    ax.set(ylabel="standard error", xlabel="residual from the fitted mean, in its direction")
    return ax


def _ends(seen: pd.Series, cloud: pd.Series, inside: float) -> tuple[float, float]:
    """Where so much of both lies, and a twentieth more."""
    parts = [part for part in (seen, cloud) if len(part)]
    low = min(float(part.quantile(1 - inside)) for part in parts)
    high = max(float(part.quantile(inside)) for part in parts)
    return low - 0.05 * (high - low), high + 0.05 * (high - low)


def replicates(
    table: pd.DataFrame, statistics: pd.DataFrame, axes: Sequence[Axes]
) -> Sequence[Axes]:
    """Draw the distribution of each statistic in replicates, that with variances held fixed, and the observed value.

    Columns: statistic, replicate, naive; of `statistics`: statistic, observed, p. A panel per row of `statistics`.
    """
    for row, ax in zip(statistics.to_dict("records"), axes, strict=True):
        own = table[table["statistic"] == row["statistic"]]
        shown = own[["replicate", "naive"]].to_numpy()
        low, high = np.nanquantile(shown, [0.005, 0.995])
        edges = np.linspace(low, high, 25).tolist()
        ax.hist(
            own["replicate"].dropna(),
            edges,
            color=SKY,
            alpha=0.8,
            label="replicates without selection",
        )
        ax.hist(
            own["naive"].dropna(),
            edges,
            histtype="step",
            color=GREY,
            linewidth=1,
            label="the same, variances held fixed",
        )
        ax.axvline(row["observed"], color=VERMILLION, linewidth=2, label="observed")
        ax.set(title=f"{SHORT[row['statistic']]}\n{p_text(row['p'], len(own))}", yticks=[])
        ax.spines["left"].set_visible(False)
    return axes


def p_text(p: float, draws: int) -> str:
    """A predictive p-value, no finer than the draws tell: `p < .01`."""
    least = 1 / draws
    if p < least:
        return f"p < {least:.1g}".replace("0.", ".")
    return "p > .99" if p > 0.99 else f"p = {p:.2g}".replace("0.", ".")


@rc_context(STYLE)
def draw_funnel(
    points: pd.DataFrame,
    statistics: pd.DataFrame,
    draws: pd.DataFrame,
    *,
    title: str,
    cell: str = "all",
    zero: float | None = None,
) -> Figure:
    """A figure with `funnel` of a cell, or of all, and `replicates` below it.

    `points`, `statistics` and `draws` (the replicates) are tables of `bayesmeta.funnel.funnel_checks`, every cell in
    them; `zero` as for `funnel`: of one cell, minus its mean in `cells`.
    """
    own = points if cell == "all" else points[points["cell"] == cell]
    statistics, draws = (table[table["cell"] == cell] for table in (statistics, draws))
    figure = Figure((9, 7.2), layout="constrained")
    grid = figure.add_gridspec(2, len(statistics), height_ratios=(2.6, 1))
    ax = funnel(own, figure.add_subplot(grid[0, :]), zero=zero)
    panels = [figure.add_subplot(grid[1, column]) for column in range(len(statistics))]
    replicates(draws, statistics, panels)
    figure.suptitle(title, x=0.01, ha="left")
    own_handles, own_labels = ax.get_legend_handles_labels()
    handles, labels = panels[-1].get_legend_handles_labels()
    figure.legend(
        [*own_handles, *handles], [*own_labels, *labels], loc="outside lower center", ncols=3
    )
    return figure
