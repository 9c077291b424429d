"""Ranks of true values among the draws of posteriors, against uniform ranks."""

from typing import Any

import pandas as pd

from bayesmeta.estimates.text import words
from bayesmeta.output.figures.panels import Figure, panelled
from bayesmeta.output.figures.style import BLUE, FAINT, GREY

COLUMNS = 3


def draw_calibration(curves: pd.DataFrame, *, title: str) -> Figure:
    """Draw a panel per parameter: ECDF of the ranks less that of uniform ranks, and its band."""
    parameters = curves.groupby("parameter", sort=False)
    return _draw(parameters, [words(str(name)) for name, _ in parameters], title)


def draw_calibration_of_models(curves: pd.DataFrame) -> Figure:
    """Draw a panel per model (column `model`) as `draw_calibration`, a curve per parameter."""
    models = curves.groupby("model", sort=False)
    return _draw(models, [str(name) for name, _ in models], "Calibration of the models")


def _draw(groups: Any, titles: list[str], title: str) -> Figure:
    count = len(titles)
    grid = panelled(title, count, columns=min(COLUMNS, count), size=(3.1, 1.9), sharex="all")
    with grid as (figure, axes):
        for (_, group), heading, ax in zip(groups, titles, axes, strict=True):
            band = group.drop_duplicates("z")
            z = band["z"]
            ends = (band["lower"] - z, band["upper"] - z)
            ax.fill_between(z, *ends, color=FAINT, linewidth=0, label="95 % of all curves within")
            ax.axhline(0, color=GREY, linewidth=0.8)
            for number, (_, rows) in enumerate(group.groupby("parameter", sort=False)):
                label = "" if number else "ranks less uniform ranks"
                ax.plot(rows["z"], rows["ecdf"] - rows["z"], color=BLUE, label=label)
            ax.set(title=heading, xlim=(0, 1))
    return figure
