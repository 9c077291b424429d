"""Two species side by side: mirrored forest, ridge of discrepancies, concordance of signs."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.text import Text
from matplotlib.transforms import offset_copy

from bayesmeta.output.figures.rows import row_height, wrapped
from bayesmeta.output.figures.style import BLUE, FAINT, GREY, SKY, STYLE, Figure, words

FEW = 4  # studies; an estimate that rests on fewer is drawn hollow
HOLLOW = f"hollow: fewer than {FEW} studies"


@rc_context(STYLE)
def draw_mirrored(table: pd.DataFrame, *, xlabel: str, title: str) -> Figure:
    """A forest plot of two sides that share their rows, both on one scale, the cells' names between them.

    Parameters
    ----------
    table : DataFrame
        A row per cell and side: cell, side (the first met is drawn left), mean, ci_lb, ci_ub, pi_lb, pi_ub, k
        (effects), studies; cells from the top in the order met. A row that is absent or has no mean reads "no data";
        a missing prediction interval is left out. A column pi_level, if there, names what is predicted.
    xlabel, title : str
        The scale, and what is written above.

    Returns
    -------
    Figure
        Its axes: left panel, names, right panel.

    Raises
    ------
    ValueError
        The table has not exactly two sides.
    """
    cells, sides = list(table["cell"].unique()), list(table["side"].unique())
    names = [wrapped(cell, 26) for cell in cells]
    figure = Figure((9, 1.6 + len(cells) * row_height(names, 0.28)), layout="constrained")
    left, between, right = figure.subplots(1, 3, width_ratios=(1, 0.001, 1))
    right.sharex(left)
    for side, ax in zip(sides, (left, right), strict=True):
        _draw_side(table[table["side"] == side].set_index("cell").reindex(cells), ax)
        ax.set_title(words(side), loc="center", weight="bold")
    right.yaxis.tick_right()
    right.tick_params(axis="y", which="both", length=0)
    for y, name in enumerate(names):
        between.text(0.5, y, name, ha="center", va="center_baseline")
    between.set(ylim=left.get_ylim())
    between.axis("off")
    _finish(figure, [left, right], 4, title=title, heading=xlabel)
    return figure


def _draw_side(rows: pd.DataFrame, ax: Axes) -> None:
    """Draw the cells of one side; a row without a mean is a cell that this side does not have."""
    y, few = np.arange(len(rows)), rows["studies"] < FEW
    levels = list(rows["pi_level"].dropna().unique()) if "pi_level" in rows else []
    prediction = "95 % prediction interval" + (f", new {' or '.join(levels)}" if levels else "")
    ax.axvline(0, color=GREY, linewidth=0.8, zorder=1)
    ax.hlines(y, rows["ci_lb"], rows["ci_ub"], BLUE, linewidth=3.5, label="95 % credible interval")
    ax.hlines(y, rows["pi_lb"], rows["pi_ub"], SKY, linewidth=1.5, label=prediction, zorder=1.8)
    _draw_points(ax, rows["mean"], pd.Series(y, rows.index), few)
    for absent in y[rows["mean"].isna()]:
        quiet = ax.text(
            0.5, absent, "no data", ha="center", va="center", color=GREY, style="italic"
        )
        quiet.set(
            transform=ax.get_yaxis_transform(),
            bbox={"facecolor": "white", "linewidth": 0, "pad": 2},
        )
    counts = rows[["mean", "k", "studies"]].itertuples(index=False)
    ax.set_yticks(
        y, ["" if np.isnan(mean) else f"{k:.0f} / {studies:.0f}" for mean, k, studies in counts]
    )
    ax.set_yticks([-1], ["effects / studies"], minor=True, weight="bold")
    ax.set_ylim(len(rows) - 0.4, -1.5)
    ax.tick_params(axis="y", which="both", length=0)
    ax.grid(axis="y", color=FAINT, linewidth=0.5)
    ax.spines["left"].set_visible(False)


def _draw_points(
    ax: Axes, x: pd.Series, y: pd.Series, few: pd.Series, hollow: str = HOLLOW
) -> None:
    """Means as filled circles, as hollow ones where the studies are few; a kind that does not occur is not named."""
    for kind, face, edge, label in ((~few, BLUE, "white", "mean"), (few, "white", BLUE, hollow)):
        rows = kind & x.notna()
        if rows.any():
            ax.plot(
                x[rows],
                y[rows],
                "o",
                color=face,
                markeredgecolor=edge,
                markersize=6,
                zorder=4,
                label=label,
            )


@rc_context(STYLE)
def draw_ridge(
    densities: pd.DataFrame, table: pd.DataFrame, *, rope: float, xlabel: str, title: str
) -> Figure:
    """Posterior densities of contrasts below each other, over the region of practical equivalence (ROPE).

    All ridges have one scale of density, so that each covers the same area; below it stand mean and 95 % interval.

    Parameters
    ----------
    densities : DataFrame
        contrast, value, density: at least two rows per contrast, values increasing.
    table : DataFrame
        contrast, mean, ci_lb, ci_ub, p_positive, exploratory (bool); the order is kept from the top.
    rope : float
        Half the width of the region around zero.

    Raises
    ------
    KeyError
        A contrast of the table has no density.
    """
    names = [wrapped(contrast, 34) for contrast in table["contrast"]]
    figure = Figure((8, 1.5 + len(names) * row_height(names, 0.55)), layout="constrained")
    ax = figure.add_subplot()
    ax.axvspan(
        -rope,
        rope,
        color=FAINT,
        alpha=0.7,
        linewidth=0,
        label=f"practically zero (ROPE ± {rope:g})",
        zorder=0,
    )
    ax.axvline(0, color=GREY, linewidth=0.8, zorder=1)
    _draw_densities(densities, table, ax)
    below = np.arange(len(table)) + 0.13
    ax.hlines(
        below, table["ci_lb"], table["ci_ub"], BLUE, linewidth=2, zorder=3, label="95 % interval"
    )
    ax.plot(
        table["mean"],
        below,
        "o",
        color=BLUE,
        markersize=5,
        markeredgecolor="white",
        zorder=4,
        label="mean",
    )
    beside = offset_copy(ax.get_yaxis_transform(), figure, x=8, units="points")
    ax.text(1, -0.75, "probability", transform=beside, va="center_baseline", weight="bold")
    for y, p_positive in enumerate(table["p_positive"]):
        ax.text(1, y, f"{_percent(p_positive)} above 0", transform=beside, va="center_baseline")
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.6, -1)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    _finish(figure, [ax], 5, title=title, heading=xlabel)
    return figure


def _draw_densities(densities: pd.DataFrame, table: pd.DataFrame, ax: Axes) -> None:
    """A ridge per contrast on the row's own line, the tallest of them most of a row high."""
    curves, peak = densities.groupby("contrast"), densities["density"].max()
    for y, row in enumerate(table.itertuples()):
        curve = curves.get_group(row.contrast)
        kind, alpha = ("posterior, exploratory", 0.25) if row.exploratory else ("posterior", 0.8)
        ridge = y - 0.65 * curve["density"] / peak
        ax.fill_between(
            curve["value"], y, ridge, color=SKY, alpha=alpha, linewidth=0, label=kind, zorder=2
        )
        ax.plot(curve["value"], ridge, color=BLUE, linewidth=0.8, zorder=2)


