"""Heterogeneity along a moderator: a panel per moderator of log tau."""

import pandas as pd

from bayesmeta.output.figures.panels import Figure, styled, titled

WIDTH, HEIGHT = 5.0, 4.2  # inches, of a panel


@styled
def draw_tau_along(table: pd.DataFrame, *, title: str) -> Figure:
    """Draw tau along every moderator with its 95 % band.

    Columns: level, moderator, x, tau_mean, tau_ci_lb, tau_ci_ub.
    """
    panels = list(table.groupby(["level", "moderator"], sort=False))
    figure = titled(title, WIDTH * len(panels), HEIGHT)
    for position, ((level, moderator), rows) in enumerate(panels, start=1):
        ax = figure.add_subplot(1, len(panels), position)
        ax.fill_between(rows["x"], rows["tau_ci_lb"], rows["tau_ci_ub"], alpha=0.25, linewidth=0)
        ax.plot(rows["x"], rows["tau_mean"], linewidth=1.8)
        ax.set_ylim(bottom=0)
        ax.set_xlabel(str(moderator))
        ax.set_ylabel(f"tau, {level}")
        ax.set_title("band: 95 % credible interval", size=7.5)
    return figure
