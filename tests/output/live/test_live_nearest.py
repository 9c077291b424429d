"""Priors that the live page has, and those it does not have: the nearest ones, in words."""

from dataclasses import replace

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
        {"rho": Prior("Beta", (2.0, 3.0))},
    ],
)
def test_priors_of_taus_and_of_rho_are_kept(priors: dict[str, Prior]) -> None:
    spec = read_spec("three-level")
    changed = replace(spec, priors={**spec.priors, **priors})
    assert nearest_model(changed) == (changed, [])


def test_rho_is_fixed_where_an_average_takes_too_long() -> None:
    nearest, words = nearest_model(read_spec("correlated"))
    assert "rho" not in nearest.priors
    assert nearest.rho == 0.5  # the mean of Beta(2, 2)
    assert len(words) == 1
    assert "begins with its prior mean, 0.50" in words[0]
