"""Draws of the chains: traces and ranks; prior and posterior densities of the taus."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes

from bayesmeta.estimates.text import words
from bayesmeta.output.figures.style import BLUE, FAINT, GREY, SKY, Figure, panelled


def trace(table: pd.DataFrame, axes: Sequence[Axes]) -> Sequence[Axes]:
    """Draw the chains in the order of their draws, a panel per parameter.

    Columns: parameter, chain, draw, value.
    """
    for (parameter, rows), ax in zip(table.groupby("parameter", sort=False), axes, strict=True):
        for chain, draws in rows.groupby("chain"):
            ax.plot(draws["draw"], draws["value"], lw=0.5, alpha=0.8, label=f"chain {chain}")
        ax.set(title=words(parameter), xmargin=0)
    axes[-1].set_xlabel("draw")
    return axes


def ranks(table: pd.DataFrame, axes: Sequence[Axes]) -> Sequence[Axes]:
    """Draw the rank histogram of every chain, a panel per parameter.

    Columns: parameter, chain, bin, count, expected.
    """
    for (parameter, rows), ax in zip(table.groupby("parameter", sort=False), axes, strict=True):
        expected = rows["expected"].iloc[0]
        ax.axhline(expected, color="black", linewidth=0.8, linestyle="--", label="expected")
        for chain, bins in rows.groupby("chain"):
            edges = [*bins["bin"], bins["bin"].iloc[-1] + 1]
            counts = [*bins["count"], bins["count"].iloc[-1]]
            ax.step(edges, counts, where="post", lw=1, label=f"chain {chain}")
        ax.set(title=words(parameter), xmargin=0, xticks=[], ylim=(0, None))
    axes[-1].set_xlabel("rank among all chains, from low to high")
    return axes


def prior_posterior(table: pd.DataFrame, axes: Sequence[Axes]) -> Sequence[Axes]:
    """Draw the densities of tau, a panel per level.

    Columns: level, which (prior or posterior), tau, density.
    """
    for (level, rows), ax in zip(table.groupby("level", sort=False), axes, strict=True):
        for which, line, fill in (("prior", GREY, FAINT), ("posterior", BLUE, SKY)):
            curve = rows[rows["which"] == which]
            ax.fill_between(curve["tau"], curve["density"], color=fill, alpha=0.6, linewidth=0)
            ax.plot(curve["tau"], curve["density"], color=line, label=which)
        ax.spines["left"].set_visible(False)
        ax.set(xlabel=f"tau, {words(level)}", xlim=(0, None), ylim=(0, None), yticks=[])
    return axes


def draw_trace(traces: pd.DataFrame, rank_counts: pd.DataFrame, *, title: str) -> Figure:
    """Draw a figure with a row per parameter: `trace` on the left, `ranks` on the right."""
    panels = 2 * traces["parameter"].nunique()
    grid = panelled(title, panels, columns=2, size=(4.6, 1.15), sharex="col")
    with grid as (figure, axes):
        trace(traces, axes[::2])
        ranks(rank_counts, axes[1::2])
    return figure


def draw_prior_posterior(table: pd.DataFrame, *, title: str) -> Figure:
    """Draw a figure with `prior_posterior`: panels with the same scale in a row."""
    panels = table["level"].nunique()
    grid = panelled(title, panels, columns=panels, size=(3.2, 2.2), sharex="all")
    with grid as (figure, axes):
        prior_posterior(table, axes)
    return figure
