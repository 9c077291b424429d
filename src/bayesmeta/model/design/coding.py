"""Coding of moderators: from a formula to columns with readable names."""

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from formulaic import Formula, SimpleFormula, model_matrix
from formulaic.errors import DataMismatchWarning, FormulaicError
from pandas.api.types import is_numeric_dtype

from bayesmeta.data.schema import check_moderators
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design.expressions import check_expressions, variables_of
from bayesmeta.model.design.formulas import quote_names
from bayesmeta.model.design.kinds import code_kinds
from bayesmeta.model.design.labels import factor_levels, term_labels
from bayesmeta.model.design.standardising import CONTEXT, SPAN_TOLERANCE, standardised_weights
from bayesmeta.model.spec import split_names

EXAMPLES = "write for example '0 + valence:phase', '~ dose' or '1'"


class Coding(NamedTuple):
    """A coded table."""

    matrix: pd.DataFrame  # the terms (k, p) with readable names
    factors: pd.DataFrame  # level of every factor in every term (p, factors), or ''
    kinds: pd.Series  # `kinds.MEAN`, `DIFFERENCE` or `SLOPE` (p,)
    standardised: pd.DataFrame | None  # `standardising.standardised_weights` by name (p, p)
    spec: Any  # formulaic ModelSpec, codes other rows in the same form
    kept: np.ndarray  # whether each column of `spec` is a term; others are empty or redundant
    relation: np.ndarray  # of the columns that are not kept to the terms (p, others); 0 for empty
    dropped: list[str]  # names of redundant columns


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
    _check_finite(matrix, coded.columns, formula)
    factors = factor_levels(spec)
    empty = (factors != "").any(axis=1).to_numpy() & (matrix == 0).all().to_numpy()
    kept = ~empty | _informed(factors, empty, informed)
    known = kept & ~empty
    redundant = np.zeros(len(kept), bool)
    redundant[known] = aliased(matrix.to_numpy(float)[:, known])
    every = pd.Index(term_labels(spec, kept))
    dropped = [*every[redundant[kept]], *lost_terms(spec)]
    kept &= ~redundant
    if not kept.any():
        raise BadInput(f"terms '{formula}': no term is left in these {len(frame)} effects")
    labels = pd.Index(term_labels(spec, kept))
    weights = standardised_weights(frame, spec, matrix, kept)
    standardised = None if weights is None else pd.DataFrame(weights, labels, labels)
    terms = matrix.loc[:, kept].set_axis(labels, axis=1)
    kinds = pd.Series(code_kinds(spec)[kept], labels)
    relation = np.linalg.lstsq(terms.to_numpy(float), matrix.loc[:, ~kept].to_numpy(float))[0]
    of_terms = factors[kept].set_axis(labels)
    return Coding(terms, of_terms, kinds, standardised, spec, kept, relation, dropped)


def _check_finite(matrix: pd.DataFrame, names: Sequence[str], formula: str) -> None:
    """Raise BadInput if an expression is no finite number in some rows, as np.log(0)."""
    finite = np.isfinite(matrix.to_numpy(float)).all(axis=0)
    if not finite.all():
        wrong = ", ".join(str(name) for name, fine in zip(names, finite, strict=True) if not fine)
        raise BadInput(f"terms '{formula}': {wrong} is infinite or no number in some rows")


def lost_terms(spec: Any) -> list[str]:
    """Return the terms of a formula that have no column: a category with one level."""
    return [str(part.term) for part in spec.structure if not part.columns]


def _coded(frame: pd.DataFrame, formula: str) -> Any:
    """Return the formulaic matrix of a formula; raise BadInput if the table cannot fill it."""
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
    """Code other rows as a table was coded (m, p); nan in rows that its terms do not determine.

    These are rows of cells that had no effects, and rows that need terms the table cannot separate.

    Raise BadInput if a moderator is missing or blank, or has a level that the table did not have.
    """
    check_moderators(frame, variables_of(coding.spec.formula))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", DataMismatchWarning)
            matrix = coding.spec.get_model_matrix(frame, context=CONTEXT, na_action="raise")
    except (DataMismatchWarning, FormulaicError, ValueError) as error:
        raise BadInput(f"these rows cannot be coded as the model's table was: {error}") from error
    coded = pd.DataFrame(matrix).to_numpy(float)
    terms = coded[:, coding.kept]
    others = coded[:, ~coding.kept]
    size = np.maximum(np.abs(others), np.abs(terms) @ np.abs(coding.relation))
    outside = np.abs(others - terms @ coding.relation) > SPAN_TOLERANCE * size
    terms = np.where(outside.any(axis=1)[:, None], np.nan, terms)
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
    written = quote_names(formula.strip(), frame.columns)
    text = written.removeprefix("~").strip()
    names = split_names(text)
    if not names or not all(name in frame and not is_numeric_dtype(frame[name]) for name in names):
        return text
    return f"1 + {text}" if written.startswith("~") else f"0 + {text}"


def aliased(values: np.ndarray) -> np.ndarray:
    """Return whether each column (k, p) is a linear combination of the columns before it (p,)."""
    unit = values / np.maximum(np.linalg.norm(values, axis=0), np.finfo(float).tiny)
    ranks = [np.linalg.matrix_rank(unit[:, : last + 1]) for last in range(unit.shape[1])]
    return np.diff([0, *ranks]) == 0


def refuse_aliased(matrix: pd.DataFrame, formula: str) -> None:
    """Raise BadInput if terms are linear combinations of the terms before them."""
    if names := list(matrix.columns[aliased(matrix.to_numpy(float))]):
        where = f"in these {len(matrix)} effects"
        what = f"{names}; leave them out of the formula"
        raise BadInput(f"terms '{formula}' cannot be distinguished {where}: {what}")
