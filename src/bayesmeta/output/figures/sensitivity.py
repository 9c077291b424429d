"""Sensitivity to the priors: the contrasts under several priors, and to power-scaling."""

from itertools import pairwise
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from bayesmeta.output.figures.row_layout import name_rows, row_height, wrapped
from bayesmeta.output.figures.style import (
    BLUE,
    FAINT,
    GREEN,
    GREY,
    ORANGE,
    PINK,
    SKY,
    STYLE,
    VERMILLION,
    Figure,
    Style,
)

COLOURS = ("black", ORANGE, GREEN, PINK, SKY, BLUE, VERMILLION)
THRESHOLD = 0.05  # of sensitivity to power-scaling: Kallioinen et al. 2024
STEP = 0.13  # rows between the intervals of a contrast
NAME = 34  # characters of a line of a contrast's name
BOLD = (2.2, 4.5)  # width of a line and size of a mark
THIN = (1.1, 2.8)


def under_priors(table: pd.DataFrame, names: list[str], ax: Axes) -> Axes:
    """Draw the intervals of every contrast in a group of rows, a colour per prior.

    The first prior of the table is on top and bold. Columns: contrast, label (of the prior; at most
    seven), mean, ci_lb, ci_ub; rows of `names`, from the top.
    """
    labels = list(table["label"].unique())
    ax.axvline(0, color=GREY, linewidth=0.8, zorder=1)
    for at, (label, colour) in enumerate(zip(labels, COLOURS[: len(labels)], strict=True)):
        rows = table[table["label"] == label]
        y = rows["contrast"].map(names.index) + STEP * (at - (len(labels) - 1) / 2)
        width, size = BOLD if at == 0 else THIN
        ax.hlines(y, rows["ci_lb"], rows["ci_ub"], colour, linewidth=width, label=label)
        ax.plot(rows["mean"], y, "o", color=colour, markersize=size, markeredgewidth=0)
    return ax


def powers(table: pd.DataFrame, ax: Axes) -> Axes:
    """Draw both sensitivities of every contrast, with the threshold and the diagnosis.

    Columns: contrast, prior, likelihood, diagnosis (`neither` is not written); rows from the top.
    """
    y = np.arange(len(table))
    ax.axvline(THRESHOLD, color=VERMILLION, linewidth=1, linestyle="--", zorder=1)
    ax.plot(table["likelihood"], y, "D", color="white", markeredgecolor=GREY, markersize=4.5)
    ax.plot(table["prior"], y, "o", color="black", markersize=5, markeredgecolor="white")
    for at, diagnosis in enumerate(table["diagnosis"]):
        if diagnosis != "neither":
            text = ax.text(1.02, at, fill(diagnosis, 12), va="center", weight="bold")
            text.set(color=VERMILLION, transform=ax.get_yaxis_transform())
    largest = table[["prior", "likelihood"]].to_numpy().max()
    reach = 1.1 * max(2 * THRESHOLD, largest)
    ax.set_xlim(-0.03 * reach, reach)
    ax.set_xlabel(f"sensitivity to power-scaling\n(dashed: {THRESHOLD:g})")
    ax.locator_params("x", nbins=5)
    return ax


@rc_context(STYLE)
def draw_sensitivity(
    psense: pd.DataFrame, refits: pd.DataFrame, *, title: str, xlabel: str
) -> Figure:
    """Draw the intervals under every prior at the left, the sensitivities at the right.

    Parameters
    ----------
    psense : DataFrame
        As from `sensitivity.psense_table`, in order from the top; a line divides the taus from the
        rest.
    refits : DataFrame
        The table of `sensitivity.refit_priors`; contrasts that psense lacks are left out. Without
        rows there is no left panel.
    title, xlabel : str
        The text above the figure, and the scale of the contrasts.
    """
    contrasts = psense["contrast"].tolist()
    drawn = refits[refits["contrast"].isin(contrasts)]
    labels = list(drawn["label"].unique())
    names = [wrapped(name, NAME) for name in contrasts]
    row = row_height(names, max(0.26, 0.07 * (len(labels) + 1)))
    size = (9 if labels else 6, 1.7 + row * len(contrasts))
    figure = Figure(size, layout="constrained")
    if labels:
        left, right = figure.subplots(1, 2, width_ratios=(2.1, 1), sharey=True)
        under_priors(drawn, contrasts, left).set_xlabel(xlabel)
        axes = [left, right]
    else:
        right = figure.add_subplot()
        axes = [right]
    powers(psense, right)
    for ax in axes:
        _lay_rows(ax, contrasts)
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
    name_rows(axes[0], names)
    figure.suptitle(title, x=0.01, ha="left")
    figure.legend(handles=_legend(labels), loc="outside lower center", ncols=4)
    return figure


def _lay_rows(ax: Axes, names: list[str]) -> None:
    """Order rows from the top, with faint lines between them and a darker line above the taus."""
    ax.set_ylim(len(names) - 0.5, -0.5)
    for at, (above, below) in enumerate(pairwise(names)):
        first_tau = below.startswith("tau_") and not above.startswith("tau_")
        colour = GREY if first_tau else FAINT
        ax.axhline(at + 0.5, color=colour, linewidth=0.9 if first_tau else 0.5, zorder=0.5)


def _legend(labels: list[str]) -> list[Line2D]:
    """Return legend entries: the priors by colour, then both sensitivities by mark."""
    lines = []
    for at, (label, colour) in enumerate(zip(labels, COLOURS, strict=False)):
        style: Style = {"color": colour, "linewidth": (BOLD if at == 0 else THIN)[0]}
        lines.append(Line2D([], [], marker="o", markersize=4, label=label, **style))
    dot: Style = {"color": "black", "marker": "o", "linestyle": "none"}
    prior = Line2D([], [], label="sensitivity to the prior", **dot)
    diamond: Style = {"marker": "D", "linestyle": "none", "markersize": 4.5}
    likelihood = Line2D([], [], label="sensitivity to the likelihood", **diamond)
    likelihood.set(markerfacecolor="white", markeredgecolor=GREY)
    return [*lines, prior, likelihood]
