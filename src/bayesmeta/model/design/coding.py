"""Coding of moderators: from a formula to columns with readable names."""

import re
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from bayesmeta.data.schema import check_moderators
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design.expressions import check_expressions, variables_of
from bayesmeta.model.design.kinds import code_kinds
from bayesmeta.model.design.standardising import CONTEXT, standardised_weights

_FACTOR_LEVEL = re.compile(r"(\w+)\[(T\.)?([^\]]*)\]")
EXAMPLES = "write for example '0 + valence:phase', '~ dose' or '1'"


class Coding(NamedTuple):
    """A coded table."""

    matrix: pd.DataFrame  # the terms (k, p) with readable names
    factors: pd.DataFrame  # level of every factor in every term (p, factors), or ''
    kinds: pd.Series  # `kinds.MEAN`, `DIFFERENCE` or `SLOPE` (p,)
    standardised: pd.DataFrame | None  # `standardising.standardised_weights` by name (p, p)
    spec: Any  # formulaic ModelSpec, codes other rows in the same form
    kept: np.ndarray  # whether each column of `spec` is a term; others are cells without effects


def about_table(frame: pd.DataFrame) -> dict[str, str | int]:
    """Return the attributes that a design has of its table."""
    texts = {key: str(frame.attrs.get(key) or "") for key in ("dataset", "variant", "title")}
    return {**texts, "synthetic": int(frame.attrs.get("synthetic", False))}


def code_terms(
    frame: pd.DataFrame, formula: str, *, informed: Sequence[Sequence[str]] = ()
) -> Coding:
    """Code a formula, with or without the ~ of R; see `build_design`.

    An empty cell is kept if, for every list of factors in `informed` that several cells share, a
    cell with effects has the same levels of these factors.
    """
    coded = _coded(frame, formula)
    spec = coded.model_spec
    matrix = pd.DataFrame(coded).set_axis(range(len(frame)))
    factors = _factor_levels(matrix)
    empty = matrix.columns.str.contains("[", regex=False) & (matrix == 0).all().to_numpy()
    kept = ~empty | _informed(factors, empty, informed)
    labels = pd.Index(_labels(list(matrix.columns[kept])))
    with_effects = matrix.loc[:, kept & ~empty].set_axis(labels[~empty[kept]], axis=1)
    refuse_aliased(with_effects, formula)
    weights = standardised_weights(frame, spec, matrix)
    standardised = None
    if weights is not None:
        standardised = pd.DataFrame(weights[np.ix_(kept, kept)], labels, labels)
    terms = matrix.loc[:, kept].set_axis(labels, axis=1)
    kinds = pd.Series(code_kinds(spec)[kept], labels)
    return Coding(terms, factors[kept].set_axis(labels), kinds, standardised, spec, kept)


def _factor_levels(matrix: pd.DataFrame) -> pd.DataFrame:
    """Return the level of every factor in each column of a formulaic matrix (p, factors), or ''."""
    matches = [_FACTOR_LEVEL.findall(str(column)) for column in matrix]
    named = [{name: level for name, _, level in of_column} for of_column in matches]
    return pd.DataFrame(named, range(len(named))).fillna("").astype(str)


def _coded(frame: pd.DataFrame, formula: str) -> Any:
    """Return the formulaic matrix of a formula; raise BadInput if the table cannot fill it."""
    from formulaic import Formula, SimpleFormula, model_matrix

    try:
        parsed = Formula(formula)
        if not isinstance(parsed, SimpleFormula):
            reason = "have a left side; write the right side alone, as in '~ dose'"
            raise BadInput(f"terms '{formula}' {reason}")
        check_expressions(parsed, formula)
        check_moderators(frame, variables_of(parsed))
        return model_matrix(parsed, frame, context=CONTEXT, na_action="raise")
    except BadInput:
        raise
    except Exception as error:  # a user's expression may raise any exception
        reason = f"this table: {str(error).partition('\n')[0].rstrip('.')}; {EXAMPLES}"
        raise BadInput(f"terms '{formula}' are not a formula of {reason}") from error


def code_rows(coding: Coding, frame: pd.DataFrame) -> pd.DataFrame:
    """Code other rows as a table was coded (m, p); nan in rows of cells that had no effects.

    Raise BadInput if a moderator is missing or blank, or has a level that the table did not have.
    """
    from formulaic.errors import DataMismatchWarning, FormulaicError

    check_moderators(frame, variables_of(coding.spec.formula))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", DataMismatchWarning)
            matrix = coding.spec.get_model_matrix(frame, context=CONTEXT, na_action="raise")
    except (DataMismatchWarning, FormulaicError, ValueError) as error:
        raise BadInput(f"these rows cannot be coded as the model's table was: {error}") from error
    coded = pd.DataFrame(matrix).to_numpy(float)
    in_empty_cell = (coded[:, ~coding.kept] != 0).any(axis=1)
    terms = np.where(in_empty_cell[:, None], np.nan, coded[:, coding.kept])
    return pd.DataFrame(terms, columns=coding.matrix.columns)


def _informed(factors: pd.DataFrame, empty: np.ndarray, lists: Sequence[Sequence[str]]) -> Any:
    """Return the cells that agree with a cell with effects in every list of factors (p,)."""
    known = [list(names) for names in lists if set(names) <= set(factors)]
    shared = [names for names in known if factors.duplicated(names).any()]  # others identify cells
    if not shared:
        return np.zeros(len(factors), bool)
    keys = [pd.MultiIndex.from_frame(factors[names]) for names in shared]
    return np.all([key.isin(key[~empty]) for key in keys], axis=0)


def cell_means(formula: str, frame: pd.DataFrame) -> str:
    """Return a user's formula with a lone factor or interaction of factors as cell means.

    After the ~ of R everything is as in R: `~ species` has an intercept.
    """
    written = formula.strip()
    text = written.removeprefix("~").strip()
    names = [name.strip() for name in text.split(":")]
    if not all(name in frame and not is_numeric_dtype(frame[name]) for name in names):
        return text
    return f"1 + {text}" if written.startswith("~") else f"0 + {text}"


def _labels(columns: list[str]) -> list[str]:
    """Shorten `valence[fear]:phase[memory]` to `fear:memory`; a treatment contrast keeps it all."""

    def shorten(match: re.Match[str]) -> str:
        return f"{match[1]}[{match[3]}]" if match[2] else match[3]

    labels = [re.sub("^Intercept$", "intercept", _FACTOR_LEVEL.sub(shorten, c)) for c in columns]
    return labels if len(set(labels)) == len(labels) else columns


def refuse_aliased(matrix: pd.DataFrame, formula: str) -> None:
    """Raise BadInput if terms are linear combinations of the terms before them, or none is left."""
    values = matrix.to_numpy(float)
    values = values / np.maximum(np.linalg.norm(values, axis=0), np.finfo(float).tiny)
    ranks = [np.linalg.matrix_rank(values[:, : last + 1]) for last in range(values.shape[1])]
    steps = zip(matrix.columns, np.diff([0, *ranks]), strict=True)
    aliased = [name for name, step in steps if step == 0]
    if aliased or not len(matrix.columns):
        what = f"{aliased or 'no term is left'}; leave them out of the formula"
        where = f"in these {len(matrix)} effects"
        raise BadInput(f"terms '{formula}' cannot be distinguished {where}: {what}")
