"""Values for the missing cells of moderators, and the columns of moderators for trees."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from bayesmeta.data.moderators import is_category


@dataclass(frozen=True)
class Coded:
    """Moderators as columns that trees split: numbers, 0 and 1 per level, or codes (see `code`)."""

    names: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]  # of every moderator; empty for a number
    matrix: np.ndarray  # (k, columns)
    owner: np.ndarray  # (columns,), position of the moderator of a column

    def columns(self, name: str) -> np.ndarray:
        """Return the positions of a moderator's columns."""
        return np.flatnonzero(self.owner == self.names.index(name))

    @cached_property
    def _values_and_codes(self) -> list[tuple[np.ndarray, np.ndarray]]:
        parts = (self.matrix[:, self.owner == at] for at in range(len(self.names)))
        return [np.unique(part, axis=0, return_inverse=True) for part in parts]

    @property
    def values(self) -> list[np.ndarray]:
        """Return the values that occur of every moderator (values, columns of the moderator)."""
        return [values for values, _ in self._values_and_codes]

    @cached_property
    def codes(self) -> np.ndarray:
        """Return the place of every effect among `values` (k, moderators)."""
        return np.stack([codes for _, codes in self._values_and_codes], axis=1)

    @cached_property
    def kinds(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the distinct rows of the matrix, and the place of every effect in them (k,)."""
        _, first, place = np.unique(self.codes, axis=0, return_index=True, return_inverse=True)
        return self.matrix[first], place


def fill_in(
    frame: pd.DataFrame,
    names: Sequence[str],
    *,
    within: str = "",
    like: pd.DataFrame | None = None,
    seed: int | None = None,
) -> pd.DataFrame:
    """Return a complete table of moderators: numbers are floats, categories text.

    `frame`, `names`: effect table and its moderators. `within`: blanks get values that are observed
    where this column is the same, or anywhere if the table lacks it or nothing is observed there;
    "" for anywhere. `like`: the table of observed values, instead of `frame`. `seed`: put a random
    observed value into the blanks of a study: an imputation. By default the mode (of equally
    frequent values the first by alphabet) or the median.
    """
    like = frame if like is None else like
    rng = None if seed is None else np.random.default_rng(seed)
    studies = frame["study"] if "study" in frame else pd.Series(range(len(frame)), frame.index)
    stratified = within in frame and within in like
    table = {}
    for name in names:
        source, column = (_plain(part[name]) for part in (like, frame))
        if stratified:
            of_source, of_column = (part[within].astype(str) for part in (like, frame))
            blank = column.isna()
            for stratum in pd.unique(of_column[blank]):
                here = blank & (of_column == stratum)
                observed = source[of_source == stratum].dropna()
                column[here] = _imputed(observed, studies[here], rng)
        rest = column.isna()
        column[rest] = _imputed(source.dropna(), studies[rest], rng)
        table[name] = column
    return pd.DataFrame(table)


def _plain(column: pd.Series) -> pd.Series:
    """Return a copy of a column as floats, or as text with None for blanks."""
    if not is_category(column):
        return column.astype(float)
    return column.astype(object).where(column.notna(), None).map(str, na_action="ignore")


def _imputed(observed: pd.Series, study: pd.Series, rng: np.random.Generator | None) -> np.ndarray:
    """Return a value per study for its blanks; blanks again if nothing is observed."""
    count = len(study)
    if observed.empty:
        return np.full(count, None if observed.dtype == object else np.nan)
    if rng is not None:
        place, labels = pd.factorize(study)
        return rng.choice(observed.to_numpy(), len(labels))[place]
    value = observed.mode()[0] if is_category(observed) else observed.median()
    return np.full(count, value, observed.to_numpy().dtype)


def code(table: pd.DataFrame, *, ordered: bool = False) -> Coded:
    """Return columns for trees from a table of `fill_in`, levels in alphabetical order.

    Trees do not use that order, unless `ordered`: then a category is a single column, 0 for its
    first level and so on, so that a split divides the alphabet. That is ranger's default for
    factors, and so of the published forests.
    """
    parts = []
    levels = []
    for _, column in table.items():
        of_column = tuple(sorted(column.unique())) if is_category(column) else ()
        values = column.to_numpy()[:, None]
        if of_column:
            values = values == np.array(of_column, object)
            values = values.argmax(1)[:, None] if ordered else values
        levels.append(of_column)
        parts.append(values.astype(float))
    owner = np.repeat(np.arange(len(parts)), [part.shape[1] for part in parts])
    return Coded(tuple(map(str, table)), tuple(levels), np.hstack(parts), owner)


def code_each(tables: Sequence[pd.DataFrame], *, ordered: bool = False) -> list[Coded]:
    """Apply `code` to several imputations of a table, with the same columns."""
    together = code(pd.concat(tables, ignore_index=True), ordered=ordered)
    return [replace(together, matrix=part) for part in np.split(together.matrix, len(tables))]
