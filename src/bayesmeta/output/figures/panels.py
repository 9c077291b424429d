"""Figures and their parts that all share: title, panels, the legend below them."""

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import matplotlib.figure
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.legend import Legend

from bayesmeta.output.figures.style import STYLE, Style

styled = rc_context(STYLE)  # decorates a function that draws


class Figure(matplotlib.figure.Figure):
    """A figure that a notebook shows; matplotlib's figure is shown only after pyplot was used.

    `data` holds the table behind it if it was drawn from a tree, several tables by name; `pages`
    all pages, if it is one of several.
    """

    data: pd.DataFrame | Mapping[str, pd.DataFrame] | None = None
    pages: Sequence["Figure"] = ()

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", bbox_inches="tight", dpi=120)
        return buffer.getvalue()


def titled(title: str, width: float, height: float) -> Figure:
    """Return a figure without panels; width and height in inches."""
    figure = Figure((width, height), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def panels_of(figure: Figure, count: int, columns: int, **sharing: Any) -> list[Axes]:
    """Add panels row by row, at most `columns` in a row, and return them."""
    rows = -(-count // columns)
    axes = list(figure.subplots(rows, min(columns, count), squeeze=False, **sharing).flat)
    for spare in axes[count:]:
        spare.remove()
    return axes[:count]


def legend_below(figure: Figure, *panels: Axes, columns: int, heading: str | None = None) -> Legend:
    """Add a legend below the panels with an entry per label, and return it."""
    entries: dict[str, Any] = {}
    for ax in panels:
        handles, labels = ax.get_legend_handles_labels()
        entries |= dict(zip(labels, handles, strict=True))
    place: Style = {"loc": "outside lower center", "ncols": columns, "title": heading}
    return figure.legend(list(entries.values()), list(entries), **place)


@contextmanager
def panelled(
    title: str,
    panels: int,
    *,
    columns: int,
    size: tuple[float, float],
    sharex: Literal["all", "col"],
    xlabel: str = "",
) -> Iterator[tuple[Figure, list[Axes]]]:
    """Open panels of `size` inches; at the end add the legend of the last, headed `xlabel`."""
    width = max(6, min(columns, panels) * size[0])
    height = 0.8 + max(2.2, -(-panels // columns) * size[1])
    with rc_context(STYLE):
        figure = titled(title, width, height)
        axes = panels_of(figure, panels, columns, sharex=sharex)
        yield figure, axes
        legend_below(figure, axes[-1], columns=5, heading=xlabel)
