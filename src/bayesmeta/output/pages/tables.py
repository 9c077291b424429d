"""Tables in the form that a page shows: rounded numbers, headings in words, a file to download."""

import base64
import gzip
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pandas as pd
from markupsafe import Markup

from bayesmeta.estimates.text import MINUS, estimate_text, number_text
from bayesmeta.estimates.transformed import NAME
from bayesmeta.output.pages.cells import Cells
from bayesmeta.output.pages.rendering import records
from bayesmeta.output.pages.sections import COLUMNS

SIDE_BY_SIDE = {"bias_cells": "model", "prior_refits": "label"}  # their columns, by this column
DIAGNOSTICS = ("ess_bulk", "ess_tail", "r_hat", "mcse_mean")
LABELS = {"term", "contrast", "moderator", "first", "second", "cell", "diagnostic"}
MAX_UNFOLDED = 12  # rows
MAX_ROWS = 40  # of a table on a page; the file has all
PLAIN = 5_000  # bytes of a CSV that a link holds as it is; a larger file is compressed
LARGEST = 60_000  # bytes of a compressed CSV in a page; a larger one is a file beside it
SORTED = 7  # digits of a number by which a table is sorted; the file has all
LONG = 60  # characters of a cell that make its column wide
MIDDLING = 24


def shown_table(
    name: str, heading: str, table: pd.DataFrame, cell: Cells | None = None
) -> dict[str, Any]:
    """Return a table in the form that templates show.

    Intervals stand side by side; a long table is folded, a very long table is cut. With `cell` all
    numbers that share a cell have their addresses. Keys: name, heading, columns (name, shown, text,
    width, label), rows (of shown, value, text), folded, left_out, total, wordy (has sentences).
    """
    table = diagnostics_last(table)
    across = SIDE_BY_SIDE.get(name)
    wide = side_by_side(table, across) if across and across in table else table
    shown = wide if wide is not table else _with_counts(table[:MAX_ROWS])
    rows = [[_cell(value) for value in row.values()] for row in records(shown)]
    if across and wide is not table and cell is not None:
        _link_numbers(rows, wide, name, across, cell)
    heads = [_column(str(head), [row[at] for row in rows]) for at, head in enumerate(wide.columns)]
    return {
        "name": name,
        "heading": heading,
        "columns": heads,
        "rows": rows[:MAX_ROWS],
        "folded": len(wide) > MAX_UNFOLDED,
        "left_out": max(0, len(wide) - MAX_ROWS),
        "total": len(wide),
        "wordy": any(column["width"] == "long" for column in heads),
    }


def diagnostics_last(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose transformed estimates stand before the diagnostics of the draws."""
    diagnostics = [name for name in DIAGNOSTICS if name in table]
    if NAME not in table or not diagnostics:
        return table
    others = [name for name in table.columns if name not in diagnostics]
    return table[[*others, *diagnostics]]


def side_by_side(table: pd.DataFrame, across: str) -> pd.DataFrame:
    """Return a row per contrast (or term), and a column of estimates per value of `across`."""
    rows = "contrast" if "contrast" in table else "term"
    estimates = map(estimate_text, table["mean"], table["ci_lb"], table["ci_ub"])
    texts = table.assign(text=[text.replace(" ", "\N{NO-BREAK SPACE}") for text in estimates])
    wide = texts.pivot_table(index=rows, columns=across, values="text", aggfunc="first")
    return wide.loc[table[rows].unique(), table[across].unique()].reset_index()


def csv_link(name: str, content: bytes, beside: str = "") -> dict[str, str]:
    """Return file name and data address of a CSV, compressed if large (browsers unpack it).

    If it is large even then, the address is that of the file `beside` the page, if there is one.
    """
    stem = name.replace("/", "-")
    if len(content) <= PLAIN:
        href = "data:text/csv;charset=utf-8," + quote(content, safe=",:;/()[]=+*!")
        return {"file": f"{stem}.csv", "href": href}
    packed = data_address("application/gzip", gzip.compress(content, mtime=0))
    if len(packed) > LARGEST and beside:
        return {"file": f"{stem}.csv", "href": quote(beside)}
    return {"file": f"{stem}.csv.gz", "href": packed}


def data_address(kind: str, content: bytes) -> str:
    """Return bytes as a data address of a media type."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _column(name: str, cells: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the head of a column; in a column with texts a missing value counts as text."""
    text = any(cell["text"] for cell in cells)
    for cell in cells:
        cell["text"] = text
    shown = COLUMNS.get(name, name.replace("_", " "))
    longest = max((len(str(cell["shown"])) for cell in cells), default=0)
    width = "long" if longest > LONG else "middling" if longest > MIDDLING else ""
    if any(isinstance(cell["shown"], Markup) for cell in cells):
        width = "tight"
    width = width if text else ""
    return {"name": name, "shown": shown, "text": text, "width": width, "label": name in LABELS}


def _with_counts(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with counts as integers again; a missing value had made them decimal."""
    counts = {}
    for name, values in table.select_dtypes("float").items():
        present = values.dropna()
        if present.size and (present % 1 == 0).all() and present.abs().max() > 1:
            integers = [value if value != value else int(value) for value in values]
            counts[str(name)] = pd.Series(integers, table.index, dtype=object)
    return table.assign(**counts)


def _link_numbers(
    rows: list[list[dict[str, Any]]], wide: pd.DataFrame, name: str, across: str, cell: Cells
) -> None:
    """Give the numbers that share a cell their addresses, in place."""
    for row, label in zip(rows, wide.iloc[:, 0], strict=True):
        for at, column in enumerate(wide.columns[1:], start=1):
            if isinstance(row[at]["shown"], str) and row[at]["text"]:
                key: Mapping[str, Any] = {str(wide.columns[0]): label, across: column}
                mean = cell(name, key, "mean")
                shown = Markup("{} {}").format(mean, cell.interval(name, key))
                row[at] = {"shown": shown, "value": cell.value(name, key, "mean"), "text": True}


def _cell(value: Any) -> dict[str, Any]:
    """Return the shown text of a cell, the full value of a number, and whether it is text."""
    if isinstance(value, bool):
        return {"shown": "yes" if value else "no", "value": value, "text": True}
    if isinstance(value, int):
        return {"shown": str(value).replace("-", MINUS), "value": value, "text": False}
    if isinstance(value, float):
        digits = 1 if abs(value) >= 100 else 3
        full = None if value != value else float(f"{value:.{SORTED}g}")
        return {"shown": number_text(value, digits), "value": full, "text": False}
    return {"shown": value, "value": None, "text": True}
