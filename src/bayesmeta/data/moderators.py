"""Which columns of an effect table are moderators."""

from collections.abc import Sequence

import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from bayesmeta.data.datasets import DATASETS
from bayesmeta.infrastructure.choices import nearest
from bayesmeta.infrastructure.errors import BadInput

KEYS = ("study", "group", "effect", "control", "yi", "vi", "sei", "yi_raw", "sheet_row")
SIZES = tuple(f"{part}{arm}i" for arm in (1, 2) for part in ("m", "sd", "sem", "n", "x"))
COUNTS = ("ai", "bi", "ci", "di", "n1", "n2", "ri", "ni", "ti")
MAX_LEVELS = 10  # of a category that may still be constant within studies


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
