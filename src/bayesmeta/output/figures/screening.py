"""Screening of moderators by a forest: importance, dependence, error by the number of trees."""

from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm

from bayesmeta.estimates.text import MINUS
from bayesmeta.output.figures.row_layout import row_height, shortened, wrapped
from bayesmeta.output.figures.style import BLUE, FAINT, GREY, STYLE, VERMILLION, Figure, Style

NAME = 28  # characters of a line
LEVEL = 18  # characters of a level
SLANTED: dict[str, Any] = {"rotation": 40, "ha": "right", "rotation_mode": "anchor", "size": 7}
UPRIGHT: dict[str, Any] = {"rotation": 90, "size": 5.5}
MAX_SLANTED = 7  # levels; the labels of more are upright
COLUMNS = 4
MAX_NUMBERED = 70  # cells of a map in which numbers are written
STRONG = 0.32  # distance from white on the colour scale from which text is white
MIN_SHARE = 0.1  # of resamples, from which a share is written


def importances(table: pd.DataFrame, ax: Axes) -> Axes:
    """Draw the importance of every moderator with its interval, from the top.

    A hollow mark shows the importance on the folds of all studies. Columns: moderator, mean, ci_lb,
    ci_ub, held_out.
    """
    y = np.arange(len(table))
    bounds = (table["ci_lb"], table["ci_ub"])
    ax.axvline(0, color=GREY, linewidth=0.8, zorder=1)
    ax.hlines(y, *bounds, BLUE, linewidth=1.6, label="95 % interval")
    ax.plot(table["mean"], y, "o", color=BLUE, markersize=4.5, label="mean over resamples")
    diamond: Style = {"color": "white", "markeredgecolor": VERMILLION, "markersize": 4}
    ax.plot(table["held_out"], y, "D", label="all studies", **diamond)
    ax.set_yticks(y, [wrapped(name, NAME) for name in table["moderator"]])
    ax.set(ylim=(len(table) - 0.4, -0.6), xlabel="increase of the squared error\nwhen permuted")
    return ax


def rank_shares(table: pd.DataFrame, ax: Axes) -> Axes:
    """Draw the share of resamples in which a moderator has a rank; darker cells are larger.

    Shares of at least 10 % are written. Columns: moderator, p_rank_1, p_rank_2, ...
    """
    shares = table.filter(regex=r"^p_rank_\d+$").to_numpy()
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for row, column in np.argwhere(shares >= MIN_SHARE):
        share = shares[row, column]
        colour = "white" if share > 0.6 else "black"
        text = f"{100 * share:.0f}"
        ax.text(column, row, text, ha="center", va="center", size=6.5, color=colour)
    ranks = range(1, shares.shape[1] + 1)
    ax.set_xticks(range(shares.shape[1]), [str(rank) for rank in ranks])
    ax.set_xlabel("rank (% of resamples)")
    ax.tick_params(length=0)
    return ax


