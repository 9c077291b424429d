"""Flat coordinates in NumPy are those of NUTS, with the log determinant of their Jacobian."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytensor.tensor as pt
import pytest
from numpy.random import Generator

from bayesmeta.model.coordinates import Polar, Whitened
from bayesmeta.model.design import build_design
from bayesmeta.model.flat_coordinates import FlatCoordinates
from bayesmeta.model.priors import pooling_sd_name
from bayesmeta.model.spec import ModelSpec, Prior, parse_spec
from bayesmeta.model.start import guess_start

TEXT = """
terms = "0 + valence"
levels = ["study", "group"]
[priors.terms]
prior = "Normal(0, 1.5)"
[priors.tau]
prior = "HalfNormal(1)"
"""
BASE = parse_spec(TEXT, "base")
HALF_NORMAL = Prior("HalfNormal", (0.5,))
OTHERS = {"nu": Prior("Gamma", (2.0, 0.1)), "rho": Prior("Beta", (2.0, 2.0))}
POOLED_TERMS = Prior("Normal", (0.2, 1.0), pooling_sd=HALF_NORMAL)
MODELS = {
    "three levels": BASE,
    "four levels": BASE.with_levels(("study", "group", "effect")),
    "heavy tails and rho": replace(BASE, likelihood="student", priors={**BASE.priors, **OTHERS}),
    "partial pooling": replace(BASE, priors={**BASE.priors, "terms": POOLED_TERMS}),
}


@pytest.fixture(params=MODELS)
def spec(request: pytest.FixtureRequest) -> ModelSpec:
    return MODELS[request.param]


@pytest.fixture
def rng() -> Generator:
    return np.random.default_rng(2)


def test_equal_the_coordinates_of_nuts(
    spec: ModelSpec, simulated: pd.DataFrame, rng: Generator
) -> None:
    design = build_design(simulated, spec)
    start = guess_start(design, spec)
    flat = FlatCoordinates(design, spec, start)
    z = flat.start + rng.normal(0, 0.7, flat.size)
    draws = flat.place(z[None]).draws
    polar = Polar(len(spec.levels))
    tau = polar.backward(pt.as_tensor(z[: flat.taus])).eval()
    np.testing.assert_allclose(draws["tau"][0], tau, rtol=1e-12)
    whitened = Whitened(start.precision, start.xt_vinv_y)
    sds = {part: draws[pooling_sd_name(part)][0] for part in spec.pooling_sds}
    inputs = [pt.as_tensor(x) for x in (flat.prior.mean, flat.prior.covariance(sds))]
    beta = whitened.backward(pt.as_tensor(z[-2:]), *inputs).eval()
    np.testing.assert_allclose(draws["beta"][0], beta, rtol=1e-10)


def test_the_log_determinant_is_that_of_the_numerical_jacobian(
    spec: ModelSpec, simulated: pd.DataFrame, rng: Generator
) -> None:
    design = build_design(simulated, spec)
    flat = FlatCoordinates(design, spec, guess_start(design, spec))
    z = flat.start + rng.normal(0, 0.5, flat.size)
    step = 1e-6 * np.eye(flat.size)

    def parameters(points: np.ndarray) -> np.ndarray:
        draws = flat.place(points).draws.values()
        return np.concatenate([values.reshape(len(points), -1) for values in draws], axis=1)

    jacobian = (parameters(z + step) - parameters(z - step)) / 2e-6
    expected = np.linalg.slogdet(jacobian)[1]
    assert flat.place(z[None]).log_det[0] == pytest.approx(expected, abs=1e-6)
