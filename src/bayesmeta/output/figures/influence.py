"""Influence of studies: outlying studies, random subsets of studies, studies left out in turn."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.ticker import FuncFormatter

from bayesmeta.estimates.conventions import MAX_K_HAT
from bayesmeta.estimates.text import MINUS, words
from bayesmeta.output.figures.point_labels import label_points
from bayesmeta.output.figures.row_layout import legend_columns, shortened, wrapped
from bayesmeta.output.figures.style import BLUE, GREY, STYLE, VERMILLION, Figure, Style

NAMED = 6  # studies with a name: the highest on either axis
MIN_INFLUENCE = 1e-4  # studies with less influence are drawn here: all are negligible
MIN_Q_CONTRIBUTION = 0.01
WORST = 3  # studies with a name among the worst predicted
WIDTH = 7.5  # inches
TITLE = 32  # characters of a line above a panel
STUDY = 20  # characters of a study's name
NAME_SIZE = 7
PLAIN = FuncFormatter(lambda value, _: f"{value:z.10g}".replace("-", MINUS))
WITHIN = {True: ("with the study named above", VERMILLION), False: ("without it", BLUE)}
COLOURS = {"PSIS": BLUE, "exact": BLUE, "refitted": VERMILLION, "PSIS fails": GREY}


def baujat(table: pd.DataFrame, ax: Axes) -> Axes:
    """Draw the contribution of every study to Q against its influence on the result.

    Columns: study, k (the area of a point), misfit (the contribution to Q per effect), influence,
    cell (the colour). The axes are logarithmic; influences below .0001 are drawn there.
    """
    for cell, rows in _clipped(table).groupby("cell", sort=True):
        ax.scatter(
            rows["misfit"],
            rows["influence"],
            s=_area(rows["k"]),
            alpha=0.6,
            linewidths=0,
            label=words(cell),
        )
    ax.axvline(1, color=GREY, linewidth=0.8, linestyle="--", label="as predicted", zorder=0)
    ax.set(xscale="log", yscale="log")
    ax.set(xlabel="contribution to Q per effect", ylabel="influence on all terms")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(PLAIN)
    ax.margins(0.08)
    return ax


def name_outlying(table: pd.DataFrame, ax: Axes) -> None:
    """Write the names of the studies that are highest on either axis of `baujat`.

    The figure has to have its legend.
    """
    drawn = _clipped(table)
    highest = drawn["misfit"].nlargest(NAMED).index.union(drawn["influence"].nlargest(NAMED).index)
    by_influence = drawn.loc[highest, "influence"].sort_values(ascending=False).index
    radius = np.sqrt(_area(drawn["k"]) / np.pi)
    _name_studies(ax, drawn[["misfit", "influence"]], drawn.loc[by_influence, "study"], radius)


def _clipped(table: pd.DataFrame) -> pd.DataFrame:
    """Return the studies with the values at which they are drawn."""
    return table.assign(
        influence=table["influence"].clip(lower=MIN_INFLUENCE),
        misfit=table["misfit"].clip(lower=MIN_Q_CONTRIBUTION),
    )


def _area(k: pd.Series) -> pd.Series:
    """Return the area of a study's point, in square points of the page."""
    return 6 + 3 * k


