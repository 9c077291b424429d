"""Sensitivity to the priors: the contrasts under several priors, and to power-scaling."""

from itertools import pairwise
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from bayesmeta.output.figures import style
from bayesmeta.output.figures.labels import wrapped
from bayesmeta.output.figures.panels import Figure, styled, titled
from bayesmeta.output.figures.row_layout import grouped_rows, name_rows, row_height

COLOURS = ("black", style.ORANGE, style.GREEN, style.PINK, style.SKY, style.BLUE, style.VERMILLION)
THRESHOLD = 0.05  # of sensitivity to power-scaling: Kallioinen et al. 2024
STEP = 0.13  # rows between the intervals of a contrast
NAME = 34  # characters of a line of a contrast's name
WIDTHS = (2.2, *[1.1] * 6)  # of a line, by prior: the first is bold
SIZES = (4.5, *[2.8] * 6)  # of a mark


@styled
def draw_sensitivity(
    psense: pd.DataFrame, refits: pd.DataFrame, *, title: str, xlabel: str
) -> Figure:
    """Draw the intervals under every prior at the left, the sensitivities at the right.

    `psense`, as from `sensitivity.psense_table`, has contrast, prior, likelihood, diagnosis
    (`neither` is not written), in order from the top; a line divides the taus from the rest.
    `refits`, the table of `sensitivity.refit_priors`, has contrast, label (of the prior; at most
    seven, the first on top and bold), mean, ci_lb, ci_ub; contrasts that psense lacks are left out.
    Without rows there is no left panel. `xlabel` is the scale of the contrasts.
    """
    contrasts = psense["contrast"].tolist()
    drawn = refits[refits["contrast"].isin(contrasts)]
    labels = list(drawn["label"].unique())
    names = [wrapped(name, NAME) for name in contrasts]
    row = row_height(names, max(0.26, 0.07 * (len(labels) + 1)))
    figure = titled(title, 9 if labels else 6, 1.7 + row * len(contrasts))
    if labels:
        left, right = figure.subplots(1, 2, width_ratios=(2.1, 1), sharey=True)
        _draw_priors(drawn, contrasts, left)
        left.set_xlabel(xlabel)
        _divide_taus(left, contrasts)
        right.tick_params(axis="y", length=0)
        right.spines["left"].set_visible(False)
    else:
        left = right = figure.add_subplot()
    _draw_powers(psense, right)
    _divide_taus(right, contrasts)
    name_rows(left, names)
    figure.legend(handles=_legend(labels), loc="outside lower center", ncols=4)
    return figure


def _draw_priors(table: pd.DataFrame, names: list[str], ax: Axes) -> None:
    ax.axvline(0, color=style.GREY, linewidth=0.8, zorder=1)
    groups = grouped_rows(table, "contrast", "label", STEP, names)
    for (label, rows, y), colour, width, size in zip(groups, COLOURS, WIDTHS, SIZES, strict=False):
        ax.hlines(y, rows["ci_lb"], rows["ci_ub"], colour, linewidth=width, label=label)
        ax.plot(rows["mean"], y, "o", color=colour, markersize=size, markeredgewidth=0)


def _draw_powers(table: pd.DataFrame, ax: Axes) -> None:
    y = np.arange(len(table))
    ax.axvline(THRESHOLD, color=style.VERMILLION, linewidth=1, linestyle="--", zorder=1)
    ax.plot(table["likelihood"], y, "D", color="white", markeredgecolor=style.GREY, markersize=4.5)
    ax.plot(table["prior"], y, "o", color="black", markersize=5, markeredgecolor="white")
    for at, diagnosis in enumerate(table["diagnosis"]):
        if diagnosis != "neither":
            text = ax.text(1.02, at, fill(diagnosis, 12), va="center", weight="bold")
            text.set(color=style.VERMILLION, transform=ax.get_yaxis_transform())
    largest = table[["prior", "likelihood"]].to_numpy().max()
    reach = 1.1 * max(2 * THRESHOLD, largest)
    ax.set_xlim(-0.03 * reach, reach)
    ax.set_xlabel(f"sensitivity to power-scaling\n(dashed: {THRESHOLD:g})")
    ax.locator_params("x", nbins=5)


def _divide_taus(ax: Axes, names: list[str]) -> None:
    """Draw faint lines between rows, and a darker line above the taus."""
    for at, (above, below) in enumerate(pairwise(names)):
        first_tau = below.startswith("tau_") and not above.startswith("tau_")
        colour = style.GREY if first_tau else style.FAINT
        ax.axhline(at + 0.5, color=colour, linewidth=0.9 if first_tau else 0.5, zorder=0.5)


def _legend(labels: list[str]) -> list[Line2D]:
    """Return legend entries: the priors by colour, then both sensitivities by mark."""
    lines = [
        Line2D([], [], marker="o", markersize=4, label=label, color=colour, linewidth=width)
        for label, colour, width in zip(labels, COLOURS, WIDTHS, strict=False)
    ]
    mark: style.Style = {"linestyle": "none"}
    prior = Line2D([], [], label="sensitivity to the prior", color="black", marker="o", **mark)
    mark |= {"marker": "D", "markersize": 4.5}
    mark |= {"markerfacecolor": "white", "markeredgecolor": style.GREY}
    return [*lines, prior, Line2D([], [], label="sensitivity to the likelihood", **mark)]
