"""A table as a page shows it: columns in words, whole values behind rounded ones, long ones folded, a file to keep."""

import base64
import gzip
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pandas as pd
from markupsafe import Markup

from bayesmeta.output.figures import interval_text, words
from bayesmeta.output.pages.cells import Cells
from bayesmeta.output.pages.rendering import number, records

SIDE_BY_SIDE = {
    "bias_cells": "model",
    "prior_refits": "label",
}  # tables drawn as rows by this column
LABELS = {"term", "contrast", "moderator", "first", "second", "cell", "diagnostic"}
COLUMNS = {
    "ci_lb": "from",
    "ci_ub": "to",
    "p_positive": "P(> 0)",
    "p_two_sided": "p, two-sided",
    "k_hat": "k-hat",
    "p_rope": "P(negligible)",
    "p_opposite": "P(opposite signs)",
    "pi_lb": "from",
    "pi_ub": "to",
    "cri_lb": "from (Bayes)",
    "cri_ub": "to (Bayes)",
    "ci_lb_without": "from, without",
    "ci_ub_without": "to, without",
    "ess_bulk": "bulk ESS",
    "ess_tail": "tail ESS",
    "r_hat": "R-hat",
    "mcse_mean": "Monte-Carlo error",
    "se": "standard error",
    "zval": "z",
    "tval": "t",
    "pval": "p",
    "p_bonferroni": "p, Bonferroni",
    "i2": "I², %",
    "i2_mean": "I², %",
    "i2_ci_lb": "I² from",
    "i2_ci_ub": "I² to",
    "tau_mean": "tau",
    "tau_ci_lb": "tau from",
    "tau_ci_ub": "tau to",
    "tau2": "tau²",
    "fsn": "fail-safe N",
    "sumz": "sum of z",
}
SHORT, MOST = 12, 200  # rows of a table that is not folded, and of one that is shown whole
PLAIN = 100_000  # bytes of a CSV that a link holds as it is; larger ones are compressed


def shown_table(
    name: str, heading: str, table: pd.DataFrame, cell: Cells | None = None
) -> dict[str, Any]:
    """A table as templates show it: intervals side by side, long ones folded, very long ones cut.

    Parameters
    ----------
    name, heading, table : str, str, DataFrame
        File name, title, content.
    cell : Cells, optional
        Where a number that stands in a text among others takes its address from.

    Returns
    -------
    dict
        name, heading, columns (name, shown, text, width, label), rows (of shown, value, text), folded, left_out, total,
        wordy (whether a column holds sentences).
    """
    rows, wide = (
        [[_cell(value) for value in row.values()] for row in records(_whole(table[:MOST]))],
        table,
    )
    if (across := SIDE_BY_SIDE.get(name)) in table:
        wide = side_by_side(table, str(across))
        rows = [[_cell(value) for value in row.values()] for row in records(wide)]
        if cell is not None:
            _trace(rows, wide, name, str(across), cell)
    columns = [
        _column(str(column), [row[at] for row in rows]) for at, column in enumerate(wide.columns)
    ]
    left_out, folded = max(0, len(wide) - MOST), len(wide) > SHORT
    kept = {"name": name, "heading": heading, "columns": columns, "rows": rows[:MOST]}
    wordy = any(column["width"] == "long" for column in columns)
    return kept | {"folded": folded, "left_out": left_out, "total": len(wide), "wordy": wordy}


def side_by_side(table: pd.DataFrame, across: str) -> pd.DataFrame:
    """A row per contrast (or term) and a column for each value of another column: `mean [ci_lb, ci_ub]`, in order."""
    rows = _rows_of(table)
    texts = table.assign(
        text=list(map(interval_text, table["mean"], table["ci_lb"], table["ci_ub"]))
    )
    texts["text"] = texts["text"].str.replace(" ", "\N{NO-BREAK SPACE}")
    wide = texts.pivot_table(index=rows, columns=across, values="text", aggfunc="first")
    return wide.loc[table[rows].unique(), table[across].unique()].reset_index()


def in_words(name: object) -> str:
    """A term or contrast as it is read: `fear:memory` becomes `fear, memory`; a minus sign is a true one."""
    return " ".join(words(name).split()).replace(" - ", " − ")


def csv_link(name: str, content: bytes) -> dict[str, str]:
    """A file inside a link: its name, its address; large ones compressed, for the page to unpack where it can."""
    stem = name.replace("/", "-")
    if len(content) <= PLAIN:
        return {
            "file": f"{stem}.csv",
            "href": "data:text/csv;charset=utf-8," + quote(content, safe=",:;/()[]=+*!"),
        }
    packed = base64.b64encode(gzip.compress(content, mtime=0)).decode()
    return {"file": f"{stem}.csv.gz", "href": f"data:application/gzip;base64,{packed}"}


def _column(name: str, cells: list[dict[str, Any]]) -> dict[str, Any]:
    """Head of a column; where it has texts, what is missing stands with them."""
    text = any(cell["text"] for cell in cells)
    for cell in cells:
        cell["text"] = text
    longest = max((len(str(cell["shown"])) for cell in cells), default=0)
    width = "" if not text else "long" if longest > 60 else "middling" if longest > 24 else ""
    width = "tight" if any(isinstance(cell["shown"], Markup) for cell in cells) else width
    return {
        "name": name,
        "shown": heading_of(name),
        "text": text,
        "width": width,
        "label": name in LABELS,
    }


def heading_of(column: str) -> str:
    """A column in words."""
    return COLUMNS.get(column, column.replace("_", " "))


def _whole(table: pd.DataFrame) -> pd.DataFrame:
    """Counts that missing ones among them made decimal numbers, as whole numbers again."""
    decimals = table.select_dtypes("float")
    whole = [
        name
        for name in decimals
        if (values := decimals[name].dropna()).size
        and (values % 1 == 0).all()
        and values.abs().max() > 1
    ]
    counts = {
        str(name): [value if value != value else int(value) for value in table[name]]
        for name in whole
    }
    return table.assign(
        **{name: pd.Series(values, table.index, dtype=object) for name, values in counts.items()}
    )


def _trace(
    rows: list[list[dict[str, Any]]], wide: pd.DataFrame, name: str, across: str, cell: Cells
) -> None:
    """Give each of the numbers that share a cell its own address."""
    for row, label in zip(rows, wide.iloc[:, 0], strict=True):
        for at, column in enumerate(wide.columns[1:], start=1):
            if isinstance(row[at]["shown"], str) and row[at]["text"]:
                key: Mapping[str, Any] = {str(wide.columns[0]): label, across: column}
                both = Markup("{} {}").format(cell(name, key, "mean"), cell.interval(name, key))
                row[at] = {"shown": both, "value": cell.value(name, key, "mean"), "text": True}


def _rows_of(table: pd.DataFrame) -> str:
    return "contrast" if "contrast" in table else "term"


def _cell(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"shown": "yes" if value else "no", "value": value, "text": True}
    if isinstance(value, int | float):
        whole = isinstance(value, int)
        shown = (
            str(value).replace("-", "−") if whole else number(value, 1 if abs(value) >= 100 else 3)
        )
        return {"shown": shown, "value": None if value != value else value, "text": False}
    return {"shown": value, "value": None, "text": True}
