"""All that the live page holds: the coded table, the model, names, moderators, other results."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.data.datasets import DATASETS
from bayesmeta.data.effect_sizes import AS_IT_IS, MEASURES
from bayesmeta.data.moderators import choose_moderators, is_category
from bayesmeta.estimates.conventions import MIN_STUDIES
from bayesmeta.estimates.studies.labels import study_labels
from bayesmeta.estimates.text import words
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import is_mean
from bayesmeta.model.likelihood import nesting_of
from bayesmeta.model.spec import ModelSpec, Prior
from bayesmeta.output.live.encoding import encoded_model, encoded_table, floats, integers
from bayesmeta.replication import published_terms

UNIFORM = Prior("Beta", (1.0, 1.0))
MAX_LEVELS = 40  # of a category that can be filtered by
PUBLIC = "the package"  # where tables are found that come with bayesmeta
OF_OTHERS = (
    "This page contains every effect of a table that others have collected. Before you pass it on, "
    "look whether the licence of the table permits it."
)
OF_A_FILE = (
    "This page contains every effect and the moderators of its table. Whoever has the page has "
    "the table."
)


def payload_of(
    frame: pd.DataFrame,
    design: xr.Dataset,
    spec: ModelSpec,
    reference: pd.DataFrame,
    left_out: list[str],
    weights: xr.DataArray,
    rho_prior: Prior | None = None,
    corrected: pd.DataFrame | None = None,
) -> dict[str, Any]:
    """Return the content of the page as plain values for JSON.

    Parameters
    ----------
    frame, design
        The effect table, and its design under `spec`, in the same order of rows.
    spec
        A model that the page takes (`nearest.nearest_model`), with what is `left_out` in sentences.
    reference
        Exact summaries of terms, then contrasts: contrast, mean, sd, ci_lb, ci_ub, p_positive.
    weights
        Weights (contrast, term) of terms, then contrasts.
    rho_prior
        Prior of rho in the model of the report, for readers who have it estimated; uniform if None.
    corrected
        The effect table with the SDs of standard errors that were typed as SDs; None without any.
    """
    labels = study_labels(design)
    study = nesting_of(design).study_of_effect
    first = [str(labels[np.flatnonzero(study == s)[0]]) for s in range(design.sizes["study"])]
    named = _unique(first, design["study"].values)
    terms = design.sizes["term"]
    return {
        "table": encoded_table(design),
        "model": encoded_model(design, spec),
        "rhoIfEstimated": list(map(float, (rho_prior or UNIFORM).parameters)),
        "combinations": floats(weights.values[terms:]),
        "means": [bool(mean) for mean in is_mean(design)],
        "names": [words(name) for name in weights["contrast"].values],
        "labels": named,
        "sems": corrected is not None and _sems(frame, corrected, np.array(named)[study]),
        "reference": reference[["mean", "sd", "ci_lb", "ci_ub"]].to_dict("list"),
        "published": _published(frame, design),
        "moderators": _moderators(frame),
        "leftOut": left_out,
        "warning": _warning(frame),
        "measure": measure_of(frame),
        "minStudies": MIN_STUDIES,
    }


def _unique(labels: list[str], names: np.ndarray) -> list[str]:
    """Return labels of studies; two studies of an author and year also have their name."""
    counts = pd.Series(labels).value_counts()
    pairs = zip(labels, map(str, names), strict=True)
    return [label if counts[label] == 1 else f"{label} ({name})" for label, name in pairs]


def _sems(frame: pd.DataFrame, corrected: pd.DataFrame, labels: np.ndarray) -> dict[str, Any]:
    """Return the rows that a correction changes, their yi and vi, and their studies."""
    columns = ["yi", "vi"]
    rows = np.flatnonzero((frame[columns] != corrected[columns]).any(axis=1))
    numbers = {name: floats(corrected[name].to_numpy(float)[rows]) for name in columns}
    studies = list(dict.fromkeys(labels[rows].tolist()))
    return {"rows": integers(rows), **numbers, "studies": studies, "effects": len(rows)}


def _published(frame: pd.DataFrame, design: xr.Dataset) -> list[dict[Any, Any] | None]:
    """Return the published estimate and interval of every term; None without any."""
    table = published_terms(str(frame.attrs.get("dataset")))
    if table is None:
        return []
    rows = table.set_index("term")[["estimate", "ci_lb", "ci_ub"]]
    terms = [str(term) for term in design["term"].values]
    return [rows.loc[term].to_dict() if term in rows.index else None for term in terms]


def _moderators(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the columns by which a reader can filter: codes of levels, or numbers."""
    try:
        names, _ = choose_moderators(frame)
    except BadInput:
        return []
    moderators: list[dict[str, Any]] = []
    for name in names:
        column = frame[name]
        about = {"name": name, "words": words(name)}
        if not is_category(column):
            moderators.append({**about, "values": floats(column.to_numpy(float))})
            continue
        codes, levels = pd.factorize(column.astype(object).map(str, na_action="ignore"), sort=True)
        if len(levels) <= MAX_LEVELS:
            shown = [words(level) for level in levels]
            moderators.append({**about, "levels": shown, "codes": integers(codes)})
    return moderators


def _warning(frame: pd.DataFrame) -> str:
    if frame.attrs.get("synthetic"):
        return ""
    places = {source.get("found_in") for source in frame.attrs.get("sources", [])}
    if places == {PUBLIC}:
        return ""
    return OF_OTHERS if frame.attrs.get("dataset") in DATASETS else OF_A_FILE


def measure_of(frame: pd.DataFrame) -> Mapping[str, Any]:
    """Return the axis, whether 0 means no effect, and the scale of means and of differences."""
    measure = MEASURES.get(str(frame.attrs.get("measure", "")))
    scale = measure.scale if measure else AS_IT_IS
    return {
        "axis": str(frame.attrs.get("scale") or "effect size yi"),
        "hasNull": measure is None or measure.null == 0,
        "scale": {"name": scale.name, "back": scale.words},
        "ofDifferences": scale.difference,  # after exp
    }
