"""Coding of moderators: from a formula to columns with readable names."""

import re
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from bayesmeta.data.schema import check_moderators
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design.expressions import check_expressions, variables_of
from bayesmeta.model.design.kinds import code_kinds
from bayesmeta.model.design.standardising import CONTEXT, standardised_weights

_FACTOR_LEVEL = re.compile(r"(\w+)\[(T\.)?([^\]]*)\]")


class Coding(NamedTuple):
    """A coded table.

    Attributes
    ----------
    matrix : DataFrame
        The terms (k, p) with readable names.
    factors : DataFrame
        Level of each factor in each term (p, factors), or ''.
    kinds : Series
        What each term is (p,): `kinds.MEAN`, `DIFFERENCE` or `SLOPE`.
    standardised : DataFrame or None
        Weights of the terms in the coefficients of centred and scaled moderators (p, p); None where there are none.
    spec : formulaic ModelSpec
        Codes other rows in the same way.
    kept : array
        Which columns of `spec` are terms; the others are cells without effects.
    """

    matrix: pd.DataFrame
    factors: pd.DataFrame
    kinds: pd.Series
    standardised: pd.DataFrame | None
    spec: Any
    kept: np.ndarray


def code_terms(
    frame: pd.DataFrame, formula: str, *, informed: Sequence[Sequence[str]] = ()
) -> Coding:
    """Code a formula, with or without the ~ of R; see `build_design`.

    An empty cell is kept when for every list of factors in `informed` that several cells share, a cell with effects
    agrees with it in these factors.
    """
    matrix = _coded(frame, formula)
    spec = matrix.model_spec
    matrix = pd.DataFrame(matrix).set_axis(range(len(frame)))
    named = [
        {name: level for name, _, level in _FACTOR_LEVEL.findall(str(column))} for column in matrix
    ]
    factors = pd.DataFrame(named, range(len(named)))
    factors = factors.fillna("").astype(str)
    empty = matrix.columns.str.contains("[", regex=False) & (matrix == 0).all().to_numpy()
    kept = ~empty | _informed(factors, empty, informed)
    labels = pd.Index(_labels(list(matrix.columns[kept])))
    refuse_aliased(matrix.loc[:, kept & ~empty].set_axis(labels[~empty[kept]], axis=1), formula)
    weights = standardised_weights(frame, spec, matrix)
    standardised = (
        None if weights is None else pd.DataFrame(weights[np.ix_(kept, kept)], labels, labels)
    )
    matrix = matrix.loc[:, kept].set_axis(labels, axis=1)
    kinds = pd.Series(code_kinds(spec)[kept], labels)
    return Coding(
        matrix, factors[kept].set_axis(labels), kinds, standardised, spec, np.asarray(kept)
    )


def _coded(frame: pd.DataFrame, formula: str) -> Any:
    """The formula's matrix with its spec, refused with a message where it is no right-hand side."""
    from formulaic import Formula, SimpleFormula, model_matrix

    try:
        parsed = Formula(formula)
        if not isinstance(parsed, SimpleFormula):
            raise BadInput(
                f"terms '{formula}' have a left side; write what the mean depends on, as in '~ dose'"
            )
        check_expressions(parsed, formula)
        check_moderators(frame, variables_of(parsed))
        return model_matrix(parsed, frame, context=CONTEXT, na_action="raise")
    except BadInput:
        raise
    except Exception as error:  # whatever a user's expression raises
        said = str(error).partition("\n")[0].rstrip(".")
        raise BadInput(
            f"terms '{formula}' are not a formula of this table: {said}; "
            "write e.g. '0 + valence:phase', '~ dose' or '1'"
        ) from error


def code_rows(coding: Coding, frame: pd.DataFrame) -> pd.DataFrame:
    """Other rows coded as a table was (m, p); nan in rows of cells that had no effects.

    Parameters
    ----------
    coding : Coding
        From `code_terms`.
    frame : DataFrame
        The moderators' columns, without blanks; others are ignored.

    Raises
    ------
    BadInput
        A moderator is missing or blank, or has a level that the table had not.
    """
    from formulaic.errors import DataMismatchWarning, FormulaicError

    check_moderators(frame, variables_of(coding.spec.formula))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", DataMismatchWarning)
            coded = coding.spec.get_model_matrix(frame, context=CONTEXT, na_action="raise")
    except (DataMismatchWarning, FormulaicError, ValueError) as error:
        raise BadInput(f"these rows cannot be coded as the model's table was: {error}") from error
    coded = pd.DataFrame(coded).to_numpy(float)
    beyond = (coded[:, ~coding.kept] != 0).any(axis=1)
    return pd.DataFrame(
        np.where(beyond[:, None], np.nan, coded[:, coding.kept]), columns=coding.matrix.columns
    )


def _informed(
    factors: pd.DataFrame, empty: np.ndarray, lists: Sequence[Sequence[str]]
) -> np.ndarray:
    """Cells that agree with a cell with effects in every list of factors but those that name the cell itself."""
    known = [list(names) for names in lists if set(names) <= set(factors)]
    shared = [names for names in known if factors.duplicated(names).any()]
    if not shared:
        return np.zeros(len(factors), bool)
    keys = [pd.MultiIndex.from_frame(factors[names]) for names in shared]
    found: np.ndarray = np.all([key.isin(key[~empty]) for key in keys], axis=0)
    return found


def cell_means(formula: str, frame: pd.DataFrame) -> str:
    """Formula as a user means it: a lone factor or interaction of factors is coded as cell means.

    After the ~ of R everything is as in R: `~ species` has an intercept.
    """
    asked = formula.strip()
    text = asked.removeprefix("~").strip()
    names = [name.strip() for name in text.split(":")]
    is_factor = [name in frame and not pd.api.types.is_numeric_dtype(frame[name]) for name in names]
    if not all(is_factor):
        return text
    return f"1 + {text}" if asked.startswith("~") else f"0 + {text}"


def _labels(columns: list[str]) -> list[str]:
    """`valence[fear]:phase[memory]` -> `fear:memory`; a treatment contrast keeps its factor: `valence[fear]`."""

    def shorten(match: re.Match[str]) -> str:
        return f"{match[1]}[{match[3]}]" if match[2] else match[3]

    labels = [
        "intercept" if name == "Intercept" else _FACTOR_LEVEL.sub(shorten, name) for name in columns
    ]
    return labels if len(set(labels)) == len(labels) else columns


def refuse_aliased(matrix: pd.DataFrame, formula: str) -> None:
    values = matrix.to_numpy(float)
    values = values / np.maximum(np.linalg.norm(values, axis=0), np.finfo(float).tiny)
    ranks = [np.linalg.matrix_rank(values[:, : column + 1]) for column in range(values.shape[1])]
    aliased = [
        name for name, step in zip(matrix.columns, np.diff([0, *ranks]), strict=True) if step == 0
    ]
    if aliased or not len(matrix.columns):
        raise BadInput(
            f"terms '{formula}' cannot be told apart in these {len(matrix)} effects: {aliased or 'no term is left'}; "
            "leave them out of the formula"
        )
