"""Risk of bias: the number of studies with low, unclear and high risk, by item of a form."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from bayesmeta.output.figures.labels import wrapped
from bayesmeta.output.figures.panels import Figure, legend_below, panels_of, styled, titled
from bayesmeta.output.figures.row_layout import name_rows, row_height
from bayesmeta.output.figures.style import BLUE, VERMILLION, Style

ANSWERS = {  # label and colour of a bar, and colour of the number in it
    "yes": ("yes: low risk", BLUE, "white"),
    "unclear": ("unclear", "#E8E8E8", "black"),
    "no": ("no: high risk", VERMILLION, "black"),
}
DIGIT = 1.3  # percent of a panel's width; a bar shows its number if it is wide enough
NAME = 30  # characters of a line of an item's name


@styled
def draw_risk_of_bias(table: pd.DataFrame, *, title: str) -> Figure:
    """Draw a panel per form, with the number of assessed studies, and in it a bar per item.

    Columns as from `trace.risk_of_bias_table`: form, item (from the top), yes, unclear, no,
    assessed (the length of the bar), studies, basis.
    """
    forms = [rows for _, rows in table.groupby("form", sort=False)]
    row = row_height([wrapped(item, NAME) for item in table["item"]], 0.27)
    heights = [len(rows) for rows in forms]
    figure = titled(title, 7, 1.3 + sum(0.35 + row * rows for rows in heights))
    axes = panels_of(figure, len(forms), 1, sharex=True, height_ratios=heights)
    for rows, ax in zip(forms, axes, strict=True):
        _draw_items(rows, ax)
        first = rows.iloc[0]
        ax.set_title(f"{first['form']}: {first['assessed']} of {first['studies']} studies assessed")
    basis = table["basis"].iloc[0].partition(":")[0]
    axes[-1].set_xlabel(f"% of the studies assessed ({basis})")
    legend_below(figure, axes[0], columns=3)
    return figure


def _draw_items(table: pd.DataFrame, ax: Axes) -> None:
    y = np.arange(len(table))
    start = np.zeros(len(table))
    for answer, (label, colour, ink) in ANSWERS.items():
        share = (100 * table[answer] / table["assessed"]).to_numpy(float)
        style: Style = {"color": colour, "edgecolor": "white", "linewidth": 0.6}
        ax.barh(y, share, 0.72, start, label=label, **style)
        for row, (width, count) in enumerate(zip(share, table[answer], strict=True)):
            text = f"{count:,}"
            if count and width > DIGIT * len(text):
                middle = start[row] + width / 2
                ax.text(middle, row, text, ha="center", va="center", size=7.5, color=ink)
        start += share
    ax.set_xlim(0, 100)
    name_rows(ax, [wrapped(item, NAME) for item in table["item"]])
