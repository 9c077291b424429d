"""Likelihoods at one value of the parameters, on NumPy arrays."""

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from bayesmeta.model.likelihood import Parameters, likelihood_of
from bayesmeta.model.spec import ModelSpec


def parameters_of(
    spec: ModelSpec, beta: ArrayLike, tau: ArrayLike, *auxiliary: ArrayLike, draws: int = 1
) -> Parameters:
    """The same parameters as so many draws."""

    def repeated(value: ArrayLike) -> np.ndarray:
        array = np.asarray(value, float)
        return np.repeat(array[..., None], draws, axis=-1)

    named = dict(zip(spec.auxiliary_parameters, map(repeated, auxiliary), strict=True))
    return Parameters(repeated(beta), repeated(tau), named)


def log_likelihood_by_study(
    design: xr.Dataset, spec: ModelSpec, beta: ArrayLike, tau: ArrayLike, *auxiliary: ArrayLike
) -> np.ndarray:
    """Log-likelihood of each study with all random effects integrated out (studies,)."""
    likelihood, parameters = likelihood_of(design, spec), parameters_of(spec, beta, tau, *auxiliary)
    found: np.ndarray = likelihood.log_likelihood(
        parameters.beta, likelihood.taus(parameters.tau), dict(parameters.auxiliary)
    )
    return found[:, 0]
