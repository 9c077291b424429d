"""Conditionals of many taus from few are those of every tau by itself, or are not used."""

import numpy as np
import pandas as pd
import pytest

from bayesmeta.inference.quadrature import draws, interpolation
from bayesmeta.inference.quadrature.conditional import Conditional
from bayesmeta.inference.quadrature.integral import integrate
from bayesmeta.model.design import build_design
from bayesmeta.model.spec import ModelSpec, read_spec

LARGE = {1: 500, 2: 500, 3: 500}


def table(k: int) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    study = np.sort(rng.integers(0, k // 5, k))
    group = 2 * study + rng.integers(0, 2, k)
    v = rng.lognormal(-1.5, 0.5, k)
    u, w = 0.5 * rng.standard_normal(k), 0.3 * rng.standard_normal(2 * k)
    y = 0.3 + u[study] + w[group] + np.sqrt(v) * rng.standard_normal(k)
    return pd.DataFrame({"study": study, "group": group, "effect": range(k), "yi": y, "vi": v})


@pytest.mark.parametrize("levels", [("study",), ("study", "group")])
def test_draws_are_those_without_interpolation(
    levels: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec: ModelSpec = read_spec("intercept").with_levels(levels)
    integral = integrate(build_design(table(2000), spec), spec)
    used: list[bool] = []
    check = interpolation.is_exact

    def checked(*arguments: object) -> bool:
        used.append(check(*arguments))  # type: ignore[arg-type]
        return used[-1]

    monkeypatch.setattr(interpolation, "is_exact", checked)
    few = draws.draw(integral, spec, count=4000, seed=1)
    assert used == [True]
    monkeypatch.setattr(draws, "LARGE", dict.fromkeys(LARGE, 10**9))
    every = draws.draw(integral, spec, count=4000, seed=1)
    assert used == [True]
    np.testing.assert_array_equal(few.tau, every.tau)
    np.testing.assert_allclose(few.beta, every.beta, atol=1e-7)
    np.testing.assert_allclose(few.log_joint, every.log_joint, atol=1e-5)


def test_polynomials_that_are_not_exact_are_not_used() -> None:
    x = np.random.default_rng(1).uniform(-1, 1, (9000, 2))

    def evaluate(at: np.ndarray) -> Conditional:
        kinked = -np.abs(at).sum(1)
        return Conditional(kinked, kinked[None], np.ones((1, 1, len(at))))

    assert interpolation.interpolated(evaluate, x) is None
    assert interpolation.interpolated(evaluate, x[:100]) is None
    assert interpolation.interpolated(evaluate, np.ones((9000, 2))) is None
