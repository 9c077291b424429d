"""A file of any kind to a table of text: a column per name, indexed by the rows of the spreadsheet."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from bayesmeta.data.schema import nearest, refuse
from bayesmeta.data.table.columnar import parquet_rows
from bayesmeta.data.table.delimited import Cells, delimited_cells
from bayesmeta.data.table.limits import CELLS, NAME_LENGTH, check_bytes, check_shape
from bayesmeta.data.table.numerals import plain_numbers
from bayesmeta.data.table.workbook import sheet_rows
from bayesmeta.infrastructure.errors import BadInput

KINDS = (".csv", ".tsv", ".xlsx", ".parquet")
BLANK = frozenset({"", "NA", "N/A", "#N/A", "NaN", "nan", "<NA>"})


def read_bytes(path: Path) -> bytes:
    """Content of a file that may be a table.

    Raises
    ------
    BadInput
        Another kind of file, none, an empty or a huge one, or one that cannot be opened.
    """
    if path.suffix.lower() not in KINDS:
        raise BadInput(f"not a kind of table this reads; save it as one of {', '.join(KINDS)}")
    if not path.is_file():
        near = nearest(path.name, [p.name for p in path.parent.iterdir()]) if path.parent.is_dir() else ""
        raise BadInput(f"there is no such file{near}")
    check_bytes(path.stat().st_size)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(f"it cannot be opened ({error.strerror})") from error
    if not content.strip():
        raise BadInput("it is empty; it needs a row of column names and a row per effect")
    return content


def read_text(path: Path, content: bytes, notes: list[str], sheet: str | None = None) -> pd.DataFrame:
    """Every cell as text, "" for a missing one, numbers written with a point; notes say what was read in which way.

    `sheet` is that of an Excel file; the first by default.

    Raises
    ------
    BadInput
        A damaged file, no rows, rows of other lengths than the header, names that occur twice, ambiguous numbers.
    """
    if sheet and path.suffix.lower() != ".xlsx":
        raise BadInput(f"columns name the sheet {sheet!r}, and only an .xlsx file has sheets")
    cells = _cells(path, content, notes, sheet)
    return plain_numbers(_by_name(cells.rows, notes), notes, comma=cells.comma)


def _cells(path: Path, content: bytes, notes: list[str], sheet: str | None) -> Cells:
    kind = path.suffix.lower()
    try:
        if kind in (".xlsx", ".parquet"):
            rows = sheet_rows(content, notes, sheet) if kind == ".xlsx" else parquet_rows(content, notes)
            return Cells(_as_text(rows))
        found = delimited_cells(content, notes)
        return found._replace(rows=_as_text(found.rows))
    except (BadInput, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # whatever a parser makes of a damaged file, its panics included
        said = " ".join(str(error).split())[:200]
        raise BadInput(
            f"it cannot be read as {kind[1:].upper()} ({said}); is it complete, and of that kind?"
        ) from error


def _as_text(rows: Iterable[Iterable[object]]) -> list[list[str]]:
    text, size = [], 0
    for row in rows:
        text.append([_text(cell) for cell in row])
        size += len(text[-1])
        if size > CELLS:
            check_shape(len(text), len(text[-1]))
    return text


def _text(cell: object) -> str:
    if isinstance(cell, str):
        text = cell.strip()
    elif cell is None or cell is pd.NA or cell is pd.NaT:
        return ""
    else:
        text = str(int(cell) if isinstance(cell, float) and cell.is_integer() else cell)
    return "" if text in BLANK else text


def _by_name(cells: list[list[str]], notes: list[str]) -> pd.DataFrame:
    rows = {number: row for number, row in enumerate(cells, start=1) if any(row)}
    header = rows.pop(next(iter(rows)), []) if rows else []
    check_shape(len(rows), len(header))
    _check_names(header, has_rows=bool(rows))
    width = len(header)
    bad = {number: len(row) for number, row in rows.items() if len(row) < width or any(row[width:])}
    refuse([f"row {number} has {found} cells where the header has {width}" for number, found in bad.items()])
    if any(name == "" and any(row[i] for row in rows.values()) for i, name in enumerate(header)):
        notes.append("columns without a name are left out")
    columns = {name: [row[i] for row in rows.values()] for i, name in enumerate(header) if name}
    return pd.DataFrame(columns, index=list(rows), dtype="str")


def _check_names(header: list[str], *, has_rows: bool) -> None:
    if not has_rows:
        named = ", ".join(header)[:NAME_LENGTH]
        raise BadInput(f"it has no rows below its header ({named or 'no header'})")
    if long := [name for name in header if len(name) > NAME_LENGTH]:
        raise BadInput(
            f"its header has a name of {len(long[0]):,} characters ({long[0][:40]!r}...), and a name may have "
            f"{NAME_LENGTH}; is the first filled row the header, and is a quote not closed?"
        )
    twice = sorted(name for name, count in Counter(header).items() if name and count > 1)
    if twice:
        raise BadInput(f"it has more than one column named {', '.join(twice[:10])}; each needs its own name")
