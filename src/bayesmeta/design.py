"""Coding of moderators and labels: from the effect table to arrays with names."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.errors import BadInput
from bayesmeta.spec import ModelSpec
from bayesmeta.studies.schema import check_effects, check_moderators

_FACTOR_LEVEL = re.compile(r"(\w+)\[(T\.)?([^\]]*)\]")
RESERVED = ("X", "chain", "draw", "term", "level", "stratum", "effect_group", "group_study", "study_stratum")
_KEYS = ("effect", "study", "group", "yi", "vi")


def build_design(frame: pd.DataFrame, spec: ModelSpec) -> xr.Dataset:
    """Code the moderators of an effect table.

    Parameters
    ----------
    frame : DataFrame
        Effect table, a row per effect, with columns study, group, effect, yi, vi and the moderators in any order.
    spec : ModelSpec
        Its `terms` are coded; a cell (combination of factor levels) without effects gets no term, unless the prior's
        estimated spreads tie it to cells that have some.

    Returns
    -------
    Dataset
        yi, vi, the table's other columns and effect_group (index of the group) over `effect`; X over
        (effect, term); group_study (index of the study) over `group`; with `tau_by`, study_stratum (index of the
        stratum) over `study`; labels as coordinates, and over `term` the factors' levels as `term_<factor>`. Row
        order is kept.

    Raises
    ------
    BadInput
        A table that breaks the schema, a missing or blank moderator, terms that the data cannot tell apart, a study
        in two strata.
    """
    if taken := [name for name in RESERVED if name in frame.columns]:
        raise BadInput(f"columns {taken} have names that the results need; rename them")
    frame = check_effects(frame).reset_index(drop=True)
    coding = code_terms(frame, spec.terms, informed=[key.split(":") for key in spec.parts] if spec.spreads else ())
    study, studies = pd.factorize(frame["study"], sort=True)
    group, groups = pd.factorize(frame["group"], sort=True)
    group_study = np.empty(len(groups), int)
    group_study[group] = study
    matrix = coding.matrix
    others = {str(name): ("effect", _plain(frame[name])) for name in frame.columns if name not in _KEYS}
    return xr.Dataset(
        others
        | {
            "yi": ("effect", frame["yi"].to_numpy(float)),
            "vi": ("effect", frame["vi"].to_numpy(float)),
            "X": (("effect", "term"), matrix.to_numpy(float)),
            "effect_group": ("effect", group),
            "group_study": ("group", group_study),
        }
        | _strata(frame, study, spec.tau_by),
        coords={
            "effect": frame["effect"].to_numpy(str),
            "term": matrix.columns.to_numpy(str),
            "study": np.asarray(studies, str),
            "group": np.asarray(groups, str),
            **{f"term_{name}": ("term", coding.factors[name].to_numpy(str)) for name in coding.factors},
        },
        attrs={key: str(frame.attrs.get(key) or "") for key in ("dataset", "variant", "title")}
        | {
            "synthetic": int(frame.attrs.get("synthetic", False)),
            "scale": frame.attrs.get("scale", "effect size yi"),
        },
    )


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
    _refuse_aliased(matrix.loc[:, ~empty[kept]], formula)
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


def _strata(frame: pd.DataFrame, study: np.ndarray, column: str) -> dict[str, Any]:
    """Index of each study's stratum over `study`, and the strata's labels."""
    if not column:
        return {}
    check_moderators(frame, [column])
    codes, labels = pd.factorize(frame[column].astype(str), sort=True)
    first = pd.Series(codes).groupby(study).agg(["min", "max"])
    if mixed := sorted(set(frame["study"][first["min"].ne(first["max"]).to_numpy()[study]])):
        raise BadInput(
            f"taus cannot differ by '{column}': the studies {', '.join(map(str, mixed[:5]))} have several of its "
            "values; a study belongs to one stratum"
        )
    return {"study_stratum": ("study", first["min"].to_numpy()), "stratum": ("stratum", np.asarray(labels, str))}


def split_strata(design: xr.Dataset, spec: ModelSpec) -> dict[str, tuple[xr.Dataset, ModelSpec]]:
    """Design and spec of each stratum by itself, for models in which strata share neither terms nor spreads.

    Raises
    ------
    BadInput
        They share one.
    """
    if spec.spreads:
        raise BadInput(
            f"strata of '{spec.tau_by}' that share the spread of {list(spec.spreads)} are not independent, so "
            "quadrature cannot take them one by one; sample the model with --sampler numpyro"
        )
    coded = [of_stratum(design, name) for name in design["stratum"].values]
    if (np.sum([np.isin(design["term"], part["term"]) for part in coded], axis=0) > 1).any():
        raise BadInput(
            f"terms '{spec.terms}' are shared by strata of '{spec.tau_by}', so quadrature cannot take them one by one; "
            f"code them by it (0 + {spec.tau_by}:...), or sample the model with --sampler numpyro"
        )
    single = replace(spec, tau_by="")
    return {str(name): (part, single) for name, part in zip(design["stratum"].values, coded, strict=True)}


def of_stratum(design: xr.Dataset, stratum: str) -> xr.Dataset:
    """Design of one stratum: its effects, groups and studies, and the terms that they have."""
    study = design["study_stratum"].values == list(design["stratum"].values).index(stratum)
    effects = study[design["group_study"].values[design["effect_group"].values]]
    terms = (design["X"].values[effects] != 0).any(0)
    groups, group = np.unique(design["effect_group"].values[effects], return_inverse=True)
    studies, study = np.unique(design["group_study"].values[groups], return_inverse=True)
    part = design.isel(effect=effects, term=terms, group=groups, study=studies)
    part = part.assign(effect_group=("effect", group), group_study=("group", study))
    return part.drop_vars(["study_stratum", "stratum"], errors="ignore")


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
