"""Draws of the chains: traces and ranks; prior and posterior densities of the taus."""

import pandas as pd
from matplotlib.axes import Axes

from bayesmeta.estimates.text import words
from bayesmeta.output.figures.panels import Figure, panelled
from bayesmeta.output.figures.style import BLUE, FAINT, GREY, MAX_SHAPES, SKY, Style


def draw_trace(traces: pd.DataFrame, rank_counts: pd.DataFrame, *, title: str) -> Figure:
    """Draw traces (parameter, chain, draw, value) beside ranks (chain, bin, count, expected)."""
    parameters = traces.groupby("parameter", sort=False)
    grid = panelled(title, 2 * len(parameters), columns=2, size=(4.6, 1.15), sharex="col")
    with grid as (figure, axes):
        for (parameter, rows), ax in zip(parameters, axes[::2], strict=True):
            for chain, draws in rows.groupby("chain"):
                line: Style = {"lw": 0.5, "alpha": 0.8, "rasterized": len(traces) > MAX_SHAPES}
                ax.plot(draws["draw"], draws["value"], label=f"chain {chain}", **line)
            ax.set(title=words(parameter), xmargin=0)
        counts = rank_counts.groupby("parameter", sort=False)
        for (parameter, rows), ax in zip(counts, axes[1::2], strict=True):
            _draw_ranks(rows, ax)
            ax.set(title=words(parameter), xmargin=0, xticks=[], ylim=(0, None))
        axes[-2].set_xlabel("draw")
        axes[-1].set_xlabel("rank among all chains, from low to high")
    return figure


def _draw_ranks(rows: pd.DataFrame, ax: Axes) -> None:
    expected = rows["expected"].iloc[0]
    ax.axhline(expected, color="black", linewidth=0.8, linestyle="--", label="expected")
    for chain, bins in rows.groupby("chain"):
        edges = [*bins["bin"], bins["bin"].iloc[-1] + 1]
        counts = [*bins["count"], bins["count"].iloc[-1]]
        ax.step(edges, counts, where="post", lw=1, label=f"chain {chain}")


def draw_prior_posterior(table: pd.DataFrame, *, title: str) -> Figure:
    """Draw a row of panels on a common scale: level, which (prior, posterior), tau, density."""
    levels = table.groupby("level", sort=False)
    grid = panelled(title, len(levels), columns=len(levels), size=(3.2, 2.2), sharex="all")
    with grid as (figure, axes):
        for (level, rows), ax in zip(levels, axes, strict=True):
            for which, line, fill in (("prior", GREY, FAINT), ("posterior", BLUE, SKY)):
                curve = rows[rows["which"] == which]
                ax.fill_between(curve["tau"], curve["density"], color=fill, alpha=0.6, linewidth=0)
                ax.plot(curve["tau"], curve["density"], color=line, label=which)
            ax.spines["left"].set_visible(False)
            ax.set(xlabel=f"tau, {words(level)}", xlim=(0, None), ylim=(0, None), yticks=[])
    return figure
