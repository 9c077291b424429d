"""Of a large table summaries are kept, by the same rule whatever the sampler."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayesmeta.data.effect_sizes import correction
from bayesmeta.inference import nuts, predictive
from bayesmeta.inference.nuts import sample_posterior
from bayesmeta.inference.quadrature import quadrature_posterior
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import build_design
from bayesmeta.model.spec import read_spec
from bayesmeta.output.pictures import draw_picture


def test_of_a_large_table_summaries_are_kept(
    simulated: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = read_spec("intercept")
    design = build_design(simulated, spec)
    complete = quadrature_posterior(design, spec, draws=500, chains=2)
    monkeypatch.setattr(predictive, "MAX_STORED_VALUES", 240 * 60)
    monkeypatch.setattr(predictive, "SUMMARISED_VALUES", 240 * 500)
    monkeypatch.setattr(predictive, "PRIOR_DRAWS", 200)
    drawn = complete["posterior"].to_dataset().isel(draw=slice(100))  # in place of NUTS
    levels = xr.DataArray(["study", "group"], dims="level", name="level")
    tau = xr.concat([drawn["tau_study"], drawn["tau_group"]], levels).transpose(..., "level")
    stats = complete["sample_stats"].to_dataset().isel(draw=slice(100))
    posterior = drawn[["beta"]].assign(tau=tau)
    few = xr.DataTree.from_dict({"posterior": posterior, "sample_stats": stats})
    monkeypatch.setattr(nuts, "_sample", lambda *_, **options: few)
    for tree in (
        sample_posterior(design, spec, draws=100, tune=100, chains=2),
        quadrature_posterior(design, spec, draws=500, chains=2),
    ):
        draws = tree["posterior"].sizes["draw"]
        assert draws in (100, 500)  # of the parameters all
        assert not {"posterior_predictive", "prior_predictive"} & set(tree.children)
        assert not {"u", "w"} & set(tree["posterior"].data_vars)
        summaries = tree["summaries"].to_dataset()
        assert summaries["w"].dims == ("statistic", "group")
        assert {"u", "w", "obs", "log_obs", "obs_new"} == set(summaries.data_vars)
        assert tree["log_likelihood"].sizes["draw"] == min(draws, 250)
    with pytest.raises(BadInput, match="a large tree lacks"):
        draw_picture(tree, "caterpillar", "")
    u = complete["posterior"]["u"].stack(sample=("chain", "draw"))
    sd = u.std("sample").values
    found = summaries["u"]
    assert np.abs(found.sel(statistic="mean") - u.mean("sample")).max() < 0.2 * sd.max()
    np.testing.assert_allclose(found.sel(statistic="sd"), sd, rtol=0.15)
    lower = u.quantile(0.025, "sample").values
    assert np.abs(found.sel(statistic="q2.5") - lower).max() < 0.6 * sd.max()


def test_the_small_sample_correction_of_huge_groups_keeps_its_digits() -> None:
    df = np.array([9.9e4, 1.1e5, 1e10, 1e100])
    series = 1 - 3 / (4 * df) - 7 / (32 * df**2)  # Stirling's, to the second order
    np.testing.assert_allclose(correction(df), series, rtol=1e-9)
    assert (np.diff(correction(np.array([9.99e4, 1e5, 1.0001e5]))) > 0).all()
