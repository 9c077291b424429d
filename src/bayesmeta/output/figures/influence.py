"""Which studies the others predict badly, which move the result, and what random subsets of the studies say."""

from collections.abc import Sequence
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.ticker import FuncFormatter

from bayesmeta.output.figures.rows import columns_of, shortened, wrapped
from bayesmeta.output.figures.style import BLUE, GREY, STYLE, VERMILLION, Figure, words

LABELLED = 6  # studies with a name, the highest on each axis
LEAST = 1e-4  # the influence below which all studies look alike
FAILS = 0.7
WIDTH = 7.5  # inches
TITLE = 32  # characters of a line above a panel
STUDY = 20  # of a study's name
WORST = 3
PLAIN = FuncFormatter(lambda value, _: f"{value:z.10g}".replace("-", "−"))
WITHIN = {True: ("with the study named above", VERMILLION), False: ("without it", BLUE)}
HOW = {"PSIS": BLUE, "exact": BLUE, "refitted": VERMILLION, "PSIS fails": GREY}


def baujat(table: pd.DataFrame, ax: Axes) -> Axes:
    """Draw how badly each study is predicted by the others against how far it moves the result.

    Columns: study, k (the area of a point), misfit, influence, cell (the colour), on logarithmic axes; influences below
    .0001 are drawn there.
    """
    shown = _in_reach(table)
    for cell, rows in shown.groupby("cell", sort=True):
        ax.scatter(
            rows["misfit"],
            rows["influence"],
            s=_area(rows["k"]),
            alpha=0.6,
            linewidths=0,
            label=words(cell),
        )
    ax.axvline(1, color=GREY, linewidth=0.8, linestyle="--", label="as predicted", zorder=0)
    ax.set(xscale="log", yscale="log", xlabel="misfit per effect", ylabel="influence on all terms")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(PLAIN)
    ax.margins(0.08)
    return ax


def name_outlying(table: pd.DataFrame, ax: Axes) -> None:
    """Write the names of the studies that are highest on each axis of `baujat`, on a figure with its legend."""
    shown = _in_reach(table)
    highest = {
        at for name in ("misfit", "influence") for at in shown[name].nlargest(LABELLED).index
    }
    named = shown["study"].loc[
        shown["influence"].loc[list(highest)].sort_values(ascending=False).index
    ]
    write_names(
        ax, shown[["misfit", "influence"]], named, radius=np.sqrt(_area(shown["k"]) / np.pi)
    )


def _in_reach(table: pd.DataFrame) -> pd.DataFrame:
    """Studies as far up as they are drawn."""
    return table.assign(
        influence=table["influence"].clip(lower=LEAST), misfit=table["misfit"].clip(lower=0.01)
    )


def _area(k: pd.Series) -> pd.Series:
    """Area of a study's point, in square points of the page."""
    return 6 + 3 * k


def write_names(
    ax: Axes, points: pd.DataFrame, names: pd.Series, *, radius: float | pd.Series = 2.0
) -> None:
    """Write names beside some points, in order, where they cover no other and few points; far ones get a line.

    `points` has x and y by column, on the axes' final scales; `names` some of its rows; `radius`, in points, of each.
    """
    figure = ax.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()
    pixels = pd.DataFrame(ax.transData.transform(points), points.index)
    reach = pd.Series(radius, points.index) * figure.dpi / 72 + 1
    taken, page = (
        np.c_[pixels.sub(reach, axis=0), pixels.add(reach, axis=0)],
        ax.get_window_extent().extents,
    )
    written = np.empty((0, 4))
    gaps = np.repeat([3, 10, 20, 32, 48, 68, 92, 120, 150], 16)
    angles = np.arange(len(gaps)) * np.pi / 8
    for at, name in zip(points.index.get_indexer(names.index), names, strict=True):
        point = pixels.to_numpy()[at]
        text = ax.text(0, 0, shortened(name, STUDY), size=7, ha="center", va="center", zorder=5)
        half = np.array(text.get_window_extent().size) / 2 + 1
        centres = point + np.c_[np.cos(angles), np.sin(angles)] * (
            gaps[:, None] + reach.iloc[at] + half
        )
        boxes = np.hstack([centres - half, centres + half])
        outside = (boxes[:, :2] < page[:2]).any(1) | (boxes[:, 2:] > page[2:]).any(1)
        crossed = 1e4 * _touched(boxes, written) + 50 * _touched(boxes, taken)
        best = int((1e6 * outside + crossed + gaps).argmin())
        written = np.vstack([written, boxes[best]])
        text.set_position(tuple(ax.transData.inverted().transform(centres[best])))
        if gaps[best] > 10:
            ends = np.array([point, point.clip(boxes[best, :2], boxes[best, 2:])])
            ax.plot(
                *ax.transData.inverted().transform(ends).T, color="black", linewidth=0.4, zorder=1
            )


