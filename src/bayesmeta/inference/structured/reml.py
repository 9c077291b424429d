"""REML and ML of any dependence structure, by the same likelihood as the posterior."""

from typing import Any

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
PRECISION = {"ftol": 1e-14, "gtol": 1e-6, "maxiter": 500}
FARTHEST = 15.0  # a coordinate: a tau of 3e-7, which is zero


def fit_structured_reml(design: xr.Dataset, spec: ModelSpec, *, method: str = "REML") -> Reml:
    """Maximise the (restricted) likelihood; `method` is "REML" or "ML".

    Raise BadInput if no start leads to a finite maximum.
    """
    likelihood = Structured(design, spec)
    x, log_lik = _maximise(likelihood, method)
    if not np.isfinite(log_lik):
        raise BadInput(f"{method} of model {spec.name} found no maximum; leave out a random effect")
    values = _values_at(likelihood, x[None])
    given = likelihood.condition(values, flat=True)
    beta = given.coefficients(np.zeros_like(given.half))[0, -likelihood.terms :]
    root = np.linalg.inv(given.factor[0])[:, -likelihood.terms :]
    values |= likelihood.derived(values)
    estimates = {name: float(value[0]) for name, value in values.items()}
    taus = {name[4:]: tau for name, tau in estimates.items() if name.startswith("tau_")}
    zero = ZERO * float(design["yi"].std())
    taus = {name: 0.0 if tau < zero else tau for name, tau in taus.items()}
    terms = list(map(str, design["term"].values))
    return Reml(
        design,
        spec,
        method,
        tau=pd.Series(taus, name="tau", dtype=float),
        beta=pd.Series(beta, terms, name="estimate"),
        covariance=pd.DataFrame(root.T @ root, terms, terms),
        log_lik=log_lik + (_half_log_det(design) if method == "REML" else 0.0),
        QE=_residual(likelihood),
        boundary=tuple(name for name, tau in taus.items() if tau == 0),
        aliased=(),
        parameters=pd.Series(
            {name: value for name, value in estimates.items() if not name.startswith("tau_")},
            dtype=float,
        ),
    )


def _values_at(likelihood: Structured, x: np.ndarray) -> dict[str, np.ndarray]:
    columns = np.clip(x, -FARTHEST, FARTHEST).T
    return {item.name: item.bounded(columns[at]) for at, item in enumerate(likelihood.parameters)}


def _maximise(likelihood: Structured, method: str) -> tuple[np.ndarray, float]:
    """Return the coordinates of the parameters at the highest of several maxima, and its height."""

    def downhill(x: np.ndarray) -> tuple[float, np.ndarray]:
        steps = STEP * np.eye(len(x))
        points = np.concatenate([x[None], x + steps, x - steps])
        around = likelihood.log_likelihood(_values_at(likelihood, points), method)
        above, below = np.split(around[1:], 2)
        return -float(np.nan_to_num(around[0], nan=-np.inf)), -(above - below) / (2 * STEP)

    unit = np.log(likelihood.columns[:, -1].std())
    start = np.array([item.unbounded(item.start) for item in likelihood.parameters])
    start += [unit * item.name.startswith("tau_") for item in likelihood.parameters]
    options: Any = {"method": "L-BFGS-B", "bounds": [(-FARTHEST, FARTHEST)] * len(start)}
    options |= {"jac": True, "options": PRECISION}
    results = [minimize(downhill, start + shift, **options) for shift in STARTS]
    best = min(results, key=lambda result: float(result.fun))
    return best.x, -float(best.fun)


def _half_log_det(design: xr.Dataset) -> float:
    """Return log|X'X| / 2, which metafor counts."""
    x = design["X"].values
    return float(np.linalg.slogdet(x.T @ x)[1] / 2)


def _residual(likelihood: Structured) -> float:
    """Return QE: the residual sum of squares of the errors alone."""
    x = likelihood.columns[:, : likelihood.terms]
    z = np.column_stack([x, likelihood.columns[:, -1]])
    W = spsolve(likelihood.errors.tocsc(), z)
    S = z.T @ np.reshape(W, z.shape)
    return float(S[-1, -1] - S[:-1, -1] @ np.linalg.solve(S[:-1, :-1], S[:-1, -1]))
