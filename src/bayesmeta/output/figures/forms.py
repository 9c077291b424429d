"""Risk of bias: how many studies meet each item of a form."""

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes

from bayesmeta.output.figures.rows import row_height, wrapped
from bayesmeta.output.figures.style import BLUE, STYLE, VERMILLION, Figure

# the colour of a bar and of the number in it
MARKS = {"yes": (BLUE, "white"), "unclear": ("#E8E8E8", "black"), "no": (VERMILLION, "black")}
MEANINGS = {"yes": "yes: low risk", "unclear": "unclear", "no": "no: high risk"}
LETTER = 0.013  # of the width of a panel, so that a number stands only in a bar that holds it
NAME = 30


def risk_of_bias(table: pd.DataFrame, ax: Axes) -> Axes:
    """Draw a bar per item from the top, yes, unclear and no from the left, each with its number where it has the room.

    Columns: item, yes, unclear, no, assessed (the whole of a bar).
    """
    y, start = np.arange(len(table)), np.zeros(len(table))
    for mark, (colour, ink) in MARKS.items():
        share = (100 * table[mark] / table["assessed"]).to_numpy(float)
        ax.barh(
            y,
            share,
            0.72,
            start,
            color=colour,
            edgecolor="white",
            linewidth=0.6,
            label=MEANINGS[mark],
        )
        for row, (width, count) in enumerate(zip(share, table[mark], strict=True)):
            if count and width > 100 * LETTER * len(f"{count:,}"):
                ax.text(
                    start[row] + width / 2,
                    row,
                    f"{count:,}",
                    ha="center",
                    va="center",
                    size=7.5,
                    color=ink,
                )
        start += share
    ax.set_yticks(y, [wrapped(item, NAME) for item in table["item"]])
    ax.set(xlim=(0, 100), ylim=(len(table) - 0.5, -0.5))
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    return ax


@rc_context(STYLE)
def draw_risk_of_bias(table: pd.DataFrame, *, title: str) -> Figure:
    """A panel of `risk_of_bias` per form, and on what studies it rests.

    Parameters
    ----------
    table : DataFrame
        As from `characteristics.risk_of_bias_table`: form, item, yes, unclear, no, assessed, studies, basis.
    title : str
        Written above.
    """
    forms = [rows for _, rows in table.groupby("form", sort=False)]
    row = row_height([wrapped(item, NAME) for item in table["item"]], 0.27)
    figure = Figure((7, 1.3 + sum(0.35 + row * len(rows) for rows in forms)), layout="constrained")
    heights = [len(rows) for rows in forms]
    axes = figure.subplots(len(forms), 1, squeeze=False, sharex=True, height_ratios=heights).ravel()
    for rows, ax in zip(forms, axes, strict=True):
        risk_of_bias(rows, ax)
        first = rows.iloc[0]
        ax.set_title(f"{first['form']}: {first['assessed']} of {first['studies']} studies assessed")
    axes[-1].set_xlabel(f"% of the studies assessed ({table['basis'].iloc[0].partition(':')[0]})")
    figure.suptitle(title, x=0.01, ha="left")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure
