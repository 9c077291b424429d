"""Every prior of the taus and of rho on the page, against SciPy and Python's quadrature."""

import numpy as np
import pytest
from scipy import stats

from bayesmeta.model.design import build_design
from bayesmeta.model.design.contrasts import named_weights
from bayesmeta.model.spec import Prior
from bayesmeta.model.spec.families import FAMILIES, families_of
from live_comparison import COARSE, compare, compare_deletion, made_up, spec_with
from live_engine import ask, request

pytestmark = pytest.mark.wide

PRIORS = [
    "HalfNormal(0.7)",
    "HalfStudentT(4, 0.5)",
    "HalfCauchy(0.5)",
    "Exponential(0.6)",
    "Gamma(2, 3)",
    "InvGamma(1.5, 0.15)",
    "LogNormal(-1, 0.8)",
    "LogStudentT(4, -1.2, 0.7)",
    "Uniform(0.05, 1.4)",
]


def test_these_are_all_families_of_a_tau() -> None:
    assert sorted(Prior.parse("tau", text).family for text in PRIORS) == sorted(families_of("tau"))


def test_densities_are_those_of_scipy() -> None:
    x = [1e-6, 0.01, 0.3, 0.5, 1, 1.399, 2.5, 17, 140]
    priors = [Prior.parse("tau", text) for text in PRIORS]
    families = [[prior.family, list(prior.parameters)] for prior in priors]
    (answer,) = ask([{"ask": "densities", "families": families, "x": x}])
    for prior, got in zip(priors, answer, strict=True):
        numbers = [float(value.replace("Infinity", "inf")) for value in got]
        expected = prior.distribution.logpdf(x)
        np.testing.assert_allclose(numbers, expected, rtol=1e-12, atol=1e-11)


def test_another_family_has_about_the_same_size() -> None:
    names = [Prior.parse("tau", text).family for text in PRIORS]
    (answer,) = ask([{"ask": "sizes", "families": names, "size": 0.6}])
    for name, parameters in zip(names, answer, strict=True):
        assert FAMILIES[name].fits(tuple(parameters))
        assert 0.25 < FAMILIES[name].distribution(*parameters).median() < 1.2, name


@pytest.mark.parametrize("tau", PRIORS)
@pytest.mark.parametrize("levels", [["study", "group"], ["study"]])
def test_every_family_gives_the_posterior_of_python(tau: str, levels: list[str]) -> None:
    spec = spec_with(levels, tau=tau)
    design = build_design(made_up(6, 36, 11), spec)
    weights = named_weights(design, spec)
    (answer,) = ask([request(design, spec, weights.values[2:], tolerance=COARSE)])
    compare(answer, design, spec, weights, tolerance=COARSE)


@pytest.mark.parametrize(
    "priors",
    [
        'tau_study = "HalfCauchy(0.4)"',
        'tau_study = "LogNormal(-1, 0.5)"\ntau_group = "Exponential(0.3)"',
    ],
)
def test_priors_of_single_levels(priors: str) -> None:
    spec = spec_with(["study", "group"], more=priors)
    design = build_design(made_up(7, 40, 12), spec)
    weights = named_weights(design, spec)
    (answer,) = ask([request(design, spec, weights.values[2:])])
    compare(answer, design, spec, weights)
    compare_deletion(design, spec, weights)


@pytest.mark.parametrize(
    ("levels", "shares"),
    [(["study", "group"], "Beta(2, 1)"), (["study", "group", "effect"], "Dirichlet(1, 2, 1.5)")],
)
def test_a_prior_of_the_total_tau_and_of_shares(levels: list[str], shares: str) -> None:
    spec = spec_with(levels, tau=f'{{prior = "HalfNormal(0.6)", allocation = "{shares}"}}')
    design = build_design(made_up(9, 40, 12), spec)
    weights = named_weights(design, spec)
    (answer,) = ask([request(design, spec, weights.values[2:], tolerance=COARSE)])
    compare(answer, design, spec, weights, tolerance=COARSE)


@pytest.mark.parametrize("rho", ["Beta(2, 3)", "Beta(0.7, 5)", "Beta(20, 4)"])
def test_rho_with_a_prior_is_averaged_over_as_in_python(rho: str) -> None:
    spec = spec_with(["study", "group"], more=f'rho = "{rho}"')
    design = build_design(made_up(5, 45, 12), spec)
    weights = named_weights(design, spec)
    (answer,) = ask([request(design, spec, weights.values[2:])])
    compare(answer, design, spec, weights)


def test_without_every_study_and_rho_with_a_prior() -> None:
    spec = spec_with(["study", "group"], more='rho = "Beta(2, 3)"')
    design = build_design(made_up(5, 45, 12), spec)
    compare_deletion(design, spec, named_weights(design, spec))


def test_quantiles_of_beta_are_those_of_scipy() -> None:
    p = [1e-9, 3e-6, 0.01, 0.3, 0.5, 0.9, 0.9999]
    pairs = [(1, 1), (2, 3), (0.5, 8), (40, 0.6), (300, 200)]
    answers = ask([{"ask": "beta", "a": a, "b": b, "p": p} for a, b in pairs])
    for (a, b), answer in zip(pairs, answers, strict=True):
        np.testing.assert_allclose(answer["quantiles"], stats.beta(a, b).ppf(p), rtol=1e-10)
