"""The sixth stage: columns that are neither labels nor effects, as numbers or categories."""

from collections.abc import Sequence

import pandas as pd

from bayesmeta.data.schema import KEYS
from bayesmeta.data.table.limits import TEXT_LENGTH, TEXT_TOTAL
from bayesmeta.data.table.numerals import floats, is_number
from bayesmeta.data.table.reading import Reading


def add_moderators(reading: Reading) -> Reading:
    """Return the reading with `moderators`; columns of long texts are left out with a message."""
    named = reading.named
    names = [name for name in map(str, named.columns) if name not in KEYS]
    columns = {name: _moderator(named[name], reading.orders.get(name)) for name in names}
    long = {name: length for name, column in columns.items() if (length := _too_long(column))}
    messages = [
        f"{name} is left out, because its texts are long (up to {length:,} characters)"
        for name, length in long.items()
    ]
    moderators = pd.DataFrame(columns, index=named.index).drop(columns=list(long))
    return reading.updated(messages=messages, moderators=moderators)


def _moderator(column: pd.Series, order: Sequence[str] | None) -> pd.Series:
    """Return numbers if every filled cell is a number and there is no order, else categories.

    Categories are in the given order, or by the alphabet.
    """
    filled = column[column != ""]
    if order is None and is_number(filled).all():
        return floats(column)
    categories = list(order or sorted(filled.unique()))
    return column.where(column != "", None).astype(pd.CategoricalDtype(categories))


def _too_long(column: pd.Series) -> int:
    """Return the longest text of a column that cannot be carried along; 0 for other columns.

    Free text is not a moderator, and results would repeat it.
    """
    if column.dtype != "category":
        return 0
    longest = max(map(len, column.cat.categories), default=0)
    fits = longest <= TEXT_LENGTH and longest * len(column) <= TEXT_TOTAL
    return 0 if fits else longest
