"""Risk of bias: a row of lights per study, and the share of every judgement by domain."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bayesmeta.output.figures.judgements import JUDGEMENTS, judgement_of, letter_of
from bayesmeta.output.figures.labels import wrapped
from bayesmeta.output.figures.panels import Figure, legend_below, styled, titled
from bayesmeta.output.figures.row_layout import divide_rows, name_rows, row_height
from bayesmeta.output.figures.style import Style

NOT_JUDGED = "not judged"
LIGHT = 0.34  # inches, width of a column and height of a row
NAME = 34  # characters of a line of a study's or a domain's name
LETTER = 0.075  # inches


@styled
def draw_traffic_lights(
    table: pd.DataFrame, *, domains: Sequence[str], title: str, rows: int = 40
) -> list[Figure]:
    """Draw pages of at most `rows` studies. Columns: label, and a text per domain."""
    pages = [table[start : start + rows] for start in range(0, len(table), rows)]
    return [_draw_page(page, list(domains), title) for page in pages]


def _draw_page(table: pd.DataFrame, domains: list[str], title: str) -> Figure:
    names = [wrapped(str(label), NAME) for label in table["label"]]
    keys = [wrapped(f"{letter_of(at)}  {name}", NAME + 20) for at, name in enumerate(domains)]
    row = row_height(names, LIGHT)
    key_lines = sum(1 + key.count("\n") for key in keys)
    width = max(5.2, 0.4 + LETTER * NAME + LIGHT * len(domains))
    figure = titled(title, width, 1.5 + row * len(table) + 0.16 * key_lines)
    ax = figure.add_subplot()
    for judgement in JUDGEMENTS[::-1]:
        places = [
            (x, y)
            for x, domain in enumerate(domains)
            for y, text in enumerate(table[domain])
            if judgement_of(text) == judgement
        ]
        style: Style = {"color": judgement.colour, "linewidth": 0, "zorder": 2}
        x, y = np.reshape(places, (-1, 2)).T
        ax.scatter(x, y, 190, label=judgement.meaning, **style)
        for place in places:
            text: Style = {"color": judgement.ink, "ha": "center", "va": "center_baseline"}
            ax.text(*place, judgement.sign, **text)
    name_rows(ax, names)
    divide_rows(ax, len(table))
    ax.set_xlim(-0.6, len(domains) - 0.4)
    ax.set_xticks(range(len(domains)), [letter_of(at) for at in range(len(domains))])
    ax.tick_params(axis="x", length=0, top=False, bottom=False, labeltop=True, labelbottom=False)
    ax.spines["bottom"].set_visible(False)
    legend_below(figure, ax, columns=3, heading="\n".join(keys))
    return figure


@styled
def draw_judgements(table: pd.DataFrame, *, domains: Sequence[str], title: str) -> Figure:
    """Draw a bar per domain with the share of the studies of every judgement."""
    names = [wrapped(name, NAME) for name in domains]
    row = row_height(names, 0.32)
    figure = titled(title, 6.6, 1.3 + row * len(names))
    ax = figure.add_subplot(xlabel=f"% of {len(table)} studies", xlim=(0, 100))
    start = np.zeros(len(names))
    for judgement in JUDGEMENTS[::-1]:
        matches = [[judgement_of(x) == judgement for x in table[domain]] for domain in domains]
        share = 100 * np.mean(matches, axis=1)
        style: Style = {"color": judgement.colour, "edgecolor": "white", "linewidth": 0.6}
        ax.barh(range(len(names)), share, 0.72, start, label=judgement.meaning, **style)
        for y, (left, width) in enumerate(zip(start, share, strict=True)):
            if width > 8:
                text: Style = {"color": judgement.ink, "ha": "center", "va": "center"}
                ax.text(left + width / 2, y, f"{width:.0f} %", size=7.5, **text)
        start += share
    if (start < 100 - 1e-9).any():
        style = {"color": "white", "edgecolor": "#AAAAAA", "linewidth": 0.6, "hatch": "///"}
        ax.barh(range(len(names)), 100 - start, 0.72, start, label=NOT_JUDGED, **style)
    name_rows(ax, names)
    legend_below(figure, ax, columns=4)
    return figure
