"""Numbers in prose: every number comes from a cell of a table and carries its address."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from markupsafe import Markup

from bayesmeta.estimates.text import number_text

Row = str | Mapping[str, Any]  # the value of a table's first column, or of several named columns


class Cells:
    """The numbers of a template: `cell("terms", "fear:memory", "mean")`.

    Tables are by name as in the folder of results: `terms`, `screening/importance`. With `html`
    numbers are `<data>` elements with the full number and its address, otherwise plain text.
    """

    def __init__(self, tables: Mapping[str, pd.DataFrame], *, html: bool = True) -> None:
        self.tables = tables
        self.html = html

    def value(self, table: str, row: Row, column: str) -> Any:
        """Return the content of a cell; KeyError unless exactly a single row has the key."""
        rows = self.tables[table]
        key = self._key(table, row)
        for name, wanted in key.items():
            rows = rows[rows[name].astype(str) == str(wanted)]
        if len(rows) != 1:
            raise KeyError(f"{len(rows)} rows of {table} have {dict(key)}")
        return rows[column].iloc[0]

    def _key(self, table: str, row: Row) -> Mapping[str, Any]:
        return row if isinstance(row, Mapping) else {str(self.tables[table].columns[0]): row}

    def __call__(self, table: str, row: Row, column: str, digits: int = 2) -> str:
        """Return a cell as text; a number has so many digits after the point."""
        value = self.value(table, row, column)
        text = value if isinstance(value, str) else number_text(float(value), digits)
        if not self.html:
            return text
        key = self._key(table, row)
        place = ",".join(f"{name}={wanted}" for name, wanted in key.items())
        address = f"{table}|{place}|{column}"
        title = f"{', '.join(map(str, key.values()))}, {column}: tables/{table}.csv"
        element = Markup('<data value="{}" data-cell="{}" title="{}">{}</data>')
        return element.format(value, address, title, text)

    def interval(
        self, table: str, row: Row, lower: str = "ci_lb", upper: str = "ci_ub", digits: int = 2
    ) -> str:
        """Return two cells of a row as an interval, `[lower, upper]`."""
        ends = [self(table, row, column, digits) for column in (lower, upper)]
        return (Markup("[{}, {}]") if self.html else "[{}, {}]").format(*ends)
