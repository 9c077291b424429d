"""Densities of informed priors, of the effect and of tau."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from bayesmeta.model.spec.informed import Informed
from bayesmeta.output.figures.panels import Figure, legend_below, panels_of, styled, titled

POINTS = 400
RANGE = 0.98  # share of the probability that is drawn


def informed_densities(entries: Sequence[Informed], axes: Sequence[Axes]) -> Sequence[Axes]:
    """Draw the densities of the effect and of tau, a line per prior."""
    for ax, key in zip(axes, ("effect", "tau"), strict=True):
        for entry in entries:
            if key not in (priors := entry.priors()):
                continue
            distribution = priors[key].distribution
            low = distribution.ppf(1 - RANGE) if key == "effect" else 0.0
            x = np.linspace(low, distribution.ppf(RANGE), POINTS)[1:]
            ax.plot(x, distribution.pdf(x), label=entry.name)
        ax.set(xlabel=key, ylabel="density", ylim=(0, None))
    return axes


@styled
def draw_informed(entries: Sequence[Informed], *, title: str) -> Figure:
    """Draw a figure with `informed_densities`."""
    figure = titled(title, 9.0, 3.6 + 0.18 * len(entries))
    axes = panels_of(figure, 2, 2)
    informed_densities(entries, axes)
    legend_below(figure, *axes, columns=2)
    return figure
