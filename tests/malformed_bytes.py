"""Bytes of a file from its cells, and damage to them: end, encoding, separators, parts."""

import csv
import io
import random
import zipfile
from collections.abc import Callable
from typing import Any

import openpyxl
import pyarrow as pa
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from pyarrow import parquet

Rows = list[list[Any]]


def write(rows: Rows, kind: str) -> bytes:
    """Return the bytes of a file of a kind."""
    if kind in ("csv", "tsv"):
        text = io.StringIO()
        csv.writer(text, delimiter="," if kind == "csv" else "\t").writerows(rows)
        return text.getvalue().encode("utf-8", "surrogatepass")
    file = io.BytesIO()
    if kind == "xlsx":
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append([_excel(cell) for cell in row])
        book.save(file)
    else:
        width = max(map(len, rows))
        cells = [row + [None] * (width - len(row)) for row in rows]
        arrays = [_array([row[i] for row in cells[1:]]) for i in range(width)]
        parquet.write_table(pa.Table.from_arrays(arrays, [str(name) for name in cells[0]]), file)
    return file.getvalue()


def _excel(cell: Any) -> Any:
    if isinstance(cell, float) and (cell != cell or abs(cell) == float("inf")):
        return "#NUM!"
    return ILLEGAL_CHARACTERS_RE.sub("", cell) if isinstance(cell, str) else cell


def _array(cells: list[Any]) -> pa.Array:
    try:
        return pa.array([None if cell == "" else cell for cell in cells])
    except (pa.ArrowException, OverflowError):
        return pa.array([None if cell in ("", None) else str(cell) for cell in cells])


def _middle(new: bytes) -> Callable[[bytes], bytes]:
    return lambda content: content[: len(content) // 2] + new + content[len(content) // 2 :]


BYTES: dict[str, Callable[[bytes], bytes]] = {
    "truncated": lambda content: content[: len(content) // 2],
    "last byte off": lambda content: content[:-1],
    "empty": lambda content: b"",
    "one byte": lambda content: b"\x00",
    "blank": lambda content: b" \n\n\t\n",
    "twice": lambda content: content + content,
    "NUL bytes": _middle(b"\0\0"),
    "a lone quote": _middle(b'"'),
    "0xff": _middle(b"\xff\xfe\xff"),
    "0x81": _middle(b"\x81"),
    "a carriage return": _middle(b"\r"),
    "BOM": lambda content: b"\xef\xbb\xbf" + content,
    "BOM twice": lambda content: b"\xef\xbb\xbf" * 2 + content,
    "half a BOM of UTF-16": lambda content: b"\xff\xfe" + content,
    "as zip": lambda content: b"PK\x03\x04" + content,
    "as parquet": lambda content: b"PAR1" + content + b"PAR1",
    "random": lambda content: random.Random(1).randbytes(500),
    "some flipped": lambda content: bytes(b ^ (i % 97 == 96) * 5 for i, b in enumerate(content)),
    "magic off": lambda content: b"QQQQ" + content[4:],
}
TEXTS: dict[str, Callable[[str], bytes]] = {
    "UTF-16": lambda text: text.encode("utf-16"),
    "UTF-16 without BOM": lambda text: text.encode("utf-16-le"),
    "UTF-16 cut": lambda text: text.encode("utf-16")[:-1],
    "UTF-32": lambda text: text.encode("utf-32"),
    "Windows-1252": lambda text: text.encode("cp1252", "replace"),
    "old Mac lines": lambda text: text.replace("\r\n", "\r").encode(),
    "mixed lines": lambda text: text.replace("\r\n", "\n", 2).replace("\r\n", "\r", 1).encode(),
    "other separator": lambda text: text.translate({ord(","): "|", 9: "|"}).encode(),
    "semicolons": lambda text: text.translate({ord(","): ";", 9: ";"}).encode(),
    "sep= alone": lambda text: b"sep=,\n",
    "sep= first": lambda text: b"sep=|\r\n" + text.encode(),
    "surrogates": lambda text: text.replace("s", "\udc80").encode("utf-8", "surrogatepass"),
    "all quoted open": lambda text: text.replace("s", '"').encode(),
    "a formula": lambda text: text.replace("0.5", "=1+1").encode(),
    "html": lambda text: b"<html><table><tr><td>" + text.encode(),
    "json": lambda text: b'{"study": [1, 2], "yi": [1, 2]}',
}


def repacked(content: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    """Return a workbook with its parts changed; a part that becomes empty is left out."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            if part := change(name, old.read(name)):
                new.writestr(name, part)
    return file.getvalue()


def _part(name: str, old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    return lambda content: repacked(
        content, lambda part, xml: xml.replace(old, new) if part == name else xml
    )


def _without(name: str) -> Callable[[bytes], bytes]:
    return lambda content: repacked(content, lambda part, xml: b"" if name in part else xml)


SHEET = "xl/worksheets/sheet1.xml"
PACKED: dict[str, Callable[[bytes], bytes]] = {
    "no sheet": _without("worksheets"),
    "no workbook": _without("workbook.xml"),
    "no relations": _without("_rels"),
    "no strings": _without("sharedStrings"),
    "no styles": _without("styles"),
    "no content types": _without("Content_Types"),
    "sheet cut": lambda content: repacked(
        content, lambda part, xml: xml[:-30] if part == SHEET else xml
    ),
    "sheet empty": _part(SHEET, b"<sheetData>", b"<sheetData/><!-- "),
    "string out of range": _part(SHEET, b"<v>0</v>", b"<v>99999</v>"),
    "row 0": _part(SHEET, b'r="A1"', b'r="A0"'),
    "row far": _part(SHEET, b'r="A1"', b'r="A99999999999999999999"'),
    "column far": _part(SHEET, b'r="B2"', b'r="ZZZZZZZZ2"'),
    "no addresses": lambda content: repacked(
        content, lambda part, xml: xml.replace(b' r="', b' q="')
    ),
    "error cells": _part(SHEET, b'<c r="E2" t="n"><v>-0.5</v>', b'<c r="E2" t="e"><v>#DIV/0!</v>'),
    "merged": _part(
        SHEET,
        b"</sheetData>",
        b'</sheetData><mergeCells count="1"><mergeCell ref="A1:B3"/></mergeCells>',
    ),
    "hidden sheet": _part("xl/workbook.xml", b'state="visible"', b'state="veryHidden"'),
    "entities": _part(
        SHEET, b"<worksheet", b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><worksheet'
    ),
    "sheet elsewhere": _part("xl/_rels/workbook.xml.rels", b"sheet1.xml", b"../../../etc/passwd"),
    "numbers as text": _part(SHEET, b't="n"', b't="str"'),
    "dates": _part(SHEET, b't="n"', b't="d"'),
    "booleans": _part(SHEET, b't="n"', b't="b"'),
}
