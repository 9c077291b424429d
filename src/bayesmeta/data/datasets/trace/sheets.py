"""Step 1: the five sheets of the three searches, read as text into a table, and repaired."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd
from python_calamine import CalamineError

from bayesmeta.data.datasets.trace.tables import records
from bayesmeta.data.sources import Source
from bayesmeta.infrastructure.errors import BadInput

MISSING = ["", "-", "not reported", "NA"]
FIRST_ROW = 2  # the header is row 1 of a sheet


def read_workbook(source: Source, sheets: list[str] | None = None) -> dict[str, pd.DataFrame]:
    """Return sheets of a spreadsheet by name, every cell as text; all by default, "" is the first.

    Raise BadInput if the file cannot be read as a spreadsheet, or lacks a sheet.
    """
    names: list[int | str] | None = None if sheets is None else [name or 0 for name in sheets]
    try:
        book: Mapping[Any, pd.DataFrame] = pd.read_excel(
            source.path, sheet_name=names, engine="calamine", dtype=str, keep_default_na=False
        )
    except (CalamineError, ValueError, OSError) as error:
        wanted = f" with the sheets {sheets}" if sheets and any(sheets) else ""
        text = f"{source.name!r} cannot be read as a spreadsheet{wanted}: {error}"
        raise BadInput(text) from error
    return {
        str(name or ""): sheet.set_axis([str(header).strip() for header in sheet.columns], axis=1)
        for name, sheet in book.items()
    }


def trim_cells(cells: pd.DataFrame) -> pd.DataFrame:
    """Return cells without blanks around them."""
    return pd.DataFrame({name: cells[name].str.strip() for name in cells})


def read_sheets(sources: Mapping[str, Source]) -> pd.DataFrame:
    """Return all rows of all searches, as text under our column names.

    A row per spreadsheet row, keyed by `search` and `sheet_row` (as the spreadsheet counts), with
    the columns of `data/trace/columns.csv`; missing cells are missing. No row is left out at this
    step. Raise BadInput if a file cannot be read, or a sheet lacks a column.
    """
    parts = []
    for file, group in groupby(records("trace/sheets"), key=lambda row: row["file"]):
        searches = {row["sheet"]: row["search"] for row in group}
        for sheet, cells in read_workbook(sources[file], list(searches)).items():
            parts.append(_rename(cells, searches[sheet], sheet_name(sources[file], sheet)))
    return pd.concat(parts, ignore_index=True)


def sheet_name(source: Source, sheet: str) -> str:
    """Return a sheet in words, for messages."""
    return f"{source.name!r}, " + (f"sheet {sheet!r}" if sheet else "first sheet")


def repair_cells(rows: pd.DataFrame, variant: str) -> pd.DataFrame:
    """Return the rows with the corrections of `data/trace/repairs.csv`, which gives reasons."""
    rows = rows.copy()
    for fix in records("trace/repairs", variant):
        hit = rows[fix["where"]].fillna("").str.contains(fix["pattern"])
        hit &= rows["study"] == fix["study"]
        rows.loc[hit, fix["column"]] = fix["value"] or None
    return rows


def _rename(sheet: pd.DataFrame, search: str, where: str) -> pd.DataFrame:
    columns = {}
    for name, group in groupby(records("trace/columns"), key=lambda row: row["column"]):
        required = {row["header"]: row["required"] == "yes" for row in group}
        header = next((header for header in required if header in sheet), None)
        if header is None and next(iter(required.values())):
            expected = " or ".join(map(repr, required))
            raise BadInput(f"{where} lacks a column: expected {expected}")
        columns[name] = sheet[header] if header else pd.Series("", index=sheet.index)
    rows = trim_cells(pd.DataFrame(columns))
    rows = rows.mask(rows.isin(MISSING))
    return rows.assign(search=search, sheet_row=np.arange(len(sheet)) + FIRST_ROW)
