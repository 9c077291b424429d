"""The posterior averaged over a choice that a model file fixes."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.inference.quadrature.posterior import Posterior, integrate_taus, mix
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.spec import ModelSpec


def average_over_rho(
    design: xr.Dataset,
    spec: ModelSpec,
    rho: Sequence[float],
    prior: Sequence[float] | None = None,
    *,
    tolerance: float = 1e-6,
) -> tuple[Posterior, pd.DataFrame]:
    """Average the posterior over a grid of rho in place of the model's single value.

    Parameters
    ----------
    rho, prior : sequences of float
        Values in [0, 1) and their prior probabilities (equal by default; scaled to sum to one).

    Returns
    -------
    Posterior
        The mixture.
    DataFrame
        rho, prior, probability (posterior), log_marginal_likelihood.

    Raises
    ------
    BadInput
        A rho outside [0, 1).
    """
    if not len(rho) or not all(0 <= value < 1 for value in rho):
        raise BadInput(f"rho is {list(rho)}; it should be a list of numbers from 0 to below 1")
    shares = np.full(len(rho), 1.0) if prior is None else np.asarray(prior, float)
    shares = shares / shares.sum()
    each = [integrate_taus(design, replace(spec, rho=value), tolerance=tolerance) for value in rho]
    mixture, probability = mix(each, shares)
    evidence = [one.log_marginal_likelihood for one in each]
    columns = {"rho": rho, "prior": shares, "probability": probability, "log_marginal_likelihood": evidence}
    return mixture, pd.DataFrame(columns)
