"""Fits by NUTS: planted truth, all groups, the same numbers for the same seed."""

import arviz as az
import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr
from scipy.stats import norm

from bayesmeta.inference.nuts import ACCEPT, _sample, sample_posterior
from bayesmeta.inference.quadrature import integrate_posterior, terms_table
from bayesmeta.infrastructure.choices import check_sampler
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.model.design import build_design
from bayesmeta.model.spec import ModelSpec, read_spec

OPTIONS = {"draws": 500, "tune": 500, "seed": 3}


@pytest.fixture(scope="module")
def spec() -> ModelSpec:
    return read_spec("three-level")


@pytest.fixture(scope="module")
def tree(simulated: pd.DataFrame, spec: ModelSpec) -> xr.DataTree:
    return sample_posterior(build_design(simulated, spec), spec, **OPTIONS)


def test_planted_truth_is_recovered(tree: xr.DataTree) -> None:
    posterior = tree["posterior"].dataset
    truth = {"tau_study": 0.6, "tau_group": 0.3}
    for name, value in truth.items():
        draws = posterior[name]
        assert abs(float(draws.mean()) - value) < 3 * float(draws.std())
    beta = posterior["beta"]
    z = (beta.mean(("chain", "draw")) - [-0.5, 0.5]) / beta.std(("chain", "draw"))
    assert list(beta["term"].values) == ["neutral:memory", "fear:memory"]
    assert (abs(z) < 3).all()
    assert int(tree["sample_stats"].dataset["diverging"].sum()) == 0
    assert tree["sample_stats"].attrs["target_accept"] == ACCEPT[0]


def test_what_diverges_is_sampled_again_in_smaller_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[float]()

    def sample(*, nuts: dict[str, float], **settings: object) -> xr.DataTree:
        asked.append(nuts["target_accept"])
        stats = xr.Dataset({"diverging": ("draw", [False, len(asked) < diverging])})
        return xr.DataTree.from_dict({"sample_stats": stats})

    monkeypatch.setattr(pm, "sample", sample)
    for diverging, wanted in ((1, ACCEPT[:1]), (2, ACCEPT), (3, ACCEPT)):
        asked.clear()
        tree = _sample(Steps(), nuts={}, chains=1, tune=1, draws=2)
        assert tuple(asked) == wanted
        assert tree["sample_stats"].attrs["target_accept"] == wanted[-1]
        assert bool(tree["sample_stats"]["diverging"].any()) == (diverging == 3)


def test_all_groups_of_the_contract(tree: xr.DataTree) -> None:
    predictive = ["posterior", "posterior_predictive", "prior", "prior_predictive"]
    others = ["log_likelihood", "log_prior", "sample_stats", "observed_data", "constant_data"]
    assert set(tree.children) == {*predictive, *others}
    sizes = {"chain": 4, "draw": 500, "term": 2, "study": 60, "group": 120}
    assert dict(tree["posterior"].dataset.sizes) == sizes
    assert set(tree["posterior"].data_vars) == {"beta", "tau_study", "tau_group", "u", "w"}
    assert set(tree["log_likelihood"].data_vars) == {"obs", "obs_study"}
    assert set(tree["log_prior"].data_vars) == {"beta", "tau_study", "tau_group"}
    assert tree["posterior_predictive"].dataset["obs"].dims == ("chain", "draw", "effect")
    assert all(
        np.isfinite(node.dataset[name]).all()
        for node in tree.children.values()
        for name in node.data_vars
        if node.dataset[name].dtype.kind == "f"
    )


def test_likelihoods_are_those_of_their_definitions(
    tree: xr.DataTree, simulated: pd.DataFrame
) -> None:
    draw = tree["posterior"].dataset.isel(chain=1, draw=7)
    design = tree["constant_data"].dataset
    group = design["effect_group"].values
    study = design["group_study"].values[group]
    mean = (
        design["X"].values @ draw["beta"].values + draw["u"].values[study] + draw["w"].values[group]
    )
    want = norm.logpdf(simulated["yi"], mean, np.sqrt(simulated["vi"]))
    np.testing.assert_allclose(
        tree["log_likelihood"].dataset["obs"].isel(chain=1, draw=7), want, rtol=1e-5, atol=1e-6
    )
    prior = tree["log_prior"].dataset.isel(chain=1, draw=7)
    np.testing.assert_allclose(prior["beta"], norm(0, 1.5).logpdf(draw["beta"]).sum())
    np.testing.assert_allclose(prior["tau_group"], np.log(2) + norm(0, 1).logpdf(draw["tau_group"]))


