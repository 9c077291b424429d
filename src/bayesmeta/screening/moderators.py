"""Which columns are moderators, what stands where a cell is missing, and how a tree reads them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from bayesmeta.data.schema import nearest
from bayesmeta.infrastructure.errors import BadInput

# of the published forests (doi 10.1038/s41398-023-02660-7), the animals' in the order of importance
PUBLISHED = (
    "phase",
    "valence",
    "information_type",
    "time_since_trauma",
    "control_type",
    "ptsd_type",
    "rhythm",
    "measure_kind",
    "cue_context",
    "population",
    "sample",
    "comparison",
    "age_class",
    "sex",
)
KEYS = ("study", "group", "effect", "control", "yi", "vi", "sei", "yi_raw", "sheet_row")
SIZES = tuple(f"{part}{arm}i" for arm in (1, 2) for part in ("m", "sd", "sem", "n", "x"))
COUNTS = ("ai", "bi", "ci", "di", "n1", "n2", "ri", "ni", "ti")


@dataclass(frozen=True)
class Coded:
    """Moderators as columns that a tree splits: a number as it is, a category as one column per level, 0 or 1.

    Or a category as one column, see `code`.

    Attributes
    ----------
    names : of the moderators
    levels : of each moderator; none for a number
    matrix : (k, columns)
    owner : (columns,), which moderator a column belongs to
    """

    names: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]
    matrix: np.ndarray
    owner: np.ndarray

    def columns(self, name: str) -> np.ndarray:
        """Positions of a moderator's columns."""
        return np.flatnonzero(self.owner == self.names.index(name))


def choose_moderators(frame: pd.DataFrame, names: Sequence[str] | None = None) -> tuple[list[str], dict[str, str]]:
    """Moderators of a table, and by name why another column is none.

    Parameters
    ----------
    frame : DataFrame
        Effect table.
    names : sequence of str, optional
        By default the published ones where the table has them all, else every column that neither names a row nor
        holds parts of its effect size.

    Raises
    ------
    BadInput
        A name is no column or has one value only; nothing is left.
    """
    wanted = list(names) if names else _by_default(frame)
    for name in wanted:
        if name not in frame.columns:
            known = ", ".join(_by_default(frame))
            raise BadInput(f"'{name}' is not a column{nearest(name, frame.columns)}; the moderators are: {known}")
    why = {name: reason for name in wanted if (reason := _unfit(frame, name))}
    if names and why:
        raise BadInput("; ".join(f"'{name}' {reason}" for name, reason in why.items()))
    if len(why) == len(wanted):
        raise BadInput(f"the table has no moderators; its columns are: {', '.join(map(str, frame.columns))}")
    return [name for name in wanted if name not in why], why


def _by_default(frame: pd.DataFrame) -> list[str]:
    if set(PUBLISHED) <= set(frame.columns):
        return list(PUBLISHED)
    return [str(name) for name in frame.columns if name not in (*KEYS, *SIZES, *COUNTS)]


def _unfit(frame: pd.DataFrame, name: str) -> str:
    filled = frame[name].dropna()
    if filled.nunique() < 2:
        return "has a single value"
    if is_category(filled) and filled.nunique() > 10:
        pairs = frame.loc[filled.index, ["study", name]].drop_duplicates()
        if not pairs[name].duplicated().any():
            return "names the studies: each of its values is in one study only"
    return ""


def is_category(column: pd.Series) -> bool:
    """Whether a column's values have no order."""
    return not is_numeric_dtype(column) or is_bool_dtype(column)


def fill_in(
    frame: pd.DataFrame,
    names: Sequence[str],
    *,
    within: str = "species",
    like: pd.DataFrame | None = None,
    seed: int | None = None,
) -> pd.DataFrame:
    """A complete table of moderators: numbers are floats, categories text.

    Parameters
    ----------
    frame, names : DataFrame, sequence of str
        Effect table and its moderators.
    within : str
        What stands in a blank is observed where this column is the same, or anywhere if the table lacks it or nothing
        is observed there; "" for anywhere, as published ("across species").
    like : DataFrame, optional
        Where to look instead of `frame`: the table of all species, as published.
    seed : int, optional
        Put a random observed value into the blanks of each study: one of several imputations. By default the mode (of
        equals the first by alphabet) or the median.
    """
    like = frame if like is None else like
    rng = None if seed is None else np.random.default_rng(seed)
    studies = frame["study"] if "study" in frame else pd.Series(range(len(frame)), frame.index)
    strata = [like[within].astype(str), frame[within].astype(str)] if within in frame and within in like else []
    table = {}
    for name in names:
        source, column = _plain(like[name]), _plain(frame[name])
        blank = column.isna()
        for stratum in pd.unique(strata[1][blank]) if strata else []:
            here = blank & (strata[1] == stratum)
            column[here] = _stand_in(source[strata[0] == stratum].dropna(), studies[here], rng)
        rest = column.isna()
        column[rest] = _stand_in(source.dropna(), studies[rest], rng)
        table[name] = column
    return pd.DataFrame(table)


def _plain(column: pd.Series) -> pd.Series:
    if not is_category(column):
        return column.astype(float)
    return column.astype(object).where(column.notna(), None).map(str, na_action="ignore")


def _stand_in(observed: pd.Series, studies: pd.Series, rng: np.random.Generator | None) -> np.ndarray:
    """Values for the blanks of these studies, one per study; blanks again where nothing is observed."""
    count = len(studies)
    if observed.empty:
        return np.full(count, None if observed.dtype == object else np.nan)
    if rng is not None:
        place, labels = pd.factorize(studies)
        drawn: np.ndarray = rng.choice(observed.to_numpy(), len(labels))[place]
        return drawn
    value = observed.mode()[0] if is_category(observed) else observed.median()
    return np.full(count, value, observed.to_numpy().dtype)


def code(table: pd.DataFrame, *, ordered: bool = False) -> Coded:
    """Columns for trees from a table of `fill_in`, levels in alphabetical order.

    No tree sees that order, unless `ordered`: then a category is one column, 0 for its first level and so on, so that a
    split parts the alphabet. That is what ranger does with factors by default, and so the published forests.
    """
    parts, levels = [], []
    for name in table:
        column = table[name]
        own = tuple(sorted(column.unique())) if is_category(column) else ()
        levels.append(own)
        values = column.to_numpy()[:, None]
        same = (values == np.array(own, object)).astype(float) if own else values.astype(float)
        parts.append(same.argmax(1)[:, None].astype(float) if own and ordered else same)
    owner = np.repeat(np.arange(len(parts)), [part.shape[1] for part in parts])
    return Coded(tuple(map(str, table)), tuple(levels), np.hstack(parts), owner)


def code_each(tables: Sequence[pd.DataFrame], *, ordered: bool = False) -> list[Coded]:
    """`code` of several imputations of one table, with the same columns."""
    together = code(pd.concat(tables, ignore_index=True), ordered=ordered)
    return [replace(together, matrix=part) for part in np.split(together.matrix, len(tables))]
