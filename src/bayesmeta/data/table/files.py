"""A file of any kind to a table of text: a column per name, indexed by rows of the spreadsheet."""

from dataclasses import replace
from pathlib import Path

from bayesmeta.data.table import limits
from bayesmeta.data.table.cells import Cells, as_text, table_of
from bayesmeta.data.table.columnar import parquet_cells
from bayesmeta.data.table.delimited import delimited_cells
from bayesmeta.data.table.reading import Reading
from bayesmeta.data.table.sheets import other_workbook_cells
from bayesmeta.data.table.statistical import statistical_cells
from bayesmeta.data.table.workbook import sheet_cells
from bayesmeta.infrastructure.choices import nearest
from bayesmeta.infrastructure.errors import BadInput

STATISTICAL = (".dta", ".sas7bdat", ".xpt", ".sav", ".zsav")
WORKBOOKS = (".xlsx", ".ods", ".xls")
TEXTS = (".csv", ".tsv", ".txt")
KINDS = (*TEXTS, *WORKBOOKS, ".parquet", *STATISTICAL)
OTHER_KINDS = {
    (".rds", ".rdata", ".rda"): 'write it in R by write.csv(x, "mine.csv", row.names = FALSE)',
    (".jasp", ".omv", ".cma", ".rm5", ".numbers", ".xlsm", ".xlsb"): "export the table as .csv",
}
QUOTED_ERROR = 200  # characters of a parser's message that ours repeats


def read_bytes(path: Path) -> bytes:
    """Return the content; raise BadInput for another kind, or a missing, empty or large file."""
    if (kind := path.suffix.lower()) not in KINDS:
        remedy = next((text for kinds, text in OTHER_KINDS.items() if kind in kinds), "")
        listed = f"save it as one of {', '.join(KINDS)}"
        raise BadInput(f"this kind of file cannot be read as a table; {remedy or listed}")
    if not path.is_file():
        folder = path.parent
        near = nearest(path.name, [p.name for p in folder.iterdir()]) if folder.is_dir() else ""
        raise BadInput(f"there is no such file{near}")
    if (size := path.stat().st_size) > limits.FILE_BYTES:
        limit = f"a table may have {limits.FILE_BYTES / 1e6:.0f}; leave out what is not needed"
        raise BadInput(f"it has {size / 1e6:,.0f} MB, and {limit}")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(f"it cannot be opened ({error.strerror})") from error
    if not content.strip():
        raise BadInput("it is empty; it needs a row of column names and a row per effect")
    return content


def read_text(path: Path, content: bytes, *, sheet: str | None = None) -> Reading:
    """Return the table of a file as text: "" for a missing cell, numbers as they are typed.

    The suffix of `path` names the kind; `content` is as from `read_bytes`; `sheet` is of an Excel
    file, the first by default. Raise BadInput if the file is damaged, has no rows, rows that differ
    in length from the header, or repeated names.
    """
    kind = path.suffix.lower()
    if sheet and kind not in WORKBOOKS:
        raise BadInput(f"columns name the sheet {sheet!r}, and only a file of Excel has sheets")
    try:
        cells = _cells(kind, content, sheet)
        rows = as_text(cells.rows)
    except (BadInput, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # parsers raise many types for damaged files, Rust panics too
        message = " ".join(str(error).split())[:QUOTED_ERROR]
        problem = f"it cannot be read as {kind[1:].upper()} ({message})"
        raise BadInput(f"{problem}; is it complete, and of that kind?") from error
    table = table_of(rows, cells.messages)
    return replace(table, file=str(path), decimal_comma=cells.decimal_comma)


def _cells(kind: str, content: bytes, sheet: str | None) -> Cells:
    if kind == ".xlsx":
        return sheet_cells(content, sheet)
    if kind in WORKBOOKS:
        return other_workbook_cells(content, sheet)
    if kind in STATISTICAL:
        return statistical_cells(content, kind)
    return parquet_cells(content) if kind == ".parquet" else delimited_cells(content)
