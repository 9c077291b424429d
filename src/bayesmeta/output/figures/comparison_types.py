"""A matrix of results by type of comparison: direction, estimate and number of effects."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from bayesmeta.estimates.text import words
from bayesmeta.output.figures.panels import Figure, styled, titled
from bayesmeta.output.figures.row_layout import name_rows
from bayesmeta.output.figures.style import BLUE, GREY, VERMILLION, Style

LEVEL = 0.05  # two-sided p of a direction
DIRECTIONS = {"up": ("▲", BLUE), "down": ("▼", VERMILLION), "open": ("○", GREY)}
CELL = 1.5  # inches


def direction(row: pd.Series) -> str:
    """Return up or down if p is below .05, else open."""
    if not row["pval"] < LEVEL:
        return "open"
    return "up" if row["estimate"] > 0 else "down"


@styled
def draw_comparison_types(table: pd.DataFrame, *, xlabel: str, title: str) -> Figure:
    """Draw a row per term, a column per analysis: direction, estimate, effects and studies.

    Columns: analysis, term, estimate, pval, k, studies. A term that an analysis lacks is blank.
    """
    analyses, terms = (list(table[name].unique()) for name in ("analysis", "term"))
    figure = titled(title, 2.8 + CELL * len(analyses), 1.5 + 0.5 * len(terms))
    ax = figure.add_subplot()
    for _, row in table.iterrows():
        _draw_cell(ax, analyses.index(row["analysis"]), terms.index(row["term"]), row)
    ax.set_xticks(range(len(analyses)), analyses)
    ax.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
    ax.spines[:].set_visible(False)
    name_rows(ax, [words(term) for term in terms])
    ax.set(xlim=(-0.5, len(analyses) - 0.5), ylim=(len(terms) - 0.5, -0.5))
    legend = "▲ positive, ▼ negative (p < .05), ○ not settled; k effects in studies"
    ax.set_xlabel(f"{xlabel}\n{legend}")
    return figure


def _draw_cell(ax: Axes, x: int, y: int, row: pd.Series) -> None:
    mark, colour = DIRECTIONS[direction(row)]
    face: Style = {"facecolor": (colour, 0.18), "edgecolor": "white", "linewidth": 2}
    ax.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, **face))
    estimate = f"{row['estimate']:.2f}".replace("-", "−")
    counts = f"k = {row['k']} in {row['studies']}"
    ax.text(x, y - 0.03, f"{mark} {estimate}", ha="center", va="bottom", size=9, color="black")
    ax.text(x, y + 0.07, counts, ha="center", va="top", size=7, color="black")