@rc_context(STYLE)
def draw_quadrants(table: pd.DataFrame, *, xlabel: str, ylabel: str, title: str) -> Figure:
    """One species against the other, a point with crossed 95 % intervals per cell; same signs are tinted.

    Parameters
    ----------
    table : DataFrame
        cell, x_mean, x_ci_lb, x_ci_ub, y_mean, y_ci_lb, y_ci_ub, p_same (probability of the same sign, written behind
        the cell's name), studies_x, studies_y. A cell without both means is left out. Negative is impaired.
    """
    table = table.dropna(subset=["x_mean", "y_mean"])
    shares = map(_percent, table["p_same"])
    names = [
        f"{wrapped(cell, 26)} ({share})" for cell, share in zip(table["cell"], shares, strict=True)
    ]
    figure = Figure((7.2, 7.6), layout="constrained")
    ax = figure.add_subplot(aspect="equal")
    ends = [*table.filter(regex="_ci_").to_numpy().ravel(), -1e-6, 1e-6]
    low, high = min(*ends, -max(ends) / 3), max(*ends, -min(ends) / 3)
    room = 0.06 * (high - low)
    ax.set(
        xlim=(low - room, high + room), ylim=(low - room, high + room), xlabel=xlabel, ylabel=ylabel
    )
    said = _draw_quadrant_words(ax, figure)
    ax.axline(
        (0, 0), slope=1, color=GREY, linewidth=0.8, linestyle="--", zorder=1, label="equal in both"
    )
    crossed: dict[str, Any] = {"color": BLUE, "linewidth": 1, "alpha": 0.55, "zorder": 2}
    ax.hlines(
        table["y_mean"], table["x_ci_lb"], table["x_ci_ub"], label="95 % intervals", **crossed
    )
    ax.vlines(table["x_mean"], table["y_ci_lb"], table["y_ci_ub"], **crossed)
    few = table[["studies_x", "studies_y"]].min(axis=1) < FEW
    _draw_points(ax, table["x_mean"], table["y_mean"], few, f"{HOLLOW} on a side")
    ax.plot([], [], " ", label="(%): probability of the same sign")
    _finish(figure, [ax], 3, title=title, heading=None)
    figure.draw_without_rendering()
    _write_beside(ax, table, names, said)
    return figure


