"""The lines of a forest from the top, and their distribution over pages."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from bayesmeta.estimates.text import words
from bayesmeta.output.figures.text_size import fitted

INDENT = 0.15  # inches before the effects of a study
BOLD = ("cell", "mean")
WIDE = ("cell", "mean", "prediction")  # lines without raw numbers, whose labels may take their room
KEEP = {"cell", "mean"}  # lines that must not be the last on a page: what belongs to them follows
CONTINUED = " (continued)"


@dataclass(frozen=True)
class Slot:
    """A line of a forest: its kind (cell, study, effect, mean, prediction), label and row."""

    kind: str
    label: str
    row: Any = None  # the numbers, as a dictionary

    @property
    def lines(self) -> int:
        """Return the number of lines of the label."""
        return 1 + self.label.count("\n")

    @property
    def is_wide(self) -> bool:
        """Return whether the label may extend over the columns of raw numbers."""
        return self.kind in WIDE


def slots_of(table: pd.DataFrame, width: float, wide: float, size: float) -> list[Slot]:
    """Return the lines of a table, their labels on lines of at most `width` or `wide` inches."""
    slots: list[Slot] = []
    rows: list[dict[str, Any]] = [*table.rename(columns=str).to_dict("records")]  # type: ignore[list-item]
    for at, row in enumerate(rows):
        if row["cell"] and (not at or row["cell"] != rows[at - 1]["cell"]):
            slots.append(Slot("cell", fitted(words(row["cell"]), wide, size, bold=True)))
        room = {"mean": wide, "effect": width - INDENT}.get(row["part"], width)
        label = fitted(label_of(row), room, size, bold=row["part"] == "mean")
        slots.append(Slot(row["part"], label, row))
        if row["part"] == "mean" and np.isfinite(row["pi_lb"]):
            text = f"95 % prediction interval, new {row['pi_level']}"
            slots.append(Slot("prediction", fitted(text, wide, size), row))
    return slots


def label_of(row: dict[str, Any]) -> str:
    """Return the label of a row in words."""
    if row["part"] == "mean":
        counted = f"{row['studies']:.0f} {'study' if row['studies'] == 1 else 'studies'}"
        return f"{'Mean' if row['cell'] else 'Overall mean'} ({counted})"
    if row["part"] == "effect":
        number = str(row["label"]).removeprefix(f"{row['study']}:")
        return f"effect {number}" if number.isdigit() else words(number, ":")
    return words(row["label"], ":")


def paged(slots: Sequence[Slot], heights: Sequence[float], room: float) -> list[list[Slot]]:
    """Distribute lines over pages with room for their heights; repeat the heading of a cell."""
    pages: list[list[Slot]] = [[]]
    used = 0.0
    heading: Slot | None = None
    for at, (slot, height) in enumerate(zip(slots, heights, strict=True)):
        needed = height
        if slot.kind in KEEP and at + 1 < len(slots):
            needed += heights[at + 1]
        if pages[-1] and used + needed > room + 1e-9:
            pages.append([])
            used = 0.0
            if heading and slot.kind != "cell":
                pages[-1].append(replace(heading, label=heading.label + CONTINUED))
                used += heights[slots.index(heading)]
        heading = slot if slot.kind == "cell" else heading
        pages[-1].append(slot)
        used += height
    return pages
