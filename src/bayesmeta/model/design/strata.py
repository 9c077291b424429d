"""Strata: kinds of study whose taus differ, as persons and animals."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.data.schema import check_moderators
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.spec import ModelSpec

REFUSED = "cannot fit them separately"


def code_strata(frame: pd.DataFrame, study: np.ndarray, column: str) -> dict[str, Any]:
    """Return the index of every study's stratum over `study`, and the strata's labels."""
    if not column:
        return {}
    check_moderators(frame, [column])
    codes, labels = pd.factorize(frame[column].astype(str), sort=True)
    first = pd.Series(codes).groupby(study).agg(["min", "max"])
    if mixed := sorted(set(frame["study"][first["min"].ne(first["max"]).to_numpy()[study]])):
        have = f"the studies {', '.join(map(str, mixed[:5]))} have several of its values"
        raise BadInput(f"taus cannot differ by '{column}': {have}; a study has a single stratum")
    stratum = ("stratum", np.asarray(labels, str))
    return {"study_stratum": ("study", first["min"].to_numpy()), "stratum": stratum}


def split_strata(design: xr.Dataset, spec: ModelSpec) -> dict[str, tuple[xr.Dataset, ModelSpec]]:
    """Return design and model by stratum, alone or as ""; raise BadInput if strata share a part."""
    if not spec.tau_by:
        return {"": (design, spec)}
    if text := why_strata_depend(design, spec):
        raise BadInput(text)
    single = replace(spec, tau_by="")
    return {str(name): (of_stratum(design, name), single) for name in design["stratum"].values}


def why_strata_depend(design: xr.Dataset, spec: ModelSpec) -> str:
    """Return what strata share, so that they are not independent; "" where they share nothing."""
    pooled = list(spec.pooling_sds)
    if shared := f"the pooling sd of {pooled}" if pooled else ", ".join(spec.auxiliary_parameters):
        strata = f"strata of '{spec.tau_by}' that share {shared} are not independent"
        return f"{strata}, so quadrature {REFUSED}; sample the model with --sampler numpyro"
    coded = [of_stratum(design, name)["term"] for name in design["stratum"].values]
    if (np.sum([np.isin(design["term"], terms) for terms in coded], axis=0) > 1).any():
        return (
            f"terms '{spec.terms}' are shared by strata of '{spec.tau_by}'; quadrature {REFUSED}; "
            f"code them by it (0 + {spec.tau_by}:...), or sample the model with --sampler numpyro"
        )
    return ""


def of_stratum(design: xr.Dataset, stratum: str) -> xr.Dataset:
    """Return a stratum's part of a design: its effects, groups, studies and their terms."""
    study = design["study_stratum"].values == list(design["stratum"].values).index(stratum)
    effects = study[design["group_study"].values[design["effect_group"].values]]
    terms = (design["X"].values[effects] != 0).any(0)
    groups, group = np.unique(design["effect_group"].values[effects], return_inverse=True)
    studies, study = np.unique(design["group_study"].values[groups], return_inverse=True)
    chosen = {"effect": effects, "term": terms, "standard": terms}
    chosen |= {"group": groups, "study": studies}
    part = design.isel(chosen, missing_dims="ignore")
    part = part.assign(effect_group=("effect", group), group_study=("group", study))
    return part.drop_vars(["study_stratum", "stratum"], errors="ignore")
