"""The selection likelihood has the maximum that metafor's selmodel finds."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

from bayesmeta.inference.laplace import laplace_posterior
from bayesmeta.model.design import build_design
from bayesmeta.model.spec import Prior, parse_spec
from likelihoods import log_likelihood_by_study

SPEC = parse_spec(
    """
terms = "1"
levels = ["study"]
bias = "selection"
directions = {intercept = "higher"}
cutpoints = [0.025, 0.5]
[priors.terms]
prior = "Normal(0, 100)"
[priors.tau]
prior = "HalfNormal(100)"
[priors.weights]
prior = "Gamma(1, 0.001)"
""",
    "selection",
)
REPEATS = 36  # of a table
OPTIONS = {"maxfev": 2000, "xatol": 1e-6, "fatol": 1e-9}
FITS = json.loads((Path(__file__).parents[2] / "reference/selmodel.json").read_text())["fits"]


PLAIN = replace(SPEC, bias="", directions={}, priors=dict(list(SPEC.priors.items())[:2]))


def table(name: str) -> pd.DataFrame:
    """Return the results of a table."""
    studies = [f"s{i}" for i in range(len(FITS[name]["yi"]))]
    frame = pd.DataFrame({"study": studies, "group": studies, "effect": studies})
    return frame.assign(yi=FITS[name]["yi"], vi=FITS[name]["vi"])


@cache
def maximum_without_selection(name: str) -> float:
    """Return the maximum of the log-likelihood without selection."""
    fit = FITS[name]
    design = build_design(table(name), PLAIN)

    def loss(x: np.ndarray) -> float:
        return -float(log_likelihood_by_study(design, PLAIN, x[:1], np.exp(x[1:])).sum())

    start = [fit["beta"] + 0.2, 0.5 * np.log(fit["tau2"]) + 0.2]
    return -float(minimize(loss, start, method="Nelder-Mead", options=OPTIONS).fun)


@pytest.mark.parametrize("name", FITS)
def test_the_maximum_is_that_of_metafor(name: str) -> None:
    fit: dict[str, Any] = FITS[name]
    design = build_design(table(name), SPEC)

    def loss(x: np.ndarray) -> float:
        tau, *weights = np.exp(x[1:])
        return -float(log_likelihood_by_study(design, SPEC, x[:1], [tau], weights).sum())

    start = [fit["beta"], 0.5 * np.log(fit["tau2"]), *np.log(fit["delta"][1:])]
    best = minimize(loss, np.add(start, 0.2), method="Nelder-Mead", options=OPTIONS)
    assert best.x[0] == pytest.approx(fit["beta"], abs=0.01 * fit["se"])
    assert np.exp(2 * best.x[1]) == pytest.approx(fit["tau2"], rel=0.01)
    np.testing.assert_allclose(np.exp(best.x[2:]), fit["delta"][1:], rtol=0.02)
    assert -best.fun - maximum_without_selection(name) == pytest.approx(fit["gain"], abs=1e-5)


@pytest.mark.parametrize("name", FITS)
def test_the_posterior_mean_is_the_estimate_of_metafor(name: str) -> None:
    """Under flat priors, of every table 36 times: the same maximum, and a sixth of its error.

    A single table is small enough for the skewness of a posterior to move its mean by .5 errors.
    """
    fit = FITS[name]
    weights = Prior.parse("weights", "Gamma(0.5, 0.1)")
    spec = replace(SPEC, priors={**SPEC.priors, "weights": weights})
    frame = pd.concat([table(name)] * REPEATS, ignore_index=True)
    for column in ("study", "group", "effect"):
        frame[column] = frame.index.astype(str)
    design = build_design(frame, spec)
    tree = laplace_posterior(design, spec, draws=2000, chains=1, seed=1, parameters_only=True)
    posterior = tree["posterior"]
    se = fit["se"] / REPEATS**0.5
    assert float(posterior["beta"].mean()) == pytest.approx(fit["beta"], abs=0.1 * se)
    assert float(posterior["beta"].std()) == pytest.approx(se, rel=0.05)
    of_weights = posterior["weights"].mean(("chain", "draw"))
    np.testing.assert_allclose(of_weights, fit["delta"][1:], rtol=0.1)


@pytest.mark.parametrize("name", FITS)
def test_beta_weights_gain_what_they_gain_in_metafor(name: str) -> None:
    fit = FITS[name]["of_beta"]
    spec = replace(SPEC, weight_function="beta")
    design = build_design(table(name), spec)
    taus = [fit["tau2"] ** 0.5]
    at_theirs = log_likelihood_by_study(design, spec, [fit["beta"]], taus, fit["delta"]).sum()
    gain = at_theirs - maximum_without_selection(name)
    assert gain == pytest.approx(fit["gain"], abs=1e-3)  # of theirs, an integral by subdivision
