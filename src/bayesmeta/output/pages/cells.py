"""Numbers in prose: each is taken from a cell of a table and says from which."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from markupsafe import Markup

from bayesmeta.output.pages.rendering import number

Row = str | Mapping[str, Any]  # the value of a table's first column, or of several named ones


class Cells:
    """What a template calls for a number: `cell("terms", "fear:memory", "mean")`.

    Parameters
    ----------
    tables : mapping
        By name as in the folder of results: `terms`, `screening/importance`.
    html : bool
        As `<data>` elements that carry the whole number and its address, or as plain text.
    """

    def __init__(self, tables: Mapping[str, pd.DataFrame], *, html: bool = True) -> None:
        self.tables, self.html = tables, html

    def value(self, table: str, row: Row, column: str) -> Any:
        """The content of a cell.

        Raises
        ------
        KeyError
            There is no such table, column or row, or more than one row.
        """
        rows = self.tables[table]
        key = row if isinstance(row, Mapping) else {str(rows.columns[0]): row}
        for name, wanted in key.items():
            rows = rows[rows[name].astype(str) == str(wanted)]
        if len(rows) != 1:
            raise KeyError(f"{len(rows)} rows of {table} have {dict(key)}")
        return rows[column].iloc[0]

    def __call__(
        self,
        table: str,
        row: Row,
        column: str,
        digits: int = 2,
        *,
        percent: bool = False,
        signed: bool = False,
    ) -> str:
        """A cell as it is read; of numbers so many digits, in percent if asked, with a plus sign if asked."""
        value = self.value(table, row, column)
        if isinstance(value, str):
            shown = value
        else:
            shown = number(float(value) * (100 if percent else 1), digits)
            shown = f"+{shown}" if signed and value > 0 else shown
        if not self.html:
            return shown
        key = row if isinstance(row, Mapping) else {str(self.tables[table].columns[0]): row}
        place = ",".join(f"{name}={wanted}" for name, wanted in key.items())
        said = f"{', '.join(map(str, key.values()))}, {column}: tables/{table}.csv"
        address = f"{table}|{place}|{column}"
        return Markup('<data value="{}" data-cell="{}" title="{}">{}</data>').format(
            value, address, said, shown
        )

    def interval(
        self,
        table: str,
        row: Row,
        lower: str = "ci_lb",
        upper: str = "ci_ub",
        digits: int = 2,
        *,
        percent: bool = False,
    ) -> str:
        """`[lower, upper]` of one row."""
        both = [self(table, row, column, digits, percent=percent) for column in (lower, upper)]
        return (Markup("[{}, {}]") if self.html else "[{}, {}]").format(*both)
