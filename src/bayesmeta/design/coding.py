"""Coding of moderators: from a formula to columns with readable names."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from bayesmeta.errors import BadInput
from bayesmeta.studies.schema import check_moderators

_FACTOR_LEVEL = re.compile(r"(\w+)\[(T\.)?([^\]]*)\]")


class Coding(NamedTuple):
    """Matrix of the terms (k, p) with readable names, and the level of each factor in each term (p, factors), or ''."""

    matrix: pd.DataFrame
    factors: pd.DataFrame


def code_terms(frame: pd.DataFrame, formula: str, *, informed: Sequence[Sequence[str]] = ()) -> Coding:
    """Code a formula; see `build_design`.

    An empty cell is kept when for every list of factors in `informed` that several cells share, a cell with effects
    agrees with it in these factors.
    """
    from formulaic import Formula, model_matrix
    from formulaic.errors import FormulaicError

    try:
        needed = sorted(str(name) for name in Formula(formula).required_variables)
        check_moderators(frame, needed)
        matrix = pd.DataFrame(model_matrix(formula, frame, na_action="raise"))
    except (FormulaicError, SyntaxError, AttributeError) as error:
        raise BadInput(
            f"terms '{formula}' are not a formula: {error}; write e.g. '0 + valence:phase' or '1'"
        ) from error
    named = [{name: level for name, _, level in _FACTOR_LEVEL.findall(str(column))} for column in matrix]
    factors = pd.DataFrame(named, range(len(named)))
    factors = factors.fillna("").astype(str)
    empty = matrix.columns.str.contains("[", regex=False) & (matrix == 0).all().to_numpy()
    kept = ~empty | _informed(factors, empty, informed)
    matrix, factors = matrix.loc[:, kept], factors[kept]
    matrix.columns = pd.Index(_labels(list(matrix.columns)))
    refuse_aliased(matrix.loc[:, ~empty[kept]], formula)
    return Coding(matrix, factors.set_axis(matrix.columns))


def _informed(factors: pd.DataFrame, empty: np.ndarray, lists: Sequence[Sequence[str]]) -> np.ndarray:
    """Cells that agree with a cell with effects in every list of factors but those that name the cell itself."""
    known = [list(names) for names in lists if set(names) <= set(factors)]
    shared = [names for names in known if factors.duplicated(names).any()]
    if not shared:
        return np.zeros(len(factors), bool)
    keys = [pd.MultiIndex.from_frame(factors[names]) for names in shared]
    found: np.ndarray = np.all([key.isin(key[~empty]) for key in keys], axis=0)
    return found


def cell_means(formula: str, frame: pd.DataFrame) -> str:
    """Formula as a user means it: a lone factor or interaction of factors is coded as cell means."""
    names = [name.strip() for name in formula.split(":")]
    is_factor = [name in frame and not pd.api.types.is_numeric_dtype(frame[name]) for name in names]
    return f"0 + {formula}" if all(is_factor) else formula


def _labels(columns: list[str]) -> list[str]:
    """`valence[fear]:phase[memory]` -> `fear:memory`; a treatment contrast keeps its factor: `valence[fear]`."""

    def shorten(match: re.Match[str]) -> str:
        return f"{match[1]}[{match[3]}]" if match[2] else match[3]

    labels = ["intercept" if name == "Intercept" else _FACTOR_LEVEL.sub(shorten, name) for name in columns]
    return labels if len(set(labels)) == len(labels) else columns


def refuse_aliased(matrix: pd.DataFrame, formula: str) -> None:
    values = matrix.to_numpy(float)
    ranks = [np.linalg.matrix_rank(values[:, : column + 1]) for column in range(values.shape[1])]
    aliased = [name for name, step in zip(matrix.columns, np.diff([0, *ranks]), strict=True) if step == 0]
    if aliased or not len(matrix.columns):
        raise BadInput(
            f"terms '{formula}' cannot be told apart in these {len(matrix)} effects: {aliased or 'no term is left'}; "
            "leave them out of the formula"
        )
