"""Options of pictures, as text of the command line or as values of Python."""

from bayesmeta.data.effect_sizes import MEASURES
from bayesmeta.infrastructure.choices import AxisTransform, ForestLayout, check_choice
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.output import figures


def page_of(
    layout: str,
    favours: str | tuple[str, str] | None,
    size: str | tuple[float, float] | None,
    rows: int,
    scale: figures.Scale,
) -> figures.Page:
    """Return the choices of a page; BadInput if one is unknown or has another form."""
    check_choice("layout", layout, ForestLayout)
    if isinstance(rows, bool) or not isinstance(rows, int) or rows < 5:
        raise BadInput(f"rows is {rows!r}; it should be a whole number of at least 5")
    appearance = figures.LAYOUTS[layout]
    return figures.Page(appearance, scale, sides_of(favours), inches_of(size), rows)


def sides_of(favours: str | tuple[str, str] | None) -> tuple[str, str] | None:
    """Return the favoured sides of `drug|placebo`."""
    if favours is None:
        return None
    sides = favours.split("|") if isinstance(favours, str) else list(favours)
    if len(sides) != 2 or not all(isinstance(side, str) and side.strip() for side in sides):
        right = "two texts, left and right of no effect, such as 'drug|placebo'"
        raise BadInput(f"favours is {favours!r}; it should be {right}")
    return sides[0].strip(), sides[1].strip()


def inches_of(size: str | tuple[float, float] | None) -> tuple[float, float] | None:
    """Return width and height of `8x6`."""
    if size is None:
        return None
    parts = size.lower().split("x") if isinstance(size, str) else list(size)
    try:
        width, height = (float(part) for part in parts)
    except (TypeError, ValueError):
        width = height = 0.0
    if not (1 <= width <= 60 and 1 <= height <= 60):
        raise BadInput(f"size is {size!r}; it should be width x height in inches, such as 8x6")
    return width, height


def scale_named(transform: str, measure: str = "") -> figures.Scale:
    """Return the scale on which readers see effects; "auto" is that of the measure."""
    check_choice("transform", transform, AxisTransform)
    if transform != "auto":
        return figures.SCALES[transform]
    if measure not in MEASURES or not (scale := MEASURES[measure].scale).name:
        return figures.SCALES["none"]
    return figures.Scale(scale.back, scale.name, MEASURES[measure].null)
