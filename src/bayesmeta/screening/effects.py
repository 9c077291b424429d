"""The input of trees: effects, their variances, and complete moderators."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import sparse

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

    @cached_property
    def terms(self) -> np.ndarray:
        """Return w = 1 / vi, w y, w y^2 and w^2 (effects, 4); y from their weighted mean."""
        weights = 1 / self.vi
        centred = self.yi - np.average(self.yi, weights=weights)
        return np.stack([weights, weights * centred, weights * centred**2, weights**2], 1)

    @cached_property
    def values(self) -> tuple[np.ndarray, ...]:
        """Return the values that occur, by moderator, ascending; for categories their codes."""
        return tuple(np.unique(moderator.values) for moderator in self.moderators)

    @cached_property
    def owner(self) -> np.ndarray:
        """Return the position of the moderator of every value (values,), moderators in a row."""
        return np.repeat(np.arange(len(self.values)), [len(values) for values in self.values])

    @cached_property
    def places(self) -> np.ndarray:
        """Return the place of every effect's values among all values (effects, moderators)."""
        starts = np.searchsorted(self.owner, np.arange(len(self.values)))
        columns = zip(self.values, self.moderators, starts, strict=True)
        return np.stack([np.searchsorted(v, m.values) + at for v, m, at in columns], 1)

    @cached_property
    def membership(self) -> sparse.csr_array:
        """Return 1 where an effect has a value (effects, values)."""
        rows, columns = self.places.shape
        starts = np.arange(0, rows * columns + 1, columns)
        ones = np.ones(rows * columns)
        return sparse.csr_array((ones, self.places.ravel(), starts), (rows, len(self.owner)))


def effects_of(table: pd.DataFrame, moderators: Sequence[str]) -> Effects:
    """Take yi, vi and the moderators, all complete, from a table of effects.

    Columns of numbers stay numbers; all others, also booleans, are categories. Raises BadInput: a
    column is absent or has missing values; vi is not above 0; no moderator or no effect is given.
    """
    if not moderators or table.empty:
        raise BadInput("a tree needs at least a moderator and an effect")
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
