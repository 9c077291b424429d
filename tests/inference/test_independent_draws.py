"""Draws by importance have the posterior of brute force, of the grid, and of NUTS."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.integrate import trapezoid
from scipy.stats import halfnorm, norm

from bayesmeta.estimates.convergence import diagnose
from bayesmeta.inference.by_study import log_likelihood_by_study as many
from bayesmeta.inference.independent import independent_posterior
from bayesmeta.inference.laplace import laplace_posterior
from bayesmeta.inference.nuts import sample_posterior
from bayesmeta.inference.quadrature import integrate_posterior, quadrature_posterior, terms_table
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import build_design
from bayesmeta.model.likelihood import Parameters, likelihood_of
from bayesmeta.model.spec import ModelSpec, Prior, read_spec
from standardised import simulate_smds

NORMAL = replace(read_spec("intercept"), levels=("study",))
EXACT = replace(NORMAL, likelihood="t")
SELECTED = replace(
    EXACT,
    bias="selection",
    directions={"intercept": "higher"},
    priors={**EXACT.priors, "weights": Prior("Gamma", (2.0, 2.0))},
)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Twenty studies of one effect, 5 to 12 persons an arm."""
    study = np.arange(20)
    rng = np.random.default_rng(6)
    return simulate_smds(rng, study, study, mean=1.0, taus=(0.5, 0, 0), sizes=(5, 12))


@pytest.fixture(scope="module")
def design(frame: pd.DataFrame) -> xr.Dataset:
    return build_design(frame, EXACT)


def on_a_grid(design: xr.Dataset, spec: ModelSpec) -> tuple[float, float, float, float]:
    """Log evidence, mean and sd of beta and mean of tau, by trapezoids over both."""
    beta, tau = np.linspace(-1, 3, 161), np.linspace(1e-3, 2, 120)
    at_beta, at_tau = (x.ravel() for x in np.meshgrid(beta, tau, indexing="ij"))
    likelihood = likelihood_of(design, spec)
    log_lik = many(likelihood, Parameters(at_beta[None], at_tau[None])).sum(0)
    mean, sd = spec.priors["terms"].parameters
    prior = norm.logpdf(at_beta, mean, sd) + halfnorm.logpdf(
        at_tau, scale=spec.priors["tau"].parameters[0]
    )
    log_joint = (log_lik + prior).reshape(len(beta), len(tau))
    highest = log_joint.max()
    density = np.exp(log_joint - highest)
    total = trapezoid(trapezoid(density, tau), beta)
    of_beta = trapezoid(density, tau) / total
    expected = trapezoid(of_beta * beta, beta)
    spread = np.sqrt(trapezoid(of_beta * (beta - expected) ** 2, beta))
    of_tau = trapezoid(density, beta, axis=0) / total
    return (
        float(highest + np.log(total)),
        float(expected),
        float(spread),
        float(trapezoid(of_tau * tau, tau)),
    )


def test_the_exact_posterior_is_that_of_a_grid(design: xr.Dataset) -> None:
    log_evidence, mean, sd, tau = on_a_grid(design, EXACT)
    tree = quadrature_posterior(design, EXACT, draws=4000, chains=2)
    beta = tree["posterior"]["beta"]
    attributes = tree["posterior"].attrs
    assert attributes["log_marginal_likelihood"] == pytest.approx(log_evidence, abs=0.01)
    assert attributes["k_hat"] < 0.5
    assert attributes["importance_ess"] > 6000
    assert float(beta.mean()) == pytest.approx(mean, abs=0.04 * sd)
    assert float(beta.std()) == pytest.approx(sd, rel=0.03)
    assert float(tree["posterior"]["tau_study"].mean()) == pytest.approx(tau, abs=0.01)
    # it is not that of the normal likelihood
    normal = terms_table(integrate_posterior(design, NORMAL))
    assert abs(normal["mean"][0] - mean) > 0.3 * sd


