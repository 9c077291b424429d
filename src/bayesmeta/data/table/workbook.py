"""A sheet of an Excel file, once what it unpacks to is known to be of a table's size."""

import io
import re
import zipfile
from collections.abc import Iterator
from html import unescape
from itertools import pairwise

from bayesmeta.data.effect_sizes.measure import SHOWN
from bayesmeta.data.schema import nearest
from bayesmeta.data.table.limits import UNPACKED_BYTES, check_shape
from bayesmeta.infrastructure.errors import BadInput

NEEDED = re.compile(r"(\[Content_Types\]\.xml|_rels/.*|xl/[^/]*\.xml|xl/_rels/.*)")
SHEET = re.compile(rb"<(?:\w+:)?sheet\s[^>]{0,2000}>")
NAME, IDENTITY = re.compile(rb'\sname="([^"]*)"'), re.compile(rb'\s\w+:id="([^"]*)"')
FILLED = re.compile(rb'<(?:\w+:)?c\s(?:[^<>]{0,500}?\s)?r="([A-Z]{1,20})([0-9]{1,20})"(?:[^<>]{0,500}[^<>/])?>')
ROW = re.compile(rb'<(?:\w+:)?row\s(?:[^<>]{0,500}?\s)?r="([0-9]{1,20})"(?:[^<>]{0,500}[^<>/])?>')
ITEM = re.compile(rb"</(?:\w+:)?si>")
FORMULA = re.compile(  # a formula, and no value or an empty one after it
    rb'<(?:\w+:)?c\s(?:[^<>]{0,500}?\s)?r="([A-Z]+[0-9]+)"[^<>]{0,500}>\s*'
    rb"<(?:\w+:)?f(?:\s[^<>]{0,500})?(?:/>|>[^<]*</(?:\w+:)?f>)\s*"
    rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)


def sheet_rows(content: bytes, notes: list[str], name: str | None = None) -> Iterator[list[object]]:
    """Rows of a sheet, the first by default, from row 1 on; notes name the sheets that are not read.

    Raises
    ------
    BadInput
        There is no such sheet, it unpacks to more than a table's size, or a formula in it was never computed.
    """
    from python_calamine import load_workbook

    book = load_workbook(io.BytesIO(_checked(content, name)))
    if not book.sheet_names:
        raise BadInput("it has no sheet")
    chosen = name or book.sheet_names[0]
    if chosen not in book.sheet_names:
        has = ", ".join(map(repr, book.sheet_names))
        raise BadInput(f"it has no sheet {name!r}{nearest(chosen, book.sheet_names)}; its sheets are {has}")
    if left_out := [other for other in book.sheet_names if other != chosen]:
        which = f"the sheet {chosen!r}" if name else f"the first sheet, {chosen!r}"
        notes.append(f"read from {which}; not read: {', '.join(map(repr, left_out))}")
    return map(list[object], book.get_sheet_by_name(chosen).iter_rows())


def _checked(content: bytes, name: str | None) -> bytes:
    """The parts that reading takes, packed again, so that a directory that lies about sizes costs nothing."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        sheet = _path_of(book, name)
        parts = [part for part in book.infolist() if part.filename == sheet or NEEDED.fullmatch(part.filename)]
        _check_sizes(parts)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as kept:
            for part in parts:
                kept.writestr(part.filename, book.read(part))
        strings = book.read("xl/sharedStrings.xml") if "xl/sharedStrings.xml" in book.namelist() else b""
        if sheet in book.namelist():
            _check_sheet(book.read(sheet), strings)
    return packed.getvalue()


def _check_sizes(parts: list[zipfile.ZipInfo]) -> None:
    size = sum(part.file_size for part in parts)
    if size > UNPACKED_BYTES or len(parts) > 1000:
        raise BadInput(
            f"it unpacks to {size / 1e6:,.0f} MB from {sum(part.compress_size for part in parts) / 1e6:,.1f}, "
            f"and a sheet may have {UNPACKED_BYTES / 1e6:.0f}; save the table alone, as .csv or a new .xlsx"
        )


def _path_of(book: zipfile.ZipFile, name: str | None) -> str:
    """Path of a sheet in the file, as the workbook's relations give it; of the first where none has the name."""
    for part in ("xl/workbook.xml", "xl/_rels/workbook.xml.rels"):
        if part in book.namelist():
            _check_sizes([book.getinfo(part)])
    sheets = SHEET.findall(book.read("xl/workbook.xml"))
    named = [tag for tag in sheets if (found := NAME.search(tag)) and unescape(found[1].decode()) == name]
    identity = IDENTITY.search((named or sheets)[0]) if sheets else None
    for relation in re.findall(rb"<(?:\w+:)?Relationship\s[^>]{0,2000}>", book.read("xl/_rels/workbook.xml.rels")):
        target = re.search(rb'Target="([^"]*)"', relation)
        if identity and target and b'Id="%s"' % identity[1] in relation:
            path = target[1].decode().lstrip("/")
            return path if path.startswith("xl/") else f"xl/{path}"
    return "xl/worksheets/sheet1.xml"


def _check_sheet(xml: bytes, strings: bytes) -> None:
    """A cell far away makes a sheet as large as a long text in every cell does; neither shows in the file's size."""
    last_row, columns = 0, set[bytes]()
    for cell in FILLED.finditer(xml):
        columns.add(cell[1])
        last_row = max(last_row, int(cell[2]))
    if not columns:
        last_row = max((int(row[1]) for row in ROW.finditer(xml)), default=0)
    check_shape(last_row, max(map(_column_number, columns), default=1))
    ends = [0, *(item.end() for item in ITEM.finditer(strings))]
    longest = max((b - a for a, b in pairwise(ends)), default=0)
    if longest * xml.count(b't="s"') > 2 * UNPACKED_BYTES:
        raise BadInput(f"it has cells of up to {longest:,} characters in too many rows; leave that column out")
    if empty := [cell[1].decode() for cell in FORMULA.finditer(xml)]:
        more = f" and {len(empty) - SHOWN} more" if len(empty) > SHOWN else ""
        raise BadInput(
            f"it has formulas without a computed value in {', '.join(empty[:SHOWN])}{more}; open it in a spreadsheet "
            "program and save it, or save it as .csv"
        )


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
