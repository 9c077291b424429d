"""Screening of moderators by a forest: importance, dependence, error by the number of trees."""

from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm

from bayesmeta.estimates.text import MINUS
from bayesmeta.output.figures.labels import shortened, wrapped
from bayesmeta.output.figures.panels import Figure, legend_below, panels_of, styled, titled
from bayesmeta.output.figures.row_layout import row_height
from bayesmeta.output.figures.style import BLUE, FAINT, GREY, VERMILLION, Style

NAME = 28  # characters of a line
LEVEL = 18  # characters of a level
SLANTED: Style = {"rotation": 40, "ha": "right", "rotation_mode": "anchor", "size": 7}
UPRIGHT: Style = {"rotation": 90, "size": 5.5}
MAX_SLANTED = 7  # levels; the labels of more are upright
MAX_NUMBERED = 70  # cells of a map in which numbers are written
STRONG = 0.32  # distance from white on the colour scale from which text is white
MIN_SHARE = 0.1  # of resamples, from which a share is written


@styled
def draw_importance(table: pd.DataFrame, *, title: str) -> Figure:
    """Draw the importance of every moderator with its interval, and the shares of its ranks.

    A hollow mark shows the importance on the folds of all studies. At the right are the shares of
    resamples in which a moderator has a rank: darker if larger, written if at least 10 %. Columns
    as from `screening.importance_table`, in order from the top: moderator, mean, ci_lb, ci_ub,
    held_out, p_rank_1, p_rank_2, ...
    """
    names = [wrapped(name, NAME) for name in table["moderator"]]
    figure = titled(title, 8.5, 1.5 + row_height(names, 0.27) * len(table))
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(1.2, 1))
    y = np.arange(len(table))
    left.axvline(0, color=GREY, linewidth=0.8, zorder=1)
    left.hlines(y, table["ci_lb"], table["ci_ub"], BLUE, linewidth=1.6, label="95 % interval")
    left.plot(table["mean"], y, "o", color=BLUE, markersize=4.5, label="mean over resamples")
    diamond: Style = {"color": "white", "markeredgecolor": VERMILLION, "markersize": 4}
    left.plot(table["held_out"], y, "D", label="all studies", **diamond)
    _draw_ranks(table.filter(regex=r"^p_rank_\d+$").to_numpy(), right)
    left.set_yticks(y, names)
    left.set(ylim=(len(table) - 0.4, -0.6), xlabel="increase of the squared error\nwhen permuted")
    legend_below(figure, left, columns=3)
    return figure


def _draw_ranks(shares: np.ndarray, ax: Axes) -> None:
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for row, column in np.argwhere(shares >= MIN_SHARE):
        share = shares[row, column]
        _write_cell(ax, row, column, f"{100 * share:.0f}", white=share > 0.6)
    ranks = np.arange(shares.shape[1])
    ax.set_xticks(ranks, (ranks + 1).astype(str).tolist())
    ax.set_xlabel("rank (% of resamples)")
    ax.tick_params(length=0)


def _write_cell(ax: Axes, row: int, column: int, text: str, *, white: bool) -> None:
    colour = "white" if white else "black"
    ax.text(column, row, text, ha="center", va="center", size=6.5, color=colour)


@styled
def draw_dependence(table: pd.DataFrame, *, title: str, ylabel: str) -> Figure:
    """Draw partial dependence, a panel per moderator on a common scale, with k of every level.

    Columns as from `screening.dependence` with intervals: moderator (panels in their order), level,
    at, k, category (its levels are points; a number is a line with a band), effect, ci_lb, ci_ub.
    """
    moderators = table.groupby("moderator", sort=False)
    rows = -(-len(moderators) // 4)
    figure = titled(title, max(5, 2.5 * min(4, len(moderators))), 0.5 + 2.4 * rows)
    axes = panels_of(figure, len(moderators), 4, sharey=True)
    for (name, part), ax in zip(moderators, axes, strict=True):
        _draw_dependence(part, ax)
        ax.set_title(wrapped(name, NAME))
        ax.axhline(0, color=GREY, linewidth=0.8, zorder=0)
    figure.supylabel(fill(ylabel, 32 * rows), size="medium")
    return figure


def _draw_dependence(table: pd.DataFrame, ax: Axes) -> None:
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


@styled
def draw_pairs(table: pd.DataFrame, *, title: str, label: str) -> Figure:
    """Draw partial dependence on pairs of moderators as maps, on a scale that is white at zero.

    Pairs of levels without effects are hatched. Columns as from `screening.pair_dependence`, a
    panel per pair in their order: first, second, level_1, at_1, level_2, at_2, k, effect. `label`
    names the scale.
    """
    pairs = [rows for _, rows in table.groupby(["first", "second"], sort=False)]
    reach = max(1e-9, float(table.loc[table["k"] > 0, "effect"].abs().max()))
    norm = TwoSlopeNorm(0, -reach, reach)
    figure = titled(title, 1.2 + 3.3 * min(3, len(pairs)), 0.6 + 3.1 * -(-len(pairs) // 3))
    axes = panels_of(figure, len(pairs), 3)
    for pair, ax in zip(pairs, axes, strict=True):
        _draw_map(pair, ax, norm)
    figure.colorbar(axes[0].images[0], ax=axes, label=label, shrink=0.8, pad=0.02)
    return figure


def _draw_map(table: pd.DataFrame, ax: Axes, norm: TwoSlopeNorm) -> None:
    rows, columns = (
        table.drop_duplicates(f"level_{at}").sort_values(f"at_{at}")[f"level_{at}"].tolist()
        for at in (1, 2)
    )
    cells = table["level_1"].map(rows.index), table["level_2"].map(columns.index)
    values = np.full((len(rows), len(columns)), np.nan)
    values[cells] = table["effect"].where(table["k"] > 0)
    ax.patch.set(hatch="////", edgecolor=FAINT, facecolor="white")
    ax.imshow(values, cmap="RdBu", norm=norm, aspect="auto")
    if values.size <= MAX_NUMBERED:
        for row, column in np.argwhere(~np.isnan(values)):
            value = values[row, column]
            strong = abs(float(norm(value)) - 0.5) > STRONG
            _write_cell(ax, row, column, f"{value:z.1f}".replace("-", MINUS), white=strong)
    ax.set_xticks(range(len(columns)), [shortened(name, LEVEL) for name in columns], **SLANTED)
    ax.set_yticks(range(len(rows)), [shortened(name, LEVEL) for name in rows], size=7)
    first, second = (wrapped(table[name].iloc[0], NAME) for name in ("first", "second"))
    ax.set(xlabel=second, ylabel=first)
    ax.tick_params(length=0)


@styled
def draw_convergence(table: pd.DataFrame, *, title: str) -> Figure:
    """Draw the error of a forest: trees, held_out (folds that were not used), out_of_bag."""
    figure = titled(title, 5.5, 3.4)
    ax = figure.add_subplot(xlabel="trees", ylabel="mean squared error")
    trees = table["trees"]
    ax.plot(trees, table["held_out"], "-o", color=VERMILLION, markersize=3, label="held-out folds")
    ax.plot(trees, table["out_of_bag"], "-o", color=BLUE, markersize=3, label="out-of-bag effects")
    ax.set_ylim(0, None)
    legend_below(figure, ax, columns=2)
    return figure
