"""Blank moderators: of which rows and units.

A moderator that is the same in all filled rows of a study is one of the study: its blanks in a
study with filled rows have the value of those, and a study without any has one unknown value.
Otherwise it is a moderator of groups, or of effects.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from formulaic import Formula
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design.coding import Coding
from bayesmeta.model.design.standardising import CONTEXT
from bayesmeta.model.spec import ModelSpec

UNITS = ("study", "group", "effect")
UNFIT = ("rho", "tau_by", "bias", "sides")
BINARY = 2  # values of a number that is a category
CHOICE = "; leave these rows out with --missing complete"


class Blank(NamedTuple):
    """A moderator with unknown values."""

    name: str
    level: str  # study, group or effect, of which it is
    is_number: bool  # else a category
    rows: np.ndarray  # that lack it (k,)


class Number(NamedTuple):
    """A number as the formula has it, such as np.log(dose): x = low + t (high - low)."""

    name: str  # of the column
    raw: tuple[float, float]  # values of the column
    ends: tuple[float, float]  # x of these
    x: np.ndarray  # of every row (k,), missing where it is blank


def has_unknowns(design: xr.Dataset) -> bool:
    """Return whether a design has unknown moderators."""
    return "is_blank" in design


def imputed_rows(design: xr.Dataset) -> np.ndarray:
    """Return the rows of a design that have unknown moderators."""
    return np.flatnonzero(design["is_blank"].any("blank_moderator").values)


def unknown_in(design: xr.Dataset, name: str) -> np.ndarray:
    """Return in which rows of a design a column has provisional values for unknown ones (k,)."""
    if not has_unknowns(design) or name not in design["blank_moderator"].values:
        return np.zeros(design.sizes["effect"], bool)
    return np.asarray(design["is_blank"].sel(blank_moderator=name).values, bool)


def blank_cells(frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return which moderators are blank in which rows (k, moderators), of those that are."""
    cells = frame[[name for name in dict.fromkeys(names) if name in frame.columns]].isna()
    return cells.loc[:, cells.any()]


def complete_rows(frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return the rows without blanks in these columns, with the attributes of the table."""
    blank = blank_cells(frame, names).any(axis=1)
    kept: pd.DataFrame = frame[~blank]
    kept.attrs = frame.attrs
    if not len(kept):
        raise BadInput(f"no row has all of the moderators {', '.join(names)}")
    return kept


def level_of(frame: pd.DataFrame, name: str) -> str:
    """Return the highest of study, group and effect within which a column does not vary."""
    for level in UNITS[:-1]:
        if not varies_within(frame[name], frame[level].to_numpy()):
            return level
    return UNITS[-1]


def varies_within(column: pd.Series, unit: np.ndarray) -> bool:
    """Return whether a column has several filled values in a unit."""
    codes = column.groupby(unit, observed=True).nunique()
    return bool(codes.max() > 1)


def carried(frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return the table with the value of a study or group in all its rows, if some have it."""
    filled = frame.copy()
    filled.attrs = frame.attrs
    for name in names:
        level = level_of(frame, name)
        if level != UNITS[-1]:
            first = frame.groupby(level, observed=True)[name].transform("first")
            filled[name] = frame[name].where(frame[name].notna(), first)
    return filled


def refuse_unfit(spec: ModelSpec, names: Sequence[str]) -> None:
    """Raise BadInput unless a model can have unknown moderators."""
    what = f"{', '.join(names)}: blank in some rows, and model {spec.name}"
    unfit = [key for key in UNFIT if getattr(spec, key)]
    unfit += [f"likelihood = {spec.likelihood!r}"] if spec.likelihood != "normal" else []
    unfit += ["estimated pooling sds"] if spec.pooling_sds else []
    unfit += [f"an estimated {name}" for name in spec.auxiliary_parameters]
    if unfit:
        raise BadInput(f"{what} has {', '.join(unfit)}: no joint model of moderators{CHOICE}")


def blanks_of(frame: pd.DataFrame, coding: Coding, cells: pd.DataFrame) -> list[Blank]:
    """Return the moderators with blanks; categories first.

    `coding` is of the complete rows. Raise BadInput if a number enters as a curve, or twice.
    """
    blanks = []
    for name in cells:
        rows = cells[name].to_numpy()
        is_number = expression_of(frame, coding, str(name)) != ""
        blanks.append(Blank(str(name), level_of(frame, str(name)), is_number, rows))
    return sorted(blanks, key=lambda blank: blank.is_number)


def expression_of(frame: pd.DataFrame, coding: Coding, name: str) -> str:
    """Return the expression of a number in the formula, "" for a category."""
    spec = coding.spec
    kinds = {str(factor): kind.value for factor, (kind, _) in spec.encoder_state.items()}
    using = [str(x) for x, names in spec.factor_variables.items() if name in map(str, names)]
    numeric = [factor for factor in using if kinds.get(factor) == "numerical"]
    column = frame[name].dropna()
    if not numeric or not is_numeric_dtype(column) or is_bool_dtype(column):
        return ""
    if column.nunique() <= BINARY:
        return ""
    if len(using) > 1 or using[0] in map(str, spec.transform_state):
        problem = f"moderator '{name}' is blank in some rows and enters the terms as a curve"
        raise BadInput(f"{problem} ({', '.join(using)}), which no normal model describes{CHOICE}")
    return numeric[0]


def number_of(frame: pd.DataFrame, coding: Coding, name: str) -> Number:
    """Return a numeric moderator as the formula has it."""
    expression = expression_of(frame, coding, name)
    x = np.full(len(frame), np.nan)
    filled = frame[name].notna().to_numpy()
    x[filled] = evaluated(frame[filled], expression)
    raw = frame[name].to_numpy(float)
    places_of_ends = np.nanargmin(x), np.nanargmax(x)
    low, high = (float(raw[place]) for place in places_of_ends)
    ends = tuple(float(x[place]) for place in places_of_ends)
    return Number(name, (low, high), ends, x)  # type: ignore[arg-type]


def evaluated(frame: pd.DataFrame, expression: str) -> np.ndarray:
    """Return the values of a numeric expression (k,)."""
    if expression in frame.columns:
        return frame[expression].to_numpy(float)
    matrix = Formula(f"0 + {expression}").get_model_matrix(frame, context=CONTEXT)
    return np.asarray(matrix, float)[:, 0]
