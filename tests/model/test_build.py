"""Coordinates, priors and posterior density of the model.

They are checked against what is known without it.
"""

from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
import xarray as xr
from scipy.stats import halfcauchy, halfnorm, invgamma, kstest, multivariate_normal, norm

from bayesmeta.model.build import build_model
from bayesmeta.model.coordinates import Polar, Whitened
from bayesmeta.model.design import build_design
from bayesmeta.model.spec import ModelSpec, parse_spec
from bayesmeta.model.start import guess_start

TEXT = """
terms = "0 + valence:phase"
levels = {levels}
rho = {rho}
[priors.terms]
prior = "Normal(0.2, 1.5)"
[priors.tau]
prior = "{tau}"
"""
SCIPY = {
    "HalfNormal(0.7)": halfnorm(0, 0.7),
    "HalfCauchy(0.5)": halfcauchy(0, 0.5),
    "InvGamma(1, 0.15)": invgamma(1, scale=0.15),
}


def spec_with(levels: list[str], tau: str = "HalfNormal(0.7)", rho: float = 0.0) -> ModelSpec:
    return parse_spec(TEXT.format(levels=str(levels).replace("'", '"'), tau=tau, rho=rho), "m")


def dense_log_density(
    design: xr.Dataset, beta: np.ndarray, taus: dict[str, float], rho: float
) -> float:
    """Log-likelihood of all effects with their covariance (k, k) written out."""
    group, v = design["effect_group"].values, design["vi"].values
    study = design["group_study"].values[group]
    same_group = np.equal.outer(group, group)
    covariance = np.where(same_group, rho * np.sqrt(np.outer(v, v)), 0.0)
    np.fill_diagonal(covariance, v + taus.get("effect", 0) ** 2)
    covariance += (
        taus.get("study", 0) ** 2 * np.equal.outer(study, study)
        + taus.get("group", 0) ** 2 * same_group
    )
    return float(
        multivariate_normal.logpdf(design["yi"].values, design["X"].values @ beta, covariance)
    )


@pytest.mark.parametrize("tau", SCIPY)
@pytest.mark.parametrize(
    ("levels", "rho"),
    [(["study"], 0.0), (["study", "group"], 0.0), (["study", "group", "effect"], 0.4)],
)
def test_density_is_prior_times_dense_likelihood(
    simulated: pd.DataFrame, levels: list[str], rho: float, tau: str
) -> None:
    spec = spec_with(levels, tau, rho)
    design = build_design(simulated, spec)
    model = build_model(design, spec, guess_start(design, spec))
    beta, taus = np.array([-0.4, 0.6]), np.array([0.5, 0.3, 0.2])[: len(levels)]
    with model:
        logp = model.compile_logp(jacobian=False, mode="FAST_COMPILE")
        z = {
            "beta_whitened__": model.rvs_to_transforms[model["beta"]]
            .forward(pt.as_tensor(beta), *model["beta"].owner.inputs)
            .eval(),
            "tau_polar__": model.rvs_to_transforms[model["tau"]].forward(pt.as_tensor(taus)).eval(),
        }
    want = norm(0.2, 1.5).logpdf(beta).sum() + SCIPY[tau].logpdf(taus).sum()
    want += dense_log_density(design, beta, dict(zip(levels, taus, strict=True)), rho)
    # PyMC keeps log sqrt(2 pi) in 32 bits; test_kernel compares the kernel alone more sharply
    assert float(logp(z)) == pytest.approx(want, rel=1e-9)


def numeric_log_det(transform: Any, z: np.ndarray) -> float:
    columns = [
        (
            transform.backward(pt.as_tensor(z + h)).eval()
            - transform.backward(pt.as_tensor(z - h)).eval()
        )
        / 2e-6
        for h in 1e-6 * np.eye(len(z))
    ]
    return float(np.linalg.slogdet(np.array(columns))[1])


@pytest.mark.parametrize("size", [1, 2, 3])
def test_polar_round_trip_and_jacobian(size: int) -> None:
    transform, tau = Polar(size), np.array([0.7, 0.05, 1.9])[:size]
    z = transform.forward(pt.as_tensor(tau)).eval()
    np.testing.assert_allclose(transform.backward(pt.as_tensor(z)).eval(), tau, rtol=1e-12)
    got = transform.log_jac_det(pt.as_tensor(z)).eval()
    assert float(got) == pytest.approx(numeric_log_det(transform, z), abs=1e-7)


