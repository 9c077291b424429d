"""Arrays of a design and of its priors as JSON: typed arrays in base64, little-endian.

`data.mjs` is the other side.
"""

from base64 import b64encode
from typing import Any

import numpy as np
import xarray as xr

from bayesmeta.inference.quadrature.outer import outer_priors
from bayesmeta.model.design import is_mean
from bayesmeta.model.design.standardising import standardising_rows
from bayesmeta.model.priors import term_prior
from bayesmeta.model.spec import ModelSpec


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
    if outer_priors(prior, spec):
        raise ValueError("the page takes neither pooling sds nor a rho with a prior")
    means = is_mean(design).astype(float)
    location = np.linalg.solve(standardising_rows(design), means)
    parts = spec.parts
    is_single = list(parts) == ["terms"] and parts["terms"].family == "Normal"
    single = parts["terms"].parameters if is_single else None
    return {
        "levels": list(spec.levels),
        "rho": float(spec.rho),
        "rope": float(spec.rope),
        "tau": {
            "family": spec.priors["tau"].family,
            "parameters": [float(value) for value in spec.priors["tau"].parameters],
        },
        "terms": {"location": single and single[0], "scale": single and single[1]},
        "mean": floats(prior.mean),
        "covariance": floats(prior.covariance({})),
        "direction": floats(location),
    }
