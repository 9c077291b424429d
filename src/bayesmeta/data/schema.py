"""Rules for an effect table: a row per effect, with columns study, group, effect, yi and vi."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bayesmeta.data.effect_sizes import places
from bayesmeta.infrastructure.errors import BadInput

if TYPE_CHECKING:
    from pandera.pandas import DataFrameSchema

LABELS = ("study", "group", "effect")
NUMBERS = ("yi", "vi")
KEYS = (*LABELS, *NUMBERS)
LINES = 20  # problems that a message lists: the first of them are enough to start with


def check_effects(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the same table with yi and vi as floats, if everything in it is possible.

    Parameters
    ----------
    frame : DataFrame
        A row per effect with columns study, group, effect (labels), yi (finite), vi (sampling
        variance, finite and above 0) and any moderators. Errors name rows by the column
        `sheet_row`; without it by the row of a file with its header in row 1.

    Raises
    ------
    BadInput
        A column is missing, a label is blank, an effect label occurs twice, a group is in two
        studies, a number is impossible, or there are fewer than two studies: all problems in a
        single message, a line per problem.
    """
    refuse(effect_problems(frame))
    return frame.assign(yi=frame["yi"].astype(float), vi=frame["vi"].astype(float))


def effect_problems(frame: pd.DataFrame, *, refused: ArrayLike | None = None) -> list[str]:
    """Return the lines for which `check_effects` refuses a table.

    Parameters
    ----------
    frame : DataFrame
        As for `check_effects`.
    refused : array_like, optional
        Rows (boolean) with a problem of yi or vi that is listed already; these are not checked.
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
    """Raise BadInput if a moderator is not a column, or has blank or infinite cells.

    Parameters
    ----------
    frame : DataFrame
        Effect table, or other rows with moderators.
    names : iterable of str
        Moderators that a formula names.

    Raises
    ------
    BadInput
        A name is not a column (with the nearest name), or a cell is blank or infinite (with its
        row).
    """
    refuse(_moderator_problem(frame, name) for name in dict.fromkeys(names))


def row_numbers(frame: pd.DataFrame) -> Sequence[int]:
    """Return the row numbers by which errors name the rows of an effect table."""
    in_file = "sheet_row" in frame.columns
    return list(frame["sheet_row"]) if in_file else range(2, len(frame) + 2)


def nearest(name: str, known: Iterable[object]) -> str:
    """Return ' (did you mean X?)' with the known name nearest to `name`, or ''."""
    by_lower = {str(candidate).lower(): str(candidate) for candidate in known}
    near = get_close_matches(name.lower(), by_lower, n=1)
    return f" (did you mean {by_lower[near[0]]}?)" if near else ""


def _moderator_problem(frame: pd.DataFrame, name: str) -> str:
    """Return the problem of a moderator, or ''."""
    if name not in frame.columns:
        near = nearest(name, frame.columns)
        columns = _names(frame.columns)
        return f"moderator {name!r} is not a column{near}; the columns are {columns}"
    blank = frame[name].isna() | frame[name].isin([np.inf, -np.inf])
    if not blank.any():
        return ""
    quoted = name if name.isidentifier() else f"`{name}`"
    query = f': --where "{quoted}.notna()"' if "yi" in frame else ""
    return (
        f"moderator {name!r} is blank or infinite {places(blank, row_numbers(frame))}; fill the "
        f"cells in or leave the rows out{query}"
    )


def _schema(keys: pd.DataFrame) -> DataFrameSchema:
    """Return the schema of the columns study, group, effect, yi and vi."""
    # pandera costs as much to import as pandas: only a table that is checked pays for it
    from pandera.pandas import Check, Column, DataFrameSchema

    def filled(label: pd.Series) -> pd.Series:
        return label.notna() & (label.astype(str).str.strip() != "")

    def nested(group: pd.Series) -> pd.Series:
        studies = keys["study"].astype(str).groupby(group.astype(str)).transform("nunique")
        return studies.le(1) | ~filled(group)

    def number(values: pd.Series) -> pd.Series:
        return pd.to_numeric(values, errors="coerce").astype(float)

    def check(test: Callable[[pd.Series], object], error: str) -> Check:
        return Check(test, error=error, ignore_na=False)

    not_blank = check(filled, "must not be blank")
    two = check(lambda study: study.nunique() >= 2, "must have at least two different labels")
    single = check(nested, "must lie in a single study (label it study/group)")
    unique = Check(
        lambda effect: ~effect.duplicated(keep=False) | ~filled(effect),
        error="must be a unique label",
    )
    finite = check(lambda yi: np.isfinite(number(yi)), "must be a finite number")
    positive = check(
        lambda vi: np.isfinite(number(vi)) & (number(vi) > 0), "must be a finite number above 0"
    )
    columns = {
        "study": [not_blank, two],
        "group": [not_blank, single],
        "effect": [not_blank, unique],
        "yi": [finite],
        "vi": [positive],
    }
    return DataFrameSchema(
        {name: Column(checks=checks, nullable=True) for name, checks in columns.items()}
    )


def _lines(failures: pd.DataFrame, keys: pd.DataFrame, rows: Sequence[int]) -> list[str]:
    """Return a line per column and rule, with the values and rows that break it."""
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
    """Return names separated by commas, or 'none'."""
    return ", ".join(map(str, names)) or "none"