def test_replicates_look_like_the_data(tree: xr.DataTree, simulated: pd.DataFrame) -> None:
    replicates = tree["posterior_predictive"].dataset["obs"]
    inside = (replicates < simulated["yi"].to_numpy()).mean(("chain", "draw"))
    assert 0.85 < float(((inside > 0.05) & (inside < 0.95)).mean()) <= 1
    new = tree["prior_predictive"].dataset["obs"]
    # N(0, 1.5^2) cell, two HalfNormal(1) taus with mean square 1, mean sampling variance
    assert float(new.var()) == pytest.approx(1.5**2 + 1 + 1 + simulated["vi"].mean(), rel=0.15)


def test_arviz_reads_it_as_it_is(tree: xr.DataTree) -> None:
    summary = az.summary(tree, var_names=["beta", "tau_study"])
    assert len(summary) == 3
    loo = az.loo(tree, var_name="obs_study")
    assert loo.n_data_points == 60
    assert np.isfinite(loo.elpd)


def test_same_seed_same_numbers_and_row_order_is_irrelevant(
    tree: xr.DataTree, simulated: pd.DataFrame, spec: ModelSpec
) -> None:
    again = sample_posterior(build_design(simulated, spec), spec, **OPTIONS)
    xr.testing.assert_identical(
        tree["posterior"].dataset.drop_attrs(), again["posterior"].dataset.drop_attrs()
    )
    shuffled = build_design(simulated.sample(frac=1, random_state=1), spec)
    exact, other = (
        terms_table(integrate_posterior(design, spec)).set_index("term")
        for design in (build_design(simulated, spec), shuffled)
    )
    pd.testing.assert_frame_equal(exact, other.loc[exact.index], rtol=1e-6)


@pytest.mark.slow
def test_four_level_has_effects_and_the_kernel_marginalises_them(simulated: pd.DataFrame) -> None:
    spec = read_spec("four-level")
    tree = sample_posterior(
        build_design(simulated, spec), spec, draws=100, tune=200, chains=2, seed=2
    )
    posterior = tree["posterior"].dataset
    assert posterior["d"].dims == ("chain", "draw", "effect")
    design, draw = tree["constant_data"].dataset, posterior.isel(chain=0, draw=3)
    group = design["effect_group"].values
    mean = design["X"].values @ draw["beta"].values + draw["w"].values[group]
    mean = mean + draw["u"].values[design["group_study"].values[group]]
    want = norm.logpdf(
        design["yi"], mean, np.sqrt(design["vi"].values + draw["tau_effect"].item() ** 2)
    )
    np.testing.assert_allclose(
        tree["log_likelihood"].dataset["obs"].isel(chain=0, draw=3), want, rtol=1e-5, atol=1e-6
    )


def test_unknown_sampler_is_refused() -> None:
    with pytest.raises(
        BadInput, match="unknown sampler 'stan'; choose one of: numpyro, nutpie, pymc"
    ):
        check_sampler("stan")


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["nutpie", "pymc"])
def test_other_samplers_agree(
    sampler: str, tree: xr.DataTree, simulated: pd.DataFrame, spec: ModelSpec
) -> None:
    pytest.importorskip(sampler)
    other = sample_posterior(
        build_design(simulated, spec), spec, draws=500, tune=500, seed=4, sampler=sampler
    )
    for name in ("beta", "tau_study", "tau_group"):
        one, two = (each["posterior"].dataset[name] for each in (tree, other))
        assert (
            abs(one.mean(("chain", "draw")) - two.mean(("chain", "draw")))
            < 0.2 * one.std(("chain", "draw"))
        ).all()
