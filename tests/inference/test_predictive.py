"""Of a large table fewer draws are kept, by the same rule whatever the sampler."""

import numpy as np
import pandas as pd
import pytest

from bayesmeta.data.effect_sizes import correction
from bayesmeta.inference import predictive
from bayesmeta.inference.nuts import sample_posterior
from bayesmeta.inference.quadrature import quadrature_posterior
from bayesmeta.model.design import build_design
from bayesmeta.model.spec import read_spec


def test_draws_are_kept_as_memory_allows(
    simulated: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = read_spec("intercept")
    design = build_design(simulated, spec)
    assert predictive.thinning_interval(design, 4000) == 1
    monkeypatch.setattr(predictive, "MAX_STORED_VALUES", 240 * 60)
    monkeypatch.setattr(predictive, "PRIOR_DRAWS", 200)
    assert predictive.thinning_interval(design, 2 * 100) == 4
    for tree in (
        sample_posterior(design, spec, draws=100, tune=100, chains=2),
        quadrature_posterior(design, spec, draws=100, chains=2),
    ):
        kept = {
            group: tree[group].sizes["draw"]
            for group in ("posterior", "posterior_predictive", "log_likelihood")
        }
        assert set(kept.values()) == {25}
        assert (tree["prior"].sizes["draw"], tree["prior_predictive"].sizes["draw"]) == (200, 100)
        assert tree["posterior"]["w"].shape == (2, 25, design.sizes["group"])


def test_the_small_sample_correction_of_huge_groups_keeps_its_digits() -> None:
    df = np.array([9.9e4, 1.1e5, 1e10, 1e100])
    series = 1 - 3 / (4 * df) - 7 / (32 * df**2)  # Stirling's, to the second order
    np.testing.assert_allclose(correction(df), series, rtol=1e-9)
    assert (np.diff(correction(np.array([9.99e4, 1e5, 1.0001e5]))) > 0).all()
