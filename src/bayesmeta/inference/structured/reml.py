"""REML and ML of any dependence structure, by the same likelihood as the posterior."""

import numpy as np
import pandas as pd
import xarray as xr
from scipy.optimize import minimize
from scipy.sparse.linalg import spsolve

from bayesmeta.inference.reml.fit import ZERO, Reml
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.spec import ModelSpec
from bayesmeta.model.structure import Structured

STARTS = (0.0, -1.5, 1.5)  # added to the coordinates of the start
STEP = 1e-4  # of the numerical derivatives
OPTIONS = {"ftol": 1e-14, "gtol": 1e-6, "maxiter": 500}
FARTHEST = 15.0  # a coordinate: a tau of 3e-7, which is zero


def fit_structured_reml(design: xr.Dataset, spec: ModelSpec, *, method: str = "REML") -> Reml:
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
        return -float(np.nan_to_num(around[0], nan=-np.inf)), -(above - below) / (2 * STEP)

    start = np.array([item.unbounded(item.start) for item in parameters])
    bounds = [(-FARTHEST, FARTHEST)] * len(start)
    found = [
        minimize(
            downhill, start + shift, jac=True, method="L-BFGS-B", bounds=bounds, options=OPTIONS
        )
        for shift in STARTS
    ]
    best = min(found, key=lambda result: float(result.fun))
    if not np.isfinite(best.fun):
        raise BadInput(f"{method} of model {spec.name} found no maximum; leave out a random effect")
    values = values_at(best.x[None])
    evaluated = likelihood.evaluate(values, flat=True)
    inverse = np.linalg.inv(evaluated.factor[0])
    covariance = (inverse.T @ inverse)[: likelihood.terms, : likelihood.terms]
    estimates = {
        name: float(value[0]) for name, value in (values | likelihood.derived(values)).items()
    }
    taus = {name[4:]: tau for name, tau in estimates.items() if name.startswith("tau_")}
    zero = ZERO * float(design["yi"].std())
    taus = {name: 0.0 if tau < zero else tau for name, tau in taus.items()}
    terms = list(map(str, design["term"].values))
    return Reml(
        design,
        spec,
        method,
        tau=pd.Series(taus, name="tau", dtype=float),
        beta=pd.Series(evaluated.mean[0, : likelihood.terms], terms, name="estimate"),
        covariance=pd.DataFrame(covariance, terms, terms),
        log_lik=-float(best.fun),
        QE=_residual(likelihood),
        boundary=tuple(name for name, tau in taus.items() if tau == 0),
        aliased=(),
        parameters=pd.Series(
            {name: value for name, value in estimates.items() if not name.startswith("tau_")},
            dtype=float,
        ),
    )


def _residual(likelihood: Structured) -> float:
    """Return QE: the residual sum of squares of the errors alone."""
    x = likelihood.columns[:, : likelihood.terms]
    z = np.column_stack([x, likelihood.columns[:, -1]])
    W = spsolve(likelihood.errors.tocsc(), z)
    S = z.T @ np.reshape(W, z.shape)
    return float(S[-1, -1] - S[:-1, -1] @ np.linalg.solve(S[:-1, :-1], S[:-1, -1]))
