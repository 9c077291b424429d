"""The moderators of a table, values for missing cells, and their columns for trees."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from bayesmeta.data.datasets import DATASETS
from bayesmeta.infrastructure.choices import nearest
from bayesmeta.infrastructure.errors import BadInput

KEYS = ("study", "group", "effect", "control", "yi", "vi", "sei", "yi_raw", "sheet_row")
SIZES = tuple(f"{part}{arm}i" for arm in (1, 2) for part in ("m", "sd", "sem", "n", "x"))
COUNTS = ("ai", "bi", "ci", "di", "n1", "n2", "ri", "ni", "ti")
MAX_LEVELS = 10  # of a category that may still be constant within studies


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


def choose_moderators(
    frame: pd.DataFrame, names: Sequence[str] | None = None
) -> tuple[list[str], dict[str, str]]:
    """Return the moderators of a table, and why other columns are not moderators, by name.

    `frame`: effect table. `names`: by default those of the dataset if the table has them all,
    otherwise every column that neither identifies a row nor holds parts of its effect size.
    Raises BadInput: a name is not a column or has a single value; no moderator remains.
    """
    candidates = list(names) if names else _by_default(frame)
    for name in candidates:
        if name not in frame.columns:
            available = ", ".join(_by_default(frame))
            hint = nearest(name, frame.columns)
            raise BadInput(f"'{name}' is not a column{hint}; the moderators are: {available}")
    unfit = {name: reason for name in candidates if (reason := _unfit(frame, name))}
    if names and unfit:
        raise BadInput("; ".join(f"'{name}' {reason}" for name, reason in unfit.items()))
    if len(unfit) == len(candidates):
        columns = ", ".join(map(str, frame.columns))
        raise BadInput(f"the table has no moderators; its columns are: {columns}")
    return [name for name in candidates if name not in unfit], unfit


def _by_default(frame: pd.DataFrame) -> list[str]:
    dataset = DATASETS.get(str(frame.attrs.get("dataset")))
    if dataset and dataset.moderators and set(dataset.moderators) <= set(frame.columns):
        return list(dataset.moderators)
    return [str(name) for name in frame.columns if name not in (*KEYS, *SIZES, *COUNTS)]


def _unfit(frame: pd.DataFrame, name: str) -> str:
    """Return why a column cannot be a moderator; "" if it can."""
    filled = frame[name].dropna()
    if filled.nunique() < 2:
        return "has a single value"
    if is_category(filled) and filled.nunique() > MAX_LEVELS:
        pairs = frame.loc[filled.index, ["study", name]].drop_duplicates()
        if not pairs[name].duplicated().any():
            return "names the studies: every value is in a single study"
    return ""


def is_category(column: pd.Series) -> bool:
    """Return whether the values of a column have no order."""
    return not is_numeric_dtype(column) or is_bool_dtype(column)


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
