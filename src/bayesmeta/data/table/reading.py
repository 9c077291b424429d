"""The value that passes through the stages by which a table of text becomes an effect table."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from bayesmeta.data.table.names import SETTINGS


@dataclass(frozen=True, eq=False)
class Reading:
    """A user's table as far as it has been understood.

    A stage takes a reading and returns another reading; a field is empty until its stage.

    Attributes
    ----------
    text : DataFrame
        The file's columns, every cell as text; its index holds the rows that errors name.
    asked : mapping of str to str
        The package's name to the file's, and the settings, as `columns` of `read_table`.
    orders : mapping of str to sequence of str
        Order of the levels, for columns with a meaningful order.
    messages : tuple of str
        Lines that the user should read: guesses, conversions and rows that are left out.
    problems : tuple of str
        Lines because of which the table is refused.
    named : DataFrame
        The same cells under the package's names.
    taken : dict of str to str
        The package's name of a column to the file's ("district/school" if two are joined).
    aside : dict of str to str
        The file's name of a column that had to make room to the name that it has in `frame`.
    effects : DataFrame
        A row per row of `named`, as `bayesmeta.data.table.effects` describes it.
    measure : str or None
        Name of the effect size that was computed; None if yi was given.
    labels : DataFrame
        Columns study, group and effect.
    moderators : DataFrame
        The other columns, as floats or categories.
    frame : DataFrame
        The effect table, as `read_table` returns it.
    """

    text: pd.DataFrame
    asked: Mapping[str, str] = field(default_factory=dict)
    orders: Mapping[str, Sequence[str]] = field(default_factory=dict)
    messages: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    named: pd.DataFrame = field(default_factory=pd.DataFrame)
    taken: dict[str, str] = field(default_factory=dict)
    aside: dict[str, str] = field(default_factory=dict)
    effects: pd.DataFrame = field(default_factory=pd.DataFrame)
    measure: str | None = None
    labels: pd.DataFrame = field(default_factory=pd.DataFrame)
    moderators: pd.DataFrame = field(default_factory=pd.DataFrame)
    frame: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def rows(self) -> list[int]:
        """Return the row numbers by which errors name the rows of `named`."""
        return list(self.named.index)

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
        return replace(
            self,
            messages=(*self.messages, *messages),
            problems=(*self.problems, *problems),
            **fields,
        )
