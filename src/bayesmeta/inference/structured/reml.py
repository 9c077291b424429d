"""REML and ML of any dependence structure, by the same likelihood as the posterior."""

from typing import NamedTuple

import numpy as np
import xarray as xr
from scipy.optimize import minimize

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.spec import ModelSpec
from bayesmeta.model.structure import Structured

STARTS = (0.0, -1.5, 1.5)  # added to the coordinates of the start
STEP = 1e-4  # of the numerical derivatives
FARTHEST = 15.0  # a coordinate: a tau of 3e-7, which is zero


class StructuredREML(NamedTuple):
    """Estimates of a dependence structure."""

    terms: tuple[str, ...]
    beta: np.ndarray  # (p,)
    covariance: np.ndarray  # of beta (p, p)
    parameters: dict[str, float]  # taus, correlations, slopes of log tau
    log_lik: float  # restricted, or not


def fit_structured_reml(
    design: xr.Dataset, spec: ModelSpec, *, method: str = "REML"
) -> StructuredREML:
    """Maximise the (restricted) likelihood; `method` is "REML" or "ML".

    Raise BadInput if no start leads to a finite maximum.
    """
    likelihood = Structured(design, spec)
    restricted = method == "REML"
    parameters = likelihood.parameters

    def values_at(x: np.ndarray) -> dict[str, np.ndarray]:
        columns = np.clip(x, -FARTHEST, FARTHEST).T
        return {item.name: item.bounded(columns[at]) for at, item in enumerate(parameters)}

    def log_lik(x: np.ndarray) -> np.ndarray:
        found = likelihood.evaluate(values_at(x), flat=True)
        if restricted:
            return found.log_likelihood
        constant = design.sizes["effect"] * np.log(2 * np.pi)
        return -0.5 * (constant + found.log_det + found.quadratic)

    def downhill(x: np.ndarray) -> tuple[float, np.ndarray]:
        steps = STEP * np.eye(len(x))
        around = log_lik(np.concatenate([x[None], x + steps, x - steps]))
        above, below = np.split(around[1:], 2)
        return -float(around[0]), -(above - below) / (2 * STEP)

    start = np.array([item.unbounded(item.start) for item in parameters])
    bounds = [(-FARTHEST, FARTHEST)] * len(start)
    found = [
        minimize(downhill, start + shift, jac=True, method="L-BFGS-B", bounds=bounds)
        for shift in STARTS
    ]
    best = min(found, key=lambda result: float(result.fun))
    if not np.isfinite(best.fun):
        raise BadInput(f"{method} of model {spec.name} found no maximum; leave out a random effect")
    evaluated = likelihood.evaluate(values_at(best.x[None]), flat=True)
    inverse = np.linalg.inv(evaluated.factor[0])
    covariance = (inverse.T @ inverse)[: likelihood.terms, : likelihood.terms]
    return StructuredREML(
        tuple(map(str, design["term"].values)),
        evaluated.mean[0, : likelihood.terms],
        covariance,
        {name: float(value[0]) for name, value in values_at(best.x[None]).items()},
        -float(best.fun),
    )
