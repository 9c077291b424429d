"""From the effect table to arrays with names."""

import json
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.data.schema import check_effects
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design.coding import about_table
from bayesmeta.model.design.completing import code_table
from bayesmeta.model.design.controls import code_controls
from bayesmeta.model.design.expressions import variables_of
from bayesmeta.model.design.kinds import SMALL_STUDY
from bayesmeta.model.design.known import known_matrices
from bayesmeta.model.design.labels import level_coordinate
from bayesmeta.model.design.recoding import levels_of_moderators
from bayesmeta.model.design.reserved import RESERVED
from bayesmeta.model.design.small_study import (
    SMALL_STUDY_POWERS,
    from_data,
    published_direction,
    small_study_columns,
)
from bayesmeta.model.design.strata import code_strata
from bayesmeta.model.design.t_statistics import check_t_statistics
from bayesmeta.model.spec import ModelSpec


def build_design(frame: pd.DataFrame, spec: ModelSpec) -> xr.Dataset:
    """Code the moderators of an effect table.

    `frame` has a row per effect, with columns study, group, effect, yi, vi and the moderators in
    any order. The `terms` of `spec` are coded; a cell (combination of factor levels) without
    effects gets no term, unless the prior's pooling sds tie it to cells that have some.

    The result, in the order of the rows, has yi, vi, the table's other columns and effect_group
    (index of the group) over `effect`; X over (effect, term); kind_of_term (`design.kinds`) over
    `term`; group_study (index of the study) over `group`; with `tau_by`, study_stratum (index of
    the stratum) over `study`; with `bias`, published (1 or -1: which results are published) over
    `effect`, and its slope as a term; where a moderator is a number, standardised over (standard,
    term): weights of the terms in the coefficients that the priors are about
    (`design.standardising`); with `shared_controls`, the effects' control measurements
    (`code_controls`); where moderators are unknown, is_blank (effect, blank_moderator), in whose
    cells values stand in for them (`design.completing`); labels as coordinates, over `term` the
    factors' levels as `term_<factor>`.

    Raise BadInput if the table breaks the schema, a moderator is missing, or blank in a model that
    cannot have unknown ones, the data cannot separate the terms, or a study is in two strata.
    """
    if taken := [name for name in RESERVED if name in frame.columns]:
        raise BadInput(f"columns {taken} have names that the results need; rename them")
    coded = code_table(check_effects(frame).reset_index(drop=True), spec)
    frame, coding, blank, observed = coded
    if spec.likelihood == "t":
        check_t_statistics(frame)
    study, studies = pd.factorize(frame["study"], sort=True)
    group, groups = pd.factorize(frame["group"], sort=True)
    group_study = np.empty(len(groups), int)
    group_study[group] = study
    matrix, factors, published = _with_bias(frame, spec, coding.matrix, coding.factors)
    kinds = coding.kinds.reindex(matrix.columns, fill_value=SMALL_STUDY)
    others = frame.drop(columns=["effect", "study", "group", "yi", "vi"])
    data: dict[str, Any] = {
        **{str(name): ("effect", _plain(column)) for name, column in others.items()},
        "yi": ("effect", frame["yi"].to_numpy(float)),
        "vi": ("effect", frame["vi"].to_numpy(float)),
        "X": (("effect", "term"), matrix.to_numpy(float)),
        "kind_of_term": ("term", kinds.to_numpy(str)),
        "effect_group": ("effect", group),
        "group_study": ("group", group_study),
        **code_strata(frame, study, spec.tau_by),
        **published,
        **_standardised(coding.standardised, matrix),
        **(code_controls(frame) if spec.shared_controls else {}),
        **known_matrices(observed, spec),
        **(
            {"is_blank": (("effect", "blank_moderator"), blank.to_numpy())}
            if blank.shape[1]
            else {}
        ),
    }
    coords = {
        "effect": frame["effect"].to_numpy(str),
        "term": matrix.columns.to_numpy(str),
        "study": np.asarray(studies, str),
        "group": np.asarray(groups, str),
        **({"blank_moderator": list(map(str, blank))} if blank.shape[1] else {}),
        **{level_coordinate(name): ("term", factors[name].to_numpy(str)) for name in factors},
    }
    moderators = [*variables_of(coding.spec.formula), spec.tau_by]
    attrs = {
        **about_table(frame),
        "scale": frame.attrs.get("scale", "effect size yi"),
        "measure": frame.attrs.get("measure", ""),
        "terms": spec.terms,
        "redundant": ", ".join(coding.dropped),
        "directions_from_data": from_data(coding.factors, spec.directions) if spec.bias else "",
        "levels": json.dumps(levels_of_moderators(frame, moderators)),
    }
    return xr.Dataset(data, coords, attrs)


def _standardised(weights: pd.DataFrame | None, matrix: pd.DataFrame) -> dict[str, Any]:
    """Return the weights (standard, term), the slope of a bias with itself alone; {} without."""
    if weights is None:
        return {}
    terms = matrix.columns
    square = pd.DataFrame(np.eye(len(terms)), terms, terms)
    square.loc[weights.index, weights.columns] = weights
    names = terms.to_numpy(str)
    return {"standard": names, "standardised": (("standard", "term"), square.to_numpy())}


def _with_bias(
    frame: pd.DataFrame, spec: ModelSpec, matrix: pd.DataFrame, factors: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """Return the coding with the slope of a bias model, and the published direction."""
    if not spec.bias:
        return matrix, factors, {}
    direction = published_direction(frame, matrix, factors, spec.directions)
    published = {"published": ("effect", direction)}
    if spec.bias not in SMALL_STUDY_POWERS:
        return matrix, factors, published
    columns = small_study_columns(frame, matrix, spec.bias, spec.tau_by, direction)
    both = pd.concat([matrix, columns], axis=1)
    return both, factors.reindex(both.columns, fill_value=""), published


def _plain(column: pd.Series) -> np.ndarray[Any, Any]:
    """Return numbers and truth values as they are, all else as text with '' for missing."""
    if pd.api.types.is_bool_dtype(column) or pd.api.types.is_numeric_dtype(column):
        return column.to_numpy()
    return column.astype(object).where(column.notna(), "").astype(str).to_numpy(str)
