"""Effects that a table gives: yi with vi or sei."""

import numpy as np
import pandas as pd

from bayesmeta.data.table.names import EFFECT
from bayesmeta.data.table.numerals import parse_numbers
from bayesmeta.data.table.reading import Effects, cells_at


def given_effects(text: pd.DataFrame, droppable: np.ndarray) -> Effects:
    """Return yi and vi as given, vi = sei^2 if vi is blank, of rows with every cell as text.

    `droppable` are the rows (boolean) that are left out if they are incomplete.
    """
    numbers = parse_numbers(text, [name for name in EFFECT if name in text])
    values = numbers.values.reindex(columns=list(EFFECT))
    blank = text.reindex(columns=list(EFFECT), fill_value="") == ""
    incomplete = (blank["yi"] | (blank["vi"] & blank["sei"])) & ~numbers.refused
    left_out = incomplete & droppable
    by_error = blank["vi"] & ~blank["sei"] if "vi" in text else pd.Series(True, text.index)
    sei = values["sei"]
    wrong = by_error & ~left_out & ((sei <= 0) | (sei.isna() & blank["sei"]))
    problem = f"sei must be a number above 0, got {cells_at(wrong, sei)}"
    numbers = numbers.with_problem(wrong.to_numpy(), problem)
    table = pd.DataFrame(
        {
            "yi": values["yi"],
            "vi": values["vi"].mask(by_error, sei**2),  # an infinite square is refused as vi
            "refused": numbers.refused,
            "incomplete": incomplete,
            "left_out": left_out,
        }
    )
    return Effects(table, numbers.problems)
