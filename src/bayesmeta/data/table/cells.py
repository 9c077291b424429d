"""Cells of a file, whatever its kind, and the table of text that they make."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from bayesmeta.data.schema import refuse
from bayesmeta.data.table.limits import CELLS, NAME_LENGTH, check_shape
from bayesmeta.data.table.reading import Reading
from bayesmeta.data.table.shape.header import find_header, joined_names, numbered_names
from bayesmeta.infrastructure.errors import BadInput

SHOWN_TITLE = 100  # characters of a title that a message repeats
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
    """Return the table below its header, indexed by rows of the file; messages name what is unread.

    Titles above the header are left out; two rows of names are joined. Raise BadInput without rows,
    for rows of other lengths, and for long or repeated names.
    """
    filled = {number: row for number, row in enumerate(rows, start=1) if any(row)}
    header, notes = _header(filled) if filled else ([], ())
    check_shape(len(filled), len(header))
    _check_names(header, has_rows=bool(filled))
    width = len(header)
    remarks = {number for number, row in filled.items() if len(row) < width and _is_remark(row)}
    refuse(
        f"row {number} has {len(row)} cells where the header has {width}"
        for number, row in filled.items()
        if (len(row) < width and number not in remarks) or any(row[width:])
    )
    cells = {number: [*row, *[""] * (width - len(row))] for number, row in filled.items()}
    names = {place: name for place, name in enumerate(header) if name}
    nameless = [place for place in range(width) if place not in names]
    left_out = any(row[place] for place in nameless for row in cells.values())
    columns = {name: [row[place] for row in cells.values()] for place, name in names.items()}
    text = pd.DataFrame(columns, index=list(cells), dtype="str")
    more = ("columns without a name are left out",) if left_out else ()
    return Reading(text, messages=(*messages, *notes, *more))


def _header(filled: dict[int, list[str]]) -> tuple[list[str], tuple[str, ...]]:
    """Return the names, taking them and what stands above out of the rows, and messages."""
    number, upper = find_header(filled)
    header = filled[number]
    notes = []
    if upper:
        header = joined_names(filled[upper[0]], header)
        notes.append(f"the names of columns are in rows {upper[0]} and {number}")
    titles = [other for other in filled if other < number and other not in upper]
    if titles:
        title = "; ".join(" ".join(filter(None, filled[other])) for other in titles)
        where = "" if upper else f"; the names of columns are in row {number}"
        notes.append(f"not read, because it stands above the table: {title[:SHOWN_TITLE]!r}{where}")
    for other in [other for other in filled if other <= number]:
        del filled[other]
    header, numbered = numbered_names(header)
    if numbered:
        notes.append(f"repeated names of columns are numbered: {', '.join(filter(None, header))}")
    return header, tuple(notes)


def _is_remark(row: list[str]) -> bool:
    """Return whether a short row has text in its first cell alone, as a line below a table has."""
    return bool(row[0]) and not any(row[1:])


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
