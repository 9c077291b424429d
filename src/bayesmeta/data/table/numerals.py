"""Numbers as people type them, to numbers with a point: decimal commas, the printer's minus."""

import re

import pandas as pd

from bayesmeta.data.effect_sizes import places
from bayesmeta.data.schema import refuse

NUMBER = re.compile(r"[+-]?((\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|[Ii]nf)", re.ASCII)
DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?", re.ASCII)
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+", re.ASCII)
GROUPED = re.compile(r"[+-]?\d{1,3}((,\d{3})+(\.\d+)?|(\.\d{3})+,\d+)", re.ASCII)
MINUS = "\u2212"


def plain_numbers(frame: pd.DataFrame, notes: list[str], *, comma: bool) -> pd.DataFrame:
    """The same cells, with numbers as 0.5 and -1.

    A column of numbers with commas is read where only one reading is possible: 0,5 is a half; 1,234 is that, too, in
    a file whose columns are parted by ';' (`comma`), and ambiguous elsewhere.

    Raises
    ------
    BadInput
        Columns of numbers whose commas may part decimals or thousands.
    """
    columns, decimal, problems = {}, list[str](), list[str]()
    for name in frame.columns:
        column = _plain_minus(frame[name])
        columns[name], problem = _without_commas(column, comma=comma)
        if problem:
            problems.append(problem)
        elif not columns[name].equals(column):
            decimal.append(str(name))
    refuse(problems)
    if decimal:
        notes.append(f"numbers with a decimal comma, 0,5 for a half, in {', '.join(decimal)}")
    return pd.DataFrame(columns, index=frame.index)


def is_number(column: pd.Series) -> pd.Series:
    """Whether each cell is a number."""
    return column.str.fullmatch(NUMBER)


def floats(column: pd.Series) -> pd.Series:
    """Numbers of a column of text; nan where a cell is blank or no number."""
    return column.where(is_number(column), "nan").map(float).astype(float)


def _plain_minus(column: pd.Series) -> pd.Series:
    if not column.str.contains(MINUS, regex=False).any():
        return column
    return column.where(~column.str.fullmatch(rf"{MINUS}[\d.,]+"), column.str.replace(MINUS, "-", regex=False))


def _without_commas(column: pd.Series, *, comma: bool) -> tuple[pd.Series, str]:
    """The column with points for commas, and what is ambiguous in it; a column of words stays as it is."""
    if not column.str.contains(",", regex=False).any():
        return column, ""
    filled = column[column != ""]
    decimal, grouped, point = (filled.str.fullmatch(form) for form in (DECIMAL_COMMA, GROUPED, NUMBER))
    thousands = filled.str.fullmatch(THOUSANDS)
    share = float((decimal | grouped | point).mean())
    if not (decimal | grouped).any() or share < (0.5 if comma else 1):
        return column, ""
    pointed = point & filled.str.contains(".", regex=False)
    clear = comma or (decimal & ~thousands).any()
    if clear and not pointed.any() and not (grouped & ~decimal).any():
        rewritten = column.str.replace(",", ".", regex=False)
        return column.where(~column.str.fullmatch(DECIMAL_COMMA), rewritten), ""
    where = places(decimal | grouped, list(filled.index), filled)
    return column, f"{column.name} has numbers with a comma, {where}; write 0.5 for a half, 1000 for a thousand"
