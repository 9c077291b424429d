"""Priors that the live page does not have: the nearest ones, in words."""

from dataclasses import replace

import numpy as np
import pytest

from bayesmeta.model.spec import Prior, read_spec
from bayesmeta.output.live import nearest_model


def test_heavy_tails_become_normal_with_the_same_scale() -> None:
    spec = read_spec("three-level")
    heavy = {**spec.priors, "terms": Prior("StudentT", (3.0, 0.2, 0.7))}
    nearest, words = nearest_model(replace(spec, priors=heavy))
    assert str(nearest.priors["terms"]) == "Normal(0.2, 0.7)"
    assert len(words) == 1
    assert "heavy tails" in words[0]


@pytest.mark.parametrize(
    "priors",
    [
        {"tau": Prior("HalfNormal", (0.6,), allocation=(1.0, 1.0))},
        {"tau": Prior("LogNormal", (-1.0, 0.8))},
        {"tau": Prior("HalfNormal", (1.0,)), "tau_study": Prior("HalfNormal", (0.6,))},
    ],
)
def test_taus_have_a_half_normal_prior_with_the_same_median(priors: dict[str, Prior]) -> None:
    spec = read_spec("three-level")
    changed = replace(spec, priors={**spec.priors, **priors})
    nearest, words = nearest_model(changed)
    assert nearest.has_equal_tau_priors
    assert nearest.priors["tau"].family == "HalfNormal"
    want = changed.tau_prior("study").distribution.median()
    found = nearest.priors["tau"].distribution.median()
    np.testing.assert_allclose(found, want, rtol=1e-4)
    assert "one of this page" in words[0]
