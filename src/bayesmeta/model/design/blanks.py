"""Blank moderators: of which rows and units, and the values that stand in for them.

A moderator that is the same in all filled rows of a study is one of the study: its blanks in a
study with filled rows have the value of those, and a study without any has one unknown value.
Otherwise it is a moderator of groups, or of effects.
"""

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from bayesmeta.data.effect_sizes import places
from bayesmeta.data.schema import row_numbers
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design.coding import Coding, code_rows
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
    """Return in which rows of a design a column has stand-ins for unknown values (k,)."""
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
    found = []
    for name in cells:
        rows = cells[name].to_numpy()
        is_number = expression_of(frame, coding, str(name)) != ""
        found.append(Blank(str(name), level_of(frame, str(name)), is_number, rows))
    return sorted(found, key=lambda blank: blank.is_number)


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
        raise BadInput(f"{problem} ({', '.join(using)}), of which no normal model is made{CHOICE}")
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
    from formulaic import Formula

    from bayesmeta.model.design.standardising import CONTEXT

    if expression in frame.columns:
        return frame[expression].to_numpy(float)
    matrix = Formula(f"0 + {expression}").get_model_matrix(frame, context=CONTEXT)
    return np.asarray(matrix, float)[:, 0]


class Combinations(NamedTuple):
    """The categories with blanks of one level, together: their combinations of values."""

    level: str
    names: tuple[str, ...]
    values: pd.DataFrame  # a row per combination of rows that have all of them, by frequency

    def candidates(self, row: pd.Series, blank: Sequence[bool]) -> np.ndarray:
        """Return which combinations agree with the filled cells of a row (combinations,)."""
        fits = np.ones(len(self.values), bool)
        for name, unknown in zip(self.names, blank, strict=True):
            if not unknown:
                fits &= (self.values[name] == row[name]).to_numpy()
        return fits


def combinations_of(frame: pd.DataFrame, blanks: Sequence[Blank]) -> list[Combinations]:
    """Return the combinations of categories, of every level that has some with blanks."""
    found = []
    for level in UNITS:
        names = [blank.name for blank in blanks if blank.level == level and not blank.is_number]
        if names:
            filled = frame[names].dropna()
            counts = filled.groupby(names, observed=True, sort=True).size()
            ordered = counts.sort_values(ascending=False, kind="stable").index.to_frame(index=False)
            typed = {name: frame[name].dtype for name in names}
            found.append(Combinations(level, tuple(names), ordered.astype(typed)))
    return found


class States(NamedTuple):
    """The coding of the rows with blanks at every state of their unknown moderators.

    A state is a combination of every `Combinations`; the corners are the low or high value of
    every unknown number of a row, in the order of `numbers`, the first varying slowest.
    """

    rows: np.ndarray  # positions in the table (R,)
    numbers: list[list[int]]  # unknown numbers of every row, by position
    x: list[np.ndarray]  # coded (states, corners, terms), nan where it is not possible
    sizes: tuple[int, ...]  # combinations of every `Combinations`; states are their products

    def strides(self) -> np.ndarray:
        """Return by how much the state grows with a combination."""
        return np.array([int(np.prod(self.sizes[at + 1 :])) for at in range(len(self.sizes))], int)


def states_of(
    frame: pd.DataFrame,
    coding: Coding,
    blanks: Sequence[Blank],
    combinations: Sequence[Combinations],
    numbers: Sequence[Number],
) -> States:
    """Code every row with blanks at every state that agrees with its filled cells."""
    rows = np.flatnonzero(np.any([blank.rows for blank in blanks], axis=0))
    by_name = {blank.name: blank for blank in blanks}
    sizes = tuple(len(part.values) for part in combinations)
    grid = grid_of(sizes)
    parts = []
    keys = []
    unknown = [
        [at for at, number in enumerate(numbers) if by_name[number.name].rows[row]] for row in rows
    ]
    for place, row in enumerate(rows):
        values = frame.iloc[row]
        fits = np.ones(len(grid), bool)
        for at, part in enumerate(combinations):
            blank = [bool(by_name[name].rows[row]) for name in part.names]
            fits &= part.candidates(values, blank)[grid[:, at]]
        states = np.flatnonzero(fits)
        corners = grid_of((2,) * len(unknown[place]))
        repeated = frame.iloc[np.full(len(states) * len(corners), row)].reset_index(drop=True)
        for at, part in enumerate(combinations):
            chosen = part.values.iloc[np.repeat(grid[states, at], len(corners))]
            for name in part.names:
                repeated[name] = chosen[name].to_numpy()
        for axis, at in enumerate(unknown[place]):
            ends = np.array(numbers[at].raw)[corners[:, axis]]
            repeated[numbers[at].name] = np.tile(ends, len(states))
        parts.append(repeated)
        keys.append((states, len(corners)))
    typed = {name: frame[name].dtype for part in combinations for name in part.names}
    together = pd.concat(parts, ignore_index=True).astype(typed)
    coded = code_rows(coding, together).to_numpy()
    x = []
    start = 0
    for states, corners_of_row in keys:
        size = len(states) * corners_of_row
        table = np.full((len(grid), corners_of_row, coded.shape[1]), np.nan)
        table[states] = coded[start : start + size].reshape(len(states), corners_of_row, -1)
        x.append(table)
        start += size
    return States(rows, unknown, x, sizes)


