"""Where the parts of a forest stand, in inches from the upper left corner of the page."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.output.figures.forest.blocks import GAP, Block, blocks_of
from bayesmeta.output.figures.forest.layouts import FONT, MIN_FONT, Page
from bayesmeta.output.figures.forest.slots import BOLD, INDENT, Slot, paged, slots_of
from bayesmeta.output.figures.judgements import DOT
from bayesmeta.output.figures.text_size import LINE, POINTS, fitted, width_of

MARGIN = 0.12
LABEL = 2.7  # widest label of a study
MIN_LABEL = 1.1
AXIS = 3.0  # width of the axis if the page has no fixed size
MIN_AXIS = 1.7
BESIDE = 0.25  # between the axis and the texts, for half a label of a tick
ROW = 1.85  # height of a line in sizes of the font
FONTS = np.arange(FONT, MIN_FONT - 0.1, -0.5)
READABLE = 7.0  # size of the font if the rows need several pages anyway


@dataclass(frozen=True)
class Geometry:
    """The layout of all pages at a size of the font."""

    size: float  # points
    slots: list[Slot]
    left: list[Block]
    right: list[Block]
    label: float  # width of the labels
    axis: tuple[float, float]  # left and right end
    width: float
    domains: tuple[str, ...]  # of the risk of bias
    page: Page

    @property
    def row(self) -> float:
        """Return the height of a row of a line."""
        return ROW * self.size / POINTS

    @property
    def line(self) -> float:
        """Return the height of a further line of text."""
        return LINE * self.size / POINTS

    def height_of(self, slot: Slot) -> float:
        """Return the height of a line of the forest."""
        room = 0.5 * self.row if slot.kind == "cell" else 0.0
        return self.row + (slot.lines - 1) * self.line + room

    def lines(self, text: str, width: float | None = None, *, bold: bool = False) -> str:
        """Return a text on lines of at most a width, by default that of the page."""
        return fitted(text, width or self.width - 2 * MARGIN, self.size, bold=bold)

    def pages(self, room: float) -> list[list[Slot]]:
        """Distribute the lines over pages with room for them."""
        return paged(self.slots, [self.height_of(slot) for slot in self.slots], room)


def geometry_of(
    table: pd.DataFrame, columns: Sequence[str], domains: Sequence[str], page: Page, fixed: float
) -> Geometry:
    """Return the largest layout with which all rows fit on a page, if any, or on several.

    `fixed` is the height of what stands above and below the rows at the usual size of the font.
    Raises BadInput if the page is too narrow for the columns.
    """
    fitting: list[Geometry] = []
    for size in FONTS if page.size else FONTS[:1]:
        geometry = _at_size(table, columns, domains, page, float(size))
        if geometry is None:
            continue
        fitting.append(geometry)
        needed = sum(map(geometry.height_of, geometry.slots)) + fixed * size / FONT
        if page.size is None or (needed <= page.size[1] and len(geometry.slots) <= page.rows):
            return geometry
    if not fitting:
        problem = "is too narrow for the labels and columns of this forest"
        width, height = page.size or (0.0, 0.0)
        right = "give a greater width, or fewer columns"
        raise BadInput(f"a width of {width:g} inches {problem} ({width:g}x{height:g}); {right}")
    return next((part for part in fitting if part.size <= READABLE), fitting[-1])


def _at_size(
    table: pd.DataFrame, columns: Sequence[str], domains: Sequence[str], page: Page, size: float
) -> Geometry | None:
    slots = slots_of(table, LABEL, LABEL, size)
    left, right = _blocks(slots, table, columns, page)
    raw = sum(block.width(size) for block in left[: len(columns)])
    beside = sum(block.width(size) for block in [*left, *right])
    beside += 2 * MARGIN + 2 * BESIDE + len(domains) * DOT + GAP * bool(domains)
    widths = [_label_width(slot, size) - raw * slot.is_wide for slot in slots]
    label = max([width_of(page.layout.heading, size, bold=True), *widths])
    if page.size is None:
        width = label + beside + AXIS
    else:
        width = page.size[0]
        room = width - beside - MIN_AXIS
        if room < min(label, MIN_LABEL):
            return None
        label = min(label, room)
        slots = slots_of(table, label, label + raw, size)
        left, right = _blocks(slots, table, columns, page)
    start = MARGIN + label + sum(block.width(size) for block in left) + BESIDE
    end = start + width - label - beside
    axis = (start, end)
    return Geometry(size, slots, left, right, label, axis, width, tuple(domains), page)


def _blocks(
    slots: list[Slot], table: pd.DataFrame, columns: Sequence[str], page: Page
) -> tuple[list[Block], list[Block]]:
    sides = page.layout.left, page.layout.right
    left, right = (blocks_of(side, slots, table, columns, page) for side in sides)
    return left, right


def _label_width(slot: Slot, size: float) -> float:
    return width_of(slot.label, size, slot.kind in BOLD) + INDENT * (slot.kind == "effect")
