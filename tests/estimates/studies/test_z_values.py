"""z values: expected numbers and discovery rates follow from the model."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.stats import norm

from bayesmeta.estimates import studies
from bayesmeta.inference.independent import independent_posterior
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import build_design
from bayesmeta.model.spec import parse_spec
from moderated import effects, tree_of

SELECTION = parse_spec(
    """
terms = "1"
levels = ["study", "group"]
bias = "selection"
directions = {intercept = "higher"}
[priors.terms]
prior = "Normal(0, 1)"
[priors.tau]
prior = "HalfNormal(0.5)"
[priors.weights]
prior = "Gamma(2, 2)"
""",
    "selection",
)


def expected_share(tree: xr.DataTree) -> float:
    """P(|z| > 1.96) of a new result, by the normal distribution, over effects and draws."""
    posterior = tree["posterior"].dataset
    design = tree["constant_data"].dataset
    mean = posterior["beta"].values.reshape(-1, 1)
    tau2 = sum(posterior[name].values.ravel() ** 2 for name in ("tau_study", "tau_group"))
    sei = np.sqrt(design["vi"].values)
    spread = np.sqrt(design["vi"].values + tau2[:, None])
    beyond = norm.sf((1.96 * sei - mean) / spread) + norm.cdf((-1.96 * sei - mean) / spread)
    return float(beyond.mean())


def test_expected_numbers_are_those_of_new_results() -> None:
    tree = tree_of(effects(), "1")
    bins, rates = studies.z_values(tree)
    rates = rates.set_index("rate")
    expected = expected_share(tree)
    assert rates.loc["expected", "mean"] == pytest.approx(expected, abs=0.02)
    z = effects()["yi"] / np.sqrt(effects()["vi"])
    assert rates.loc["observed", "mean"] == (z.abs() > 1.96).mean()
    assert bins["observed"].sum() == len(z) == pytest.approx(bins["mean"].sum())
    beyond = bins["z"].abs() > 1.96
    assert bins.loc[beyond, "observed"].sum() == (z.abs() > 1.96).sum()
    assert bins.loc[beyond, "mean"].sum() / len(z) == pytest.approx(expected, abs=0.02)
    assert (bins["ci_lb"] <= bins["mean"]).all()
    assert (bins["mean"] <= bins["ci_ub"] + 0.5).all()
    assert "before" not in bins
    low = rates.loc["expected", "ci_lb"]
    assert rates.loc["false", "ci_ub"] == pytest.approx((1 / low - 1) / 19, rel=0.05)


def test_a_selection_model_expects_fewer_discoveries_before_selection() -> None:
    rng = np.random.default_rng(1)
    v = rng.uniform(0.02, 0.2, 400)
    y = rng.normal(0.2, np.sqrt(v + 0.2**2))
    kept = np.flatnonzero((y > 1.96 * np.sqrt(v)) | (rng.random(400) < 0.1))
    names = [f"s{i}" for i in kept]
    frame = pd.DataFrame({"study": names, "group": names, "effect": names})
    frame = frame.assign(yi=y[kept], vi=v[kept])
    tree = independent_posterior(build_design(frame, SELECTION), SELECTION, draws=250, chains=2)
    bins, rates = studies.z_values(tree)
    edr = rates.set_index("rate").loc["expected", "mean"]
    assert edr == pytest.approx(expected_share(tree), abs=0.03)
    beyond = bins["z"].abs() > 1.96
    published = bins.loc[beyond, "mean"].sum()
    assert published / bins["mean"].sum() > edr
    assert bins.loc[beyond, "before"].sum() == pytest.approx(published)
    assert bins["before"].sum() > bins["mean"].sum()


def test_a_proportion_has_no_value_of_no_effect() -> None:
    tree = tree_of(effects(), "1")
    tree["constant_data"].attrs["measure"] = "PLO"
    with pytest.raises(BadInput, match="PLO has no such value"):
        studies.z_values(tree)
