"""Figures whose rows have names: wrapped names, the height that they need, and columns of text beside the axes."""

from collections.abc import Iterable, Sequence
from textwrap import fill

from matplotlib.axes import Axes
from matplotlib.transforms import ScaledTranslation

from bayesmeta.output.figures.style import words


def wrapped(name: object, width: int) -> str:
    """A name in words, with true minus signs between them, on lines of so many characters."""
    return fill(" ".join(words(name).split()).replace(" - ", " − "), width)


def shortened(name: object, width: int) -> str:
    """A name in words of at most so many characters, three dots for the rest."""
    said = words(name)
    return said if len(said) <= width else f"{said[: width - 2].rstrip(', ')} …"


def columns_of(labels: Iterable[str], inches: float, most: int) -> int:
    """Columns of a legend of these labels that fit so many inches, at most so many."""
    widest = max((len(line) for label in labels for line in label.split("\n")), default=1)
    return int(min(most, max(1, inches // (0.55 + 0.078 * widest))))


def row_height(names: Iterable[str], least: float) -> float:
    """Inches that a row needs for the name of most lines."""
    return max(least, 0.08 + 0.15 * (1 + max((name.count("\n") for name in names), default=0)))


def write_column(
    ax: Axes, inches: float, heading: str, texts: Sequence[str], *, heading_at: float = -1
) -> None:
    """One text per row, right edges so many inches right of the axes, and a heading above the first."""
    beside = ax.get_yaxis_transform() + ScaledTranslation(inches, 0, ax.figure.dpi_scale_trans)
    for y, text in ((heading_at, heading), *enumerate(texts)):
        ax.text(
            1,
            y,
            text,
            transform=beside,
            ha="right",
            va="center",
            weight="bold" if y < 0 else "normal",
        )
