"""The values that unknown moderators can have, and the coding of their rows at these."""

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
import pandas as pd

from bayesmeta.data.effect_sizes import places
from bayesmeta.data.schema import row_numbers
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design.blanks import CHOICE, UNITS, Blank, Number
from bayesmeta.model.design.coding import Coding, code_rows


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
    of_levels = []
    for level in UNITS:
        names = [blank.name for blank in blanks if blank.level == level and not blank.is_number]
        if names:
            filled = frame[names].dropna()
            counts = filled.groupby(names, observed=True, sort=True).size()
            ordered = counts.sort_values(ascending=False, kind="stable").index.to_frame(index=False)
            typed = {name: frame[name].dtype for name in names}
            of_levels.append(Combinations(level, tuple(names), ordered.astype(typed)))
    return of_levels


class States(NamedTuple):
    """The coding of the rows with blanks at every state of their unknown moderators.

    A state is a combination of every `Combinations`; the corners are the low or high value of
    every unknown number of a row, in the order of `numbers`, the first varying slowest.
    """

    rows: np.ndarray  # positions in the table (R,)
    numbers: list[list[int]]  # unknown numbers of every row, by position
    x: list[np.ndarray]  # coded (states, corners, terms), nan where it is not possible
    sizes: tuple[int, ...]  # combinations of every `Combinations`; states are their products

    @property
    def possible(self) -> list[np.ndarray]:
        """Return which states of every row can be coded (states,)."""
        return [~np.isnan(x).any(axis=(1, 2)) for x in self.x]

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
    possible = states.possible
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
