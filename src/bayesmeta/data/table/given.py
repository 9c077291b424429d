"""Effects that a table gives: yi with vi or sei."""

import numpy as np
import pandas as pd

from bayesmeta.data.effect_sizes import places
from bayesmeta.data.effect_sizes.measure import Floats
from bayesmeta.data.table.names import EFFECT
from bayesmeta.data.table.numerals import is_number, parse_numbers
from bayesmeta.data.table.rows import Effects


def given_effects(text: pd.DataFrame, droppable: np.ndarray) -> Effects:
    """Return yi and vi as given, vi = sei^2 if vi is blank.

    Parameters
    ----------
    text : DataFrame
        Rows with yi, and vi or sei, every cell as text.
    droppable : ndarray
        Rows (boolean) that are left out if they are incomplete.
    """
    names = [name for name in EFFECT if name in text]
    numbers = parse_numbers(text, names)
    blank = (text["yi"] == "") | (text[names[1:]] == "").all(axis=1)
    incomplete = blank.to_numpy() & ~numbers.refused
    left_out = droppable & incomplete
    wrong = _wrong_errors(text, numbers.values) & ~left_out
    problems = numbers.problems
    if wrong.any():
        where = places(wrong, list(text.index), numbers.values["sei"])
        problems = (*problems, f"sei must be a number above 0, got {where}")
    table = pd.DataFrame(
        {
            "yi": numbers.values["yi"],
            "vi": _variances(text, numbers.values),
            "refused": numbers.refused | wrong,
            "incomplete": incomplete,
            "left_out": left_out,
        },
        index=text.index,
    )
    return Effects(table, problems)


def _by_error(text: pd.DataFrame) -> np.ndarray:
    """Return True for rows with a variance that follows from the standard error."""
    if "sei" not in text:
        return np.zeros(len(text), bool)
    if "vi" not in text:
        return np.ones(len(text), bool)
    return ((text["vi"] == "") & (text["sei"] != "")).to_numpy()


def _wrong_errors(text: pd.DataFrame, values: pd.DataFrame) -> np.ndarray:
    """Return True for rows with a standard error that is needed and blank or not above 0."""
    if "sei" not in text:
        return np.zeros(len(text), bool)
    unread = ~is_number(text["sei"]) & (text["sei"] != "")
    return _by_error(text) & ~(values["sei"] > 0).to_numpy() & ~unread.to_numpy()


def _variances(text: pd.DataFrame, values: pd.DataFrame) -> Floats:
    """Return the sampling variances; nan if neither vi nor sei is a number."""
    blank = np.full(len(text), np.nan)
    vi = values["vi"].to_numpy() if "vi" in values else blank
    sei = values["sei"].to_numpy() if "sei" in values else blank
    with np.errstate(over="ignore"):  # an infinite square is refused as vi
        return np.where(_by_error(text), sei**2, vi)
