"""Cells that stand for nothing ("NR"), and numbers with a mark beside them ("34 %", "0.42*")."""

import re

import numpy as np
import pandas as pd

from bayesmeta.data.schema import LABELS
from bayesmeta.data.table.reading import Reading, cells_at
from bayesmeta.data.table.words import names_study

MISSING = frozenset(
    [
        *("nr", "n.r.", "n/r", "na", "n/a", "n.a.", "#n/a", "nan", "null"),
        *("#value!", "#div/0!", "#ref!", "not reported", "not available", "missing"),
        *(".", "..", "...", "-", "--", "---", "\N{EN DASH}", "\N{EM DASH}"),
    ]
)
SIGN = re.compile(r"[+-]1?|1|\N{MINUS SIGN}1?")
TYPED = re.compile(r"[+\-\N{MINUS SIGN}]?(?:\d[\d.,]*|[.,]\d+)(?:[eE][+-]?\d+)?")
MARKED = re.compile(rf"(?:[~≈]|ca?\.?\s)?\s*({TYPED.pattern})\s*(%?)\s*(?:[*†‡§¶#]+|\([^()\d]*\))?")
ANY_MARK = re.compile(r"[%*†‡§¶#~≈(]|^ca?[.\s]")
SHARE = 0.5  # of the cells of a column that must be numbers, marked or not
SHOWN_COLUMNS = 8


def mark_missing(reading: Reading) -> Reading:
    """Return the reading with "NR", "n/a", "-", "." and the like as blank cells, with a message.

    A column of signs keeps its "-".
    """
    text = reading.text
    columns = {str(name): text[name] for name in text.columns}
    missing = {name: _is_missing(column) for name, column in columns.items()}
    marked_cells = {name: cells for name, cells in missing.items() if cells.any()}
    if not marked_cells:
        return reading
    shown = [f"{name} ({cells_at(marked_cells[name], columns[name])})" for name in marked_cells]
    more = f" and {len(shown) - SHOWN_COLUMNS} more columns" if len(shown) > SHOWN_COLUMNS else ""
    message = f"cells read as missing: {'; '.join(shown[:SHOWN_COLUMNS])}{more}"
    blank = {name: columns[name].mask(cells, "") for name, cells in marked_cells.items()}
    return reading.updated(text=text.assign(**blank), messages=[message])


def plain_marks(reading: Reading) -> Reading:
    """Return the reading with "34 %", "0.42*", "~0.6" and "0.3 (est.)" as numbers, with a message.

    A column is changed if at least half of its filled cells are numbers, with or without a mark.
    Labels are not changed, nor are columns that mix percentages with fractions.
    """
    text = reading.text
    labels = label_columns(reading)
    changed: dict[str, pd.Series] = {}
    messages = []
    for name in (str(name) for name in text.columns if name not in labels):
        column = text[name]
        if not column.str.contains(ANY_MARK).any():
            continue
        parts = column.str.extract(rf"^{MARKED.pattern}$").fillna("")
        differs = ((parts[0] != "") & (parts[0] != column)).to_numpy()
        if not differs.any() or (parts[0] != "").sum() < SHARE * (column != "").sum():
            continue
        by_percent = (parts[1] == "%").to_numpy()
        if _mixes_fractions(parts[0], by_percent):
            messages.append(f"{name} mixes % with fractions and is left as words")
            continue
        changed[name] = parts[0].where(differs, column)
        messages.append(
            _message(name, column, differs & ~by_percent, percent=bool(by_percent.any()))
        )
    return reading.updated(text=text.assign(**changed), messages=messages)


def label_columns(reading: Reading) -> set[str]:
    """Return the columns that may hold labels of studies, groups and effects."""
    asked = {reading.asked.get(name, "") for name in LABELS}
    parts = {part.strip() for source in asked for part in (source, *source.split("/"))}
    names = map(str, reading.text.columns)
    return {name for name in names if name in parts or name in LABELS or names_study(name)}


def _is_missing(column: pd.Series) -> np.ndarray:
    cells = column.str.casefold().isin(MISSING).to_numpy()
    if cells.any() and column[column != ""].str.fullmatch(SIGN).all():
        return np.zeros(len(column), bool)
    return cells


def _mixes_fractions(numbers: pd.Series, by_percent: np.ndarray) -> bool:
    others = numbers[~by_percent & (numbers != "").to_numpy()]
    below_one = others.str.fullmatch(r"[+-]?0?[.,]\d*[1-9]\d*")
    return bool(by_percent.any() and below_one.any())


def _message(name: str, column: pd.Series, marked: np.ndarray, *, percent: bool) -> str:
    parts = ["without their %: 34 % is 34"] * percent
    if marked.any():
        parts.append(f"without the marks beside them: {cells_at(marked, column)}")
    return f"numbers of {name} are read {' and '.join(parts)}"
