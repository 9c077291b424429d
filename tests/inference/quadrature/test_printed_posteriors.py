"""Posteriors that RoBMA 4 and others print, by Monte Carlo, and the same by a sum over a grid."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import halfcauchy, halfnorm, norm

from bayesmeta.inference.quadrature import (
    Posterior,
    integrate_posterior,
    tau_quantile,
    taus_table,
    terms_table,
)
from bayesmeta.model.design import build_design
from bayesmeta.model.spec import parse_spec
from vaccine_trials import COUNTS

SCHOOLS = np.array([28.0, 8, -3, 7, -1, 1, 18, 12]), np.array([15.0, 10, 16, 11, 9, 11, 10, 18])
REFERENCE = Path(__file__).parents[2] / "reference" / "structures.json"
PRINTED = 0.05  # posterior sds: about the Monte-Carlo error of printed means


def integrated(frame: pd.DataFrame, levels: str, terms: str, tau: str) -> Posterior:
    text = f'terms = "1"\nlevels = [{levels}]\n[priors.terms]\nprior = "{terms}"\n'
    spec = parse_spec(f"{text}[priors.tau]\n{tau}\n", "printed")
    posterior = integrate_posterior(build_design(frame, spec), spec)
    assert isinstance(posterior, Posterior)
    return posterior


def single(yi: np.ndarray, vi: np.ndarray) -> pd.DataFrame:
    names = [f"s{n}" for n in range(len(yi))]
    return pd.DataFrame({"study": names, "group": names, "effect": names, "yi": yi, "vi": vi})


def by_grid(
    yi: np.ndarray, vi: np.ndarray, sd: float, prior: object, highest: float
) -> tuple[float, float, float]:
    """Return mean and sd of the mean, and the median of tau, over 20,000 taus."""
    tau = highest * (np.arange(20_000) + 0.5) / 20_000
    weight = 1 / (vi[:, None] + tau**2)
    precision = weight.sum(0) + 1 / sd**2
    mean = (weight * yi[:, None]).sum(0) / precision
    log_density = norm.logpdf(yi[:, None], 0, 1 / np.sqrt(weight)).sum(0) + prior.logpdf(tau)
    log_density += (mean**2 * precision - np.log(precision)) / 2
    share = np.exp(log_density - log_density.max())
    share /= share.sum()
    centre = share @ mean
    spread = np.sqrt(share @ (1 / precision + (mean - centre) ** 2))
    return centre, spread, tau[np.searchsorted(np.cumsum(share), 0.5)]


def test_bcg_and_eight_schools_are_as_printed_and_as_a_grid() -> None:
    a, b, c, d = np.array([*COUNTS.values()], float)
    yi, vi = np.log(a / (a + b) / c * (c + d)), 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)
    cases = [
        (yi, vi, 1.0, halfnorm(scale=0.5), 5.0, 'prior = "HalfNormal(0.5)"', (-0.688, 0.186)),
        (
            SCHOOLS[0],
            SCHOOLS[1] ** 2,
            50.0,
            halfcauchy(scale=25),
            300.0,
            'prior = "HalfCauchy(25)"',
            (7.986, 4.996),
        ),
    ]
    for y, v, sd, prior, highest, text, (mean, spread) in cases:
        posterior = integrated(single(y, v), '"study"', f"Normal(0, {sd})", text)
        row = terms_table(posterior).iloc[0]
        grid = by_grid(y, v, sd, prior, highest)
        assert row["mean"] == pytest.approx(grid[0], abs=1e-4 * row["sd"])
        assert row["sd"] == pytest.approx(grid[1], rel=1e-4)
        assert tau_quantile(posterior, "study", 0.5) == pytest.approx(grid[2], rel=3e-3)
        assert row["mean"] == pytest.approx(mean, abs=PRINTED * spread)
        assert row["sd"] == pytest.approx(spread, rel=0.03)
    assert tau_quantile(posterior, "study", 0.5) == pytest.approx(4.759, rel=0.01)


def test_a_total_tau_of_schools_in_districts_is_as_printed() -> None:
    """Konstantopoulos 2011: .183 (.089), tau .323, allocation .634 (.14)."""
    (columns,) = [
        entry["columns"]
        for entry in json.loads(REFERENCE.read_text(encoding="utf-8"))
        if entry["name"] == "konstantopoulos"
    ]
    frame = single(np.array(columns["yi"]), np.array(columns["vi"]))
    frame = frame.assign(study=[f"d{code}" for code in columns["district"]])
    tau = 'prior = "HalfNormal(0.354)"\nallocation = "Beta(1, 1)"'
    posterior = integrated(frame, '"study", "group"', "Normal(0, 1)", tau)
    row = terms_table(posterior).iloc[0]
    squared = posterior.tau**2
    share = squared[:, 0] / squared.sum(1)
    allocation = posterior.weight @ share
    assert row["mean"] == pytest.approx(0.183, abs=PRINTED * 0.089)
    assert row["sd"] == pytest.approx(0.089, rel=0.03)
    assert posterior.weight @ np.sqrt(squared.sum(1)) == pytest.approx(0.323, abs=0.005)
    assert allocation == pytest.approx(0.634, abs=PRINTED * 0.14)
    assert np.sqrt(posterior.weight @ (share - allocation) ** 2) == pytest.approx(0.14, abs=0.005)
    assert set(taus_table(posterior)["level"]) == {"study", "group"}