@pytest.mark.parametrize("covariance", [np.diag([2.0, 2.0]), np.array([[1.0, 0.7], [0.7, 1.0]])])
def test_whitened_is_the_posterior_made_standard_normal(covariance: np.ndarray) -> None:
    precision, pull, mean = (
        np.array([[3.0, 0.5], [0.5, 0.2]]),
        np.array([1.0, -1.0]),
        np.array([0.3, -0.2]),
    )
    transform, inputs = Whitened(precision, pull), (pt.as_tensor(mean), pt.as_tensor(covariance))
    z = transform.forward(pt.as_tensor([0.3, 0.4]), *inputs).eval()
    np.testing.assert_allclose(
        transform.backward(pt.as_tensor(z), *inputs).eval(), [0.3, 0.4], rtol=1e-12
    )
    origin = transform.backward(pt.zeros(2), *inputs).eval()
    steps = [transform.backward(pt.as_tensor(step), *inputs).eval() - origin for step in np.eye(2)]
    posterior = np.linalg.inv(precision + np.linalg.inv(covariance))
    np.testing.assert_allclose(np.transpose(steps) @ steps, posterior, rtol=1e-9)
    np.testing.assert_allclose(
        origin, posterior @ (pull + np.linalg.solve(covariance, mean)), rtol=1e-9
    )
    log_det = transform.log_jac_det(pt.as_tensor(z), *inputs).eval()
    assert float(log_det) == pytest.approx(np.linalg.slogdet(np.transpose(steps))[1])


def test_polar_blocks_do_not_mix() -> None:
    tau = np.array([0.7, 0.05, 1.9, 0.4])
    z = Polar(2, 2).forward(pt.as_tensor(tau)).eval()
    np.testing.assert_allclose(z[2:], Polar(2).forward(pt.as_tensor(tau[2:])).eval(), rtol=1e-12)
    np.testing.assert_allclose(Polar(2, 2).backward(pt.as_tensor(z)).eval(), tau, rtol=1e-12)
    got = Polar(2, 2).log_jac_det(pt.as_tensor(z)).eval()
    assert float(got) == pytest.approx(numeric_log_det(Polar(2, 2), z), abs=1e-7)


def test_a_half_normal_pair_has_a_standard_normal_angle() -> None:
    taus = abs(np.random.default_rng(1).normal(0, 0.7, (1000, 2)))
    to_angle = pytensor.function(
        [value := pt.vector()], Polar(2).forward(value)[1], mode="FAST_COMPILE"
    )
    assert kstest([float(to_angle(tau)) for tau in taus], norm.cdf).pvalue > 0.01


def test_prior_draws_are_finite_and_have_the_stated_scale(simulated: pd.DataFrame) -> None:
    spec = spec_with(["study", "group"])
    design = build_design(simulated, spec)
    model = build_model(design, spec, guess_start(design, spec))
    beta, tau = pm.draw([model["beta"], model["tau"]], 2000, random_seed=1, mode="FAST_COMPILE")
    assert np.isfinite(beta).all()
    assert (tau > 0).all()
    assert beta.mean() == pytest.approx(0.2, abs=4 * 1.5 / np.sqrt(4000))
    assert (tau**2).mean() == pytest.approx(0.49, rel=0.12)


def test_start_is_the_gaussian_conditional(simulated: pd.DataFrame) -> None:
    spec = spec_with(["study", "group"], rho=0.3)
    design = build_design(simulated, spec)
    start = guess_start(design, spec)
    assert (start.tau > 0).all()
    taus = dict(zip(spec.levels, start.tau, strict=True))

    def log_posterior(beta: np.ndarray) -> float:
        return dense_log_density(design, beta, taus, 0.3) + norm(0.2, 1.5).logpdf(beta).sum()

    at_mode = log_posterior(start.beta)
    covariance = np.linalg.inv(start.precision + np.eye(2) / 1.5**2)
    for step in np.linalg.cholesky(covariance).T:
        # one posterior sd away in any whitened direction, a Gaussian falls by 1/2
        assert log_posterior(start.beta + step) == pytest.approx(at_mode - 0.5, abs=1e-8)
        assert log_posterior(start.beta - step) == pytest.approx(at_mode - 0.5, abs=1e-8)
