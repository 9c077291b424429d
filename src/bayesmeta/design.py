"""Coding of moderators and labels: from the effect table to arrays with names."""

import re
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.errors import BadInput
from bayesmeta.spec import ModelSpec
from bayesmeta.studies.schema import check_effects, check_moderators

_FACTOR_LEVEL = re.compile(r"(\w+)\[(T\.)?([^\]]*)\]")
RESERVED = ("X", "chain", "draw", "term", "level", "effect_group", "group_study")
_KEYS = ("effect", "study", "group", "yi", "vi")


def build_design(frame: pd.DataFrame, spec: ModelSpec) -> xr.Dataset:
    """Code the moderators of an effect table.

    Parameters
    ----------
    frame : DataFrame
        Effect table, a row per effect, with columns study, group, effect, yi, vi and the moderators in any order.
    spec : ModelSpec
        Its `terms` are coded; a cell (combination of factor levels) without effects gets no term.

    Returns
    -------
    Dataset
        yi, vi, the table's other columns and effect_group (index of the group) over `effect`; X over
        (effect, term); group_study (index of the study) over `group`; labels as coordinates. Row order is kept.

    Raises
    ------
    BadInput
        A table that breaks the schema, a missing or blank moderator, terms that the data cannot tell apart.
    """
    if taken := [name for name in RESERVED if name in frame.columns]:
        raise BadInput(f"columns {taken} have names that the results need; rename them")
    frame = check_effects(frame).reset_index(drop=True)
    matrix = code_terms(frame, spec.terms)
    study, studies = pd.factorize(frame["study"], sort=True)
    group, groups = pd.factorize(frame["group"], sort=True)
    group_study = np.empty(len(groups), int)
    group_study[group] = study
    others = {str(name): ("effect", _plain(frame[name])) for name in frame.columns if name not in _KEYS}
    return xr.Dataset(
        others
        | {
            "yi": ("effect", frame["yi"].to_numpy(float)),
            "vi": ("effect", frame["vi"].to_numpy(float)),
            "X": (("effect", "term"), matrix.to_numpy(float)),
            "effect_group": ("effect", group),
            "group_study": ("group", group_study),
        },
        coords={
            "effect": frame["effect"].to_numpy(str),
            "term": matrix.columns.to_numpy(str),
            "study": np.asarray(studies, str),
            "group": np.asarray(groups, str),
        },
        attrs={key: str(frame.attrs.get(key) or "") for key in ("dataset", "variant", "title")}
        | {
            "synthetic": int(frame.attrs.get("synthetic", False)),
            "scale": frame.attrs.get("scale", "effect size yi"),
        },
    )


def code_terms(frame: pd.DataFrame, formula: str) -> pd.DataFrame:
    """Matrix of the terms (k, p) with readable column names; see `build_design`."""
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
    empty_cell = matrix.columns.str.contains("[", regex=False) & (matrix == 0).all().to_numpy()
    matrix = matrix.loc[:, ~empty_cell]
    matrix.columns = pd.Index(_labels(list(matrix.columns)))
    _refuse_aliased(matrix, formula)
    return matrix


def cell_means(formula: str, frame: pd.DataFrame) -> str:
    """Formula as a user means it: a lone factor or interaction of factors is coded as cell means."""
    names = [name.strip() for name in formula.split(":")]
    is_factor = [name in frame and not pd.api.types.is_numeric_dtype(frame[name]) for name in names]
    return f"0 + {formula}" if all(is_factor) else formula


def typical_variance(design: xr.Dataset, rho: float = 0.0) -> float:
    """(k - p) / tr P with P = W - W X (X'W X)^-1 X'W, W the inverse of the effects' sampling covariance matrix.

    Source: the multilevel I^2 of metafor's documentation, after Higgins & Thompson 2002, doi 10.1002/sim.1186.
    """
    x, v, group = design["X"].values, design["vi"].values, design["effect_group"].values
    size = np.bincount(group)
    shared = rho / (1 + (size - 1) * rho)
    scaled = x / np.sqrt(v)[:, None]
    sums = np.column_stack([np.bincount(group, column) for column in scaled.T]) * shared[:, None]
    weighted = (scaled - sums[group]) / np.sqrt(v)[:, None] / (1 - rho)
    own = ((1 - shared[group]) / v).sum() / (1 - rho)
    trace = own - np.trace(np.linalg.solve(x.T @ weighted, weighted.T @ weighted))
    return float((len(v) - x.shape[1]) / trace)


def _labels(columns: list[str]) -> list[str]:
    """`valence[fear]:phase[memory]` -> `fear:memory`; a treatment contrast keeps its factor: `valence[fear]`."""

    def shorten(match: re.Match[str]) -> str:
        return f"{match[1]}[{match[3]}]" if match[2] else match[3]

    labels = ["intercept" if name == "Intercept" else _FACTOR_LEVEL.sub(shorten, name) for name in columns]
    return labels if len(set(labels)) == len(labels) else columns


def _refuse_aliased(matrix: pd.DataFrame, formula: str) -> None:
    values = matrix.to_numpy(float)
    ranks = [np.linalg.matrix_rank(values[:, : column + 1]) for column in range(values.shape[1])]
    aliased = [name for name, step in zip(matrix.columns, np.diff([0, *ranks]), strict=True) if step == 0]
    if aliased or not len(matrix.columns):
        raise BadInput(
            f"terms '{formula}' cannot be told apart in these {len(matrix)} effects: {aliased or 'no term is left'}; "
            "leave them out of the formula"
        )


def _plain(column: pd.Series) -> np.ndarray[Any, Any]:
    """Numbers and truth values as they are, everything else as text with '' for missing."""
    if pd.api.types.is_bool_dtype(column) or pd.api.types.is_numeric_dtype(column):
        return column.to_numpy()
    return column.astype(object).where(column.notna(), "").astype(str).to_numpy(str)
