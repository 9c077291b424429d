"""The coding of a table in which moderators are blank: by the spec's `missing`."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from formulaic import Formula
from scipy.special import ndtri

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design.blanks import (
    Blank,
    Number,
    blank_cells,
    blanks_of,
    carried,
    complete_rows,
    number_of,
    refuse_unfit,
)
from bayesmeta.model.design.coding import Coding, code_terms
from bayesmeta.model.design.expressions import variables_of
from bayesmeta.model.design.states import (
    Combinations,
    States,
    combinations_of,
    filled_in,
    first_states,
    states_of,
)
from bayesmeta.model.spec import ModelSpec


class Unknowns(NamedTuple):
    """The unknown moderators of a table, and the coding of its rows at every value of them."""

    blanks: list[Blank]
    combinations: list[Combinations]
    numbers: list[Number]
    states: States
    chosen: np.ndarray  # a possible combination of every row with blanks (R, combinations)


class CodedTable(NamedTuple):
    """A table with its coding."""

    frame: pd.DataFrame  # with values in place of blanks
    coding: Coding
    blank: pd.DataFrame  # which cells were blank (k, moderators); no columns without any
    observed: pd.DataFrame  # the same rows without the provisional values


def moderator_names(terms: str) -> list[str]:
    """Return the columns that a formula needs; none if it cannot be read, which coding reports."""
    try:
        return variables_of(Formula(terms))
    except Exception:  # formulaic raises errors of many kinds
        return []


def code_table(frame: pd.DataFrame, spec: ModelSpec) -> CodedTable:
    """Code the terms of a table; its index is 0, 1 ...

    Raise BadInput if moderators are blank and the model cannot have unknown ones, or refuses them.
    """
    names = moderator_names(spec.terms)
    cells = blank_cells(frame, names)
    known = cells.shape[1] == 0 or spec.missing == "refuse"
    if not known and spec.missing == "complete":
        frame = complete_rows(frame, names).reset_index(drop=True)
        known = True
    if not known:
        refuse_unfit(spec, list(map(str, cells)))
        frame = carried(frame, list(map(str, cells)))
        cells = blank_cells(frame, names)
        known = cells.shape[1] == 0
    if known:
        coding = code_terms(frame, spec.terms, informed=spec.pooled_factors)
        return CodedTable(frame, coding, cells.iloc[:0, :0], frame)
    complete = complete_rows(frame, names).reset_index(drop=True)
    coding = code_terms(complete, spec.terms, informed=spec.pooled_factors)
    unknowns = unknowns_of(frame, coding, cells)
    filled = fill(frame, unknowns, unknowns.chosen, starts(frame, unknowns))
    again = code_terms(filled, spec.terms, informed=spec.pooled_factors)
    if list(again.matrix) != list(coding.matrix):
        raise BadInput(
            f"terms '{spec.terms}': the rows without blank moderators do not have all terms; "
            "leave the rest out with --missing complete"
        )
    return CodedTable(filled, again, cells, frame)


def unknowns_of(frame: pd.DataFrame, coding: Coding, cells: pd.DataFrame) -> Unknowns:
    """Return the unknown moderators of a table with blank cells (k, moderators).

    `coding` is of rows without blanks.
    """
    blanks = blanks_of(frame, coding, cells)
    combinations = combinations_of(frame, blanks)
    numbers = [number_of(frame, coding, blank.name) for blank in blanks if blank.is_number]
    states = states_of(frame, coding, blanks, combinations, numbers)
    chosen = first_states(frame, combinations, states)
    return Unknowns(blanks, combinations, numbers, states, chosen)


def starts(frame: pd.DataFrame, unknowns: Unknowns) -> list[np.ndarray]:
    """Return values of every number in the rows with blanks (R,), spread as the known ones are.

    The column then has the sd, and the prior the unit, that it has without the blanks.
    """
    by_name = {blank.name: blank for blank in unknowns.blanks}
    values = []
    for number in unknowns.numbers:
        blank = by_name[number.name]
        unit, _ = pd.factorize(frame[blank.level])
        known = pd.Series(number.x).groupby(unit).first().dropna()
        codes, of_rows = np.unique(unit[unknowns.states.rows], return_inverse=True)
        scores = ndtri((np.arange(len(codes)) + 0.5) / len(codes))
        scores /= max(scores.std(), np.finfo(float).tiny) if len(codes) > 1 else 1.0
        values.append(known.mean() + known.std(ddof=0) * scores[of_rows])
    return values


def fill(
    frame: pd.DataFrame, unknowns: Unknowns, chosen: np.ndarray, x: list[np.ndarray]
) -> pd.DataFrame:
    """Return the table with values in place of blanks; see `filled_in`."""
    _, combinations, numbers, states, _ = unknowns
    return filled_in(frame, combinations, numbers, states, chosen, x)
