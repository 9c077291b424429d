"""Exact evidence against bridge sampling of two real tables.

The bridge (Meng & Wong 1996) is between draws of the posterior and a normal distribution fitted to
half of them, in beta and log taus. Its density is a dense normal distribution per study.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.special import expit, logsumexp
from scipy.stats import multivariate_normal

import bayesmeta
from bayesmeta.data import datasets
from bayesmeta.inference.quadrature import integrate_posterior
from bayesmeta.model.design import build_design
from bayesmeta.model.spec import ModelSpec, parse_spec, read_spec
from vaccine_trials import COUNTS, LATITUDE

SAMPLERS = ["quadrature", pytest.param("numpyro", marks=pytest.mark.slow)]
MODEL = """
terms = "1 + latitude"
levels = ["study"]
[priors.terms]
prior = "Normal(0, 1)"
[priors.tau]
prior = "HalfNormal(0.5)"
"""
DRAWS = 4000
Density = Callable[[np.ndarray], np.ndarray]


def vaccine() -> pd.DataFrame:
    """Log risk ratios, with a latitude of mean 0 and sd 1, so that its prior is as it stands."""
    frame = bayesmeta.effects("RR", **COUNTS)
    names = [f"s{n}" for n in range(len(frame))]
    latitude = (LATITUDE - np.mean(LATITUDE)) / np.std(LATITUDE, ddof=1)
    frame = frame.assign(study=names, group=names, effect=names, latitude=latitude)
    frame.attrs = {"dataset": "bcg", "title": "bcg", "synthetic": False}
    return frame


def log_density(design: xr.Dataset, spec: ModelSpec) -> Density:
    """Return the log of prior times likelihood at beta and log taus (n, terms + levels)."""
    X, yi, vi = (design[name].values for name in ("X", "yi", "vi"))
    prior = spec.priors["terms"].distribution
    group = design["effect_group"].values
    unit = {"group": group, "study": design["group_study"].values[group]}
    studies = [np.flatnonzero(unit["study"] == study) for study in np.unique(unit["study"])]

    def evaluate(x: np.ndarray) -> np.ndarray:
        beta, log_tau = x[:, : X.shape[1]], x[:, X.shape[1] :]
        total = prior.logpdf(beta).sum(1) + log_tau.sum(1)
        for at, level in enumerate(spec.levels):
            total += spec.tau_prior(level).distribution.logpdf(np.exp(log_tau[:, at]))
        gap = yi - beta @ X.T
        for rows in studies:
            V = np.broadcast_to(np.diag(vi[rows]), (len(x), len(rows), len(rows)))
            for at, level in enumerate(spec.levels):
                same = unit[level][rows][:, None] == unit[level][rows]
                V = V + np.exp(2 * log_tau[:, at, None, None]) * same
            solved = np.linalg.solve(V, gap[:, rows, None])[..., 0]
            log_det = np.linalg.slogdet(2 * np.pi * V)[1]
            total -= 0.5 * ((gap[:, rows] * solved).sum(1) + log_det)
        return total

    return evaluate


def bridge(draws: np.ndarray, density: Density, seed: int) -> tuple[float, float]:
    """Return the log evidence of draws (n, parameters), and its standard error over 10 parts."""
    fitted, kept = draws[::2], draws[1::2]
    normal = multivariate_normal(fitted.mean(0), np.cov(fitted.T))
    proposed = normal.rvs(len(kept), random_state=seed)
    of_kept = density(kept) - normal.logpdf(kept)
    of_proposed = density(proposed) - normal.logpdf(proposed)
    parts = [_bridge(of_kept[part::10], of_proposed[part::10]) for part in range(10)]
    return _bridge(of_kept, of_proposed), float(np.std(parts, ddof=1) / np.sqrt(10))


def _bridge(of_kept: np.ndarray, of_proposed: np.ndarray) -> float:
    log_evidence = float(np.median(of_kept))
    for _ in range(200):
        above = logsumexp(of_proposed + np.log(expit(log_evidence - of_proposed)))
        below = logsumexp(np.log(expit(log_evidence - of_kept)))
        log_evidence = float(above - below)
    return log_evidence


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("name", ["bcg with latitude", "clinical"])
def test_exact_evidence_is_that_of_bridge_sampling(
    name: str, sampler: str, request: pytest.FixtureRequest
) -> None:
    if name == "clinical":
        request.getfixturevalue("trace_data")
        frame, spec = datasets.read("clinical"), read_spec("three-level")
    else:
        frame, spec = vaccine(), parse_spec(MODEL, "bcg")
    design = build_design(frame, spec)
    exact = integrate_posterior(design, spec).log_marginal_likelihood
    tree = bayesmeta.fit(frame, spec, sampler=sampler, draws=DRAWS // 4, chains=4, progress=False)
    posterior = tree["posterior"].to_dataset().stack(sample=("chain", "draw"))
    taus = [np.log(posterior[f"tau_{level}"].values) for level in spec.levels]
    beta = posterior["beta"].transpose("term", "sample").values
    log_evidence, error = bridge(np.vstack([beta, *taus]).T, log_density(design, spec), seed=1)
    assert error < 0.05
    assert log_evidence == pytest.approx(exact, abs=3.5 * error)
