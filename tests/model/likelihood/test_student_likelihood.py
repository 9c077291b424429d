"""Student study effects: the integral over their scales, draws given the data.

Further, draws of new studies.
"""

import numpy as np
import pytest
import xarray as xr
from scipy.stats import kstest, multivariate_normal, norm, t

from bayesmeta.model.likelihood import likelihood_of, nesting_of
from bayesmeta.model.spec import ModelSpec, parse_spec
from likelihoods import log_likelihood_by_study, parameters_of

SPEC = parse_spec(
    """
    terms = "1"
    levels = ["study", "group"]
    likelihood = "student"
    priors = { terms = "Normal(0, 1.5)", tau = "HalfNormal(1)", nu = "Gamma(2, 0.1)" }
    """,
    "student",
)
TAUS = [0.8, 0.3]


def design_of(far: float = 0.0, seed: int = 4, studies: int = 7) -> xr.Dataset:
    """Random nesting of 32 effects, rows in no order; the third study lies far off."""
    rng = np.random.default_rng(seed)
    study_of_group = np.concatenate([np.arange(studies), rng.integers(studies, size=5)])
    groups = studies + 5
    group = rng.permutation(np.concatenate([np.arange(groups), rng.integers(groups, size=20)]))
    k = groups + 20
    y = rng.normal(scale=2, size=k) + far * (study_of_group[group] == 2)
    return xr.Dataset(
        {
            "yi": ("effect", y),
            "vi": ("effect", rng.lognormal(-1, 1, k)),
            "X": (("effect", "term"), np.ones((k, 1))),
        }
        | {"effect_group": ("effect", group), "group_study": ("group", study_of_group)},
        {"study": range(studies), "term": ["intercept"]},
    )


def study_normal(design: xr.Dataset, study: int) -> tuple[np.ndarray, multivariate_normal]:
    """Residuals of a study, and their distribution given its effect 0."""
    nesting, v = nesting_of(design), design["vi"].values
    rows = nesting.study_of_effect == study
    same = np.equal.outer(nesting.group_of_effect[rows], nesting.group_of_effect[rows])
    return design["yi"].values[rows], multivariate_normal(
        np.zeros(rows.sum()), np.diag(v[rows]) + TAUS[1] ** 2 * same
    )


@pytest.mark.parametrize("nu", [1.0, 4.0, 60.0])
@pytest.mark.parametrize("far", [0.0, 12.0])
def test_student_study_effects_equal_the_integral_over_them(nu: float, far: float) -> None:
    design = design_of(far)
    got = log_likelihood_by_study(design, SPEC, [0.0], TAUS, nu)
    by_jax = likelihood_of(design, SPEC).log_density(
        *map(np.asarray, ([0.0], TAUS)), np.asarray(nu)
    )
    np.testing.assert_allclose(by_jax, got, rtol=1e-10)
    for study in range(7):
        r, normal = study_normal(design, study)
        x = np.linspace(-8, 8, 40_001)
        u = np.sinh(x)
        given = normal.logpdf(r - u[:, None]) + t.logpdf(u / TAUS[0], nu) - np.log(TAUS[0])
        want = np.log(np.trapezoid(np.exp(given - given.max()) * np.cosh(x), x)) + given.max()
        assert float(got[study]) == pytest.approx(want, abs=1e-7)


@pytest.mark.wide
def test_drawn_scales_give_study_effects_their_student_posterior() -> None:
    design = design_of(5.0)
    likelihood, parameters = (
        likelihood_of(design, SPEC),
        parameters_of(SPEC, [0.0], TAUS, 3.0, draws=40_000),
    )
    drawn = likelihood.draw_random_effects(np.random.default_rng(1), parameters).u[2]
    r, normal = study_normal(design, 2)
    u = np.linspace(-10, 20, 20_001)
    density = normal.pdf(r - u[:, None]) * t.pdf(u / 0.8, 3)
    mean = (u * density).sum() / density.sum()
    sd = np.sqrt((u**2 * density).sum() / density.sum() - mean**2)
    assert drawn.mean() == pytest.approx(mean, abs=5 * sd / 200)
    assert drawn.std() == pytest.approx(sd, rel=0.03)


@pytest.mark.parametrize(("likelihood", "name"), [("student", "t"), ("normal", "normal")])
def test_effects_of_new_studies_have_the_distribution_of_the_model(
    likelihood: str, name: str
) -> None:
    spec = SPEC if likelihood == "student" else _normal()
    auxiliary = (4.0,) if likelihood == "student" else ()
    parameters = parameters_of(spec, [0.0], TAUS, *auxiliary, draws=4000)
    random = likelihood_of(design_of(), spec).draw_new_effects(np.random.default_rng(3), parameters)
    right, wrong = (
        (t(4, scale=0.8), norm(scale=0.8)) if name == "t" else (norm(scale=0.8), t(4, scale=0.8))
    )
    assert kstest(random.u.ravel(), right.cdf).pvalue > 0.01
    assert kstest(random.u.ravel(), wrong.cdf).pvalue < 1e-6
    assert kstest(random.w.ravel(), norm(scale=0.3).cdf).pvalue > 0.01
    assert not random.d.any()


def test_replicates_of_new_studies_have_the_tails_of_the_study_effects() -> None:
    """One effect a study, without error: what is replicated is the study effect, with its group."""
    design = design_of()
    design["vi"] = 0 * design["vi"] + 1e-12
    parameters = parameters_of(SPEC, [1.0], [0.8, 1e-9], 3.0, draws=3000)
    replicate = likelihood_of(design, SPEC).replicate_new_studies(
        np.random.default_rng(5), parameters
    )
    first = replicate[np.unique(nesting_of(design).study_of_effect, return_index=True)[1]]
    assert kstest(first.ravel(), t(3, loc=1.0, scale=0.8).cdf).pvalue > 0.01


def _normal() -> ModelSpec:
    return parse_spec(
        """
        terms = "1"
        levels = ["study", "group"]
        priors = { terms = "Normal(0, 1.5)", tau = "HalfNormal(1)" }
        """,
        "normal",
    )
