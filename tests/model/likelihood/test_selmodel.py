"""The selection likelihood has the maximum that metafor's selmodel finds."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

from bayesmeta.model.design import build_design
from bayesmeta.model.spec import parse_spec
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
FITS = json.loads((Path(__file__).parents[2] / "reference/selmodel.json").read_text())["fits"]


@pytest.mark.parametrize("name", FITS)
def test_the_maximum_is_that_of_metafor(name: str) -> None:
    fit: dict[str, Any] = FITS[name]
    studies = [f"s{i}" for i in range(len(fit["yi"]))]
    frame = pd.DataFrame({"study": studies, "group": studies, "effect": studies})
    frame = frame.assign(yi=fit["yi"], vi=fit["vi"])
    plain = replace(SPEC, bias="", directions={}, priors=dict(list(SPEC.priors.items())[:2]))
    design = build_design(frame, SPEC)
    unselected = build_design(frame, plain)

    def selected_loss(x: np.ndarray) -> float:
        tau, *weights = np.exp(x[1:])
        return -float(log_likelihood_by_study(design, SPEC, x[:1], [tau], weights).sum())

    def plain_loss(x: np.ndarray) -> float:
        return -float(log_likelihood_by_study(unselected, plain, x[:1], np.exp(x[1:])).sum())

    options = {"maxfev": 2000, "xatol": 1e-6, "fatol": 1e-9}
    start = [fit["beta"], 0.5 * np.log(fit["tau2"]), *np.log(fit["delta"][1:])]
    best = minimize(selected_loss, np.add(start, 0.2), method="Nelder-Mead", options=options)
    alone = minimize(plain_loss, start[:2], method="Nelder-Mead", options=options)
    assert best.x[0] == pytest.approx(fit["beta"], abs=0.01 * fit["se"])
    assert np.exp(2 * best.x[1]) == pytest.approx(fit["tau2"], rel=0.01)
    np.testing.assert_allclose(np.exp(best.x[2:]), fit["delta"][1:], rtol=0.02)
    assert alone.fun - best.fun == pytest.approx(fit["gain"], abs=1e-5)
