"""Evidence against closed forms and sums over grids, and Bayes factors against densities at 0."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from averaging_tables import spec_of, table_of
from scipy.special import logsumexp
from scipy.stats import halfnorm, multivariate_normal, norm

from bayesmeta.inference.laplace import Evaluated, Posterior, approximate, laplace_posterior
from bayesmeta.inference.quadrature import integrate_equal_effects
from bayesmeta.infrastructure.choices import WeightsPrior
from bayesmeta.model.design import build_design
from bayesmeta.model.likelihood import published_studies
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


@pytest.mark.parametrize("over", [["effect", "moderators"], ["effect", "heterogeneity"]])
def test_a_one_sided_effect_has_the_ratio_of_densities_at_its_limit(
    frame: pd.DataFrame, over: list[str]
) -> None:
    spec = spec_of("1 + dose")
    one_sided = replace(spec.priors["terms"], lower=0.0)
    spec = replace(spec, priors={**spec.priors, "intercept": one_sided})
    members = averaging.members_of(frame, spec, over)
    pairs = [(member, averaging.exact(member)) for member in members]
    effect = np.array([1.0, frame["dose"].mean()])
    table = averaging.savage_dickey_table(pairs, [("effect", effect)])
    assert len(table) == 1
    np.testing.assert_allclose(table["by_density"], table["by_evidence"], atol=1e-5)
    averaged = averaging.averaged_table(pairs, {"mean": effect}, {"mean"}).iloc[0]
    assert averaged["p_negative"] == pytest.approx(0, abs=1e-9)
    assert averaged["conditional_ci_lb"] > 0


@pytest.mark.parametrize(("weights_prior", "end"), [("independent", 8), ("cumulative", 1)])
def test_selection_models_have_the_evidence_of_a_sum_over_a_grid(
    weights_prior: WeightsPrior, end: int
) -> None:
    """Weights 1 (p < .05, two-sided) and w < end, one result per study, over mean, tau and w."""
    yi = np.array([0.62, 0.15, 0.81, 0.48])
    vi = np.array([0.05, 0.08, 0.1, 0.04])
    members = averaging.members_of(table_of(yi, vi), spec_of(), ["effect", "bias"], weights_prior)
    (chosen,) = [m for m in members if m.bias == "two-sided p .05" and m.present["effect"]]
    table = averaging.drawn(chosen.design, chosen.spec, True, 1)
    assert averaging.why_uncertain(table) == ""
    limit = norm.isf(0.025)
    significant = np.abs(yi / np.sqrt(vi)) > limit
    mu = np.linspace(-4, 4, 201)[:, None, None]
    tau = (2.5 * (np.arange(120) + 0.5) / 120)[None, :, None]
    w = (end * (np.arange(160) + 0.5) / 160)[None, None, :]
    of_w = chosen.spec.priors["weights"].distribution
    log_density = norm.logpdf(mu) + halfnorm(scale=0.5).logpdf(tau)
    log_density = log_density + of_w.logpdf(w.reshape(-1, 1)).reshape(w.shape)
    for y, v, is_significant in zip(yi, vi, significant, strict=True):
        sd = np.sqrt(v + tau**2)
        above = norm.sf(limit * np.sqrt(v), mu, sd) + norm.cdf(-limit * np.sqrt(v), mu, sd)
        log_density = log_density + norm.logpdf(y, mu, sd) - np.log(above + w * (1 - above))
        log_density = log_density + (0.0 if is_significant else np.log(w))
    cell = (8 / 200) * (2.5 / 120) * (end / 160)
    want = logsumexp(log_density) + np.log(cell)
    error = table.loc[0, "error"]
    assert error < 0.1
    assert table.loc[0, "log_evidence"] == pytest.approx(want, abs=3 * error + 1e-3)


def test_selection_models_with_equal_effects_have_no_tau() -> None:
    """Weights 1 (p < .05, two-sided) and w, tau 0, over mean and w."""
    yi = np.array([0.62, 0.15, 0.81, 0.48])
    vi = np.array([0.05, 0.08, 0.1, 0.04])
    over = ["effect", "heterogeneity", "bias"]
    members = averaging.members_of(table_of(yi, vi), spec_of(), over, "independent")
    (chosen,) = [
        m
        for m in members
        if m.bias == "two-sided p .05" and m.present["effect"] and not m.present["heterogeneity"]
    ]
    table = averaging.drawn(chosen.design, chosen.spec, False, 1)
    assert averaging.why_uncertain(table) == ""
    assert (table.filter(regex="tau") == 0).all().all()
    limit = norm.isf(0.025)
    mu = np.linspace(-4, 4, 801)[:, None]
    w = (10 * (np.arange(1000) + 0.5) / 1000)[None, :]
    log_density = norm.logpdf(mu) + chosen.spec.priors["weights"].distribution.logpdf(w)
    for y, se in zip(yi, np.sqrt(vi), strict=True):
        above = norm.sf(limit - mu / se) + norm.cdf(-limit - mu / se)
        log_density = log_density + norm.logpdf(y, mu, se) - np.log(above + w * (1 - above))
        log_density = log_density + (0.0 if abs(y / se) > limit else np.log(w))
    want = logsumexp(log_density) + np.log((8 / 800) * (10 / 1000))
    error = table.loc[0, "error"]
    assert error < 0.1
    assert table.loc[0, "log_evidence"] == pytest.approx(want, abs=3 * error + 1e-3)


@pytest.mark.parametrize("bias", ["one-sided p .025, .05", "one-sided p .05, .5"])
def test_two_weights_that_fall_have_the_evidence_of_a_sum_over_a_grid(bias: str) -> None:
    """Weights 1, a, a b with the density 2 a of (a, b) in the unit square; mean and tau."""
    members = averaging.members_of(table_of(YI, VI), spec_of(), ["effect", "bias"])
    (chosen,) = [m for m in members if m.bias == bias and m.present["effect"]]
    assert str(chosen.spec.priors["weights"]) == "CumulativeDirichlet(1, 1, 1)"
    table = averaging.drawn(chosen.design, chosen.spec, True, 1)
    assert averaging.why_uncertain(table) == ""
    mu = np.linspace(-4, 4, 161)[:, None, None, None]
    tau = (2 * (np.arange(50) + 0.5) / 50)[None, :, None, None]
    a, b = ((np.arange(40) + 0.5) / 40).reshape(-1, 1), ((np.arange(40) + 0.5) / 40).reshape(1, -1)
    weights = [1 + 0 * (a * b), a + 0 * b, a * b]
    first, second = norm.isf(chosen.spec.cutpoints)
    log_density = norm.logpdf(mu) + halfnorm(scale=0.5).logpdf(tau) + np.log(2 * weights[1])
    for y, v in zip(YI, VI, strict=True):
        sd = np.sqrt(v + tau**2)
        beyond = [norm.sf(limit * np.sqrt(v), mu, sd) for limit in (first, second)]
        shares = [beyond[0], beyond[1] - beyond[0], 1 - beyond[1]]
        A = sum(weight * share for weight, share in zip(weights, shares, strict=True))
        step = int(np.searchsorted([-first, -second], -y / np.sqrt(v)))
        log_density = log_density + norm.logpdf(y, mu, sd) - np.log(A) + np.log(weights[step])
    want = logsumexp(log_density) + np.log((8 / 160) * (2 / 50) / 40**2)
    error = table.loc[0, "error"]
    assert error < 0.1
    assert table.loc[0, "log_evidence"] == pytest.approx(want, abs=3 * error + 2e-3)


@pytest.fixture(scope="module")
def nested() -> averaging.Member:
    """Studies of two groups with two results, and weights of one-sided p-values."""
    rng = np.random.default_rng(3)
    vi = rng.uniform(0.02, 0.08, 48)
    study, group = np.repeat(np.arange(12), 4), np.repeat(np.arange(24), 2)
    effects = 0.3 + rng.normal(0, 0.3, 12)[study] + rng.normal(0, 0.2, 24)[group]
    frame = table_of(rng.normal(effects, np.sqrt(vi)), vi)
    frame = frame.assign(study=[f"s{n}" for n in study], group=[f"g{n}" for n in group])
    spec = replace(spec_of(), levels=("study", "group"))
    members = averaging.members_of(frame, spec, ["bias"])
    (chosen,) = [m for m in members if m.bias == "one-sided p .025, .05"]
    return chosen


@pytest.fixture(scope="module")
def of_many_draws(nested: averaging.Member) -> dict[str, float]:
    """The evidence of 4000 draws around the exact mode, and its effective number of draws."""
    tree = laplace_posterior(
        nested.design, nested.spec, draws=4000, chains=1, seed=9, parameters_only=True
    )
    return dict(tree["posterior"].attrs)


@pytest.mark.wide
@pytest.mark.parametrize(
    "rough",
    [
        published_studies.ROUGH,
        pytest.param(published_studies.FINE, marks=pytest.mark.slow),
        pytest.param(published_studies.Nodes(3, 3, 3, 9), marks=pytest.mark.slow),
    ],
)
def test_the_nodes_of_the_approximation_do_not_change_the_evidence(
    nested: averaging.Member,
    of_many_draws: dict[str, float],
    rough: published_studies.Nodes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Weights correct it, within the stated error, against many draws of a second seed."""
    monkeypatch.setattr(published_studies, "ROUGH", rough)
    table = averaging.drawn(nested.design, nested.spec, True, 1)
    assert averaging.why_uncertain(table) == ""
    error = float(np.hypot(table.loc[0, "error"], of_many_draws["importance_ess"] ** -0.5))
    want = of_many_draws["log_marginal_likelihood"]
    assert table.loc[0, "log_evidence"] == pytest.approx(want, abs=3.5 * error)


def test_a_rough_likelihood_that_misleads_is_not_used(nested: averaging.Member) -> None:
    """Its mode is elsewhere: the approximation is that of the exact likelihood."""
    density = Posterior(nested.design, nested.spec, ())

    class Misled(Posterior):
        def at(self, z: np.ndarray) -> Evaluated:
            found = super().at(z)
            return found._replace(log_density=found.log_density - 8 * (z[:, -1] - 3) ** 2)

    misled = Misled(nested.design, nested.spec, ())
    density.roughly = lambda: misled  # type: ignore[method-assign]
    mean, _ = approximate(density, np.random.default_rng(1))
    wanted, _ = approximate(Posterior(nested.design, nested.spec, ()), np.random.default_rng(1))
    assert wanted[-1] < 1  # far from the 3 of the one that misleads
    assert mean[-1] == pytest.approx(wanted[-1], abs=0.5)
