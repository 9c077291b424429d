"""The input of trees: effects, their variances, and complete moderators."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayesmeta.infrastructure.errors import BadInput


@dataclass(frozen=True)
class Moderator:
    """A column to split on: numbers, or codes into `levels` (sorted; empty if it is numeric)."""

    name: str
    values: np.ndarray
    levels: tuple[str, ...]

    @property
    def labels(self) -> np.ndarray:
        """Return the numbers, or the levels as text (effects,)."""
        return np.array(self.levels)[self.values] if self.levels else self.values


@dataclass(frozen=True)
class Effects:
    """The input of trees: yi and vi (effects,), and the moderators in the order of their trial."""

    yi: np.ndarray
    vi: np.ndarray
    moderators: tuple[Moderator, ...]


def effects_of(table: pd.DataFrame, moderators: Sequence[str]) -> Effects:
    """Take yi, vi and the moderators, all complete, from a table of effects.

    Columns of numbers stay numbers; all others, also booleans, are categories. Raises BadInput: a
    column is absent or has missing values; vi is not above 0; no moderator or no effect is given.
    """
    if not moderators or table.empty:
        raise BadInput("a tree needs a moderator and an effect at least")
    if unknown := [name for name in ("yi", "vi", *moderators) if name not in table]:
        columns = ", ".join(map(str, table.columns))
        raise BadInput(f"the table has no columns {unknown}; it has: {columns}")
    missing = table[["yi", "vi", *moderators]].isna().sum()
    if missing.any():
        counts = ", ".join(f"{name} ({count})" for name, count in missing[missing > 0].items())
        advice = "impute them, or leave these rows or moderators out"
        raise BadInput(f"missing values in {counts}; {advice}")
    yi, vi = (table[name].to_numpy(float) for name in ("yi", "vi"))
    if not (np.isfinite(yi).all() and np.isfinite(vi).all() and (vi > 0).all()):
        raise BadInput("yi should be finite and vi above 0 in every row of a tree")
    return Effects(yi, vi, tuple(_moderator(table[name]) for name in moderators))


def _moderator(column: pd.Series) -> Moderator:
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return Moderator(str(column.name), column.to_numpy(float), ())
    words = column.astype(str).to_numpy(str)
    levels, codes = np.unique(words, return_inverse=True)
    return Moderator(str(column.name), codes, tuple(map(str, levels)))
