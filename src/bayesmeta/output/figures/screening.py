"""Which moderators a forest uses: importance and ranks, dependence on one and on two, error by the number of trees."""

from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm

from bayesmeta.output.figures.rows import row_height, shortened, wrapped
from bayesmeta.output.figures.style import BLUE, FAINT, GREY, STYLE, VERMILLION, Figure

NAME, LEVEL = 28, 18  # characters of a line, and of a level
TICK: dict[str, Any] = {"rotation": 40, "ha": "right", "rotation_mode": "anchor", "size": 7}
CROWDED: dict[str, Any] = {"rotation": 90, "size": 5.5}
COLUMNS = 4
WRITTEN = 70  # cells of a map up to which each has its number


def importances(table: pd.DataFrame, ax: Axes) -> Axes:
    """Draw each moderator's importance with its interval, from the top; hollow, that on the folds of all studies.

    Columns: moderator, mean, ci_lb, ci_ub, held_out.
    """
    y = np.arange(len(table))
    ax.axvline(0, color=GREY, linewidth=0.8, zorder=1)
    ax.hlines(y, table["ci_lb"], table["ci_ub"], BLUE, linewidth=1.6, label="95 % interval")
    ax.plot(table["mean"], y, "o", color=BLUE, markersize=4.5, label="mean over resamples")
    ax.plot(
        table["held_out"],
        y,
        "D",
        color="white",
        markeredgecolor=VERMILLION,
        markersize=4,
        label="all studies",
    )
    ax.set_yticks(y, [wrapped(name, NAME) for name in table["moderator"]])
    ax.set(ylim=(len(table) - 0.4, -0.6), xlabel="increase of the squared error\nwhen permuted")
    return ax


def rank_shares(table: pd.DataFrame, ax: Axes) -> Axes:
    """Draw the share of resamples where a moderator has a rank, the darker the more; shares of 10 % are written.

    Columns: moderator, p_rank_1, p_rank_2, ...
    """
    shares = table.filter(regex=r"^p_rank_\d+$").to_numpy()
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for row, column in np.argwhere(shares >= 0.1):
        share = shares[row, column]
        colour = "white" if share > 0.6 else "black"
        ax.text(column, row, f"{100 * share:.0f}", ha="center", va="center", size=6.5, color=colour)
    ax.set_xticks(range(shares.shape[1]), [str(rank) for rank in range(1, shares.shape[1] + 1)])
    ax.set_xlabel("rank (% of resamples)")
    ax.tick_params(length=0)
    return ax


