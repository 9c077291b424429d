"""Student-t priors of terms, and a total tau, against integration over a grid of all parameters."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.special import logsumexp
from scipy.stats import cauchy, halfnorm, multivariate_normal, norm, t

from bayesmeta.inference.laplace import laplace_posterior
from bayesmeta.inference.nuts import sample_posterior
from bayesmeta.inference.quadrature import (
    Posterior,
    integrate_posterior,
    quadrature_posterior,
    terms_table,
)
from bayesmeta.model.design import build_design
from bayesmeta.model.likelihood import refusal
from bayesmeta.model.spec import ModelSpec, parse_spec

LEVELS = 'terms = "1 + dose"\nlevels = ["study"]\n'
TAU = '[priors.tau]\nprior = "HalfNormal(0.5)"\n'
SLOPES = {
    "StudentT(3, 0.1, 0.5)": t(3, 0.1, 0.5),
    "Cauchy(0, 0.3)": cauchy(0, 0.3),
    "Point(0.2)": None,
}


@cache
def table() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    dose = np.array([1.0, 2, 3, 5, 8, 9])
    vi = np.array([0.04, 0.09, 0.05, 0.12, 0.03, 0.2])
    yi = 0.3 + 0.1 * dose + rng.normal(0, np.sqrt(vi + 0.09))
    names = [f"s{n}" for n in range(6)]
    ids = {"study": names, "group": names, "effect": names}
    return pd.DataFrame(ids | {"yi": yi, "vi": vi, "dose": dose})


def spec_with(slope: str, levels: str = LEVELS, tau: str = TAU) -> ModelSpec:
    priors = '[priors.terms]\nprior = "Normal(0, 1)"\n' + tau
    return parse_spec(f'{levels}{priors}[priors.slopes]\nprior = "{slope}"\n', "model")


def by_grid(prior: object) -> tuple[float, float, float]:
    """Return log evidence, mean and sd of the slope per unit of dose, summed over a grid."""
    frame = table()
    z = (frame["dose"] - frame["dose"].mean()) / frame["dose"].std()
    y, v = frame["yi"].to_numpy(), frame["vi"].to_numpy()
    slopes = np.linspace(-4, 5, 1801) if prior else np.array([0.2])
    taus = 4 * (np.arange(1000) + 0.5) / 1000
    log_density = np.empty((len(slopes), len(taus)))
    for at, tau in enumerate(taus):
        covariance = np.diag(v + tau**2) + 1  # with the intercept, N(0, 1), integrated out
        residual = y - slopes[:, None] * z.to_numpy()
        log_density[:, at] = multivariate_normal(np.zeros(6), covariance).logpdf(residual)
    log_density += halfnorm(scale=0.5).logpdf(taus) + np.log(taus[1] - taus[0])
    if prior:
        log_density += (prior.logpdf(slopes) + np.log(slopes[1] - slopes[0]))[:, None]
    weight = np.exp(log_density - logsumexp(log_density)).sum(1)
    mean = weight @ slopes
    scale = frame["dose"].std()
    return (
        float(logsumexp(log_density)),
        mean / scale,
        np.sqrt(weight @ (slopes - mean) ** 2) / scale,
    )


@pytest.mark.parametrize("text", SLOPES)
def test_the_posterior_under_a_prior_of_a_slope_is_that_of_a_grid(text: str) -> None:
    spec = spec_with(text)
    posterior = integrate_posterior(build_design(table(), spec), spec)
    evidence, mean, sd = by_grid(SLOPES[text])
    row = terms_table(posterior).set_index("term").loc["dose"]
    assert posterior.log_marginal_likelihood == pytest.approx(evidence, abs=1e-3)
    assert row["mean"] == pytest.approx(mean, abs=1e-3 * max(sd, 1e-3))
    assert row["sd"] == pytest.approx(sd, rel=2e-3, abs=1e-5)


def test_a_total_tau_is_integrated_as_by_a_grid() -> None:
    levels = 'terms = "1"\nlevels = ["study", "effect"]\n'
    tau = '[priors.tau]\nprior = "HalfNormal(0.4)"\nallocation = "Beta(1, 1)"\n'
    frame = table().assign(study=list("aabbcc"), group=list("aabbcc"))
    text = f'{levels}[priors.terms]\nprior = "Normal(0, 1)"\n{tau}'
    spec = parse_spec(text, "model")
    posterior = integrate_posterior(build_design(frame, spec), spec)
    assert isinstance(posterior, Posterior)
    totals = 2.5 * (np.arange(120) + 0.5) / 120
    shares = (np.arange(40) + 0.5) / 40
    same = frame["study"].to_numpy()[:, None] == frame["study"].to_numpy()
    log_density = np.empty((120, 40))
    for at, total in enumerate(totals):
        for column, share in enumerate(shares):
            of_effects = share * same + (1 - share) * np.eye(6)
            covariance = np.diag(frame["vi"]) + 1 + total**2 * of_effects
            density = multivariate_normal(np.zeros(6), covariance).logpdf(frame["yi"])
            log_density[at, column] = density
    cell = (totals[1] - totals[0]) / len(shares)
    log_density += (halfnorm(scale=0.4).logpdf(totals) + np.log(cell))[:, None]
    weight = np.exp(log_density - logsumexp(log_density))
    squared = posterior.tau**2
    share = squared[:, 0] / squared.sum(1)
    evidence = float(logsumexp(log_density))
    assert posterior.log_marginal_likelihood == pytest.approx(evidence, abs=2e-3)
    assert posterior.weight @ share == pytest.approx(weight.sum(0) @ shares, abs=2e-3)
    total = np.sqrt(squared.sum(1))
    assert posterior.weight @ total == pytest.approx(weight.sum(1) @ totals, abs=2e-3)


def means(tree: xr.DataTree) -> np.ndarray:
    posterior = tree["posterior"].dataset
    taus = [posterior[name].values.ravel() for name in posterior if str(name).startswith("tau")]
    beta = posterior["beta"].values.reshape(-1, posterior.sizes["term"])
    return np.column_stack([beta, *taus])


@pytest.mark.parametrize(
    ("slope", "levels", "tau"),
    [
        ("Cauchy(0, 0.3)", '"study"', 'prior = "LogStudentT(5, -1, 0.7)"'),
        (
            "Normal(0, 0.3)",
            '"study", "effect"',
            'prior = "HalfStudentT(4, 0.5)"\nallocation = "Beta(2, 1)"',
        ),
    ],
)
def test_every_engine_has_the_same_posterior(slope: str, levels: str, tau: str) -> None:
    head = f'terms = "1 + dose"\nlevels = [{levels}]\n'
    spec = spec_with(slope, head, f"[priors.tau]\n{tau}\n")
    frame = table()
    frame = pd.concat([frame, frame.assign(yi=frame["yi"] + 0.2)], ignore_index=True)
    own = [f"g{n}" for n in range(12)]
    design = build_design(frame.assign(group=own, effect=own), spec)
    exact = means(quadrature_posterior(design, spec, draws=2000, seed=1))
    trees = {
        "importance": laplace_posterior(design, spec, draws=2000, seed=1),
        "NUTS": sample_posterior(design, spec, draws=500, tune=500, chains=2, seed=1),
    }
    for name, tree in trees.items():
        found = means(tree)
        shift = (found.mean(0) - exact.mean(0)) / exact.std(0)
        assert np.abs(shift).max() < 0.12, name
        np.testing.assert_allclose(found.std(0), exact.std(0), rtol=0.15, err_msg=name)


def test_many_student_priors_are_for_nuts_or_importance() -> None:
    frame = table().assign(a=[1, 4, 2, 3, 9, 1], b=[2, 2, 5, 1, 0, 1], c=[0, 1, 0, 2, 5, 9])
    levels = LEVELS.replace("1 + dose", "1 + dose + a + b + c")
    spec = spec_with("Cauchy(0, 0.3)", levels)
    message = refusal(build_design(frame, spec), spec, "quadrature")
    assert "up to 3 terms with Student-t or Cauchy priors, model model has 4" in message


def test_a_normal_prior_of_slopes_has_no_axis() -> None:
    spec = spec_with("Normal(0, 0.3)")
    posterior = integrate_posterior(build_design(table(), spec), spec)
    assert posterior.outer == {}
    assert posterior.log_marginal_likelihood == pytest.approx(by_grid(norm(0, 0.3))[0], abs=1e-3)
