"""Risk of bias: the number of studies with low, unclear and high risk, by item of a form."""

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes

from bayesmeta.output.figures.row_layout import row_height, wrapped
from bayesmeta.output.figures.style import BLUE, STYLE, VERMILLION, Figure, Style

COLOURS = {  # of a bar, and of the number in it
    "yes": (BLUE, "white"),
    "unclear": ("#E8E8E8", "black"),
    "no": (VERMILLION, "black"),
}
MEANINGS = {"yes": "yes: low risk", "unclear": "unclear", "no": "no: high risk"}
DIGIT = 1.3  # percent of a panel's width; a bar shows its number if it is wide enough
NAME = 30  # characters of a line of an item's name


def risk_of_bias(table: pd.DataFrame, ax: Axes) -> Axes:
    """Draw a bar per item from the top: yes, unclear and no from the left, with their numbers.

    Columns: item, yes, unclear, no, assessed (the length of the bar).
    """
    y = np.arange(len(table))
    start = np.zeros(len(table))
    for answer, (colour, ink) in COLOURS.items():
        share = (100 * table[answer] / table["assessed"]).to_numpy(float)
        style: Style = {"color": colour, "edgecolor": "white", "linewidth": 0.6}
        ax.barh(y, share, 0.72, start, label=MEANINGS[answer], **style)
        for row, (width, count) in enumerate(zip(share, table[answer], strict=True)):
            text = f"{count:,}"
            if count and width > DIGIT * len(text):
                middle = start[row] + width / 2
                ax.text(middle, row, text, ha="center", va="center", size=7.5, color=ink)
        start += share
    ax.set_yticks(y, [wrapped(item, NAME) for item in table["item"]])
    ax.set(xlim=(0, 100), ylim=(len(table) - 0.5, -0.5))
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    return ax


@rc_context(STYLE)
def draw_risk_of_bias(table: pd.DataFrame, *, title: str) -> Figure:
    """Draw a panel of `risk_of_bias` per form, with the number of assessed studies.

    Parameters
    ----------
    table : DataFrame
        As from `trace.risk_of_bias_table`: form, item, yes, unclear, no, assessed,
        studies, basis.
    title : str
        Text above the panels.
    """
    forms = [rows for _, rows in table.groupby("form", sort=False)]
    row = row_height([wrapped(item, NAME) for item in table["item"]], 0.27)
    height = 1.3 + sum(0.35 + row * len(rows) for rows in forms)
    figure = Figure((7, height), layout="constrained")
    heights = [len(rows) for rows in forms]
    panels = figure.subplots(len(forms), 1, squeeze=False, sharex=True, height_ratios=heights)
    axes = panels.ravel()
    for rows, ax in zip(forms, axes, strict=True):
        risk_of_bias(rows, ax)
        first = rows.iloc[0]
        ax.set_title(f"{first['form']}: {first['assessed']} of {first['studies']} studies assessed")
    basis = table["basis"].iloc[0].partition(":")[0]
    axes[-1].set_xlabel(f"% of the studies assessed ({basis})")
    figure.suptitle(title, x=0.01, ha="left")
    entries = axes[0].get_legend_handles_labels()
    figure.legend(*entries, loc="outside lower center", ncols=3)
    return figure
