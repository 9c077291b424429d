"""The value that passes through the stages by which a table of text becomes an effect table."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bayesmeta.data.effect_sizes import places
from bayesmeta.data.table.names import SETTINGS

FLAGS = ("refused", "incomplete", "left_out")


@dataclass(frozen=True, eq=False)
class Reading:
    """A user's table as far as it has been understood.

    A stage takes a reading and returns another reading; a field is empty until its stage.

    Attributes
    ----------
    text : the file's columns, every cell as text; its index holds the rows that errors name.
    asked : the package's name to the file's, and the settings, as `columns` of `read_table`.
    file : the path of the file, as the user gives it; "" for a table of Python.
    decimal_comma : whether numbers may be expected to have a decimal comma.
    propose : whether the likeliest reading is taken, with a message, where several are possible.
    orders : order of the levels, for columns with a meaningful order.
    messages : lines that the user should read: guesses, conversions and rows that are left out.
    problems : lines because of which the table is refused.
    made : columns of `text` that the file does not have, because its shape was changed.
    named : the same cells under the package's names.
    taken : the package's name of a column to the file's ("district/school" if two are joined).
    aside : the file's name of a column that had to make room to the name that it has in `frame`.
    effects : a row per row of `named`, as the table of `Effects`.
    measure : name of the effect size that was computed; None if yi was given.
    scale : what yi is, in words, if its column says so; "" otherwise.
    ratio : metafor's name of the ratio of which yi is the logarithm (OR, HR, ...); "" otherwise.
    labels : columns study, group and effect.
    moderators : the other columns, as floats or categories.
    frame : the effect table, as `read_table` returns it.
    """

    text: pd.DataFrame
    asked: Mapping[str, str] = field(default_factory=dict)
    file: str = ""
    decimal_comma: bool = False
    propose: bool = False
    orders: Mapping[str, Sequence[str]] = field(default_factory=dict)
    messages: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    made: frozenset[str] = frozenset()
    named: pd.DataFrame = field(default_factory=pd.DataFrame)
    taken: dict[str, str] = field(default_factory=dict)
    aside: dict[str, str] = field(default_factory=dict)
    effects: pd.DataFrame = field(default_factory=pd.DataFrame)
    measure: str | None = None
    scale: str = ""
    ratio: str = ""
    labels: pd.DataFrame = field(default_factory=pd.DataFrame)
    moderators: pd.DataFrame = field(default_factory=pd.DataFrame)
    frame: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def omits(self) -> bool:
        """Return whether rows that cannot be an effect are left out, as the user asks."""
        return self.asked.get("incomplete") == "omit"

    @property
    def asked_measure(self) -> str | None:
        """Return the measure that the user names, or None."""
        return self.asked.get("measure") or None

    @property
    def settings(self) -> dict[str, str]:
        """Return what was asked for and is neither a column nor the measure."""
        names = [name for name in SETTINGS if name != "measure"]
        return {name: self.asked[name] for name in names if self.asked.get(name)}

    def updated(
        self, *, messages: Iterable[str] = (), problems: Iterable[str] = (), **fields: Any
    ) -> "Reading":
        """Return the reading with other fields, and lines added to messages and problems."""
        messages = (*self.messages, *messages)
        return replace(self, messages=messages, problems=(*self.problems, *problems), **fields)

    def with_rows_problems(self, lines: Iterable[str]) -> "Reading":
        """Return the reading with problems of rows: messages if such rows are left out."""
        return self.updated(messages=lines) if self.omits else self.updated(problems=lines)


@dataclass(frozen=True, eq=False)
class Effects:
    """Effects of some rows of a table, given or computed, and the lines that they give rise to.

    Attributes
    ----------
    table : a row per row, with its label as index: yi and vi, nan if the cells give none; refused
        (a problem about the row is listed), incomplete (blank cells leave no effect), left_out
        (incomplete, and may be left out); means and SDs that were converted.
    problems, messages : as those of a `Reading`.
    """

    table: pd.DataFrame
    problems: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()


def impossible_rows(effects: pd.DataFrame) -> pd.Series:
    """Return True for rows of `Effects.table` without a finite yi and a finite vi above 0."""
    possible = np.isfinite(effects["yi"]) & np.isfinite(effects["vi"]) & (effects["vi"] > 0)
    return ~possible | effects["refused"].astype(bool) | effects["incomplete"].astype(bool)


def cells_at(wrong: ArrayLike, column: pd.Series) -> str:
    """Return the wrong cells of a column and their rows in words: "-3 at row 4, 7 at row 9"."""
    return places(wrong, list(column.index), column)