@rc_context(STYLE)
def draw_importance(table: pd.DataFrame, *, title: str) -> Figure:
    """Draw `importances` at the left, `rank_shares` of the same moderators at the right.

    Parameters
    ----------
    table : DataFrame
        As from `screening.importance_table`, in order from the top.
    title : str
        Text above the panels; it should name the target.
    """
    row = row_height([wrapped(name, NAME) for name in table["moderator"]], 0.27)
    figure = Figure((8.5, 1.5 + row * len(table)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(1.2, 1))
    importances(table, left)
    rank_shares(table, right)
    figure.suptitle(title, x=0.01, ha="left")
    entries = left.get_legend_handles_labels()
    figure.legend(*entries, loc="outside lower center", ncols=3)
    return figure


def dependence(table: pd.DataFrame, ax: Axes) -> Axes:
    """Draw partial dependence: the levels of a category as points, a number as a line with a band.

    Columns: level, at, k, category, effect, ci_lb, ci_ub.
    """
    effect, low, high = (table[name].to_numpy() for name in ("effect", "ci_lb", "ci_ub"))
    if table["category"].iloc[0]:
        at = np.arange(len(table))
        ax.vlines(at, low, high, BLUE, linewidth=1.6)
        ax.plot(at, effect, "o", color=BLUE, markersize=4)
        levels = zip(table["level"], table["k"], strict=True)
        labels = [f"{shortened(level, LEVEL)} ({k})" for level, k in levels]
        ax.set_xticks(at, labels, **(UPRIGHT if len(table) > MAX_SLANTED else SLANTED))
        ax.set_xlim(-0.6, len(table) - 0.4)
    else:
        ax.fill_between(table["at"], low, high, color=BLUE, alpha=0.2, linewidth=0)
        ax.plot(table["at"], effect, "-o", color=BLUE, markersize=3)
    return ax


@rc_context(STYLE)
def draw_dependence(table: pd.DataFrame, *, title: str, ylabel: str) -> Figure:
    """Draw a panel of `dependence` per moderator on a common scale, with k of every level.

    Parameters
    ----------
    table : DataFrame
        As from `screening.dependence` with intervals; moderators keep their order.
    title, ylabel : str
        Text above the panels; the target.
    """
    names = list(table["moderator"].unique())
    rows = -(-len(names) // COLUMNS)
    columns = min(COLUMNS, len(names))
    figure = Figure((max(5, 2.5 * columns), 0.5 + 2.4 * rows), layout="constrained")
    axes = list(figure.subplots(rows, columns, sharey=True, squeeze=False).flat)
    for name, ax in zip(names, axes, strict=False):
        dependence(table[table["moderator"] == name], ax).set_title(wrapped(name, NAME))
        ax.axhline(0, color=GREY, linewidth=0.8, zorder=0)
    for spare in axes[len(names) :]:
        spare.remove()
    figure.suptitle(title, x=0.01, ha="left")
    figure.supylabel(fill(ylabel, 32 * rows), size="medium")
    return figure


def pair_map(table: pd.DataFrame, ax: Axes, norm: TwoSlopeNorm) -> Axes:
    """Draw partial dependence on two moderators as a map; pairs without effects are hatched.

    Columns: first, second, level_1, at_1, level_2, at_2, k, effect.
    """
    rows = _levels(table, "level_1", "at_1")
    columns = _levels(table, "level_2", "at_2")
    row = table["level_1"].map(rows.index).to_numpy()
    column = table["level_2"].map(columns.index).to_numpy()
    values = np.full((len(rows), len(columns)), np.nan)
    values[row, column] = table["effect"].where(table["k"] > 0)
    ax.patch.set(hatch="////", edgecolor=FAINT, facecolor="white")
    ax.imshow(values, cmap="RdBu", norm=norm, aspect="auto")
    if values.size <= MAX_NUMBERED:
        _write_values(values, ax, norm)
    ax.set_xticks(range(len(columns)), [shortened(name, LEVEL) for name in columns], **SLANTED)
    ax.set_yticks(range(len(rows)), [shortened(name, LEVEL) for name in rows], size=7)
    first, second = (wrapped(table[name].iloc[0], NAME) for name in ("first", "second"))
    ax.set(xlabel=second, ylabel=first)
    ax.tick_params(length=0)
    return ax


def _levels(table: pd.DataFrame, level: str, at: str) -> list[str]:
    """Return the levels of a moderator in order."""
    levels: list[str] = table.drop_duplicates(level).sort_values(at)[level].tolist()
    return levels


def _write_values(values: np.ndarray, ax: Axes, norm: TwoSlopeNorm) -> None:
    """Write the value of every cell that has effects, white on strong colours."""
    for row, column in np.argwhere(~np.isnan(values)):
        value = values[row, column]
        strong = abs(float(norm(value)) - 0.5) > STRONG
        text = f"{value:z.1f}".replace("-", MINUS)
        colour = "white" if strong else "black"
        ax.text(column, row, text, ha="center", va="center", size=6.5, color=colour)


@rc_context(STYLE)
def draw_pairs(table: pd.DataFrame, *, title: str, label: str) -> Figure:
    """Draw a panel of `pair_map` per pair of moderators, on a common scale that is white at zero.

    Parameters
    ----------
    table : DataFrame
        As from `screening.pair_dependence`, of as many pairs as there are panels, in their order.
    title, label : str
        Text above the panels; the name of the scale.
    """
    pairs = [rows for _, rows in table.groupby(["first", "second"], sort=False)]
    reach = max(1e-9, float(table.loc[table["k"] > 0, "effect"].abs().max()))
    norm = TwoSlopeNorm(0, -reach, reach)
    columns = min(3, len(pairs))
    rows = -(-len(pairs) // columns)
    figure = Figure((1.2 + 3.3 * columns, 0.6 + 3.1 * rows), layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for pair, ax in zip(pairs, axes, strict=False):
        pair_map(pair, ax, norm)
    for spare in axes[len(pairs) :]:
        spare.remove()
    figure.suptitle(title, x=0.01, ha="left")
    image = axes[0].images[0]
    figure.colorbar(image, ax=axes[: len(pairs)], label=label, shrink=0.8, pad=0.02)
    return figure


@rc_context(STYLE)
def draw_convergence(table: pd.DataFrame, *, title: str) -> Figure:
    """Draw the forest's error by the number of trees.

    Columns: trees, held_out (folds that were not used), out_of_bag.
    """
    figure = Figure((5.5, 3.4), layout="constrained")
    ax = figure.add_subplot()
    trees = table["trees"]
    ax.plot(trees, table["held_out"], "-o", color=VERMILLION, markersize=3, label="held-out folds")
    ax.plot(trees, table["out_of_bag"], "-o", color=BLUE, markersize=3, label="out-of-bag effects")
    ax.set(xlabel="trees", ylabel="mean squared error", ylim=(0, None))
    figure.suptitle(title, x=0.01, ha="left")
    figure.legend(loc="outside lower center", ncols=2)
    return figure
