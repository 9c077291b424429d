"""Numbers as people type them to numbers with a point: decimal commas, the printer's minus."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from bayesmeta.data.schema import refuse
from bayesmeta.data.table.reading import Reading, cells_at

NUMBER = re.compile(r"[+-]?((\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|[Ii]nf)", re.ASCII)
DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?", re.ASCII)
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+", re.ASCII)
GROUPED = re.compile(r"[+-]?\d{1,3}((,\d{3})+(\.\d+)?|(\.\d{3})+,\d+)", re.ASCII)
MINUS = "\u2212"


@dataclass(frozen=True, eq=False)
class Numbers:
    """Numbers of some columns of text.

    Attributes
    ----------
    values : floats; nan if a cell is blank or not a number.
    refused : rows (boolean, (k,)) about which a problem is listed.
    problems, messages : lines about the cells, as those of a `Reading`.
    """

    values: pd.DataFrame
    refused: np.ndarray
    problems: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()

    def with_problem(self, wrong: np.ndarray, problem: str) -> "Numbers":
        """Return the numbers with wrong rows (boolean) refused for a problem, if there are any."""
        if not wrong.any():
            return self
        return replace(self, refused=self.refused | wrong, problems=(*self.problems, problem))


def parse_numbers(text: pd.DataFrame, names: Sequence[str]) -> Numbers:
    """Return the numbers of some columns, with a problem per column that has other cells."""
    values = pd.DataFrame({name: floats(text[name]) for name in names}, index=text.index)
    numbers = Numbers(values, np.zeros(len(text), bool))
    for name in names:
        wrong = (values[name].isna() & (text[name] != "")).to_numpy()
        got = cells_at(wrong, text[name])
        numbers = numbers.with_problem(wrong, f"{name} must be a number, got {got}")
    return numbers


def plain_numbers(reading: Reading) -> Reading:
    """Return the same table with numbers written as 0.5 and -1.

    A column of numbers with commas is read if a single reading is possible: 0,5 is a half. 1,234
    is a decimal, too, in a file with columns separated by ';' (`decimal_comma`), and ambiguous in
    other files: raise BadInput if commas may be decimal commas or separate thousands.
    """
    decimal_comma = reading.decimal_comma
    typed = {name: _plain_minus(reading.text[name]) for name in reading.text.columns}
    refuse(_ambiguous(column, decimal_comma=decimal_comma) for column in typed.values())
    columns = {name: _with_points(column, decimal_comma) for name, column in typed.items()}
    changed = ", ".join(str(name) for name in columns if not columns[name].equals(typed[name]))
    message = f"numbers with a decimal comma, 0,5 for a half, in {changed}"
    text = pd.DataFrame(columns, index=reading.text.index)
    return reading.updated(text=text, messages=[message] if changed else [])


def is_number(column: pd.Series) -> pd.Series:
    """Return True for every cell that is a number."""
    return column.str.fullmatch(NUMBER)


def floats(column: pd.Series) -> pd.Series:
    """Return the numbers of a column of text; nan if a cell is blank or not a number."""
    return column.where(is_number(column), "nan").map(float).astype(float)


def _plain_minus(column: pd.Series) -> pd.Series:
    if not column.str.contains(MINUS, regex=False).any():
        return column
    hyphens = column.str.replace(MINUS, "-", regex=False)
    return column.where(~column.str.fullmatch(rf"{MINUS}[\d.,]+"), hyphens)


def _has_commas(column: pd.Series, *, decimal_comma: bool) -> bool:
    if not column.str.contains(",", regex=False).any():
        return False
    filled = column[column != ""]
    commas = filled.str.fullmatch(DECIMAL_COMMA) | filled.str.fullmatch(GROUPED)
    share = float((commas | filled.str.fullmatch(NUMBER)).mean())
    return bool(commas.any()) and share >= (0.5 if decimal_comma else 1)


def _with_points(column: pd.Series, decimal_comma: bool) -> pd.Series:
    if not _has_commas(column, decimal_comma=decimal_comma):
        return column
    points = column.str.replace(",", ".", regex=False)
    return column.where(~column.str.fullmatch(DECIMAL_COMMA), points)


def _ambiguous(column: pd.Series, *, decimal_comma: bool) -> str:
    if not _has_commas(column, decimal_comma=decimal_comma):
        return ""
    filled = column[column != ""]
    decimal = filled.str.fullmatch(DECIMAL_COMMA)
    grouped = filled.str.fullmatch(GROUPED)
    pointed = filled.str.fullmatch(NUMBER) & filled.str.contains(".", regex=False)
    clear = decimal_comma or (decimal & ~filled.str.fullmatch(THOUSANDS)).any()
    if clear and not pointed.any() and not (grouped & ~decimal).any():
        return ""
    numbers = f"{column.name} has numbers with a comma, {cells_at(decimal | grouped, filled)}"
    return f"{numbers}; write 0.5 for a half, 1000 for a thousand"
