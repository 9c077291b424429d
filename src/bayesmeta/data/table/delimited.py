"""Text tables: which characters the bytes mean, which character parts the columns, the cells."""

import codecs
import csv
import io
import re
from typing import NamedTuple

from bayesmeta.data.table.limits import CELLS, check_shape
from bayesmeta.infrastructure.errors import BadInput

QUOTED = re.compile(r'"[^"]*"?')
DECLARED = re.compile(r"sep=(.)\s*")


class Cells(NamedTuple):
    """Rows of cells as text, the first of them row 1 of a spreadsheet; whether a comma is expected in numbers."""

    rows: list[list[str]]
    comma: bool = False


def delimited_cells(content: bytes, notes: list[str]) -> Cells:
    """Cells of a CSV or TSV file; notes say what had to be guessed.

    Raises
    ------
    BadInput
        Bytes that are no text, a quote that never ends, more cells than a table has.
    """
    text = _decoded(content, notes)
    head = next((line for line in io.StringIO(text, newline=None) if line.strip()), "")
    declared = DECLARED.fullmatch(head.strip("\r\n"))
    separator = declared[1] if declared else separator_of(head)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows, size = list[list[str]](), 0
    try:
        for row in reader:
            size += max(1, len(row))  # a blank line takes memory, too
            if size > CELLS:
                check_shape(len(rows) + 1, -(-size // (len(rows) + 1)))
            rows.append(row)
    except csv.Error as error:
        raise BadInput(
            f"it cannot be read as CSV near line {reader.line_num} ({error}); is a quote not closed?"
        ) from error
    if declared:
        rows[next(number for number, row in enumerate(rows) if any(row))] = []
    return Cells(rows, comma=separator == ";")


def separator_of(head: str) -> str:
    """Tab where the header has one, else the more frequent of ',' and ';' outside quotes."""
    bare = QUOTED.sub("", head)
    return "\t" if "\t" in bare else max(",;", key=bare.count)


def _decoded(content: bytes, notes: list[str]) -> str:
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        text = _western(content, error, notes)
    if "\0" in text:
        raise BadInput("it holds NUL bytes, as no text table does; is it complete, and of that kind?")
    return text


def _western(content: bytes, error: UnicodeDecodeError, notes: list[str]) -> str:
    """As a Western European Windows writes it, unless that is no text either."""
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise BadInput(f"it is not UTF-8 text (byte {error.start}); save it as 'CSV UTF-8'") from error
    word = re.search(r"\w{0,20}[^\W\x00-\x7f]\w{0,20}|[^\x00-\x7f]", text)
    notes.append(f"it is not UTF-8 and was read as Latin-1 (Windows-1252): is {word[0] if word else ''!r} right?")
    return text
