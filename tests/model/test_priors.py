"""Densities and draws of the priors against normal distributions written out."""

import numpy as np
import pytest
import xarray as xr
from scipy.stats import halfnorm, kstest, multivariate_normal, norm

from bayesmeta.model.priors import draw_prior, log_prior
from bayesmeta.model.spec import ModelSpec, parse_spec

TEXT = """
terms = "0 + valence:phase"
levels = ["study", "group"]
[priors.valence]
prior = "Normal({centre}, {sd})"
[priors."valence:phase"]
prior = "Normal(-0.5, pooling_sd)"
pooling_sd = "HalfNormal(0.8)"
[priors.tau]
prior = "HalfNormal(0.7)"
"""
MEAN, SD = 1.2, 0.6  # of a valence; a term adds -0.5 and a deviation with the pooling sd
CELLS = ["neutral:learning", "neutral:memory", "fear:memory"]
SHARED = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]])  # cells of the same valence


@pytest.fixture(scope="module")
def design() -> xr.Dataset:
    valence, phase = zip(*(cell.split(":") for cell in CELLS), strict=True)
    kinds = {"kind_of_term": ("term", ["mean"] * 3)}
    factors = {"term_valence": ("term", list(valence)), "term_phase": ("term", list(phase))}
    return xr.Dataset(kinds, {"term": CELLS, **factors})


@pytest.fixture(scope="module")
def spec() -> ModelSpec:
    return parse_spec(TEXT.format(centre=MEAN, sd=SD), "pooled")


def test_the_density_is_that_of_the_normal_given_the_pooling_sd(
    design: xr.Dataset, spec: ModelSpec
) -> None:
    rng = np.random.default_rng(1)
    beta, tau, pooling_sd = rng.normal(size=(5, 3)), rng.uniform(size=(5, 2)), rng.uniform(size=5)
    draws = {"beta": beta, "tau": tau, "sd_valence_phase": pooling_sd}
    found = log_prior(design, spec, draws)
    want = [
        multivariate_normal(np.full(3, MEAN - 0.5), SD**2 * SHARED + s**2 * np.eye(3)).logpdf(b)
        for b, s in zip(beta, pooling_sd, strict=True)
    ]
    np.testing.assert_allclose(found["beta"], want, rtol=1e-10)
    np.testing.assert_allclose(found["tau"], halfnorm(scale=0.7).logpdf(tau))
    np.testing.assert_allclose(found["sd_valence_phase"], halfnorm(scale=0.8).logpdf(pooling_sd))


def test_draws_are_of_the_stated_distributions(design: xr.Dataset, spec: ModelSpec) -> None:
    """Sums and differences of terms given the pooling sd s.

    A sum of two terms of one valence has variance 4 SD^2 + 2 s^2, their difference 2 s^2.
    """
    drawn = draw_prior(design, spec, 20_000, np.random.default_rng(1))
    s, (first, second, third) = drawn["sd_valence_phase"], drawn["beta"].T
    assert kstest(s, halfnorm(scale=0.8).cdf).pvalue > 0.01
    assert kstest(drawn["tau"].ravel(), halfnorm(scale=0.7).cdf).pvalue > 0.01
    scaled = {
        "sum": (first + second - 2 * (MEAN - 0.5)) / np.sqrt(4 * SD**2 + 2 * s**2),
        "difference": (first - second) / np.sqrt(2 * s**2),
        "other valence": (third - (MEAN - 0.5)) / np.sqrt(SD**2 + s**2),
    }
    for name, values in scaled.items():
        assert kstest(values, norm.cdf).pvalue > 0.01, name
    errors = np.corrcoef(list(scaled.values())) - np.eye(3)
    assert np.abs(errors).max() < 4 / np.sqrt(20_000)
