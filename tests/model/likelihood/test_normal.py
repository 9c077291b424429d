"""Results drawn from the normal model have the mean and covariance written out.

Of new studies, and of the same studies given their random effects.
"""

import numpy as np
import pytest
import xarray as xr
from test_kernel import BETA, dense_covariance, random_design

from bayesmeta.model.likelihood import Normal, Parameters, RandomEffects
from bayesmeta.model.spec import parse_spec
from likelihoods import parameters_of

SPEC = """
terms = "1"
levels = ["study", "group", "effect"]
rho = {rho}
[priors.terms]
prior = "Normal(0, 1.5)"
[priors.tau]
prior = "HalfNormal(1)"
"""
STUDY, GROUP, EFFECT = TAUS = (0.7, 0.5, 0.6)
DRAWS = 40_000


def likelihood_and_draws(rho: float) -> tuple[Normal, Parameters]:
    nesting, columns, v = random_design(8, studies=4)
    design = xr.Dataset(
        {
            "yi": ("effect", columns[:, -1]),
            "vi": ("effect", v),
            "X": (("effect", "term"), columns[:, :-1]),
            "effect_group": ("effect", nesting.group_of_effect),
            "group_study": ("group", nesting.study_of_group),
        },
        {"study": range(nesting.studies)},
    )
    spec = parse_spec(SPEC.format(rho=rho), "normal")
    return Normal(design, spec), parameters_of(spec, BETA, TAUS, draws=DRAWS)


def assert_moments(draws: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> None:
    """Every mean and covariance of draws (k, draws) within five of its standard errors."""
    variance = np.diag(covariance)
    z = (draws.mean(1) - mean) / np.sqrt(variance / draws.shape[1])
    assert np.abs(z).max() < 5
    error = np.sqrt((np.outer(variance, variance) + covariance**2) / draws.shape[1])
    assert np.abs((np.cov(draws) - covariance) / error).max() < 5


@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_results_of_new_studies_vary_at_every_level(rho: float) -> None:
    likelihood, parameters = likelihood_and_draws(rho)
    drawn = likelihood.replicate_new_studies(np.random.default_rng(1), parameters)
    covariance = dense_covariance(likelihood.nesting, likelihood.v, (GROUP, STUDY), EFFECT, rho)
    assert_moments(drawn, likelihood.x @ BETA, covariance)


@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_results_of_the_same_studies_keep_their_effects(rho: float) -> None:
    likelihood, parameters = likelihood_and_draws(rho)
    nesting, rng = likelihood.nesting, np.random.default_rng(2)
    counts = (nesting.studies, nesting.groups, len(likelihood.y))
    u, w, d = (rng.normal(0, 1, count) for count in counts)
    random = RandomEffects(*(np.tile(effect[:, None], DRAWS) for effect in (u, w, d)))
    drawn = likelihood.replicate(rng, parameters, random)
    mean = likelihood.x @ BETA + u[nesting.study_of_effect] + w[nesting.group_of_effect] + d
    assert_moments(drawn, mean, dense_covariance(nesting, likelihood.v, (0, 0), 0, rho))
