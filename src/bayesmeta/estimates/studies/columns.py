"""Columns of raw numbers beside the rows of a forest."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.infrastructure.choices import nearest
from bayesmeta.infrastructure.errors import BadInput

NOT_RAW = {"X", "effect_group", "control_cluster", "control_side", "control_variance", "published"}
DIGITS = 4  # significant digits of a number that is no integer
USUAL = (  # the first that a table has is shown by default
    ("events 1=ai/n1i", "events 2=ci/n2i"),
    ("n1=n1i", "n2=n2i"),
    ("n=ni",),
)


class Column(NamedTuple):
    """A heading, and text with names of columns: `m1i (sd1i)`."""

    heading: str
    text: str

    def names(self, known: Sequence[str]) -> list[str]:
        """Return the columns of the table that the text names, the longest first."""
        by_length = sorted(known, key=len, reverse=True)
        pattern = "|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in by_length)
        return list(dict.fromkeys(re.findall(pattern, self.text))) if pattern else []


def raw_columns(design: xr.Dataset) -> pd.DataFrame:
    """Return the columns of the table behind a design: a row per effect."""
    names = [
        str(name)
        for name, values in design.data_vars.items()
        if values.dims == ("effect",) and name not in NOT_RAW
    ]
    return pd.DataFrame({name: design[name].values for name in names})


def parse_columns(text: str, known: Sequence[str]) -> list[Column]:
    """Return the columns of `n1i, Mean (SD)=m1i (sd1i)`; BadInput if a part names no column."""
    columns = []
    for part in filter(None, map(str.strip, text.split(","))):
        heading, equals, content = part.partition("=")
        column = Column(heading.strip(), (content if equals else part).strip())
        if not column.names(known):
            near = nearest(column.text, known)
            has = ", ".join(known)
            raise BadInput(f"'{part}' names no column of the table{near}; it has: {has}")
        columns.append(column)
    return columns


def usual_columns(known: Sequence[str]) -> list[Column]:
    """Return events and group sizes, or group sizes, if the table has them."""
    for texts in USUAL:
        columns = [Column(*text.split("=")) for text in texts]
        needed = {name for column in columns for name in re.findall(r"\w+", column.text)}
        if needed <= set(known):
            return columns
    return []


def bias_columns(raw: pd.DataFrame) -> list[Column]:
    """Return the columns of the risk of bias: text, with a name that begins with `rob`."""
    return [
        Column(name[3:].strip(" _.:-").replace("_", " ") or name, name)
        for name in map(str, raw)
        if re.match(r"rob([ _.:-]|$)", name, re.IGNORECASE) and raw[name].dtype.kind not in "ifb"
    ]


def column_texts(raw: pd.DataFrame, members: Sequence[np.ndarray], column: Column) -> list[str]:
    """Return a column's text for rows of effects: values, or a range where they differ.

    `members` are the positions of every row's effects. A row without effects, or that lacks a
    number of the text, is empty.
    """
    names = column.names([str(name) for name in raw])
    pattern = re.compile("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in names))
    values = {name: raw[name].to_numpy() for name in names}
    texts = []
    for positions in members:
        filled = {name: _in_words(values[name][positions]) for name in names}
        complete = all(filled.values())
        texts.append(_filled(pattern, column.text, filled) if complete else "")
    return texts


def _filled(pattern: re.Pattern[str], text: str, filled: dict[str, str]) -> str:
    return pattern.sub(lambda match: filled[match[0]], text)


def _in_words(values: np.ndarray) -> str:
    """Return the value of effects, the range of their numbers, or their texts."""
    if values.dtype.kind not in "if":
        return ", ".join(dict.fromkeys(text for text in values.astype(str) if text.strip()))
    numbers = values[~np.isnan(values)]
    if not len(numbers):
        return ""
    ends = [_number(end) for end in (numbers.min(), numbers.max())]
    return "–".join(dict.fromkeys(ends))


def _number(value: float) -> str:
    text = f"{value:.0f}" if value == round(value) else f"{value:.{DIGITS}g}"
    return text.replace("-", "−")
