"""Arrays of a design and of its priors as JSON: typed arrays in base64, little-endian.

`data.mjs` is the other side.
"""

from base64 import b64encode
from typing import Any

import numpy as np
import xarray as xr

from bayesmeta.inference.quadrature.outer import RHO
from bayesmeta.model.design import is_mean
from bayesmeta.model.design.standardising import standardising_rows
from bayesmeta.model.priors import term_prior
from bayesmeta.model.spec import ModelSpec, Prior
from bayesmeta.model.spec.families import TAU_OF


def floats(values: Any) -> str:
    """Return numbers as 64-bit floats in base64."""
    return b64encode(np.ascontiguousarray(values, "<f8").tobytes()).decode()


def integers(values: Any) -> str:
    """Return whole numbers as 32-bit integers in base64."""
    return b64encode(np.ascontiguousarray(values, "<i4").tobytes()).decode()


def encoded_table(design: xr.Dataset) -> dict[str, Any]:
    """Return the effects of a design: yi, vi, nesting, and the distinct rows of X."""
    rows, row = np.unique(design["X"].values, axis=0, return_inverse=True)
    return {
        "yi": floats(design["yi"].values),
        "vi": floats(design["vi"].values),
        "rows": floats(rows),
        "row": integers(row.ravel()),
        "group": integers(design["effect_group"].values),
        "study": integers(design["group_study"].values),
        "terms": [str(term) for term in design["term"].values],
        "studies": [str(study) for study in design["study"].values],
    }


def encoded_model(design: xr.Dataset, spec: ModelSpec) -> dict[str, Any]:
    """Return the choices of a model that the page can take (`nearest_model`).

    The prior of beta is N(mean, covariance) at the sds of the model; `location` is the direction in
    which a common prior mean moves it, 1 for every mean of a term.
    """
    prior = term_prior(design, spec)
    if prior.sds:
        raise ValueError("the page takes no pooling sds")
    means = is_mean(design).astype(float)
    location = np.linalg.solve(standardising_rows(design), means)
    parts = spec.parts
    is_single = list(parts) == ["terms"] and parts["terms"].family == "Normal"
    single = parts["terms"].parameters if is_single else None
    return {
        "levels": list(spec.levels),
        "rho": float(_fixed_rho(spec)),
        "rhoPrior": _numbers(spec.priors[RHO]) if RHO in spec.priors else [],
        "rope": float(spec.rope),
        "tau": encoded_taus(spec),
        "terms": {"location": single and single[0], "scale": single and single[1]},
        "mean": floats(prior.mean),
        "covariance": floats(prior.covariance({})),
        "direction": floats(location),
    }


def encoded_taus(spec: ModelSpec) -> dict[str, Any]:
    """Return the prior of the taus: of every level, of single levels, or of their total."""
    common = spec.tau_prior(spec.levels[0])
    if spec.has_equal_tau_priors:
        return _prior(common)
    if common.allocation:
        return {**_prior(common), "allocation": [float(share) for share in common.allocation]}
    by_level = {key: spec.tau_prior(key.removeprefix(TAU_OF)) for key in _taus_of_levels(spec)}
    common = spec.priors.get("tau", common)
    levels = {key.removeprefix(TAU_OF): _prior(prior) for key, prior in by_level.items()}
    return {**_prior(common), "byLevel": levels}


def _taus_of_levels(spec: ModelSpec) -> list[str]:
    return [key for key in spec.priors if key.startswith(TAU_OF)]


def _prior(prior: Prior) -> dict[str, Any]:
    return {"family": prior.family, "parameters": _numbers(prior)}


def _numbers(prior: Prior) -> list[float]:
    return [float(value) for value in prior.parameters]


def _fixed_rho(spec: ModelSpec) -> float:
    """Return rho, or its prior mean, from which a reader begins who fixes it."""
    return float(spec.priors[RHO].distribution.mean()) if RHO in spec.priors else spec.rho
