"""Influence of studies: outlying studies, random subsets of studies, studies left out in turn."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.ticker import FuncFormatter

from bayesmeta.estimates.conventions import MAX_K_HAT
from bayesmeta.estimates.text import MINUS, words
from bayesmeta.output.figures.labels import legend_columns, shortened, wrapped
from bayesmeta.output.figures.panels import Figure, legend_below, styled, titled
from bayesmeta.output.figures.point_labels import label_points
from bayesmeta.output.figures.style import BLUE, GREY, MAX_SHAPES, VERMILLION, Style

NAMED = 6  # studies with a name: the highest on either axis
MIN_INFLUENCE = 1e-4  # studies with less influence are drawn here: all are negligible
MIN_Q_CONTRIBUTION = 0.01
WORST = 3  # studies with a name among the worst predicted
WIDTH = 7.5  # inches
TITLE = 32  # characters of a line above a panel
STUDY = 20  # characters of a study's name
PLAIN = FuncFormatter(lambda value, _: f"{value:z.10g}".replace("-", MINUS))
WITHIN = {True: ("with the study named above", VERMILLION), False: ("without it", BLUE)}
COLOURS = {
    "PSIS": BLUE,
    "exact": BLUE,
    "refitted": VERMILLION,
    "matched": VERMILLION,
    "PSIS fails": GREY,
}


@styled
def draw_baujat(table: pd.DataFrame, *, title: str) -> Figure:
    """Draw the contribution of every study to Q against its influence on the result.

    The studies that are highest on either axis have names. Columns: study, k (the area of a point),
    misfit (the contribution to Q per effect), influence, cell (the colour). The axes are
    logarithmic; influences below .0001 are drawn there.
    """
    cells = [words(cell) for cell in table["cell"].unique()]
    columns = legend_columns(cells, WIDTH, 4)
    figure = titled(title, WIDTH, 4.9 + 0.17 * -(-(1 + len(cells)) // columns))
    ax = figure.add_subplot(xlabel="contribution to Q per effect", ylabel="influence on all terms")
    table = table.assign(
        influence=table["influence"].clip(lower=MIN_INFLUENCE),
        misfit=table["misfit"].clip(lower=MIN_Q_CONTRIBUTION),
        area=6 + 3 * table["k"],
    )
    for cell, rows in table.groupby("cell", sort=True):
        style: Style = {"label": words(cell), "alpha": 0.6, "linewidths": 0}
        ax.scatter(rows["misfit"], rows["influence"], rows["area"], **style)
    ax.axvline(1, color=GREY, linewidth=0.8, linestyle="--", label="as predicted", zorder=0)
    ax.set(xscale="log", yscale="log")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(PLAIN)
    ax.margins(0.08)
    heading = "cell of most effects; area: number of effects"
    for handle in legend_below(figure, ax, columns=columns, heading=heading).legend_handles:
        if isinstance(handle, PathCollection):
            handle.set_sizes([30])
    highest = table["misfit"].nlargest(NAMED).index.union(table["influence"].nlargest(NAMED).index)
    named = table.loc[table.loc[highest, "influence"].sort_values(ascending=False).index, "study"]
    _name_studies(ax, table[["misfit", "influence"]], named, np.sqrt(table["area"] / np.pi))
    return figure


def _name_studies(
    ax: Axes, points: pd.DataFrame, names: pd.Series, radius: float | pd.Series = 2.0
) -> None:
    """Write names beside studies, with the radius of their marks in points; the legend is drawn."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()
    labels = names.map(lambda name: shortened(name, STUDY))
    pixels = np.broadcast_to(radius, len(points)) * figure.dpi / 72 + 1
    label_points(ax, points, labels, size=7, radius=pixels)