@rc_context(STYLE)
def draw_importance(table: pd.DataFrame, *, title: str) -> Figure:
    """Left `importances`, right `rank_shares` of the same moderators.

    Parameters
    ----------
    table : DataFrame
        Of `screening.importance_table`; its order is kept from the top.
    title : str
        Written above; it should name the target.
    """
    row = row_height([wrapped(name, NAME) for name in table["moderator"]], 0.27)
    figure = Figure((8.5, 1.5 + row * len(table)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(1.2, 1))
    importances(table, left)
    rank_shares(table, right)
    figure.suptitle(title, x=0.01, ha="left")
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def dependence(table: pd.DataFrame, ax: Axes) -> Axes:
    """Draw partial dependence on one moderator: a category's levels as points, a number as a line with a band.

    Columns: level, at, k, category, effect, ci_lb, ci_ub.
    """
    middle, low, high = (table[name].to_numpy() for name in ("effect", "ci_lb", "ci_ub"))
    if table["category"].iloc[0]:
        at = np.arange(len(table))
        ax.vlines(at, low, high, BLUE, linewidth=1.6)
        ax.plot(at, middle, "o", color=BLUE, markersize=4)
        labels = [
            f"{shortened(level, LEVEL)} ({k})"
            for level, k in zip(table["level"], table["k"], strict=True)
        ]
        ax.set_xticks(at, labels, **(CROWDED if len(table) > 7 else TICK))
        ax.set_xlim(-0.6, len(table) - 0.4)
    else:
        ax.fill_between(table["at"], low, high, color=BLUE, alpha=0.2, linewidth=0)
        ax.plot(table["at"], middle, "-o", color=BLUE, markersize=3)
    return ax


@rc_context(STYLE)
def draw_dependence(table: pd.DataFrame, *, title: str, ylabel: str) -> Figure:
    """A panel of `dependence` per moderator, on one scale, with the number of effects behind each level.

    Parameters
    ----------
    table : DataFrame
        Of `screening.dependence` with intervals; moderators keep their order.
    title, ylabel : str
        Written above; what the target is.
    """
    names = list(table["moderator"].unique())
    rows, columns = -(-len(names) // COLUMNS), min(COLUMNS, len(names))
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
    """Draw partial dependence on two moderators as a map; what no effect has is hatched.

    Columns: first, second, level_1, at_1, level_2, at_2, k, effect.
    """
    rows, columns = (
        table.drop_duplicates(level).sort_values(at)[level].tolist()
        for level, at in (("level_1", "at_1"), ("level_2", "at_2"))
    )
    place = (
        table["level_1"].map(rows.index).to_numpy(),
        table["level_2"].map(columns.index).to_numpy(),
    )
    values = np.full((len(rows), len(columns)), np.nan)
    values[place] = table["effect"].where(table["k"] > 0)
    ax.patch.set(hatch="////", edgecolor=FAINT, facecolor="white")
    ax.imshow(values, cmap="RdBu", norm=norm, aspect="auto")
    for row, column in np.argwhere(~np.isnan(values)) if values.size <= WRITTEN else []:
        strong = abs(float(norm(values[row, column])) - 0.5) > 0.32
        text = f"{values[row, column]:z.1f}".replace("-", "−")
        ax.text(
            column,
            row,
            text,
            ha="center",
            va="center",
            size=6.5,
            color="white" if strong else "black",
        )
    ax.set_xticks(range(len(columns)), [shortened(name, LEVEL) for name in columns], **TICK)
    ax.set_yticks(range(len(rows)), [shortened(name, LEVEL) for name in rows], size=7)
    ax.set(
        xlabel=wrapped(table["second"].iloc[0], NAME), ylabel=wrapped(table["first"].iloc[0], NAME)
    )
    ax.tick_params(length=0)
    return ax


@rc_context(STYLE)
def draw_pairs(table: pd.DataFrame, *, title: str, label: str) -> Figure:
    """A panel of `pair_map` per pair of moderators, white at zero, on one scale that `label` names.

    Parameters
    ----------
    table : DataFrame
        Of `screening.pair_dependence`, of as many pairs as there are panels, in their order.
    """
    pairs = [rows for _, rows in table.groupby(["first", "second"], sort=False)]
    reach = max(1e-9, float(table.loc[table["k"] > 0, "effect"].abs().max()))
    norm, columns = TwoSlopeNorm(0, -reach, reach), min(3, len(pairs))
    rows = -(-len(pairs) // columns)
    figure = Figure((1.2 + 3.3 * columns, 0.6 + 3.1 * rows), layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for each, ax in zip(pairs, axes, strict=False):
        pair_map(each, ax, norm)
    for spare in axes[len(pairs) :]:
        spare.remove()
    figure.suptitle(title, x=0.01, ha="left")
    figure.colorbar(axes[0].images[0], ax=axes[: len(pairs)], label=label, shrink=0.8, pad=0.02)
    return figure


@rc_context(STYLE)
def draw_convergence(table: pd.DataFrame, *, title: str) -> Figure:
    """The forest's error by the number of trees; columns: trees, held_out (folds not seen), out_of_bag."""
    figure = Figure((5.5, 3.4), layout="constrained")
    ax = figure.add_subplot()
    ax.plot(
        table["trees"],
        table["held_out"],
        "-o",
        color=VERMILLION,
        markersize=3,
        label="on folds held out",
    )
    ax.plot(
        table["trees"],
        table["out_of_bag"],
        "-o",
        color=BLUE,
        markersize=3,
        label="on effects out of the bag",
    )
    ax.set(xlabel="trees", ylabel="mean squared error", ylim=(0, None))
    figure.suptitle(title, x=0.01, ha="left")
    figure.legend(loc="outside lower center", ncols=2)
    return figure
