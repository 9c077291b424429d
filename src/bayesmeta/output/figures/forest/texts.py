"""The texts of the rows of a forest, and their headings."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from bayesmeta.output.figures.forest.blocks import GAP, Block
from bayesmeta.output.figures.forest.geometry import BESIDE, MARGIN, Geometry
from bayesmeta.output.figures.forest.slots import BOLD, INDENT, Slot
from bayesmeta.output.figures.judgements import DOT, JUDGEMENTS, judgement_of, letter_of
from bayesmeta.output.figures.style import FAINT, GREY, Style
from bayesmeta.output.figures.text_size import POINTS

BASELINE = 0.36  # from the middle of a line to its baseline, in sizes of the font
SPACING = 1.12  # matplotlib's factor for lines that are `LINE` sizes of the font apart


def placed_blocks(geometry: Geometry) -> list[tuple[Block, float]]:
    """Return the columns with their right ends."""
    placed = []
    at = MARGIN + geometry.label
    for block in geometry.left:
        at += block.width(geometry.size)
        placed.append((block, at))
    at = geometry.axis[1] + BESIDE - GAP
    for block in geometry.right:
        at += block.width(geometry.size)
        placed.append((block, at))
    return placed


def first_dot(geometry: Geometry) -> float:
    """Return the middle of the first column of dots."""
    return geometry.width - MARGIN - (len(geometry.domains) - 0.5) * DOT


def write_headings(paper: Axes, geometry: Geometry, above: float) -> None:
    """Write the headings of labels, columns and dots over the rows, which start at `above`."""
    y = above - 0.6 * geometry.row
    style: Style = {"va": "center", "weight": "bold", "size": geometry.size}
    layout = geometry.page.layout
    paper.text(MARGIN, y, layout.heading, **style)
    for block, right in placed_blocks(geometry):
        paper.text(right, y, block.heading, ha="right", **style)
    for at, _ in enumerate(geometry.domains):
        paper.text(first_dot(geometry) + at * DOT, y, letter_of(at), ha="center", **style)
    if layout.ruled:
        ends = (MARGIN, geometry.width - MARGIN)
        lines = [above - 1.1 * geometry.row, above - 0.1 * geometry.row]
        paper.hlines(lines, *ends, "black", linewidth=0.7)


def write_rows(
    paper: Axes, geometry: Geometry, slots: Sequence[Slot], middles: Sequence[float]
) -> None:
    """Write labels and numbers at the heights of the rows."""
    position = {id(slot): at for at, slot in enumerate(geometry.slots)}
    columns = placed_blocks(geometry)
    striped = 0
    for slot, y in zip(slots, middles, strict=True):
        ink = GREY if slot.kind in ("effect", "prediction") else "black"
        weight = "bold" if slot.kind in BOLD else "normal"
        style: Style = {"size": geometry.size, "color": ink, "weight": weight}
        label = MARGIN + INDENT * (slot.kind == "effect")
        foot = y + BASELINE * geometry.size / POINTS
        last = foot + (slot.lines - 1) * geometry.line / 2
        paper.text(label, last, slot.label, linespacing=SPACING, **style)
        if slot.row is not None:
            at = position[id(slot)]
            for block, right in columns:
                paper.text(right, foot, block.texts[at], ha="right", **style)
        if slot.kind == "study":
            striped += 1
        if geometry.page.layout.striped and striped % 2 and slot.kind in ("study", "effect"):
            half = geometry.height_of(slot) / 2
            ends = (MARGIN, geometry.width - MARGIN)
            ground: Style = {"color": FAINT, "alpha": 0.4, "linewidth": 0, "zorder": 0}
            paper.fill_between(ends, y - half, y + half, **ground)


def draw_dots(
    paper: Axes, geometry: Geometry, slots: Sequence[Slot], middles: Sequence[float]
) -> None:
    """Draw the risk of bias of the studies at the heights of their rows."""
    for judgement in JUDGEMENTS:
        places = [
            (first_dot(geometry) + at * DOT, y)
            for slot, y in zip(slots, middles, strict=True)
            for at, domain in enumerate(geometry.domains)
            if slot.kind == "study" and judgement_of(slot.row[domain]) == judgement
        ]
        if places:
            area = (1.25 * geometry.size) ** 2
            x, y = np.transpose(places)
            paper.scatter(x, y, area, judgement.colour, linewidth=0)
        for x, y in places:
            style: Style = {"color": judgement.ink, "size": 0.75 * geometry.size}
            paper.text(x, y, judgement.sign, ha="center", va="center_baseline", **style)
