"""Strata: kinds of study whose taus differ, as persons and animals."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.data.schema import check_moderators
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.spec import ModelSpec


def code_strata(frame: pd.DataFrame, study: np.ndarray, column: str) -> dict[str, Any]:
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
    return {
        "study_stratum": ("study", first["min"].to_numpy()),
        "stratum": ("stratum", np.asarray(labels, str)),
    }


def split_strata(design: xr.Dataset, spec: ModelSpec) -> dict[str, tuple[xr.Dataset, ModelSpec]]:
    """Return design and model of each stratum alone, for models in which strata are independent.

    Without strata the whole design, under "".

    Raises
    ------
    BadInput
        The strata share terms or parameters.
    """
    if not spec.tau_by:
        return {"": (design, spec)}
    if text := why_strata_depend(design, spec):
        raise BadInput(text)
    single = replace(spec, tau_by="")
    return {str(name): (of_stratum(design, name), single) for name in design["stratum"].values}


def why_strata_depend(design: xr.Dataset, spec: ModelSpec) -> str:
    """Return what strata share, so that they cannot be integrated one by one; "" where they are independent."""
    shared = (
        [f"the pooling sd of {list(spec.pooling_sds)}"]
        if spec.pooling_sds
        else list(spec.auxiliary_parameters)
    )
    if shared:
        return (
            f"strata of '{spec.tau_by}' that share {', '.join(shared)} are not independent, so quadrature cannot take "
            "them one by one; sample the model with --sampler numpyro"
        )
    coded = [of_stratum(design, name)["term"] for name in design["stratum"].values]
    if (np.sum([np.isin(design["term"], terms) for terms in coded], axis=0) > 1).any():
        return (
            f"terms '{spec.terms}' are shared by strata of '{spec.tau_by}', so quadrature cannot take them one by one; "
            f"code them by it (0 + {spec.tau_by}:...), or sample the model with --sampler numpyro"
        )
    return ""


def of_stratum(design: xr.Dataset, stratum: str) -> xr.Dataset:
    """Design of one stratum: its effects, groups and studies, and the terms that they have."""
    study = design["study_stratum"].values == list(design["stratum"].values).index(stratum)
    effects = study[design["group_study"].values[design["effect_group"].values]]
    terms = (design["X"].values[effects] != 0).any(0)
    groups, group = np.unique(design["effect_group"].values[effects], return_inverse=True)
    studies, study = np.unique(design["group_study"].values[groups], return_inverse=True)
    part = design.isel(
        effect=effects,
        term=terms,
        standard=terms,
        group=groups,
        study=studies,
        missing_dims="ignore",
    )
    part = part.assign(effect_group=("effect", group), group_study=("group", study))
    return part.drop_vars(["study_stratum", "stratum"], errors="ignore")