def test_the_tree_keeps_the_contract_and_the_log_likelihood_of_its_draws(
    design: xr.Dataset,
) -> None:
    tree = quadrature_posterior(design, EXACT, draws=50, chains=2)
    posterior = tree["posterior"].to_dataset()
    stacked = posterior.stack(sample=("chain", "draw"))
    beta, tau = stacked["beta"].values, stacked["tau_study"].values[None]
    expected = many(likelihood_of(design, EXACT), Parameters(beta, tau))
    found = tree["log_likelihood"]["obs_study"].stack(sample=("chain", "draw"))
    np.testing.assert_allclose(found.transpose("study", "sample"), expected, atol=1e-9)
    assert {"posterior_predictive", "prior", "log_prior", "constant_data"} <= set(tree.children)
    np.testing.assert_array_equal(tree["observed_data"]["obs"], design["yi"])


def test_left_out_studies_have_no_weight(design: xr.Dataset, frame: pd.DataFrame) -> None:
    without = ["s3", "s7"]
    some = frame[~frame["study"].isin(without)]
    _, mean, sd, _ = on_a_grid(build_design(some, EXACT), EXACT)
    tree = quadrature_posterior(design, EXACT, draws=4000, chains=2, without=without)
    assert float(tree["posterior"]["beta"].mean()) == pytest.approx(mean, abs=0.05 * sd)


def test_an_approximation_of_a_normal_model_has_the_posterior_of_the_grid(
    design: xr.Dataset,
) -> None:
    exact = integrate_posterior(design, NORMAL)
    row = terms_table(exact).iloc[0]
    tree = laplace_posterior(design, NORMAL, draws=1000, chains=4)
    beta = tree["posterior"]["beta"]
    attributes = tree["posterior"].attrs
    log_evidence = attributes["log_marginal_likelihood"]
    assert log_evidence == pytest.approx(exact.log_marginal_likelihood, abs=0.05)
    assert attributes["k_hat"] < 0.5
    assert float(beta.mean()) == pytest.approx(row["mean"], abs=0.06 * row["sd"])
    assert float(beta.std()) == pytest.approx(row["sd"], rel=0.05)
    assert diagnose(tree)["passed"]


@pytest.mark.slow
def test_the_same_seed_gives_the_same_approximation(design: xr.Dataset) -> None:
    one, other = (laplace_posterior(design, NORMAL, draws=100, chains=2) for _ in range(2))
    np.testing.assert_array_equal(one["posterior"]["beta"], other["posterior"]["beta"])


@pytest.mark.slow
def test_an_approximation_of_a_selection_model_has_the_posterior_of_nuts(
    design: xr.Dataset,
) -> None:
    independent = independent_posterior(design, SELECTED, draws=1000, chains=4)
    sampled = sample_posterior(design, SELECTED, draws=1000, tune=1000, chains=4)
    assert independent["posterior"].attrs["k_hat"] < 0.7
    for name in ("beta", "weights", "tau_study"):
        one, other = (tree["posterior"][name] for tree in (independent, sampled))
        dims = ("chain", "draw")
        np.testing.assert_allclose(
            one.mean(dims), other.mean(dims), atol=0.12 * float(other.std(dims).max())
        )
        np.testing.assert_allclose(one.std(dims), other.std(dims), rtol=0.12)


def test_weights_with_a_heavy_tail_fail_the_diagnostics(handmade: xr.DataTree) -> None:
    tree = handmade.copy()
    tree["posterior"].attrs |= {"k_hat": 0.9, "importance_ess": 30.0}
    found = diagnose(tree)
    assert not found["passed"]
    assert found["min_ess_bulk"] == 30
    assert any("k-hat of the importance weights 0.90" in text for text in found["failures"])


def test_a_model_without_independent_draws_says_so(
    simulated: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bayesmeta.model.likelihood.student import Student

    monkeypatch.setattr(Student, "engines", frozenset({"nuts"}))
    spec = read_spec("robust")
    design = build_design(simulated, spec)
    with pytest.raises(BadInput, match="estimates nu, which quadrature cannot do"):
        independent_posterior(design, spec)


def test_a_posterior_without_a_curvature_is_refused(
    design: xr.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere(_: object, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros(len(z)), np.full_like(z, np.nan)

    monkeypatch.setattr("bayesmeta.inference.approximation.climb", lambda _, start: start)
    monkeypatch.setattr("bayesmeta.inference.laplace.Posterior.gradient", nowhere)
    with pytest.raises(BadInput, match="no finite curvature"):
        laplace_posterior(design, EXACT, draws=50, chains=1)
