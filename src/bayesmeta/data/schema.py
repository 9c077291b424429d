"""What an effect table must be: one row per effect, with columns study, group, effect, yi and vi."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
LINES = 20


def check_effects(frame: pd.DataFrame) -> pd.DataFrame:
    """The same table, with yi and vi as floats, once everything in it is possible.

    Parameters
    ----------
    frame : a row per effect with columns study, group, effect (labels), yi (finite), vi (sampling variance,
        finite and above 0) and any moderators. Errors name rows by the column `sheet_row`; without it by the
        row of a file whose header is row 1.

    Raises
    ------
    BadInput
        A column is missing, a label is blank, an effect label occurs twice, a group is in two studies, a
            number is impossible, or there are fewer than two studies: all in one message, a line each.
    """
    refuse(effect_problems(frame))
    return frame.assign(yi=frame["yi"].astype(float), vi=frame["vi"].astype(float))


def effect_problems(frame: pd.DataFrame, *, told: ArrayLike | None = None) -> list[str]:
    """What `check_effects` would refuse, a line each.

    Parameters
    ----------
    frame : as for `check_effects`.
    told : rows (boolean) whose yi and vi a reader has complained about already; they are not looked at.
    """
    missing = [name for name in KEYS if name not in frame.columns]
    if missing:
        return [f"the effect table lacks {_names(missing)}; it has {_names(frame.columns)}"]
    from pandera.errors import SchemaErrors

    keys = frame.loc[:, list(KEYS)].reset_index(drop=True)
    if told is not None:
        keys.loc[np.asarray(told, bool), list(NUMBERS)] = 1.0
    try:
        _schema(keys).validate(keys, lazy=True)
    except SchemaErrors as errors:
        return _lines(errors.failure_cases, keys, row_numbers(frame))
    return []


def refuse(problems: Iterable[str]) -> None:
    """Nothing, or BadInput with every problem on a line of its own; a long list is cut."""
    lines = [line for problem in problems for line in problem.splitlines()]
    if len(lines) > LINES:
        lines = [*lines[:LINES], f"and {len(lines) - LINES} more"]
    if lines:
        raise BadInput("\n".join(lines))


def check_moderators(frame: pd.DataFrame, names: Iterable[str]) -> None:
    """Nothing, once every moderator named in a formula is a column without blanks or infinite numbers.

    Raises
    ------
    BadInput
        A name is no column (with the nearest one), or a cell is blank or infinite (with its row).
    """
    problems = []
    for name in dict.fromkeys(names):
        if name not in frame.columns:
            near = nearest(name, frame.columns)
            problems.append(f"moderator {name!r} is not a column{near}; the columns are {_names(frame.columns)}")
            continue
        blank = frame[name].isna() | frame[name].isin([np.inf, -np.inf])
        if blank.any():
            where = places(blank, row_numbers(frame))
            quoted = name if name.isidentifier() else f"`{name}`"
            problems.append(
                f"moderator {name!r} is blank or infinite {where}; fill the cells in or leave the rows out"
                + (f': --where "{quoted}.notna()"' if "yi" in frame else "")
            )
    refuse(problems)


def row_numbers(frame: pd.DataFrame) -> Sequence[int]:
    """Row numbers by which errors name the rows of an effect table."""
    return list(frame["sheet_row"]) if "sheet_row" in frame.columns else range(2, len(frame) + 2)


def nearest(name: str, known: Iterable[object]) -> str:
    """' (did you mean X?)' for the known name nearest to `name`, whatever its case, or ''."""
    by_lower = {str(one).lower(): str(one) for one in known}
    near = get_close_matches(name.lower(), by_lower, n=1)
    return f" (did you mean {by_lower[near[0]]}?)" if near else ""


def _schema(keys: pd.DataFrame) -> DataFrameSchema:
    # pandera costs as much to import as pandas: only a table that is checked pays for it
    from pandera.pandas import Check, Column, DataFrameSchema

    def filled(label: pd.Series) -> pd.Series:
        return label.notna() & (label.astype(str).str.strip() != "")

    def nested(group: pd.Series) -> pd.Series:
        blank = ~filled(group)
        return keys["study"].astype(str).groupby(group.astype(str)).transform("nunique").le(1) | blank

    def number(values: pd.Series) -> pd.Series:
        return pd.to_numeric(values, errors="coerce").astype(float)

    not_blank = Check(filled, error="must not be blank", ignore_na=False)
    finite = Check(lambda yi: np.isfinite(number(yi)), error="must be a finite number", ignore_na=False)
    positive = Check(
        lambda vi: np.isfinite(number(vi)) & (number(vi) > 0),
        error="must be a finite number above 0",
        ignore_na=False,
    )
    unique = Check(lambda effect: ~effect.duplicated(keep=False) | ~filled(effect), error="must be unique labels")
    one_study = Check(nested, error="must each be in one study (label them study/group)", ignore_na=False)
    two = Check(lambda study: study.nunique() >= 2, error="must be at least two different ones", ignore_na=False)
    columns = {
        "study": [not_blank, two],
        "group": [not_blank, one_study],
        "effect": [not_blank, unique],
        "yi": [finite],
        "vi": [positive],
    }
    return DataFrameSchema({name: Column(checks=checks, nullable=True) for name, checks in columns.items()})


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
