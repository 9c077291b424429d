"""Expected interval widths and probabilities against the number of new studies."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from bayesmeta.estimates.conventions import TARGET_P_SETTLED
from bayesmeta.estimates.text import words
from bayesmeta.output.figures.panels import Figure, panelled
from bayesmeta.output.figures.style import FAINT, GREY, Style

QUANTITIES = {"width": "width of 95 % interval", "p_settled": "P(sign settled)"}


def plan(table: pd.DataFrame, axes: Sequence[Axes]) -> Sequence[Axes]:
    """Draw curves against the number of new studies, a line per size of an arm.

    Columns: contrast, quantity (width or p_settled), per_arm, studies, value, low, high (a band),
    today (dashed), floor (a width that no number of studies can go below; 0 or missing for none),
    note (above the second panel). A contrast has two axes, for the width and for p_settled.
    """
    for at, (contrast, rows) in enumerate(table.groupby("contrast", sort=False)):
        width, settled = axes[2 * at : 2 * at + 2]
        for (quantity, label), ax in zip(QUANTITIES.items(), (width, settled), strict=True):
            _draw_curves(rows[rows["quantity"] == quantity], ax)
            ax.set_ylabel(label)
            ax.tick_params(labelbottom=True)
        _draw_floor(rows["floor"].iloc[0], width)
        width.set(ylim=(0, None), title=words(contrast))
        line: Style = {"color": FAINT, "linewidth": 1, "zorder": 0.5}
        settled.axhline(TARGET_P_SETTLED, label="probability .8", **line)
        settled.set(ylim=(-0.03, 1.03), title=rows["note"].iloc[0])
    return axes


def _draw_curves(rows: pd.DataFrame, ax: Axes) -> None:
    today = rows["today"].iloc[0]
    ax.axhline(today, color=GREY, linestyle="--", linewidth=1, label="today", zorder=1)
    for per_arm, curve in rows.groupby("per_arm"):
        studies = curve["studies"]
        label = f"{per_arm} per arm"
        (line,) = ax.plot(studies, curve["value"], label=label, marker=".", markersize=3)
        band: Style = {"color": line.get_color(), "alpha": 0.15, "linewidth": 0}
        ax.fill_between(studies, curve["low"], curve["high"], **band)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))


def _draw_floor(floor: float, ax: Axes) -> None:
    if floor > 0:
        ax.axhline(floor, color=GREY, linestyle=":", linewidth=1)
        place: Any = (0.99, floor), (0, -2), ax.get_yaxis_transform(), "offset points"
        style: Style = {"size": 7, "color": GREY, "ha": "right", "va": "top"}
        ax.annotate("terms that are not measured", *place, **style)


def draw_plan(table: pd.DataFrame, *, xlabel: str, title: str) -> Figure:
    """Draw a figure with `plan`: two panels per contrast, two contrasts in a row if many."""
    panels = 2 * table["contrast"].nunique()
    columns = 2 if panels <= 8 else 4
    grid = panelled(title, panels, columns=columns, size=(4.2, 2.3), sharex="all", xlabel=xlabel)
    with grid as (figure, axes):
        plan(table, axes)
        figure.align_ylabels(axes)
    return figure
