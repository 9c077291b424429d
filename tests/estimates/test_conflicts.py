"""A prior that the data contradict is named; one that they do not contradict seldom is."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from bayesmeta.estimates.conflicts import MOST, prior_conflicts
from bayesmeta.model.design import build_design
from bayesmeta.model.spec import ModelSpec, Prior, parse_spec

TEXT = """
terms = "1"
levels = ["study"]
[priors.terms]
prior = "Normal(0, 1.5)"
[priors.tau]
prior = "HalfNormal(1)"
"""
STUDIES = 20


@pytest.fixture(scope="module")
def spec() -> ModelSpec:
    return parse_spec(TEXT, "one-mean")


def table(yi: np.ndarray, vi: np.ndarray) -> pd.DataFrame:
    names = [f"s{n}" for n in range(len(yi))]
    return pd.DataFrame({"study": names, "group": names, "effect": names, "yi": yi, "vi": vi})


def test_a_prior_of_another_unit_is_named(spec: ModelSpec) -> None:
    rng = np.random.default_rng(1)
    frame = table(rng.normal(180, 20, 6), np.full(6, 900.0))
    warnings = prior_conflicts(build_design(frame, spec), spec)
    assert len(warnings) == 2
    assert "they give intercept at" in warnings[0]
    assert "mean 0.00, sd 1.50" in warnings[0]
    assert "tau of study" in warnings[1]
    wide = {"terms": Prior("Normal", (0.0, 500.0)), "tau": Prior("HalfNormal", (200.0,))}
    of_unit = replace(spec, priors=wide)
    assert prior_conflicts(build_design(frame, of_unit), of_unit) == []


def test_the_distance_is_that_of_the_prior_predictive_distribution(spec: ModelSpec) -> None:
    """Equal variances and no spread: the estimate is the mean, its error sqrt(v / k)."""
    for centre, expected in ((4.0, False), (5.2, True)):
        frame = table(np.full(STUDIES, centre), np.full(STUDIES, 0.5))
        frame["yi"] += np.tile([-0.1, 0.1], STUDIES // 2)
        z = centre / np.hypot(1.5, np.sqrt(0.5 / STUDIES))
        assert (z > MOST) == expected
        found = prior_conflicts(build_design(frame, spec), spec)
        assert bool([text for text in found if "intercept" in text]) == expected


@pytest.mark.slow
def test_data_from_the_prior_rarely_contradict_it(spec: ModelSpec) -> None:
    """2 P(z > 3) = .27 % for the mean; rough taus are far out a little oftener."""
    sets = 600
    rng = np.random.default_rng(2)
    alarms = 0
    for _ in range(sets):
        vi = rng.uniform(0.02, 0.3, STUDIES)
        mean, tau = rng.normal(0, 1.5), abs(rng.normal(0, 1))
        frame = table(rng.normal(mean, np.sqrt(tau**2 + vi)), vi)
        alarms += bool(prior_conflicts(build_design(frame, spec), spec))
    assert alarms / sets < 2 * norm.sf(MOST) * 2 + 3 * np.sqrt(0.0054 / sets)
