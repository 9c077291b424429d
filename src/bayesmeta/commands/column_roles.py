"""Roles of the columns of a user's file: used by the analysis, moderator, or neither."""

from typing import Any

import pandas as pd

from bayesmeta.data.effect_sizes import MEASURES
from bayesmeta.data.schema import KEYS, LABELS
from bayesmeta.data.table import Reading
from bayesmeta.data.table.names import ARMS, EFFECT, INTERVAL, RAW
from bayesmeta.data.table.numerals import is_number

MAX_LEVELS = 12  # of a category: more would leave few effects to a level


def columns_table(reading: Reading) -> pd.DataFrame:
    """Return column, kind (numbers, or words with their levels), missing cells and role."""
    rows = []
    for name in map(str, reading.text.columns):
        cells = reading.text[name]
        filled = cells[cells != ""]
        role = role_of(reading, name, empty=filled.empty)
        rows.append((name, kind_of(filled), len(cells) - len(filled), role))
    return pd.DataFrame(rows, columns=["column", "kind", "missing", "role"])


def kind_of(filled: pd.Series) -> str:
    """Return the kind of a column with these cells."""
    if filled.empty:
        return "empty"
    if is_number(filled).all():
        return "numbers"
    levels = filled.nunique()
    return f"words, {levels} level{'s' * (levels != 1)}"


def role_of(reading: Reading, name: str, *, empty: bool) -> str:
    """Return what a column of the file is used for, or why it is no moderator."""
    used = used_names(reading)
    sources = {target: (source, *source.split("/")) for target, source in reading.taken.items()}
    if roles := [target for target in sources if target in used and name in sources[target]]:
        return ", ".join(roles)
    if empty:
        return "empty"
    column = reading.aside.get(name, name)
    if column not in reading.frame.columns or column in used:
        return "left out"
    reason = unfit(reading.frame[column], reading.frame["study"])
    return (reason or "moderator") + (f", as {column}" if column != name else "")


def moderators_of(reading: Reading) -> list[str]:
    """Return the columns that may be moderators: numbers that vary, words of few levels."""
    frame = reading.frame
    used = {*KEYS, *used_names(reading), "sheet_row"}
    others = [str(name) for name in frame.columns if name not in used]
    return [name for name in others if unfit(frame[name], frame["study"]) is None]


def unfit(column: pd.Series, study: pd.Series) -> str | None:
    """Return the reason why a column is no moderator, or None."""
    filled = column.dropna()
    levels = filled.nunique()
    if levels < 2:
        return "constant"
    if bool((pd.factorize(column)[0] == pd.factorize(study)[0]).all()):
        return "names the studies"
    if not pd.api.types.is_numeric_dtype(column):
        many = levels > MAX_LEVELS or 2 * levels > len(filled)
        return f"{levels} levels, too many" if many else None
    numbered = are_row_numbers(filled) or filled.groupby(study).apply(are_row_numbers).all()
    return "row numbers" if numbered else None


def are_row_numbers(numbers: Any) -> bool:
    """Return whether numbers are 1, 2, ... without repeats."""
    return bool(numbers.is_unique and numbers.min() == 1 and numbers.max() == len(numbers))


def used_names(reading: Reading) -> set[str]:
    """Return the package's names that the analysis takes from the file."""
    taken = {*reading.taken}
    if reading.measure is None:
        has_error = {"vi", "sei"} & taken
        return {*LABELS, *EFFECT, *(() if has_error else INTERVAL)} & taken
    forms = {name for form in MEASURES[reading.measure].forms for name in form}
    arms = {name for arm in ARMS.values() for name in arm.values() if arm["m"] in forms}
    return {*LABELS, *EFFECT, *forms, *arms, *({"sign"} & {*RAW})} & taken