def _touched(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """How many of the others (m, 4: left, bottom, right, top) each box (n, 4) touches."""
    apart = (boxes[:, None, :2] > others[:, 2:]) | (boxes[:, None, 2:] < others[:, :2])
    touched: np.ndarray = (~apart.any(-1)).sum(1)
    return touched


@rc_context(STYLE)
def draw_baujat(table: pd.DataFrame, *, title: str) -> Figure:
    """A figure with `baujat`."""
    names = list(map(words, table["cell"].unique()))
    columns = columns_of(names, WIDTH, 4)
    rows = -(-(1 + len(names)) // columns)
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
    """Draw the means of a contrast on random subsets of studies, and below against the heterogeneity there.

    Columns: contrast (two panels each), mean, heterogeneity, study (the most influential one), includes (whether it is
    in the subset).
    """
    for at, (contrast, rows) in enumerate(table.groupby("contrast", sort=False)):
        above, below = axes[2 * at : 2 * at + 2]
        name, study = str(contrast), rows["study"].iloc[0]
        edges = np.linspace(rows["mean"].min(), rows["mean"].max(), 41).tolist()
        for within, (label, colour) in WITHIN.items():
            part = rows.loc[rows["includes"] == within, "mean"]
            above.hist(part, edges, color=colour, alpha=0.5, label=label)
        colours = rows["includes"].map({within: colour for within, (_, colour) in WITHIN.items()})
        below.scatter(
            rows["mean"], rows["heterogeneity"], s=5, alpha=0.4, c=colours.tolist(), linewidths=0
        )
        below.axvline(0, color=GREY, linewidth=0.8, zorder=0)
        below.set(ylabel="total tau", xlim=above.get_xlim())
        said = fill(name, TITLE) if ": " in name else wrapped(name, TITLE)
        above.set_title(
            f"{said}\n{shortened(study, TITLE) if study else 'no study can be left out'}"
        )
        above.set_axis_off()
    return axes


@rc_context(STYLE)
def draw_gosh(table: pd.DataFrame, *, title: str, xlabel: str = "") -> Figure:
    """A figure with `gosh`, up to three contrasts in a row."""
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
    named = axes[0].get_legend_handles_labels()
    figure.legend(
        *named,
        loc="outside lower center",
        ncols=2,
        title=f"mean on a subset of studies, {xlabel}".strip(", "),
    )
    return figure


def leave_one_out(table: pd.DataFrame, axes: Sequence[Axes]) -> Sequence[Axes]:
    """Draw how well each study is predicted by the others, and k-hat of importance sampling, worst predicted first.

    Columns: study, k, k_hat, elpd, how.
    """
    shown = _ordered(table)
    for ax, name, label in zip(axes, ("k_hat", "each"), ("k-hat", "elpd per effect"), strict=True):
        for how, rows in shown.groupby("how"):
            ax.scatter(
                rows["place"],
                rows[name],
                s=9,
                alpha=0.7,
                linewidths=0,
                color=HOW[str(how)],
                label=f"elpd {how}",
            )
        ax.set_ylabel(label)
        ax.margins(0.03, 0.08)
    upper, lower = axes
    upper.axhline(
        FAILS,
        color=GREY,
        linestyle="--",
        linewidth=0.8,
        label="above: importance sampling fails",
        zorder=0,
    )
    lower.set(
        yscale="symlog", ylim=(1.6 * shown["each"].min() - 1, max(1, 1.6 * shown["each"].max()))
    )
    lower.set(xlabel="study, worst predicted first")
    lower.yaxis.set_major_formatter(PLAIN)
    return axes


def name_failing(table: pd.DataFrame, axes: Sequence[Axes]) -> None:
    """Write the names of studies with k-hat above .7, and of the worst predicted, on a figure with its legend."""
    shown, (upper, lower) = _ordered(table), axes
    write_names(upper, shown[["place", "k_hat"]], shown.loc[shown["k_hat"] > FAILS, "study"])
    write_names(lower, shown[["place", "each"]], shown["study"][:WORST])


def _ordered(table: pd.DataFrame) -> pd.DataFrame:
    """Studies by elpd per effect, the worst first."""
    shown = table.assign(each=table["elpd"] / table["k"]).sort_values("each").reset_index(drop=True)
    return shown.assign(place=np.arange(1, len(shown) + 1))


@rc_context(STYLE)
def draw_leave_one_out(table: pd.DataFrame, *, title: str) -> Figure:
    """A figure with `leave_one_out`."""
    figure = Figure((7.5, 5), layout="constrained")
    axes = figure.subplots(2, 1, sharex=True)
    figure.suptitle(title, x=0.01, ha="left")
    leave_one_out(table, list(axes))
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    name_failing(table, list(axes))
    return figure
