"""The appearance of all figures: colours, fonts, grids of panels."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import matplotlib.figure
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.rcsetup import cycler

# Okabe and Ito's colours, distinct for every kind of colour vision
BLUE = "#0072B2"
SKY = "#56B4E9"
VERMILLION = "#D55E00"
ORANGE = "#E69F00"
GREEN = "#009E73"
PINK = "#CC79A7"
GREY = "#767676"
FAINT = "#DDDDDD"
Style = dict[str, Any]  # keyword arguments of an artist
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "axes.titlesize": "medium",
    "axes.titlelocation": "left",
    "axes.titley": 1.0,
    "axes.prop_cycle": cycler(color=(BLUE, ORANGE, GREEN, PINK, SKY, VERMILLION, "#000000")),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "figure.constrained_layout.w_pad": 0.09,
    "figure.titleweight": "bold",
    "text.parse_math": False,
    "svg.hashsalt": "bayesmeta",
}


class Figure(matplotlib.figure.Figure):
    """A figure that a notebook shows; matplotlib's figure is shown only after pyplot was used."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", bbox_inches="tight", dpi=120)
        return buffer.getvalue()


@contextmanager
def panelled(
    title: str,
    panels: int,
    *,
    columns: int,
    size: tuple[float, float],
    sharex: Literal["all", "col"],
    xlabel: str = "",
) -> Iterator[tuple[Figure, Sequence[Axes]]]:
    """Open a figure of panels, row by row, and add its title and legend at the end.

    Parameters
    ----------
    title : str
        Text above the panels.
    panels, columns : int
        Number of panels, and of columns.
    size : tuple of float
        Width and height of a panel in inches.
    sharex : {"all", "col"}
        Panels with a common horizontal axis.
    xlabel : str
        Heading of the legend below the panels.
    """
    rows = -(-panels // columns)
    columns = min(columns, panels)
    with rc_context(STYLE):
        width = max(6, columns * size[0])
        height = 0.8 + max(2.2, rows * size[1])
        figure = Figure((width, height), layout="constrained")
        axes = list(figure.subplots(rows, columns, sharex=sharex, squeeze=False).flat)
        for spare in axes[panels:]:
            spare.remove()
        yield figure, axes[:panels]
        figure.suptitle(title, x=0.01, ha="left")
        entries = axes[panels - 1].get_legend_handles_labels()
        figure.legend(*entries, loc="outside lower center", ncols=5, title=xlabel)
