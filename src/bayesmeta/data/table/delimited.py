"""Text tables: the encoding of the bytes, the separator of the columns, the cells."""

import codecs
import csv
import io
import re
from itertools import islice, pairwise

from bayesmeta.data.table.cells import Cells
from bayesmeta.data.table.limits import CELLS, check_shape
from bayesmeta.infrastructure.errors import BadInput

QUOTED = re.compile(r'"[^"]*"?')
DECLARED = re.compile(r"sep=(.)\s*")
HEAD = 20  # lines among which the header is
NOT_ASCII = re.compile(r"\w{0,20}[^\W\x00-\x7f]\w{0,20}|[^\x00-\x7f]")


def delimited_cells(content: bytes) -> Cells:
    """Return the cells of a CSV or TSV file; messages state the guesses.

    Raise BadInput if the bytes are not text, a quote is not closed, or there are more cells than a
    table may have.
    """
    text, messages = _decoded(content)
    lines = (line for line in io.StringIO(text, newline=None) if line.strip())
    head = list(islice(lines, HEAD)) or [""]
    declared = DECLARED.fullmatch(head[0].strip("\r\n"))
    separator = declared[1] if declared else separator_of(_below_titles(head))
    rows = _rows(text, separator)
    if declared:  # the line that declares the separator counts as a row, but holds no cells
        first = next(number for number, row in enumerate(rows) if any(row))
        rows = [[] if number == first else row for number, row in enumerate(rows)]
    return Cells(rows, messages, decimal_comma=separator == ";")


def separator_of(head: str) -> str:
    """Return a tab if the header has any, else the more frequent of ',' and ';' outside quotes."""
    bare = QUOTED.sub("", head)
    return "\t" if "\t" in bare else max(",;", key=bare.count)


def _below_titles(lines: list[str]) -> str:
    """Return the first line with no fewer columns than the line below it: a title has fewer."""
    for line, below in pairwise(lines):
        separator = separator_of(line)
        columns, columns_below = (QUOTED.sub("", text).count(separator) for text in (line, below))
        if columns >= columns_below > 0:
            return line
    return lines[0]


def _rows(text: str, separator: str) -> list[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows = list[list[str]]()
    size = 0
    try:
        for row in reader:
            size += max(1, len(row))  # a blank line takes memory, too
            if size > CELLS:
                check_shape(len(rows) + 1, -(-size // (len(rows) + 1)))
            rows.append(row)
    except csv.Error as error:
        place = f"near line {reader.line_num} ({error})"
        raise BadInput(f"it cannot be read as CSV {place}; is a quote not closed?") from error
    return rows


def _decoded(content: bytes) -> tuple[str, tuple[str, ...]]:
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    messages: tuple[str, ...] = ()
    try:
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        text = content.decode("cp1252", errors="replace")
        if {"\0", "\N{REPLACEMENT CHARACTER}"} & {*text}:
            problem = f"it is not UTF-8 text (byte {error.start}); save it as 'CSV UTF-8'"
            raise BadInput(problem) from error
        word = NOT_ASCII.search(text)
        guess = f"is {word[0] if word else ''!r} right?"
        messages = (f"it is not UTF-8 and was read as Latin-1 (Windows-1252): {guess}",)
    if "\0" in text:
        raise BadInput("it has NUL bytes, unlike a text table; is it complete, and of that kind?")
    return text, messages
