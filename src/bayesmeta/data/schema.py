"""Rules for an effect table: a row per effect, with columns study, group, effect, yi and vi."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bayesmeta.data.effect_sizes import places
from bayesmeta.infrastructure.choices import nearest
from bayesmeta.infrastructure.errors import BadInput

if TYPE_CHECKING:
    from pandera.pandas import DataFrameSchema

LABELS = ("study", "group", "effect")
NUMBERS = ("yi", "vi")
KEYS = (*LABELS, *NUMBERS)
LINES = 20  # problems that a message lists: the first of them are enough to start with


def check_effects(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the same table with yi and vi as floats, if everything in it is possible.

    A row per effect has study, group, effect (labels), yi (finite), vi (sampling variance, finite
    and above 0) and any moderators. Raise BadInput, with a line per problem, if a column is
    missing, a label is blank, an effect label occurs twice, a group is in two studies, a number is
    impossible, or there are fewer than two studies. Errors name rows by the column `sheet_row`;
    without it by the row of a file with its header in row 1.
    """
    refuse(effect_problems(frame))
    return frame.assign(yi=frame["yi"].astype(float), vi=frame["vi"].astype(float))


def effect_problems(frame: pd.DataFrame, *, refused: ArrayLike | None = None) -> list[str]:
    """Return the lines for which `check_effects` refuses a table.

    `refused` rows (boolean) have a problem of yi or vi that is listed already.
    """
    missing = [name for name in KEYS if name not in frame.columns]
    if missing:
        return [f"the effect table lacks {_names(missing)}; it has {_names(frame.columns)}"]
    from pandera.errors import SchemaErrors

    keys = frame.loc[:, list(KEYS)].reset_index(drop=True)
    if refused is not None:
        keys.loc[np.asarray(refused, bool), list(NUMBERS)] = 1.0
    try:
        _schema(keys).validate(keys, lazy=True)
    except SchemaErrors as errors:
        return _lines(errors.failure_cases, keys, row_numbers(frame))
    return []


def refuse(problems: Iterable[str]) -> None:
    """Raise BadInput with a line per problem, if there are any; a long list is cut."""
    lines = [line for problem in problems for line in problem.splitlines()]
    if len(lines) > LINES:
        lines = [*lines[:LINES], f"and {len(lines) - LINES} more"]
    if lines:
        raise BadInput("\n".join(lines))


def check_moderators(frame: pd.DataFrame, names: Iterable[str]) -> None:
    """Raise BadInput if a moderator of a formula is no column, or has blank or infinite cells."""
    refuse(_moderator_problem(frame, name) for name in dict.fromkeys(names))


def row_numbers(frame: pd.DataFrame) -> Sequence[int]:
    """Return the row numbers by which errors name the rows of an effect table."""
    in_file = "sheet_row" in frame.columns
    return list(frame["sheet_row"]) if in_file else range(2, len(frame) + 2)


def _moderator_problem(frame: pd.DataFrame, name: str) -> str:
    if name not in frame.columns:
        near = nearest(name, frame.columns)
        columns = _names(frame.columns)
        return f"moderator {name!r} is not a column{near}; the columns are {columns}"
    blank = frame[name].isna() | frame[name].isin([np.inf, -np.inf])
    if not blank.any():
        return ""
    quoted = name if name.isidentifier() else f"`{name}`"
    quotes = '"' if name.isidentifier() else "'"  # a shell runs backticks in double quotes
    query = f": --where {quotes}{quoted}.notna(){quotes}" if "yi" in frame else ""
    where = places(blank, row_numbers(frame))
    remedy = f"fill the cells in or leave the rows out{query}"
    return f"moderator {name!r} is blank or infinite {where}; {remedy}"


def _schema(keys: pd.DataFrame) -> DataFrameSchema:
    # pandera costs as much to import as pandas: only a table that is checked pays for it
    from pandera.pandas import Check, Column, DataFrameSchema

    def filled(label: pd.Series) -> pd.Series:
        return label.notna() & (label.astype(str).str.strip() != "")

    def nested(group: pd.Series) -> pd.Series:
        studies = keys["study"].astype(str).groupby(group.astype(str)).transform("nunique")
        return studies.le(1) | ~filled(group)

    def finite(values: pd.Series, above: float = -np.inf) -> pd.Series:
        numbers = pd.to_numeric(values, errors="coerce").astype(float)
        return numbers.gt(above) & numbers.lt(np.inf)

    rules: list[tuple[str, str, Callable[[pd.Series], object]]] = [
        ("study", "must not be blank", filled),
        ("study", "must have at least two different labels", lambda study: study.nunique() >= 2),
        ("group", "must not be blank", filled),
        ("group", "must lie in a single study (label it study/group)", nested),
        ("effect", "must not be blank", filled),
        ("effect", "must be a unique label", lambda x: ~x.duplicated(keep=False) | ~filled(x)),
        ("yi", "must be a finite number", finite),
        ("vi", "must be a finite number above 0", lambda vi: finite(vi, above=0)),
    ]
    columns = {name: Column(checks=[], nullable=True) for name in KEYS}
    for name, error, test in rules:
        columns[name].checks.append(Check(test, error=error, ignore_na=False))
    return DataFrameSchema(columns)


def _lines(failures: pd.DataFrame, keys: pd.DataFrame, rows: Sequence[int]) -> list[str]:
    lines = []
    for (column, rule), cases in failures.groupby(["column", "check"], sort=False):
        if cases["index"].isna().all():
            lines.append(f"{column} {rule}, got {_names(keys[column].unique())}")
        else:
            bad = np.zeros(len(keys), bool)
            bad[cases["index"].astype(int)] = True
            lines.append(f"{column} {rule}, got {places(bad, rows, keys[column].astype(object))}")
    return lines


def _names(names: Iterable[object]) -> str:
    return ", ".join(map(str, names)) or "none"
