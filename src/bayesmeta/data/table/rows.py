"""Effects of some rows of a table, given or computed, with the lines that they give rise to."""

from dataclasses import dataclass

import pandas as pd

FLAGS = ("refused", "incomplete", "left_out")


@dataclass(frozen=True, eq=False)
class Effects:
    """Effects of some rows.

    Attributes
    ----------
    table : DataFrame
        A row per row, with its label as index: yi and vi, nan if the cells give none; refused (a
        problem about the row is listed), incomplete (blank cells leave no effect), left_out
        (incomplete, and may be left out); means and SDs that were converted.
    problems, messages : tuple of str
        As those of a `Reading`.
    """

    table: pd.DataFrame
    problems: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
