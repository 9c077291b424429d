"""Before the first stage: "15 (12-19)" under `Median1 (IQR)` as three columns of numbers."""

import re

import pandas as pd

from bayesmeta.data.table.names import ARMS, plain
from bayesmeta.data.table.reading import Reading

_NUMBER = r"[-+]?\d+(?:\.\d+)?"
_TO = r"(?:-|\u2013|\u2212|to|,|;)"
TRIPLE = re.compile(rf"({_NUMBER})\s*[(\[]\s*({_NUMBER})\s*{_TO}\s*({_NUMBER})\s*[)\]]", re.I)
KINDS: dict[tuple[str, str], tuple[str, ...]] = {  # words of a header to statistics, in order
    ("median", "iqr|q1|quartile|quartiles|interquartile"): ("median", "q1", "q3"),
    ("median", "range|min"): ("median", "min", "max"),
}
FIRST = "1|first|treatment|treated|intervention|experimental|exp|active|drug|cases"
SECOND = "2|second|control|controls|ctrl|placebo|comparator|comparison|reference"


def split_summaries(reading: Reading) -> Reading:
    """Return the reading with a column per statistic in place of columns that hold several.

    A header names the statistics (`Median (IQR) 1`) and the group; every filled cell has the
    numbers: "15 (12-19)", "15 [12, 19]". A message says what was read. Other columns, and those
    whose numbers are columns already, stay. Means with SDs are split by `shape.splitting`.
    """
    columns: dict[str, pd.Series] = {}
    messages = []
    for name in map(str, reading.text.columns):
        parts = _parts(name, reading.text[name])
        if not parts or {*parts} & {*map(str, reading.text.columns), *columns}:
            columns[name] = reading.text[name]
            continue
        columns |= parts
        messages.append(f"{', '.join(parts)} are read from the cells of {name}")
    if not messages:
        return reading
    text = pd.DataFrame(columns, index=reading.text.index, dtype="str")
    return reading.updated(text=text, messages=messages)


def _parts(name: str, column: pd.Series) -> dict[str, pd.Series]:
    """Return the numbers of a column under the package's names; {} unless all cells have them."""
    arm = _arm(name)
    statistics = _statistics(name)
    filled = column[column != ""]
    if not arm or not statistics or filled.empty:
        return {}
    if not filled.str.fullmatch(TRIPLE).all():
        return {}
    numbers = column.str.extract(TRIPLE).fillna("")
    names = [ARMS[arm][statistic] for statistic in statistics]
    return {target: numbers[at] for at, target in enumerate(names)}


def _words(name: str) -> list[str]:
    """Return the words of a header; a digit is a word: `Median1 (IQR)` is median, 1, iqr."""
    return re.findall(r"q[13]|[a-z]+|\d+", plain(name).replace("_", " "))


def _statistics(name: str) -> tuple[str, ...]:
    words = _words(name)
    for (centre, spread), statistics in KINDS.items():
        if centre in words and {*spread.split("|")} & {*words}:
            return statistics
    return ()


def _arm(name: str) -> str:
    words = {*_words(name)}
    first = bool({*FIRST.split("|")} & words)
    second = bool({*SECOND.split("|")} & words)
    return "" if first == second else "1" if first else "2"
