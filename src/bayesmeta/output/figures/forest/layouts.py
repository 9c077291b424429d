"""The appearance of a forest: what stands where, after the styles of four publishers."""

from dataclasses import dataclass

from bayesmeta.estimates.text import estimate_text, interval_text, number_text
from bayesmeta.output.figures.scales import UNCHANGED, Scale
from bayesmeta.output.figures.style import BLUE, GREY

MIN_FONT = 5.5  # points
FONT = 8.5


@dataclass(frozen=True)
class Layout:
    """Choices of appearance.

    left, right : the blocks beside the axis, in their order: columns (raw numbers), weight,
    numbers (estimate and interval). heading : of the studies. numbers : heading of the estimates.
    brackets : "[]" writes `0.5 [0.1, 0.9]`, "()" writes `0.5 (0.1 to 0.9)`. marker, ink : shape and
    colour of the observed estimates. diamond : colour of the means. striped : whether every second
    row has a grey ground. ruled : whether lines stand above and below the headings.
    favours_above : whether the favoured sides stand above the axis.
    """

    left: tuple[str, ...] = ("columns",)
    right: tuple[str, ...] = ("weight", "numbers")
    heading: str = "Study"
    numbers: str = "Estimate [95 % interval]"
    brackets: str = "[]"
    marker: str = "s"
    ink: str = "#333333"
    diamond: str = BLUE
    striped: bool = False
    ruled: bool = False
    favours_above: bool = False

    def estimate(self, mean: float, low: float, high: float) -> str:
        """Return an estimate and its interval as text."""
        if self.brackets == "[]":
            return estimate_text(mean, low, high)
        return f"{number_text(mean)} {self.interval(low, high)}"

    def interval(self, low: float, high: float) -> str:
        """Return an interval as text."""
        if self.brackets == "[]":
            return interval_text(low, high)
        return f"({number_text(low)} to {number_text(high)})"


LAYOUTS: dict[str, Layout] = {
    "plain": Layout(),
    "revman": Layout(
        left=("columns", "weight", "numbers"),
        right=(),
        heading="Study or subgroup",
        ink="#1F4E9E",
        diamond="#111111",
        ruled=True,
    ),
    "jama": Layout(
        left=("columns", "numbers"),
        right=("weight",),
        heading="Source",
        numbers="Estimate (95 % interval)",
        brackets="()",
        ink="#3B6C8E",
        diamond="#3B6C8E",
        striped=True,
        ruled=True,
        favours_above=True,
    ),
    "bmj": Layout(
        numbers="Estimate (95 % interval)",
        brackets="()",
        ink="#6B58A6",
        diamond="#6B58A6",
        ruled=True,
    ),
}
SHRUNKEN = "#D55E00"
PREDICTION = GREY


@dataclass(frozen=True)
class Page:
    """The choices of a reader for a forest.

    layout : appearance. scale : function for readers, and its name. favours : the favoured sides,
    left and right of no effect. size : width and height in inches; by default as the rows need.
    rows : on a page, at most.
    """

    layout: Layout = LAYOUTS["plain"]
    scale: Scale = UNCHANGED
    favours: tuple[str, str] | None = None
    size: tuple[float, float] | None = None
    rows: int = 60
