"""The sheet of a workbook that holds the table, and workbooks other than .xlsx."""

import io
import re
import zipfile
from collections.abc import Callable, Sequence

from python_calamine import CalamineSheet, load_workbook

from bayesmeta.data.table.cells import Cells
from bayesmeta.data.table.limits import CELLS, UNPACKED_BYTES, check_shape
from bayesmeta.infrastructure.choices import nearest
from bayesmeta.infrastructure.errors import BadInput

Rows = list[list[object]]
LOOKED_AT = 20  # sheets among which the table is
REPEATED = re.compile(
    rb'<table:table-cell(?=[^>]*office:value)[^>]*number-columns-repeated="(\d{1,20})"'
)
REPEATED_ROWS = re.compile(rb'<table:table-row[^>]*number-rows-repeated="(\d{1,20})"')


def chosen_sheet(sheets: Sequence[str], name: str | None, rows_of: Callable[[str], Rows]) -> Cells:
    """Return the cells of a named sheet, else of the first with a table; others are in a message.

    Raise BadInput if there is no such sheet.
    """
    if not sheets:
        raise BadInput("it has no sheet")
    if name and name not in sheets:
        known = ", ".join(map(repr, sheets))
        raise BadInput(f"it has no sheet {name!r}{nearest(name, sheets)}; its sheets are {known}")
    chosen = name or sheets[0]
    rows = rows_of(chosen)
    if not name and not _is_table(rows):
        tables = ((sheet, rows_of(sheet)) for sheet in sheets[1:LOOKED_AT])
        readable = ((sheet, cells) for sheet, cells in tables if _is_table(cells))
        chosen, rows = next(readable, (chosen, rows))
    others = ", ".join(repr(other) for other in sheets if other != chosen)
    first = "the first sheet" if chosen == sheets[0] else "the first sheet with a table"
    read = f"the sheet {chosen!r}" if name else f"{first}, {chosen!r}"
    return Cells(rows, (f"read from {read}; not read: {others}",) if others else ())


def rows_of_sheet(sheet: CalamineSheet) -> Rows:
    """Return the cells of a sheet; raise BadInput if there are more than a table may have."""
    check_shape(sheet.total_height, sheet.total_width)
    return [list(row) for row in sheet.iter_rows()]


def other_workbook_cells(content: bytes, name: str | None = None) -> Cells:
    """Return the cells of a sheet of an .ods or .xls file; see `chosen_sheet`.

    Raise BadInput if it unpacks to more than the size of a table.
    """
    if zipfile.is_zipfile(io.BytesIO(content)):
        _check_opendocument(content)
    book = load_workbook(io.BytesIO(content))
    return chosen_sheet(
        book.sheet_names, name, lambda sheet: rows_of_sheet(book.get_sheet_by_name(sheet))
    )


def _check_opendocument(content: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        size = sum(part.file_size for part in book.infolist() if part.filename.endswith(".xml"))
        if size > UNPACKED_BYTES:
            limit = f"a sheet may have {UNPACKED_BYTES / 1e6:.0f}"
            raise BadInput(f"it unpacks to {size / 1e6:,.0f} MB, and {limit}; save it as .csv")
        content = book.read("content.xml")
    repeats = sum(map(int, REPEATED.findall(content)))
    rows = max(map(int, REPEATED_ROWS.findall(content)), default=0)
    if max(repeats, rows) > CELLS:
        raise BadInput(f"it repeats cells {max(repeats, rows):,} times; save it as .csv")


def _is_table(rows: Rows) -> bool:
    """Return whether several rows have several cells each."""
    return sum(sum(cell not in ("", None) for cell in row) > 1 for row in rows) > 1
