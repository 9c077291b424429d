"""One look for all figures: colours, words, panels."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

from matplotlib import figure as of_matplotlib
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.rcsetup import cycler

# Okabe and Ito's colours, distinct for every kind of colour vision
BLUE, SKY, VERMILLION, GREY, FAINT = "#0072B2", "#56B4E9", "#D55E00", "#767676", "#DDDDDD"
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "axes.titlesize": "medium",
    "axes.titlelocation": "left",
    "axes.titley": 1.0,
    "axes.prop_cycle": cycler(
        color=(BLUE, "#E69F00", "#009E73", "#CC79A7", SKY, VERMILLION, "#000000")
    ),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "figure.constrained_layout.w_pad": 0.09,
    "figure.titleweight": "bold",
    "text.parse_math": False,
    "svg.hashsalt": "bayesmeta",
}


class Figure(of_matplotlib.Figure):
    """A figure that a notebook shows, as it does by itself only after pyplot has been used."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", bbox_inches="tight", dpi=120)
        return buffer.getvalue()


def words(name: object) -> str:
    """A term or parameter as it is read: `fear:memory` becomes `fear, memory`."""
    return str(name).replace(":", ", ").replace("_", " ")


def interval_text(mean: float, ci_lb: float, ci_ub: float) -> str:
    """A mean and its interval with true minus signs: `−0.94 [−1.24, −0.65]`."""
    return f"{mean:z.2f} [{ci_lb:z.2f}, {ci_ub:z.2f}]".replace("-", "−")


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
    """A figure of panels of so many inches, row by row; title above, below one legend headed by the x label."""
    rows, columns = -(-panels // columns), min(columns, panels)
    with rc_context(STYLE):
        figure = Figure(
            (max(6, columns * size[0]), 0.8 + max(2.2, rows * size[1])), layout="constrained"
        )
        axes = list(figure.subplots(rows, columns, sharex=sharex, squeeze=False).flat)
        for spare in axes[panels:]:
            spare.remove()
        yield figure, axes[:panels]
        figure.suptitle(title, x=0.01, ha="left")
        named = axes[panels - 1].get_legend_handles_labels()
        figure.legend(*named, loc="outside lower center", ncols=5, title=xlabel)