@styled
def draw_gosh(table: pd.DataFrame, *, title: str, xlabel: str = "") -> Figure:
    """Draw the means of contrasts on random subsets of studies, and against heterogeneity.

    There are up to three contrasts in a row; a contrast has two axes, the histogram of its means
    above. Columns: contrast, mean, heterogeneity, study (the most influential), includes (whether
    it is in).
    """
    contrasts = table.groupby("contrast", sort=False)
    columns = min(3, len(contrasts))
    rows = -(-len(contrasts) // columns)
    figure = titled(title, max(6, 3 * columns), 0.9 + 2.3 * rows)
    grid = figure.add_gridspec(2 * rows, columns, height_ratios=[1, 3] * rows)
    for at, (contrast, subsets) in enumerate(contrasts):
        row, column = divmod(at, columns)
        above, below = (figure.add_subplot(grid[2 * row + half, column]) for half in (0, 1))
        _draw_subsets(subsets, above, below)
        study = subsets["study"].iloc[0]
        note = shortened(study, TITLE) if study else "no study can be left out"
        above.set_title(f"{wrapped(contrast, TITLE)}\n{note}")
    heading = f"mean on a subset of studies, {xlabel}".strip(", ")
    legend_below(figure, figure.axes[0], columns=2, heading=heading)
    return figure


def _draw_subsets(rows: pd.DataFrame, above: Axes, below: Axes) -> None:
    edges = np.linspace(rows["mean"].min(), rows["mean"].max(), 41).tolist()
    for within, (label, colour) in WITHIN.items():
        part = rows.loc[rows["includes"] == within, "mean"]
        filled: Style = {"histtype": "stepfilled", "color": colour, "alpha": 0.5}
        above.hist(part, edges, label=label, **filled)
    colours = rows["includes"].map({within: colour for within, (_, colour) in WITHIN.items()})
    style: Style = {"s": 5, "alpha": 0.4, "linewidths": 0, "rasterized": len(rows) > MAX_SHAPES}
    below.scatter(rows["mean"], rows["heterogeneity"], c=colours.tolist(), **style)
    below.axvline(0, color=GREY, linewidth=0.8, zorder=0)
    below.set(ylabel="total tau", xlim=above.get_xlim())
    above.set_axis_off()


@styled
def draw_leave_one_out(table: pd.DataFrame, *, title: str) -> Figure:
    """Draw k-hat of importance sampling and the elpd of every study, worst predicted first.

    Studies with k-hat above .7 and the worst predicted studies have names. Columns: study, k,
    k_hat, elpd, how (of the elpd, the colour).
    """
    ordered = table.assign(per_effect=table["elpd"] / table["k"])
    ordered = ordered.sort_values("per_effect", ignore_index=True)
    ordered["rank"] = np.arange(1, len(table) + 1)
    figure = titled(title, WIDTH, 5)
    upper, lower = figure.subplots(2, 1, sharex=True)
    for ax, name in ((upper, "k_hat"), (lower, "per_effect")):
        for how, rows in ordered.groupby("how"):
            style: Style = {"color": COLOURS[str(how)], "label": f"elpd {how}"}
            ax.scatter(rows["rank"], rows[name], s=9, alpha=0.7, linewidths=0, **style)
        ax.margins(0.03, 0.08)
    upper.set_ylabel("k-hat")
    failing = "above: importance sampling fails"
    upper.axhline(MAX_K_HAT, color=GREY, linestyle="--", linewidth=0.8, label=failing, zorder=0)
    lowest = 1.6 * ordered["per_effect"].min() - 1
    highest = max(1, 1.6 * ordered["per_effect"].max())
    lower.set(yscale="symlog", ylim=(lowest, highest))
    lower.set(ylabel="elpd per effect", xlabel="study, worst predicted first")
    lower.yaxis.set_major_formatter(PLAIN)
    legend_below(figure, upper, columns=4)
    above = ordered.loc[ordered["k_hat"] > MAX_K_HAT, "study"]
    _name_studies(upper, ordered[["rank", "k_hat"]], above)
    _name_studies(lower, ordered[["rank", "per_effect"]], ordered["study"][:WORST])
    return figure
