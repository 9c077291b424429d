"""Priors by term, by kind, on raw scales, and as mixtures of normals; priors of taus."""

import re

import numpy as np
import pytest
import xarray as xr
from scipy.integrate import quad
from scipy.stats import beta as beta_distribution
from scipy.stats import cauchy, halfnorm, kstest, norm, t, truncnorm

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.priors import draw_prior, log_density_of_taus, prior_moments_of_tau, term_prior
from bayesmeta.model.spec import FAMILIES, ModelSpec, Prior, parse_spec
from bayesmeta.model.spec.families import CUMULATIVE, SIGNED
from bayesmeta.model.spec.truncated import Truncated

HEAD = 'terms = "1 + dose"\nlevels = ["study", "effect"]\n'
TAU = '[priors.tau]\nprior = "HalfNormal(0.5)"\n'


def spec_with(**priors: str) -> ModelSpec:
    tables = [f'[priors."{name.replace("__", ":")}"]\n{text}\n' for name, text in priors.items()]
    return parse_spec(
        HEAD + "".join(tables) + ("" if any(name.startswith("tau") for name in priors) else TAU),
        "model",
    )


@pytest.fixture(scope="module")
def design() -> xr.Dataset:
    """Terms 1 + dose, with dose of mean 3 and sd 2: gamma_0 = b_0 + 3 b_1, gamma_1 = 2 b_1."""
    kinds = {"kind_of_term": ("term", ["mean", "slope"])}
    standardised = (("standard", "term"), np.array([[1.0, 3.0], [0.0, 2.0]]))
    effects = {"study": ["a", "b"], "group": ["a", "b"]}
    terms = {"term": ["intercept", "dose"]}
    return xr.Dataset(kinds | {"standardised": standardised}, terms | effects)


