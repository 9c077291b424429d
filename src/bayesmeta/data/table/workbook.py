"""Cells of a sheet of an Excel file, once it is known to unpack to the size of a table."""

import io
import re
import zipfile
from functools import reduce
from html import unescape
from itertools import pairwise

from python_calamine import load_workbook

from bayesmeta.data.effect_sizes.measure import SHOWN
from bayesmeta.data.table.cells import Cells
from bayesmeta.data.table.limits import UNPACKED_BYTES, check_shape
from bayesmeta.data.table.sheets import Rows, chosen_sheet, rows_of_sheet
from bayesmeta.infrastructure.errors import BadInput

PARTS = 1000  # a workbook of a few sheets has tens of parts
NEEDED = re.compile(r"(\[Content_Types\]\.xml|_rels/.*|xl/[^/]*\.xml|xl/_rels/.*)")
SHEET = re.compile(rb"<(?:\w+:)?sheet\s[^>]{0,2000}>")
NAME = re.compile(rb'\sname="([^"]*)"')
IDENTITY = re.compile(rb'\s\w+:id="([^"]*)"')
RELATION = re.compile(rb"<(?:\w+:)?Relationship\s[^>]{0,2000}>")
TARGET = re.compile(rb'Target="([^"]*)"')
FILLED = re.compile(
    rb'<(?:\w+:)?c\s(?:[^<>]{0,500}?\s)?r="([A-Z]{1,20})([0-9]{1,20})"(?:[^<>]{0,500}[^<>/])?>'
)
ROW = re.compile(rb'<(?:\w+:)?row\s(?:[^<>]{0,500}?\s)?r="([0-9]{1,20})"(?:[^<>]{0,500}[^<>/])?>')
ITEM = re.compile(rb"</(?:\w+:)?si>")
FORMULA = re.compile(  # a formula that no value, or an empty value, follows
    rb'<(?:\w+:)?c\s(?:[^<>]{0,500}?\s)?r="([A-Z]+[0-9]+)"[^<>]{0,500}>\s*'
    rb"<(?:\w+:)?f(?:\s[^<>]{0,500})?(?:/>|>[^<]*</(?:\w+:)?f>)\s*"
    rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)


def sheet_cells(content: bytes, name: str | None = None) -> Cells:
    """Return the cells of a sheet, by default the first with a table; a message names the others.

    Raise BadInput if there is no such sheet, it unpacks to more than the size of a table, or a
    formula in it has no computed value.
    """
    first = load_workbook(io.BytesIO(_checked(content, name)))
    sheets = first.sheet_names

    def rows_of(sheet: str) -> Rows:
        is_loaded = sheet == (name or sheets[0])
        book = first if is_loaded else load_workbook(io.BytesIO(_checked(content, sheet)))
        return rows_of_sheet(book.get_sheet_by_name(sheet))

    return chosen_sheet(sheets, name, rows_of)


def _checked(content: bytes, name: str | None) -> bytes:
    """Return the parts that reading takes, packed again: wrong sizes in a directory do no harm."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        sheet = _path_of(book, name)
        names = [part for part in book.namelist() if part == sheet or NEEDED.fullmatch(part)]
        parts = [part for part in book.infolist() if part.filename in names]
        _check_sizes(parts)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as kept:
            for part in parts:
                kept.writestr(part.filename, book.read(part))
        strings = book.read("xl/sharedStrings.xml") if "xl/sharedStrings.xml" in names else b""
        if sheet in names:
            xml = book.read(sheet)
            _check_cells(xml)
            _check_texts(xml, strings)
            _check_formulas(xml)
    return packed.getvalue()


def _check_sizes(parts: list[zipfile.ZipInfo]) -> None:
    size = sum(part.file_size for part in parts)
    packed = sum(part.compress_size for part in parts)
    if size > UNPACKED_BYTES or len(parts) > PARTS:
        sizes = f"{size / 1e6:,.0f} MB from {packed / 1e6:,.1f}"
        limit = f"a sheet may have {UNPACKED_BYTES / 1e6:.0f}"
        remedy = "save the table alone, as .csv or a new .xlsx"
        raise BadInput(f"it unpacks to {sizes}, and {limit}; {remedy}")


def _path_of(book: zipfile.ZipFile, name: str | None) -> str:
    for part in ("xl/workbook.xml", "xl/_rels/workbook.xml.rels"):
        if part in book.namelist():
            _check_sizes([book.getinfo(part)])
    sheets = SHEET.findall(book.read("xl/workbook.xml"))
    tags = [tag for tag in sheets if _name_of(tag) == name and name]
    identity = IDENTITY.search((tags or sheets)[0]) if sheets else None
    for relation in RELATION.findall(book.read("xl/_rels/workbook.xml.rels")):
        target = TARGET.search(relation)
        if identity and target and b'Id="%s"' % identity[1] in relation:
            path = target[1].decode().lstrip("/")
            return path if path.startswith("xl/") else f"xl/{path}"
    return "xl/worksheets/sheet1.xml"


def _name_of(tag: bytes) -> str | None:
    name = NAME.search(tag)
    return unescape(name[1].decode()) if name else None


def _check_cells(xml: bytes) -> None:
    last_row = 0
    columns = set[bytes]()
    for cell in FILLED.finditer(xml):
        columns.add(cell[1])
        last_row = max(last_row, int(cell[2]))
    if not columns:
        last_row = max((int(row[1]) for row in ROW.finditer(xml)), default=0)
    check_shape(last_row, max(map(_column_number, columns), default=1))


def _check_texts(xml: bytes, strings: bytes) -> None:
    ends = [0, *(item.end() for item in ITEM.finditer(strings))]
    longest = max((end - start for start, end in pairwise(ends)), default=0)
    if longest * xml.count(b't="s"') > 2 * UNPACKED_BYTES:
        size = f"cells of up to {longest:,} characters in too many rows"
        raise BadInput(f"it has {size}; leave that column out")


def _check_formulas(xml: bytes) -> None:
    empty = [cell[1].decode() for cell in FORMULA.finditer(xml)]
    if empty:
        more = f" and {len(empty) - SHOWN} more" if len(empty) > SHOWN else ""
        problem = f"formulas without a computed value in {', '.join(empty[:SHOWN])}{more}"
        remedy = "open it in a spreadsheet program and save it, or save it as .csv"
        raise BadInput(f"it has {problem}; {remedy}")


def _column_number(letters: bytes) -> int:
    """Return the number of a column from its letters: A is 1, AA is 27."""
    return reduce(lambda number, letter: number * 26 + letter - 64, letters, 0)