def _name_studies(
    ax: Axes, points: pd.DataFrame, names: pd.Series, radius: float | pd.Series = 2.0
) -> None:
    """Write shortened names beside studies; `radius` of the points in points of the page."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()
    labels = names.map(lambda name: shortened(name, STUDY))
    pixels = np.broadcast_to(radius, len(points)) * figure.dpi / 72 + 1
    label_points(ax, points, labels, size=NAME_SIZE, radius=pixels)


@rc_context(STYLE)
def draw_baujat(table: pd.DataFrame, *, title: str) -> Figure:
    """Draw a figure with `baujat` and the names of outlying studies."""
    cells = [words(cell) for cell in table["cell"].unique()]
    columns = legend_columns(cells, WIDTH, 4)
    rows = -(-(1 + len(cells)) // columns)
    figure = Figure((WIDTH, 4.9 + 0.17 * rows), layout="constrained")
    ax = figure.add_subplot()
    figure.suptitle(title, x=0.01, ha="left")
    baujat(table, ax)
    heading = "cell of most effects; area: number of effects"
    legend = figure.legend(loc="outside lower center", ncols=columns, title=heading)
    for handle in legend.legend_handles:
        if isinstance(handle, PathCollection):
            handle.set_sizes([30])
    name_outlying(table, ax)
    return figure


def gosh(table: pd.DataFrame, axes: Sequence[Axes]) -> Sequence[Axes]:
    """Draw the means of a contrast on random subsets of studies, and against heterogeneity.

    Parameters
    ----------
    table : DataFrame
        contrast, mean, heterogeneity, study (the most influential), includes (whether the subset
        contains it).
    axes : sequence of Axes
        Two per contrast: the histogram of the means above, the heterogeneity below.
    """
    for at, (contrast, rows) in enumerate(table.groupby("contrast", sort=False)):
        above, below = axes[2 * at : 2 * at + 2]
        study = rows["study"].iloc[0]
        edges = np.linspace(rows["mean"].min(), rows["mean"].max(), 41).tolist()
        for within, (label, colour) in WITHIN.items():
            part = rows.loc[rows["includes"] == within, "mean"]
            above.hist(part, edges, color=colour, alpha=0.5, label=label)
        colours = rows["includes"].map({within: colour for within, (_, colour) in WITHIN.items()})
        style: Style = {"s": 5, "alpha": 0.4, "linewidths": 0}
        below.scatter(rows["mean"], rows["heterogeneity"], c=colours.tolist(), **style)
        below.axvline(0, color=GREY, linewidth=0.8, zorder=0)
        below.set(ylabel="total tau", xlim=above.get_xlim())
        note = shortened(study, TITLE) if study else "no study can be left out"
        above.set_title(f"{wrapped(contrast, TITLE)}\n{note}")
        above.set_axis_off()
    return axes


@rc_context(STYLE)
def draw_gosh(table: pd.DataFrame, *, title: str, xlabel: str = "") -> Figure:
    """Draw a figure with `gosh`, up to three contrasts in a row."""
    panels = table["contrast"].nunique()
    columns = min(3, panels)
    rows = -(-panels // columns)
    figure = Figure((max(6, 3 * columns), 0.9 + 2.3 * rows), layout="constrained")
    grid = figure.add_gridspec(2 * rows, columns, height_ratios=[1, 3] * rows)
    axes = []
    for at in range(panels):
        row, column = divmod(at, columns)
        axes += [figure.add_subplot(grid[2 * row + half, column]) for half in (0, 1)]
    figure.suptitle(title, x=0.01, ha="left")
    gosh(table, axes)
    heading = f"mean on a subset of studies, {xlabel}".strip(", ")
    entries = axes[0].get_legend_handles_labels()
    figure.legend(*entries, loc="outside lower center", ncols=2, title=heading)
    return figure


def leave_one_out(table: pd.DataFrame, axes: Sequence[Axes]) -> Sequence[Axes]:
    """Draw k-hat of importance sampling and the elpd of every study, worst predicted first.

    Columns: study, k, k_hat, elpd, how (of the elpd, the colour).
    """
    ordered = _by_elpd(table)
    upper, lower = axes
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
    return axes


def name_failing(table: pd.DataFrame, axes: Sequence[Axes]) -> None:
    """Write the names of studies with k-hat above .7, and of the worst predicted studies.

    The figure has to have its legend.
    """
    ordered = _by_elpd(table)
    upper, lower = axes
    failing = ordered.loc[ordered["k_hat"] > MAX_K_HAT, "study"]
    _name_studies(upper, ordered[["rank", "k_hat"]], failing)
    _name_studies(lower, ordered[["rank", "per_effect"]], ordered["study"][:WORST])


def _by_elpd(table: pd.DataFrame) -> pd.DataFrame:
    """Return the studies by elpd per effect, the worst first."""
    ordered = table.assign(per_effect=table["elpd"] / table["k"]).sort_values("per_effect")
    return ordered.reset_index(drop=True).assign(rank=np.arange(1, len(table) + 1))


@rc_context(STYLE)
def draw_leave_one_out(table: pd.DataFrame, *, title: str) -> Figure:
    """Draw a figure with `leave_one_out`."""
    figure = Figure((WIDTH, 5), layout="constrained")
    axes = list(figure.subplots(2, 1, sharex=True))
    figure.suptitle(title, x=0.01, ha="left")
    leave_one_out(table, axes)
    entries = axes[0].get_legend_handles_labels()
    figure.legend(*entries, loc="outside lower center", ncols=4)
    name_failing(table, axes)
    return figure