def grid_of(sizes: Sequence[int]) -> np.ndarray:
    """Return all positions of an array of this shape, the first axis varying slowest (n, axes)."""
    positions = list(product(*map(range, sizes)))
    return np.array(positions, int).reshape(len(positions), len(sizes))


def first_states(
    frame: pd.DataFrame, combinations: Sequence[Combinations], states: States
) -> np.ndarray:
    """Return a possible combination of every row, by frequency (R, combinations).

    Raise BadInput if a row has none: no complete row is alike.
    """
    chosen = np.zeros((len(states.rows), len(states.sizes)), int)
    possible = [~np.isnan(x).any(axis=(1, 2)) for x in states.x]
    if bad := [place for place, fits in enumerate(possible) if not fits.any()]:
        named = np.zeros(len(frame), bool)
        named[states.rows[bad]] = True
        where = places(named, row_numbers(frame))
        problem = f"blank moderators {where}: no complete row has the other moderators of these"
        raise BadInput(f"{problem}{CHOICE}")
    grid = grid_of(states.sizes)
    for at, part in enumerate(combinations):
        unit = pd.factorize(frame[part.level].iloc[states.rows])[0]
        for code in np.unique(unit):
            members = np.flatnonzero(unit == code)
            for value in range(states.sizes[at]):
                left = [possible[place] & (grid[:, at] == value) for place in members]
                if all(fits.any() for fits in left):
                    break
            else:
                label = frame[part.level].iloc[states.rows[members[0]]]
                where = f"blank moderators of {part.level} {label}"
                raise BadInput(f"{where}: no value is possible in all its rows{CHOICE}")
            for place, fits in zip(members, left, strict=True):
                possible[place] = fits
                chosen[place, at] = value
    return chosen


def filled_in(
    frame: pd.DataFrame,
    combinations: Sequence[Combinations],
    numbers: Sequence[Number],
    states: States,
    chosen: np.ndarray,
    x: Sequence[np.ndarray],
) -> pd.DataFrame:
    """Return the table with values in place of blanks.

    chosen : combination of every row with blanks (R, combinations). x : of every number, its
    values there (R,); a column inside a function, such as np.log(dose), gets the value of the row
    that is nearest.
    """
    filled = frame.copy()
    filled.attrs = frame.attrs
    for at, part in enumerate(combinations):
        for name in part.names:
            column = filled[name].copy()
            blank = column.isna().to_numpy()[states.rows]
            values = part.values[name].to_numpy()[chosen[blank, at]]
            column.iloc[states.rows[blank]] = values
            filled[name] = column
    for at, number in enumerate(numbers):
        here = np.array([at in of for of in states.numbers])
        raw = filled[number.name].to_numpy(float).copy()
        raw[states.rows[here]] = raw_values(frame, number, x[at][here])
        filled[number.name] = raw
    return filled


def raw_values(frame: pd.DataFrame, number: Number, x: np.ndarray) -> np.ndarray:
    """Return values of the column at x (n,): x itself, or the nearest of a filled row."""
    raw = frame[number.name].to_numpy(float)
    known = ~np.isnan(raw)
    if np.allclose(raw[known], number.x[known]):
        return x
    nearest = np.abs(number.x[known][None] - x[:, None]).argmin(axis=1)
    return raw[known][nearest]
