"""What new studies would bring: expected widths and probabilities against their number."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from bayesmeta.output.figures.style import FAINT, GREY, Figure, panelled, words

ENOUGH = 0.8
QUANTITIES = {"width": "width of 95 % interval", "p_settled": "P(sign settled)"}


def plan(table: pd.DataFrame, axes: Sequence[Axes]) -> Sequence[Axes]:
    """Draw curves against the number of new studies, a line per size of an arm: two panels for each contrast.

    Columns: contrast, quantity (width or p_settled, in panels of their own), per_arm, studies, value, low, high (a
    band), today (dashed), floor (below which no number of studies leads; 0 or missing for none), note (above the
    second panel).
    """
    for at, (contrast, rows) in enumerate(table.groupby("contrast", sort=False)):
        width, settled = axes[2 * at : 2 * at + 2]
        for quantity, ax in zip(QUANTITIES, (width, settled), strict=True):
            _curves(rows[rows["quantity"] == quantity], ax)
            ax.set_ylabel(QUANTITIES[quantity])
            ax.tick_params(labelbottom=True)
        name, floor = str(contrast), rows["floor"].iloc[0]
        if floor > 0:
            width.axhline(floor, color=GREY, linestyle=":", linewidth=1)
            place: Any = (0.99, floor), (0, -2), width.get_yaxis_transform(), "offset points"
            width.annotate(
                "terms that are not measured", *place, size=7, color=GREY, ha="right", va="top"
            )
        width.set(ylim=(0, None), title=name if ": " in name else words(name))
        settled.axhline(ENOUGH, color=FAINT, linewidth=1, label="probability .8", zorder=0.5)
        settled.set(ylim=(-0.03, 1.03), title=rows["note"].iloc[0])
    return axes


def _curves(rows: pd.DataFrame, ax: Axes) -> None:
    ax.axhline(
        rows["today"].iloc[0], color=GREY, linestyle="--", linewidth=1, label="today", zorder=1
    )
    for per_arm, curve in rows.groupby("per_arm"):
        (line,) = ax.plot(
            curve["studies"], curve["value"], label=f"{per_arm} per arm", marker=".", markersize=3
        )
        ax.fill_between(
            curve["studies"],
            curve["low"],
            curve["high"],
            color=line.get_color(),
            alpha=0.15,
            linewidth=0,
        )
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))


def draw_plan(table: pd.DataFrame, *, xlabel: str, title: str) -> Figure:
    """A figure with `plan`: the two panels of a contrast side by side, two contrasts in a row where there are many."""
    panels = 2 * table["contrast"].nunique()
    columns = 2 if panels <= 8 else 4
    with panelled(title, panels, columns=columns, size=(4.2, 2.3), sharex="all", xlabel=xlabel) as (
        figure,
        axes,
    ):
        plan(table, axes)
        figure.align_ylabels(axes)
    return figure
