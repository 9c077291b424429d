"""Names beside points, placed by textalloc where they cover no other name and no point."""

from typing import Any

import numpy as np
import pandas as pd
import textalloc
from matplotlib.axes import Axes

NEAR = 16.0  # pixels; a name farther from its point is connected to it by a line
OPTIONS: dict[str, Any] = {
    "margin": 0.002,  # distances as shares of the axes' width
    "min_distance": 0.004,
    "max_distance": 1.0,
    "nbr_candidates": 4000,  # positions tried for a name: enough for 24 names at the same point
    "draw_lines": False,
    "auto_ha": False,
    "ha": "center",
    "va": "center",
    "zorder": 5,
}


def label_points(
    ax: Axes,
    points: pd.DataFrame,
    names: pd.Series,
    *,
    size: float,
    radius: float | np.ndarray,
    lines: tuple[list[Any], list[Any]] = ([], []),
    ylim: tuple[float, float] | None = None,
    **text: Any,
) -> None:
    """Write names beside points, in their order, and connect distant names by a line.

    A name covers no other name, and no point and line if there is room. The same input gives the
    same places. The layout of the figure and the scales of the axes have to be final. `points` has
    x and y of all points that are drawn, `names` the names of some by its index. `radius` of the
    points is in pixels. Names should not cover `lines` (lists of x and of y of every line), and
    stay within `ylim`, by default the axes. `text` are properties of the names.
    """
    if names.empty:
        return
    ax.autoscale(False)
    x, y = points.to_numpy(float).T
    named = points.index.get_indexer(names.index)
    radii = np.broadcast_to(radius, len(points))
    options = OPTIONS | {"textsize": size, "x_scatter": x, "y_scatter": y, "scatter_sizes": radii}
    options |= {"text_scatter_sizes": radii[named], "ylims": ylim}
    options |= {"x_lines": lines[0] or None, "y_lines": lines[1] or None} | text
    _, connections, _, _ = textalloc.allocate(ax, x[named], y[named], list(names), **options)
    _connect(ax, connections)


def _connect(ax: Axes, connections: list[Any]) -> None:
    """Draw the lines between points and distant names; textalloc gives both ends in the data."""
    for connection in filter(None, connections):
        ends = np.transpose(connection[:2])[::-1]
        distance = np.hypot(*np.subtract(*ax.transData.transform(ends)))
        if distance > NEAR:
            ax.plot(*ends.T, color="black", linewidth=0.5, zorder=3)