def _draw_quadrant_words(ax: Axes, figure: Figure) -> list[Text]:
    """Tint where the signs agree and say in each quadrant, beside the upright zero line, what it means."""
    ax.axhline(0, color=GREY, linewidth=0.8, zorder=1)
    ax.axvline(0, color=GREY, linewidth=0.8, zorder=1)
    for end in ax.get_xlim():
        ax.fill_between([0, end], 0, end, color=SKY, alpha=0.15, linewidth=0, zorder=0)
    said = []
    for y, va, left, right in (
        (0.985, "top", "opposite", "both enhanced"),
        (0.015, "bottom", "both impaired", "opposite"),
    ):
        for text, ha, shift in ((left, "right", -6), (right, "left", 6)):
            beside = offset_copy(ax.get_xaxis_transform(), figure, x=shift, units="points")
            said.append(
                ax.text(0, y, text, ha=ha, va=va, transform=beside, color=GREY, weight="bold")
            )
    return said


def _write_beside(
    ax: Axes, table: pd.DataFrame, names: Sequence[str], written: Sequence[Text]
) -> None:
    """Write each name near its point where it covers no text, no point and few intervals; far ones get a line."""
    to_pixels = ax.transData.transform
    points = to_pixels(table[["x_mean", "y_mean"]])
    lower, upper = (
        to_pixels(table[["x_ci_lb", "y_ci_lb"]]),
        to_pixels(table[["x_ci_ub", "y_ci_ub"]]),
    )
    along = np.c_[lower[:, 0], points[:, 1] - 1, upper[:, 0], points[:, 1] + 1]
    across = np.c_[points[:, 0] - 1, lower[:, 1], points[:, 0] + 1, upper[:, 1]]
    arms, page = np.vstack([along, across]), np.array([ax.bbox.extents])
    taken = np.vstack(
        [np.c_[points - 6, points + 6], *(text.get_window_extent().extents for text in written)]
    )
    gaps = np.repeat([7, 16, 28, 44, 64, 90, 120, 160, 200], 16)
    angles = np.arange(len(gaps)) * np.pi / 8
    for name, point in zip(names, points, strict=True):
        text = ax.text(0, 0, name, ha="center", va="center", zorder=5)
        text.set_bbox({"facecolor": "white", "alpha": 0.65, "linewidth": 0, "pad": 0.5})
        half = np.array(text.get_window_extent().size) / 2 + 2
        centres = point + np.c_[np.cos(angles), np.sin(angles)] * (gaps[:, None] + half)
        boxes = np.c_[centres - half, centres + half]
        outside = 4 * half.prod() - _covered(boxes, page)
        cost = 100 * (outside + _covered(boxes, taken)) + 0.3 * _covered(boxes, arms) + 2 * gaps
        best = cost.argmin()
        taken = np.vstack([taken, boxes[best]])
        text.set_position(tuple(ax.transData.inverted().transform(centres[best])))
        if gaps[best] > 16:
            ends = np.array([point, point.clip(*boxes[best].reshape(2, 2))])
            ax.plot(
                *ax.transData.inverted().transform(ends).T, color="black", linewidth=0.5, zorder=3
            )


def _covered(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Area of each box (n, 4: left, bottom, right, top) that others (m, 4) cover, summed over them."""
    lower = np.maximum(boxes[:, None, :2], others[:, :2])
    upper = np.minimum(boxes[:, None, 2:], others[:, 2:])
    return (upper - lower).clip(0).prod(axis=-1).sum(axis=-1)


def _percent(probability: float) -> str:
    """A probability in words that never rounds to certainty: `97.3 %`, `> 99.9 %`."""
    if probability > 0.999:
        return "> 99.9 %"
    return "< 0.1 %" if probability < 0.001 else f"{100 * probability:.1f} %"


def _finish(
    figure: Figure, panels: Sequence[Axes], columns: int, *, title: str, heading: str | None
) -> None:
    """Title above; below one legend that names each kind once, headed by the scale."""
    named = {
        label: handle
        for ax in panels
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)
    }
    figure.suptitle(title, x=0.01, ha="left")
    figure.legend(
        list(named.values()), list(named), loc="outside lower center", ncols=columns, title=heading
    )
