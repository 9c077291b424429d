"""Evidence against closed forms and sums over grids, and Bayes factors against densities at 0."""

import numpy as np
import pandas as pd
import pytest
from averaging_tables import spec_of, table_of
from scipy.special import logsumexp
from scipy.stats import gamma, halfnorm, multivariate_normal, norm

from bayesmeta.inference.quadrature import integrate_equal_effects
from bayesmeta.model.design import build_design
from bayesmeta.model.spec import Prior
from bayesmeta.robustness import averaging

YI = np.array([0.55, 0.1, 0.75, 0.3, -0.1])
VI = np.array([0.04, 0.06, 0.09, 0.03, 0.12])


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return table_of(YI, VI, dose=[1.0, 2.0, 2.5, 4.0, 7.0])


def evaluated(frame: pd.DataFrame, terms: str, over: list[str]) -> dict[str, averaging.Evaluated]:
    members = averaging.members_of(frame, spec_of(terms), over)
    return {member.name: averaging.exact(member) for member in members}


def test_equal_effects_have_the_evidence_of_one_normal_distribution(frame: pd.DataFrame) -> None:
    spec = spec_of()
    posterior = integrate_equal_effects(build_design(frame, spec), spec)
    want = multivariate_normal(np.zeros(5), np.diag(VI) + 1.0).logpdf(YI)
    assert posterior.log_marginal_likelihood == pytest.approx(want, abs=1e-10)
    precision = (1 / VI).sum() + 1
    assert posterior.beta[0, 0] == pytest.approx((YI / VI).sum() / precision)
    assert posterior.covariance[0, 0, 0] == pytest.approx(1 / precision)


def test_equal_effects_under_a_cauchy_prior_are_a_sum_over_a_grid(frame: pd.DataFrame) -> None:
    spec = spec_of()
    spec.priors["terms"] = Prior("Cauchy", (0.0, 0.7))
    posterior = integrate_equal_effects(build_design(frame, spec), spec)
    mu = np.linspace(-5, 5, 20001)
    likelihood = norm.logpdf(YI[:, None], mu, np.sqrt(VI)[:, None]).sum(0)
    log_density = likelihood + spec.priors["terms"].distribution.logpdf(mu)
    want = logsumexp(log_density) + np.log(mu[1] - mu[0])
    assert posterior.log_marginal_likelihood == pytest.approx(want, abs=1e-4)


def test_every_model_has_the_evidence_of_a_sum_over_a_grid(frame: pd.DataFrame) -> None:
    """Terms integrated out by a dense normal; tau summed over a grid, or 0."""
    found = evaluated(frame, "1 + dose", ["effect", "heterogeneity", "moderators"])
    assert len(found) == 8
    z = (frame["dose"] - frame["dose"].mean()) / frame["dose"].std()
    taus = 4 * (np.arange(4000) + 0.5) / 4000
    for name, model in found.items():
        covariance = np.diag(VI)
        covariance = covariance + (not name.startswith("no effect"))
        covariance = covariance + np.outer(z, z) * ("no dose" not in name)

        def density(tau: float, fixed: np.ndarray = covariance) -> float:
            return float(multivariate_normal(np.zeros(5), fixed + tau**2 * np.eye(5)).logpdf(YI))

        want = density(0.0)
        if "no heterogeneity" not in name:
            by_tau = np.array([density(tau) for tau in taus]) + halfnorm(scale=0.5).logpdf(taus)
            want = float(logsumexp(by_tau) + np.log(taus[1] - taus[0]))
        assert model.log_evidence == pytest.approx(want, abs=1e-4), name


def test_a_bayes_factor_is_the_ratio_of_densities_at_zero(frame: pd.DataFrame) -> None:
    members = averaging.members_of(frame, spec_of("1 + dose"), ["effect", "moderators"])
    pairs = [(member, averaging.exact(member)) for member in members]
    z = np.array([1.0, frame["dose"].mean()]), np.array([0.0, frame["dose"].std()])
    table = averaging.savage_dickey_table(pairs, [("effect", z[0]), ("dose", z[1])])
    assert len(table) == 2
    np.testing.assert_allclose(table["by_density"], table["by_evidence"], atol=1e-5)


def test_selection_models_have_the_evidence_of_a_sum_over_a_grid() -> None:
    """Weights 1 (p < .05, two-sided) and w, one result per study, over mean, tau and w."""
    yi = np.array([0.62, 0.15, 0.81, 0.48])
    vi = np.array([0.05, 0.08, 0.1, 0.04])
    members = averaging.members_of(table_of(yi, vi), spec_of(), ["effect", "bias"])
    (chosen,) = [m for m in members if m.bias == "two-sided p .05" and m.present["effect"]]
    table = averaging.drawn(chosen.design, chosen.spec, True, 1)
    assert averaging.why_uncertain(table) == ""
    limit = norm.isf(0.025)
    significant = np.abs(yi / np.sqrt(vi)) > limit
    mu = np.linspace(-4, 4, 201)[:, None, None]
    tau = (2.5 * (np.arange(120) + 0.5) / 120)[None, :, None]
    w = (8 * (np.arange(160) + 0.5) / 160)[None, None, :]
    log_density = norm.logpdf(mu) + halfnorm(scale=0.5).logpdf(tau) + gamma(2, scale=0.5).logpdf(w)
    for y, v, is_significant in zip(yi, vi, significant, strict=True):
        sd = np.sqrt(v + tau**2)
        above = norm.sf(limit * np.sqrt(v), mu, sd) + norm.cdf(-limit * np.sqrt(v), mu, sd)
        log_density = log_density + norm.logpdf(y, mu, sd) - np.log(above + w * (1 - above))
        log_density = log_density + (0.0 if is_significant else np.log(w))
    cell = (8 / 200) * (2.5 / 120) * (8 / 160)
    want = logsumexp(log_density) + np.log(cell)
    error = table.loc[0, "error"]
    assert error < 0.1
    assert table.loc[0, "log_evidence"] == pytest.approx(want, abs=4 * error + 1e-3)
