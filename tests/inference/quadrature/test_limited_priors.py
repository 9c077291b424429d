"""Priors with limits, against integration over a grid of all parameters, and simulated truths."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.special import logsumexp
from scipy.stats import binomtest, halfnorm, kstest, multivariate_normal, norm, t

from bayesmeta.data.effect_sizes import MEASURES
from bayesmeta.estimates.conflicts import prior_conflicts
from bayesmeta.inference.independent import independent_posterior
from bayesmeta.inference.laplace import laplace_posterior
from bayesmeta.inference.nuts import sample_posterior
from bayesmeta.inference.quadrature import (
    combination,
    integrate_equal_effects,
    integrate_posterior,
    leave_one_study_out,
    quadrature_posterior,
    tau_cdf,
    terms_table,
)
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import build_design
from bayesmeta.model.likelihood import refusal
from bayesmeta.model.priors import draw_prior, log_prior
from bayesmeta.model.spec import ModelSpec, parse_spec

HEAD = (
    'terms = "{}"\nlevels = ["study"]\n[priors.terms]\nprior = "Normal(0, 1)"\n'
    '[priors.tau]\nprior = "HalfNormal(0.5)"\n'
)
DOSE = np.array([1.0, 2, 3, 5, 8, 9])
SCALE = DOSE.std(ddof=1)
LIMITED = {  # text of the slope's prior, its limits, its density without them
    "one-sided": ('prior = "Normal(0, 1)"\nlower = 0', (0.0, 4.0), norm(0, 1)),
    "from above": ('prior = "Normal(0.1, 0.5)"\nupper = 0.05', (-4.0, 0.05), norm(0.1, 0.5)),
    "both sides": ('prior = "Normal(0, 1)"\nlower = -0.1\nupper = 0.3', (-0.1, 0.3), norm(0, 1)),
    "Student": ('prior = "StudentT(3, 0.35, 0.102)"\nlower = 0', (0, 4.0), t(3, 0.35, 0.102)),
}


@cache
def table() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    vi = np.array([0.04, 0.09, 0.05, 0.12, 0.03, 0.2])
    yi = -0.1 + 0.02 * DOSE + rng.normal(0, np.sqrt(vi + 0.09))
    names = [f"s{n}" for n in range(6)]
    ids = {"study": names, "group": names, "effect": names}
    return pd.DataFrame(ids | {"yi": yi, "vi": vi, "dose": DOSE})


def spec_with(slope: str, terms: str = "1 + dose", key: str = "slopes") -> ModelSpec:
    return parse_spec(f"{HEAD.format(terms)}[priors.{key}]\n{slope}\n", "model")


def designed(slope: str) -> tuple[xr.Dataset, ModelSpec]:
    spec = spec_with(slope)
    return build_design(table(), spec), spec


def by_grid(name: str) -> dict[str, float]:
    """Return log evidence, moments and quantiles of the slope per unit, and the mean tau."""
    _, (low, high), prior = LIMITED[name]
    z = (DOSE - DOSE.mean()) / SCALE
    frame = table()
    slopes = low + (high - low) * (np.arange(2000) + 0.5) / 2000
    taus = 4 * (np.arange(600) + 0.5) / 600
    log_density = np.empty((len(slopes), len(taus)))
    for at, tau in enumerate(taus):
        covariance = np.diag(frame["vi"] + tau**2) + 1  # the intercept, N(0, 1), integrated out
        residual = frame["yi"].to_numpy() - slopes[:, None] * z
        log_density[:, at] = multivariate_normal(np.zeros(6), covariance).logpdf(residual)
    mass = prior.cdf(high if high < 4 else np.inf) - prior.cdf(low if low > -4 else -np.inf)
    of_prior = prior.logpdf(slopes) - np.log(mass) + np.log(slopes[1] - slopes[0])
    log_density += of_prior[:, None] + halfnorm(scale=0.5).logpdf(taus) + np.log(taus[1] - taus[0])
    weight = np.exp(log_density - logsumexp(log_density))
    slope = weight.sum(1)
    mean = slope @ slopes
    edges = low + (high - low) * np.arange(2001) / 2000
    ends = np.interp((0.025, 0.5, 0.975), np.append(0, np.cumsum(slope)), edges)
    return {
        "evidence": float(logsumexp(log_density)),
        "mean": mean / SCALE,
        "sd": np.sqrt(slope @ (slopes - mean) ** 2) / SCALE,
        **dict(zip(("ci_lb", "median", "ci_ub"), ends / SCALE, strict=True)),
        "tau": weight.sum(0) @ taus,
    }


@pytest.mark.parametrize("name", LIMITED)
def test_the_posterior_under_limits_is_that_of_a_grid(name: str) -> None:
    posterior = integrate_posterior(*designed(LIMITED[name][0]))
    want = by_grid(name)
    row = terms_table(posterior).set_index("term").loc["dose"]
    assert posterior.log_marginal_likelihood == pytest.approx(want["evidence"], abs=1e-3)
    assert posterior.weight @ posterior.tau[:, 0] == pytest.approx(want["tau"], abs=1e-3)
    for key in ("mean", "sd", "ci_lb", "median", "ci_ub"):
        assert row[key] == pytest.approx(want[key], abs=3e-3 * want["sd"]), key


def test_another_combination_is_that_of_draws_by_rejection() -> None:
    """Correlated with the limited term: the mean at a dose of 9."""
    whole, spec = designed('prior = "Normal(0, 1)"')
    drawn = quadrature_posterior(whole, spec, draws=40_000, chains=4, seed=2)
    beta = drawn["posterior"]["beta"].values.reshape(-1, 2)
    inside = beta[beta[:, 1] > 0]
    weights = np.array([1.0, 9.0])
    mixture = combination(integrate_posterior(*designed(LIMITED["one-sided"][0])), weights)
    values = inside @ weights
    assert len(inside) > 60_000
    assert mixture.mean == pytest.approx(values.mean(), abs=0.01 * values.std())
    assert mixture.sd == pytest.approx(values.std(), rel=0.01)
    for p in (0.025, 0.2, 0.5, 0.8, 0.975):
        assert mixture.cdf(np.quantile(values, p)) == pytest.approx(p, abs=0.005)
    assert mixture.above(0.2) == pytest.approx((values > 0.2).mean(), abs=0.005)


def test_a_range_that_the_data_contradict_keeps_its_digits() -> None:
    """Far in a tail: two effects at -2, together with standard error .1, and a prior above 0."""
    frame = table().head(2).assign(yi=-2.0, vi=0.02)
    spec = spec_with('prior = "Normal(0, 1)"\nlower = 0', "1", "intercept")
    posterior = integrate_equal_effects(build_design(frame, spec), spec)
    x = np.linspace(0, 0.2, 200_001)  # at 20 sds the posterior is nearly exponential, of mean .005
    log_density = 2 * norm.logpdf(-2, x, np.sqrt(0.02)) + norm.logpdf(x) + np.log(2)
    log_cell = np.log(x[1])
    evidence = logsumexp(log_density) - 0.5 * np.exp(log_density[0] - logsumexp(log_density))
    assert posterior.log_marginal_likelihood == pytest.approx(evidence + log_cell, abs=1e-3)
    weight = np.exp(log_density - logsumexp(log_density))
    row = terms_table(posterior).iloc[0]
    assert row["mean"] == pytest.approx(weight @ x, rel=1e-3)
    assert row["ci_ub"] == pytest.approx(np.interp(0.975, np.cumsum(weight), x), rel=1e-2)
    assert row["p_positive"] == pytest.approx(1)


@pytest.mark.parametrize("name", LIMITED)
def test_draws_have_the_distribution_of_the_integral(name: str) -> None:
    design, spec = designed(LIMITED[name][0])
    exact = terms_table(integrate_posterior(design, spec))
    trees = {
        "quadrature": quadrature_posterior(design, spec, draws=1000, seed=1),
        "importance": laplace_posterior(design, spec, draws=1000, seed=1),
    }
    for of, tree in trees.items():
        beta = tree["posterior"]["beta"].values.reshape(-1, 2)
        shift = (beta.mean(0) - exact["mean"]) / exact["sd"]
        assert np.abs(shift).max() < 0.08, of
        np.testing.assert_allclose(beta.std(0), exact["sd"], rtol=0.08, err_msg=of)
        assert np.isfinite(tree["log_prior"]["beta"].values).all()
    evidence = trees["importance"]["posterior"].attrs["log_marginal_likelihood"]
    want = trees["quadrature"]["posterior"].attrs["log_marginal_likelihood"]
    assert evidence == pytest.approx(want, abs=0.1)


def test_the_log_joint_density_of_draws_is_that_of_prior_and_data() -> None:
    design, spec = designed(LIMITED["one-sided"][0])
    tree = quadrature_posterior(design, spec, draws=50, chains=1, seed=1)
    tau, beta = (tree["posterior"][name].values[0] for name in ("tau_study", "beta"))
    of_prior = log_prior(design, spec, {"beta": beta, "tau": tau[:, None]})
    frame = table()
    X = np.column_stack([np.ones(6), DOSE])
    of_data = [
        norm.logpdf(frame["yi"], X @ b, np.sqrt(frame["vi"] + of**2)).sum()
        for b, of in zip(beta, tau, strict=True)
    ]
    want = of_prior["beta"] + of_prior["tau"][:, 0] + of_data
    np.testing.assert_allclose(tree["sample_stats"]["lp"].values[0], want, atol=1e-8)


def test_several_limited_terms_are_for_nuts_and_importance() -> None:
    """Against draws of the whole posterior that are inside the ranges."""
    spec = spec_with('prior = "Normal(0, 1)"\nlower = 0')
    limited = replace(spec.priors["slopes"], lower=-0.1)
    both = replace(spec, priors={**spec.priors, "intercept": limited})
    design = build_design(table(), both)
    assert "takes one term with limits (lower, upper), model model has 2" in refusal(
        design, both, "quadrature"
    )
    with pytest.raises(BadInput, match="takes one term with limits"):
        integrate_posterior(design, both)
    whole, spec = designed('prior = "Normal(0, 1)"')
    drawn = quadrature_posterior(whole, spec, draws=20_000, seed=2)
    beta = drawn["posterior"]["beta"].values.reshape(-1, 2)
    at_mean = beta @ [1, DOSE.mean()]
    inside = beta[(beta[:, 1] > 0) & (at_mean > -0.1)]
    trees = {
        "importance": laplace_posterior(design, both, draws=1500, seed=1),
        "NUTS": sample_posterior(design, both, draws=700, tune=500, chains=2, seed=1),
    }
    share = len(inside) / len(beta)
    evidence = drawn["posterior"].attrs["log_marginal_likelihood"] + np.log(share)
    evidence -= np.log(0.5 * norm.cdf(0.1))
    found = trees["importance"]["posterior"].attrs["log_marginal_likelihood"]
    assert found == pytest.approx(evidence, abs=0.05)
    for name, tree in trees.items():
        got = tree["posterior"]["beta"].values.reshape(-1, 2)
        assert (got[:, 1] >= 0).all(), name
        shift = (got.mean(0) - inside.mean(0)) / inside.std(0)
        assert np.abs(shift).max() < 0.12, name
        np.testing.assert_allclose(got.std(0), inside.std(0), rtol=0.12, err_msg=name)


def test_nuts_has_the_posterior_of_the_integral_under_a_student_prior_with_a_limit() -> None:
    design, spec = designed(LIMITED["Student"][0])
    exact = terms_table(integrate_posterior(design, spec))
    tree = sample_posterior(design, spec, draws=1000, tune=500, chains=2, seed=1)
    beta = tree["posterior"]["beta"].values.reshape(-1, 2)
    assert np.abs((beta.mean(0) - exact["mean"]) / exact["sd"]).max() < 0.12
    np.testing.assert_allclose(beta.std(0), exact["sd"], rtol=0.12)
    assert int(tree["sample_stats"]["diverging"].sum()) == 0


def test_leaving_a_study_out_is_fitting_the_others() -> None:
    design, spec = designed(LIMITED["one-sided"][0])
    left_out = leave_one_study_out(design, spec)
    without = integrate_posterior(design, spec, without=["s0"])
    whole = integrate_posterior(design, spec).log_marginal_likelihood
    elpd = float(left_out["elpd"].sel(study="s0"))
    assert elpd == pytest.approx(whole - without.log_marginal_likelihood, abs=1e-6)
    alone = float(left_out["mean"].sel(study="s0", term="intercept"))
    assert alone == pytest.approx(combination(without, np.array([1.0, 0])).mean, abs=1e-6)


def test_prior_draws_have_the_density_of_the_prior() -> None:
    for name, (text, _, _) in LIMITED.items():
        design, spec = designed(text)
        drawn = draw_prior(design, spec, 4000, np.random.default_rng(1))
        slope = drawn["beta"][:, 1] * SCALE
        assert kstest(slope, spec.priors["slopes"].distribution.cdf).pvalue > 0.01, name
        at_mean = drawn["beta"] @ [1, DOSE.mean()]
        assert kstest(at_mean, norm.cdf).pvalue > 0.01, name
        assert np.isfinite(log_prior(design, spec, drawn)["beta"]).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["one-sided", "Student"])
def test_simulated_truths_have_uniform_ranks_and_are_covered(name: str) -> None:
    """Simulation-based calibration: truths from the prior, tables from the truths."""
    design, spec = designed(LIMITED[name][0])
    rng = np.random.default_rng(11)
    tables = 300 if name == "one-sided" else 60
    truth = draw_prior(design, spec, tables, rng)
    X = np.column_stack([np.ones(6), DOSE])
    rank, of_tau, covered, error = [], [], [], []
    for beta, tau in zip(truth["beta"], truth["tau"], strict=True):
        spread = np.sqrt(table()["vi"] + tau[0] ** 2)
        simulated = design.assign(yi=("effect", X @ beta + spread * rng.standard_normal(6)))
        posterior = integrate_posterior(simulated, spec, tolerance=1e-4)
        of_slope = combination(posterior, np.array([0.0, 1.0]))
        rank.append(of_slope.cdf(beta[1]))
        of_tau.append(tau_cdf(posterior, "study", float(tau[0])))
        covered.append(0.025 < rank[-1] < 0.975)
        error.append(of_slope.mean - beta[1])
    assert kstest(rank, "uniform").pvalue > 0.01
    assert kstest(of_tau, "uniform").pvalue > 0.01
    assert binomtest(int(np.sum(covered)), tables, 0.95).pvalue > 0.01
    assert abs(np.mean(error)) < 3 * np.std(error) / np.sqrt(tables)


def test_data_far_beyond_a_limit_contradict_the_prior() -> None:
    spec = spec_with('prior = "Normal(0, 1)"\nlower = 0', "1", "intercept")
    agreeing, against = (
        prior_conflicts(build_design(table().assign(yi=yi), spec), spec) for yi in (-0.05, -0.9)
    )
    assert agreeing == []
    assert len(against) == 1
    assert "sds beyond the limit 0.00; " in against[0]


def test_the_exact_likelihood_takes_limits() -> None:
    """Against draws without the limit that are above it; two terms with limits by importance."""
    rng = np.random.default_rng(3)
    n = rng.integers(6, 15, 10)
    effects = rng.normal(0.15, 0.3, 10) + rng.normal(0, np.sqrt(2 / n))
    groups = {"sd1i": 1.0, "n1i": n, "m2i": 0.0, "sd2i": 1.0, "n2i": n}
    yi, vi = MEASURES["SMD"](m1i=effects, **groups)
    names = [f"s{at}" for at in range(10)]
    ids = {"study": names, "group": names, "effect": names, "dose": np.arange(10.0)}
    frame = pd.DataFrame(ids | {"yi": yi, "vi": vi, "n1i": n, "n2i": n})
    trees = {}
    for key, terms, text in (
        ("whole", "1", ""),
        ("one", "1", "lower = 0"),
        ("two", "1 + dose", ""),
    ):
        spec = replace(spec_with(f'prior = "Normal(0, 1)"\n{text}', terms, "intercept"))
        spec = replace(spec, likelihood="t")
        if key == "two":
            above = replace(spec.priors["terms"], lower=0.0)
            spec = replace(
                spec,
                priors=dict.fromkeys(("terms", "intercept"), above) | {"tau": spec.priors["tau"]},
            )
        trees[key] = independent_posterior(build_design(frame, spec), spec, draws=4000, seed=1)
    drawn = {key: tree["posterior"]["beta"].values[..., 0].ravel() for key, tree in trees.items()}
    evidence = {key: x["posterior"].attrs["log_marginal_likelihood"] for key, x in trees.items()}
    inside = drawn["whole"][drawn["whole"] > 0]
    share = len(inside) / len(drawn["whole"])
    assert evidence["one"] == pytest.approx(evidence["whole"] + np.log(2 * share), abs=0.01)
    assert drawn["one"].mean() == pytest.approx(inside.mean(), abs=0.03 * inside.std())
    assert drawn["one"].std() == pytest.approx(inside.std(), rel=0.03)
    assert trees["two"]["posterior"].attrs["sampler"] == "importance"
    assert (trees["two"]["posterior"]["beta"].values[..., 1] >= 0).all()
