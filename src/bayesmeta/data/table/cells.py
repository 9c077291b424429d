"""Cells of a file, whatever its kind, and the table of text that they make."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from bayesmeta.data.schema import refuse
from bayesmeta.data.table.limits import CELLS, NAME_LENGTH, check_shape
from bayesmeta.data.table.reading import Reading
from bayesmeta.infrastructure.errors import BadInput

BLANK = frozenset({"", "NA", "N/A", "#N/A", "NaN", "nan", "<NA>"})


@dataclass(frozen=True)
class Cells:
    """Rows of cells, the first of them row 1 of a spreadsheet.

    Attributes
    ----------
    rows : cells of any type, to be read once, so that a file that is too large is refused early.
    messages : guesses, and parts of the file that are left out.
    decimal_comma : whether numbers may be expected to have a decimal comma.
    """

    rows: Iterable[Iterable[object]]
    messages: tuple[str, ...] = ()
    decimal_comma: bool = False


def as_text(rows: Iterable[Iterable[object]]) -> list[list[str]]:
    """Return the rows with every cell as text; raise BadInput if there are too many cells."""
    text = []
    size = 0
    for row in rows:
        text.append([cell_text(cell) for cell in row])
        size += len(text[-1])
        if size > CELLS:
            check_shape(len(text), len(text[-1]))
    return text


def cell_text(cell: object) -> str:
    """Return a cell as text: "" for a missing value, an integer without a point."""
    if cell is None or cell is pd.NA or cell is pd.NaT:
        return ""
    text = str(int(cell) if isinstance(cell, float) and cell.is_integer() else cell).strip()
    return "" if text in BLANK else text


def table_of(rows: list[list[str]], messages: tuple[str, ...]) -> Reading:
    """Return the table below the first filled row, its header, indexed by rows of the file.

    Raise BadInput without rows, for rows of other lengths, and for long or repeated names.
    """
    filled = {number: row for number, row in enumerate(rows, start=1) if any(row)}
    header = filled.pop(next(iter(filled)), []) if filled else []
    check_shape(len(filled), len(header))
    _check_names(header, has_rows=bool(filled))
    width = len(header)
    refuse(
        f"row {number} has {len(row)} cells where the header has {width}"
        for number, row in filled.items()
        if len(row) < width or any(row[width:])
    )
    names = {place: name for place, name in enumerate(header) if name}
    nameless = [place for place in range(width) if place not in names]
    left_out = any(row[place] for place in nameless for row in filled.values())
    columns = {name: [row[place] for row in filled.values()] for place, name in names.items()}
    text = pd.DataFrame(columns, index=list(filled), dtype="str")
    more = ("columns without a name are left out",) if left_out else ()
    return Reading(text, messages=(*messages, *more))


def _check_names(header: list[str], *, has_rows: bool) -> None:
    if not has_rows:
        names = ", ".join(header)[:NAME_LENGTH]
        raise BadInput(f"it has no rows below its header ({names or 'no header'})")
    if long := [name for name in header if len(name) > NAME_LENGTH]:
        problem = f"its header has a name of {len(long[0]):,} characters ({long[0][:40]!r}...)"
        question = "is the first filled row the header, and is a quote not closed?"
        raise BadInput(f"{problem}; at most {NAME_LENGTH}: {question}")
    if repeated := sorted(name for name, count in Counter(header).items() if name and count > 1):
        names = ", ".join(repeated[:10])
        raise BadInput(f"it has more than one column named {names}; column names must differ")
