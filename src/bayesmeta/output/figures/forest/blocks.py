"""Columns of text beside the axis of a forest."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from bayesmeta.estimates.text import number_text
from bayesmeta.output.figures.forest.layouts import Page
from bayesmeta.output.figures.forest.slots import Slot
from bayesmeta.output.figures.text_size import width_of

GAP = 0.16  # inches between columns


@dataclass(frozen=True)
class Block:
    """A column: its heading, and the text of every line, by the line's position."""

    heading: str
    texts: list[str]

    def width(self, size: float) -> float:
        """Return its width in inches at a size of the font, with the gap before it."""
        widest = max(width_of(text, size, bold=True) for text in [self.heading, *self.texts])
        return widest + GAP


def blocks_of(
    names: Sequence[str],
    slots: Sequence[Slot],
    table: pd.DataFrame,
    columns: Sequence[str],
    page: Page,
) -> list[Block]:
    """Return the columns of a side of the axis; weights only if the table has them."""
    blocks: list[Block] = []
    for name in names:
        if name == "columns":
            blocks += [
                Block(heading, [_raw(slot, heading) for slot in slots]) for heading in columns
            ]
        elif name == "numbers":
            texts = [_numbers(slot, page) for slot in slots]
            blocks.append(Block(page.layout.numbers, texts))
        elif "weight" in table and table["weight"].notna().any():
            blocks.append(Block("Weight (%)", [_weight(slot) for slot in slots]))
    return blocks


def _raw(slot: Slot, heading: str) -> str:
    return str(slot.row[heading]) if slot.kind in ("study", "effect") else ""


def _weight(slot: Slot) -> str:
    if slot.kind in ("cell", "prediction"):
        return ""
    return number_text(slot.row["weight"], 1)


def _numbers(slot: Slot, page: Page) -> str:
    if slot.kind == "cell":
        return ""
    seen = page.scale.text_of
    if slot.kind == "prediction":
        return page.layout.interval(seen(slot.row["pi_lb"]), seen(slot.row["pi_ub"]))
    return page.layout.estimate(*(seen(slot.row[name]) for name in ("estimate", "ci_lb", "ci_ub")))
