"""Ranks of true values among the draws of the posterior, against uniform ranks."""

import pandas as pd

from bayesmeta.estimates.text import words
from bayesmeta.output.figures.panels import Figure, panelled
from bayesmeta.output.figures.style import BLUE, FAINT, GREY

COLUMNS = 3


def draw_calibration(curves: pd.DataFrame, *, title: str) -> Figure:
    """Draw a panel per parameter: ECDF of the ranks less that of uniform ranks, and its band."""
    parameters = curves.groupby("parameter", sort=False)
    count = len(parameters)
    grid = panelled(title, count, columns=min(COLUMNS, count), size=(3.1, 1.9), sharex="all")
    with grid as (figure, axes):
        for (parameter, rows), ax in zip(parameters, axes, strict=True):
            z = rows["z"]
            band = (rows["lower"] - z, rows["upper"] - z)
            ax.fill_between(z, *band, color=FAINT, linewidth=0, label="95 % of all curves within")
            ax.axhline(0, color=GREY, linewidth=0.8)
            ax.plot(z, rows["ecdf"] - z, color=BLUE, label="ranks less uniform ranks")
            ax.set(title=words(str(parameter)), xlim=(0, 1))
    return figure
