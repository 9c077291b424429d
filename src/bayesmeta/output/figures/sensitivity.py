"""Do the priors decide? Each conclusion under several priors, and how it answers to the power of the prior."""

from itertools import pairwise
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from bayesmeta.output.figures.rows import row_height, wrapped
from bayesmeta.output.figures.style import BLUE, FAINT, GREY, SKY, STYLE, VERMILLION, Figure

COLOURS = ("black", "#E69F00", "#009E73", "#CC79A7", SKY, BLUE, VERMILLION)
THRESHOLD = 0.05
STEP = 0.13  # rows between the intervals of one contrast


def under_priors(table: pd.DataFrame, names: list[str], ax: Axes) -> Axes:
    """Draw each contrast's intervals below each other, the table's first prior on top and bold.

    Columns: contrast, label (of the prior; at most seven), mean, ci_lb, ci_ub; rows of `names`, from the top.
    """
    labels = list(table["label"].unique())
    ax.axvline(0, color=GREY, linewidth=0.8, zorder=1)
    for at, (label, colour) in enumerate(zip(labels, COLOURS[: len(labels)], strict=True)):
        rows = table[table["label"] == label]
        y = rows["contrast"].map(names.index) + STEP * (at - (len(labels) - 1) / 2)
        width, size = (2.2, 4.5) if at == 0 else (1.1, 2.8)
        ax.hlines(y, rows["ci_lb"], rows["ci_ub"], colour, linewidth=width, label=label)
        ax.plot(rows["mean"], y, "o", color=colour, markersize=size, markeredgewidth=0)
    return ax


def powers(table: pd.DataFrame, ax: Axes) -> Axes:
    """Draw both sensitivities of each contrast as dots, with the threshold; what is no `neither` is written beside.

    Columns: contrast, prior, likelihood, diagnosis; a row each from the top.
    """
    y = np.arange(len(table))
    ax.axvline(THRESHOLD, color=VERMILLION, linewidth=1, linestyle="--", zorder=1)
    ax.plot(table["likelihood"], y, "D", color="white", markeredgecolor=GREY, markersize=4.5)
    ax.plot(table["prior"], y, "o", color="black", markersize=5, markeredgecolor="white")
    for at, diagnosis in enumerate(table["diagnosis"]):
        if diagnosis != "neither":
            text = ax.text(
                1.02, at, fill(diagnosis, 12), color=VERMILLION, weight="bold", va="center"
            )
            text.set_transform(ax.get_yaxis_transform())
    reach = 1.1 * max(2 * THRESHOLD, table[["prior", "likelihood"]].to_numpy().max())
    ax.set(
        xlim=(-0.03 * reach, reach), xlabel=f"sensitivity to power-scaling\n(dashed: {THRESHOLD:g})"
    )
    ax.locator_params("x", nbins=5)
    return ax


@rc_context(STYLE)
def draw_sensitivity(
    psense: pd.DataFrame, refits: pd.DataFrame, *, title: str, xlabel: str
) -> Figure:
    """Left the intervals under each prior, right the sensitivities to the power of prior and likelihood.

    Parameters
    ----------
    psense : DataFrame
        As from `sensitivity.psense_table`; its order is kept from the top, a line parts the taus from the rest.
    refits : DataFrame
        The table of `sensitivity.refit_priors`; contrasts that psense lacks are left out. Without rows there is no
        left panel.
    title, xlabel : str
        What is written above, and the scale of the contrasts.
    """
    names = psense["contrast"].tolist()
    shown = refits[refits["contrast"].isin(names)]
    labels = list(shown["label"].unique())
    row = row_height([wrapped(name, 34) for name in names], max(0.26, 0.07 * (len(labels) + 1)))
    figure = Figure((9 if labels else 6, 1.7 + row * len(names)), layout="constrained")
    if labels:
        left, right = figure.subplots(1, 2, width_ratios=(2.1, 1), sharey=True)
        under_priors(shown, names, left).set_xlabel(xlabel)
    else:
        left = right = figure.add_subplot()
    powers(psense, right)
    for ax in {left, right}:
        _lay_rows(ax, names)
    left.set_yticks(range(len(names)), [wrapped(name, 34) for name in names])
    figure.suptitle(title, x=0.01, ha="left")
    figure.legend(handles=_keys(labels), loc="outside lower center", ncols=4)
    return figure


def _lay_rows(ax: Axes, names: list[str]) -> None:
    """Rows from the top, faint lines between them, a darker one above the taus."""
    ax.set_ylim(len(names) - 0.5, -0.5)
    for at, (above, below) in enumerate(pairwise(names)):
        parts = below.startswith("tau_") and not above.startswith("tau_")
        ax.axhline(
            at + 0.5, color=GREY if parts else FAINT, linewidth=0.9 if parts else 0.5, zorder=0.5
        )
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)


def _keys(labels: list[str]) -> list[Line2D]:
    """The priors by colour, then the two sensitivities by mark."""
    lines = [
        Line2D(
            [],
            [],
            color=colour,
            linewidth=2.2 if at == 0 else 1.1,
            marker="o",
            markersize=4,
            label=label,
        )
        for at, (label, colour) in enumerate(zip(labels, COLOURS, strict=False))
    ]
    prior = Line2D(
        [], [], color="black", marker="o", linestyle="none", label="sensitivity to the prior"
    )
    likelihood = Line2D([], [], marker="D", linestyle="none", label="sensitivity to the likelihood")
    likelihood.set(markerfacecolor="white", markeredgecolor=GREY, markersize=4.5)
    return [*lines, prior, likelihood]