def moments(spec: ModelSpec, design: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    prior = term_prior(design, spec)
    return prior.mean, prior.covariance(dict.fromkeys(prior.pooled, 1.0))


def test_a_term_has_the_prior_of_its_name_then_of_its_kind_then_of_all(design: xr.Dataset) -> None:
    every = 'prior = "Normal(0, 1)"'
    of_slopes = 'prior = "Normal(0, 0.5)"'
    by_name = 'prior = "Normal(0.3, 0.2)"'
    U = design["standardised"].values
    cases = {
        (1.0, 1.0): spec_with(terms=every),
        (1.0, 0.5): spec_with(terms=every, slopes=of_slopes),
        (1.0, 0.2): spec_with(terms=every, slopes=of_slopes, dose=by_name),
        (0.2, 0.5): spec_with(intercept=by_name, slopes=of_slopes),
    }
    for sds, spec in cases.items():
        mean, covariance = moments(spec, design)
        centre = np.where(np.array(sds) == 0.2, 0.3, 0.0)
        np.testing.assert_allclose(U @ mean, centre, atol=1e-12)
        np.testing.assert_allclose(U @ covariance @ U.T, np.diag(np.square(sds)), atol=1e-12)


def test_a_raw_prior_is_about_the_slope_per_unit_of_the_table(design: xr.Dataset) -> None:
    raw = 'prior = "Normal(0.1, 0.2)"\nscale = "raw"'
    mean, covariance = moments(spec_with(terms='prior = "Normal(0, 1)"', dose=raw), design)
    at_mean = np.array([1.0, 3.0])  # gamma_0, which keeps its prior, independent of the slope
    assert mean[1] == pytest.approx(0.1)
    assert covariance[1, 1] == pytest.approx(0.04)
    assert at_mean @ mean == pytest.approx(0)
    assert at_mean @ covariance @ at_mean == pytest.approx(1)
    assert (at_mean @ covariance)[1] == pytest.approx(0)


@pytest.mark.parametrize(
    ("text", "want"), [("StudentT(3, 0.5, 2)", t(3, 0.5, 2)), ("Cauchy(0, 0.7)", cauchy(0, 0.7))]
)
def test_a_student_prior_is_drawn_as_a_mixture_of_normals(
    design: xr.Dataset, text: str, want: object
) -> None:
    spec = spec_with(terms='prior = "Normal(0, 1)"', dose=f'prior = "{text}"')
    drawn = draw_prior(design, spec, 20_000, np.random.default_rng(1))
    gamma = drawn["beta"] @ design["standardised"].values.T
    assert kstest(gamma[:, 1], want.cdf).pvalue > 0.01
    assert kstest(gamma[:, 0], norm.cdf).pvalue > 0.01


def test_a_total_tau_and_its_split_have_the_stated_distributions(design: xr.Dataset) -> None:
    spec = spec_with(
        terms='prior = "Normal(0, 1)"',
        tau='prior = "HalfNormal(0.354)"\nallocation = "Beta(2, 1.5)"',
    )
    tau = draw_prior(design, spec, 20_000, np.random.default_rng(2))["tau"]
    total = np.linalg.norm(tau, axis=1)
    assert kstest(total, halfnorm(scale=0.354).cdf).pvalue > 0.01
    assert kstest((tau[:, 0] / total) ** 2, beta_distribution(2, 1.5).cdf).pvalue > 0.01
    for at, level in enumerate(spec.levels):
        mean, variance = prior_moments_of_tau(spec, level)
        assert tau[:, at].mean() == pytest.approx(mean, abs=4 * np.sqrt(variance / 20_000))
        assert tau[:, at].var() == pytest.approx(variance, rel=0.05)


def test_the_density_of_a_total_tau_integrates_to_one() -> None:
    spec = parse_spec(
        HEAD.replace('"effect"', '"group", "effect"')
        + '[priors.terms]\nprior = "Normal(0, 1)"\n[priors.tau]\n'
        + 'prior = "HalfStudentT(4, 0.5)"\nallocation = "Dirichlet(2, 1.5, 3)"\n',
        "model",
    )
    rng = np.random.default_rng(3)
    tau = rng.exponential(0.5, (400_000, 3))  # importance sampling of the integral
    log_candidate = (-tau / 0.5 - np.log(0.5)).sum(1)
    ratio = np.exp(log_density_of_taus(spec, tau).sum(-1) - log_candidate)
    assert ratio.mean() == pytest.approx(1, abs=4 * ratio.std() / np.sqrt(len(ratio)))


def test_levels_may_have_priors_of_their_taus(design: xr.Dataset) -> None:
    spec = spec_with(
        terms='prior = "Normal(0, 1)"',
        tau='prior = "HalfNormal(1)"',
        tau_effect='prior = "LogNormal(-1, 0.5)"',
    )
    tau = np.array([[0.3, 0.4]])
    want = [halfnorm.logpdf(0.3), spec.priors["tau_effect"].distribution.logpdf(0.4)]
    np.testing.assert_allclose(log_density_of_taus(spec, tau), [want])
    drawn = draw_prior(design, spec, 20_000, np.random.default_rng(2))["tau"]
    assert kstest(np.log(drawn[:, 1]), norm(-1, 0.5).cdf).pvalue > 0.01


@pytest.mark.parametrize("name", [name for name in FAMILIES if name != CUMULATIVE])
def test_a_family_has_a_density_that_is_the_slope_of_its_distribution_function(name: str) -> None:
    family = FAMILIES[name]
    values = {"low": 0.2, "high": 3.0, "df": 3.0}
    chosen = [values.get(key, 0.4 if key in SIGNED else 1.3) for key in family.parameters]
    distribution = family.distribution(*chosen)
    low, high = distribution.ppf([0.2, 0.9])
    area, _ = quad(distribution.pdf, low, high)
    assert area == pytest.approx(0.7, abs=1e-6)
    x = distribution.ppf(np.array([0.01, 0.3, 0.8]))
    np.testing.assert_allclose(np.exp(distribution.logpdf(x)), distribution.pdf(x))
    np.testing.assert_allclose(distribution.isf(1 - distribution.cdf(x)), x)
    np.testing.assert_allclose(distribution.sf(x), 1 - distribution.cdf(x))
    drawn = distribution.rvs(5000, random_state=np.random.default_rng(1))
    assert kstest(drawn, distribution.cdf).pvalue > 0.01


@pytest.mark.parametrize(
    ("key", "text", "message"),
    [
        ("terms", "Normal(0, inf)", "finite numbers and positive scales"),
        ("terms", "Flat()", "it should be one of Normal"),
        ("terms", "Normal(0, 0)", "positive scales"),
        ("tau", "Point(0)", "it should be one of Gamma"),
        ("tau", "Uniform(2, 1)", "positive scales"),
        ("tau", "RootInverseGamma(1, 1)", "it should be one of Gamma"),
    ],
)
def test_an_improper_or_unfit_prior_is_refused(key: str, text: str, message: str) -> None:
    with pytest.raises(BadInput, match=re.escape(message)):
        Prior.parse(key, text)


def test_a_name_that_is_no_term_is_refused(design: xr.Dataset) -> None:
    normal = 'prior = "Normal(0, 1)"'
    with pytest.raises(BadInput, match="did you mean 'dose'"):
        term_prior(design, spec_with(terms=normal, does=normal))
    with pytest.raises(BadInput, match="gives no prior for \\['dose'\\]"):
        term_prior(design, spec_with(intercept=normal))


@pytest.mark.parametrize(
    ("tau", "message"),
    [
        ({"tau": 'prior = "HalfNormal(1)"\nallocation = "Beta(1)"'}, "should read allocation"),
        ({"tau": 'prior = "HalfNormal(1)"\nallocation = "Dirichlet(1, 1, 1)"'}, "has 2 levels"),
        ({"tau_group": 'prior = "HalfNormal(1)"'}, "no prior for the tau of"),
        (
            {"tau": 'prior = "HalfNormal(1)"', "tau_lab": 'prior = "HalfNormal(1)"'},
            "its levels are study, effect",
        ),
        ({"tau": 'prior = "HalfNormal(1)"\nscale = "raw"'}, "a tau has none"),
    ],
)
def test_a_prior_of_taus_that_does_not_fit_the_levels_is_refused(
    tau: dict[str, str], message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        spec_with(terms='prior = "Normal(0, 1)"', **tau)


@pytest.mark.parametrize("ends", [(0.0, np.inf), (-np.inf, 0.3), (-0.5, 2.0), (2.5, np.inf)])
def test_a_distribution_in_a_range_has_the_moments_of_the_truncated_normal(
    ends: tuple[float, float],
) -> None:
    found = Truncated(norm(0.4, 0.9), *ends)
    a, b = ((end - 0.4) / 0.9 for end in ends)
    want = truncnorm(a, b, 0.4, 0.9)
    x = want.ppf([0.01, 0.4, 0.99])
    np.testing.assert_allclose(found.ppf([0.01, 0.4, 0.99]), x, rtol=1e-7)
    np.testing.assert_allclose(found.isf([0.99, 0.6, 0.01]), x, rtol=1e-7)
    np.testing.assert_allclose(found.pdf(x), want.pdf(x), rtol=1e-9)
    np.testing.assert_allclose(found.cdf(x) + found.sf(x), 1)
    assert found.mean() == pytest.approx(want.mean(), rel=1e-7)
    assert found.std() == pytest.approx(want.std(), rel=1e-6)
    drawn = found.rvs(5000, random_state=np.random.default_rng(1))
    assert kstest(drawn, want.cdf).pvalue > 0.01
    assert found.pdf(ends[0] - 1) == found.pdf(ends[1] + 1) == 0


def test_a_heavy_tail_in_a_range_keeps_its_infinite_moments() -> None:
    assert np.isinf(Truncated(cauchy(0, 0.7), 0.0, np.inf).mean())
    assert np.isinf(Truncated(t(2), 0.0, np.inf).std())
    assert np.isfinite(Truncated(cauchy(0, 0.7), 0.0, 5.0).std())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('prior = "Normal(0, 1)"\nlower = 2\nupper = 1', "the lower below the upper"),
        ('prior = "Normal(0, 1)"\nlower = 9', "has nearly nothing there"),
        ('prior = "Normal(0, 1)"\nupper = "low"', "they should be finite numbers"),
        ('prior = "Point(0)"\nlower = 0', "belong to the prior of a term"),
    ],
)
def test_limits_that_a_prior_cannot_have_are_refused(text: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        spec_with(terms=text)
    with pytest.raises(BadInput, match="belong to the prior of a term"):
        spec_with(terms='prior = "Normal(0, 1)"', tau='prior = "HalfNormal(1)"\nlower = 0.1')


def test_limits_of_parts_that_add_up_are_refused() -> None:
    of_parts = {"dose": 'prior = "Normal(0, 1)"\nlower = 0'}
    with pytest.raises(BadInput, match="limits are of terms, not of parts"):
        spec_with(**of_parts)
