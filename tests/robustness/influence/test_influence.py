"""Prediction of studies by the others: importance sampling and refits against exact numbers."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.stats import norm

from bayesmeta.inference import quadrature
from bayesmeta.inference.laplace import laplace_posterior
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import build_design
from bayesmeta.model.spec import ModelSpec, read_spec
from bayesmeta.robustness.influence import elpd_table, leave_studies_out, matching, psis_table
from bayesmeta.robustness.influence.bridging import bridge


@pytest.fixture(scope="module")
def spec() -> ModelSpec:
    return read_spec("three-level")


@pytest.fixture(scope="module")
def design(simulated: pd.DataFrame, spec: ModelSpec) -> xr.Dataset:
    return build_design(simulated, spec)


@pytest.fixture(scope="module")
def tree(design: xr.Dataset, spec: ModelSpec) -> xr.DataTree:
    return quadrature.quadrature_posterior(design, spec, draws=2000, chains=4)


@pytest.fixture(scope="module")
def surprising(simulated: pd.DataFrame, spec: ModelSpec) -> xr.Dataset:
    """The study s7, six above where it was: importance sampling cannot leave it out."""
    return build_design(
        simulated.assign(yi=simulated["yi"] + 6.0 * (simulated["study"] == "s7")), spec
    )


@pytest.fixture(scope="module")
def surprised(surprising: xr.Dataset, spec: ModelSpec) -> xr.DataTree:
    return quadrature.quadrature_posterior(surprising, spec)


def test_importance_sampling_agrees_with_quadrature_within_its_error(
    tree: xr.DataTree, design: xr.Dataset, spec: ModelSpec
) -> None:
    exact = quadrature.leave_one_study_out(design, spec)["elpd"]
    table = psis_table(tree).set_index("study")
    z = (table["elpd_psis"] - exact.to_series()) / table["error"]
    assert z.abs().max() < 4
    assert 0 < z.std() < 1.5  # draws of a grid are spread more evenly than independent ones
    assert table["k_hat"].max() < 0.7
    assert abs(table["elpd_psis"].sum() - float(exact.sum())) < 0.15
    counts = pd.Series(design["group_study"].values[design["effect_group"].values]).value_counts(
        sort=False
    )
    assert table["k"].tolist() == counts.sort_index().tolist()


def test_repeated_draws_do_not_make_the_error_smaller(tree: xr.DataTree) -> None:
    twice = np.repeat(np.arange(2000), 2)
    groups = {name: tree[name].to_dataset() for name in ("posterior", "log_likelihood")}
    repeated = {
        name: group.isel(draw=twice).assign_coords(draw=range(4000))
        for name, group in groups.items()
    }
    doubled = xr.DataTree.from_dict(
        repeated | {"constant_data": tree["constant_data"].to_dataset()}
    )
    ratio = psis_table(doubled)["error"] / psis_table(tree)["error"]
    assert 0.95 < ratio.median() < 1.05


def test_all_are_exact_where_quadrature_takes_the_model(
    surprised: xr.DataTree, surprising: xr.Dataset, spec: ModelSpec
) -> None:
    table = leave_studies_out(
        surprised, surprising, spec, left_out=quadrature.leave_one_study_out(surprising, spec)
    )
    without = quadrature.integrate_posterior(
        surprising, spec, without=["s7"]
    ).log_marginal_likelihood
    whole = quadrature.integrate_posterior(surprising, spec).log_marginal_likelihood
    row = table.set_index("study").loc["s7"]
    assert set(table["how"]) == {"exact"}
    assert table["error"].max() < 1e-5
    assert row["elpd"] == pytest.approx(whole - without, abs=1e-5)
    assert row["k_hat"] > 0.7


def test_a_study_that_importance_sampling_fails_on_is_refitted(
    surprised: xr.DataTree,
    surprising: xr.Dataset,
    spec: ModelSpec,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr("bayesmeta.infrastructure.jobs.running._default_cache", lambda: tmp_path)
    table = leave_studies_out(surprised, surprising, spec).set_index("study")
    exact = quadrature.leave_one_study_out(surprising, spec)["elpd"].to_series()
    assert table.index[table["how"] == "refitted"].tolist() == ["s7"]
    assert set(table["how"]) == {"refitted", "PSIS"}
    off = (table["elpd"] - exact).abs()
    assert (off < 4 * table["error"]).all()
    assert table.loc["s7", "error"] < 0.3
    assert abs(table.loc["s7", "elpd_psis"] - exact["s7"]) > 1.5  # what it was refitted for


def test_candidates_or_a_matched_approximation_give_the_exact_elpd(
    surprising: xr.Dataset, spec: ModelSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a study that posterior draws fail on, by candidates, and by a moved approximation."""
    tree = laplace_posterior(surprising, spec, draws=500, chains=2, parameters_only=True)
    exact = quadrature.leave_one_study_out(surprising, spec)["elpd"].to_series()
    candidates = tree["candidates"].to_dataset()
    for limit in (matching.MAX_ERROR, 0.0):
        monkeypatch.setattr(matching, "MAX_ERROR", limit)
        for study in ("s7", "s8"):
            elpd, error, k_hat = matching.matched(candidates, study, surprising, spec, 1)
            assert k_hat < 0.7
            assert elpd == pytest.approx(exact[study], abs=4 * error)
            assert error < 0.3
    monkeypatch.undo()
    table = leave_studies_out(tree, surprising, spec, workers=1).set_index("study")
    assert table.loc["s7", "how"] == "matched"


@pytest.fixture
def asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, surprised: xr.DataTree
) -> list[dict[str, object]]:
    """What the sampler was asked for, in place of sampling."""
    calls: list[dict[str, object]] = []

    def sample(design: xr.Dataset, spec: ModelSpec, **choices: object) -> xr.DataTree:
        calls.append(choices | {"model": spec.name})
        return surprised

    monkeypatch.setattr("bayesmeta.robustness.influence.elpd.independent_posterior", sample)
    monkeypatch.setattr("bayesmeta.infrastructure.jobs.running._default_cache", lambda: tmp_path)
    return calls


def test_a_model_that_quadrature_refuses_is_refitted_where_needed(
    surprised: xr.DataTree, surprising: xr.Dataset, asked: list[dict[str, object]]
) -> None:
    table = leave_studies_out(
        surprised, surprising, read_spec("robust"), seed=5, workers=1
    ).set_index("study")
    parameters = {"draws": 500, "wide_grid": False, "parameters_only": True}
    parameters |= {"seed": 5, "model": "robust"}
    assert asked == [{"without": ["s7"], **parameters}]
    assert table["how"].value_counts().to_dict() == {"PSIS": 59, "refitted": 1}
    others = table.drop(index="s7")
    assert (others["elpd"] == others["elpd_psis"]).all()
    leave_studies_out(surprised, surprising, read_spec("robust"), seed=5, workers=1)
    assert len(asked) == 1  # kept


def test_a_refit_that_fails_leaves_the_number_but_says_so(
    surprised: xr.DataTree,
    surprising: xr.Dataset,
    asked: list[dict[str, object]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "bayesmeta.estimates.convergence.diagnose", lambda tree: {"failures": ["R-hat 2"]}
    )
    row = (
        leave_studies_out(surprised, surprising, read_spec("robust"), workers=1)
        .set_index("study")
        .loc["s7"]
    )
    assert len(asked) == 1
    assert (row["how"], row["elpd"]) == ("PSIS fails", row["elpd_psis"])
    assert np.isnan(row["error"])


@pytest.mark.parametrize(("y", "typical"), [(0.5, 0.054), (2.5, 0.19)])
def test_bridge_gives_the_known_probability_of_a_normal_model(y: float, typical: float) -> None:
    """theta ~ N(0, 1), y ~ N(theta, .3^2): p(y) = N(y; 0, 1.09).

    Swapped shares would make errors of .066 and .26.
    """
    rng, want, found = np.random.default_rng(2), norm.logpdf(y, 0, np.sqrt(1.09)), []
    for _ in range(60):
        before, after = (
            rng.normal(0, 1, (4, 100)),
            rng.normal(y / 1.09, 0.3 / np.sqrt(1.09), (4, 2000)),
        )
        log_lik = [
            xr.DataArray(norm.logpdf(y, each, 0.3), dims=("chain", "draw"))
            for each in (before, after)
        ]
        found.append(bridge(*log_lik))
    log_r, error = np.transpose(found)
    z = (log_r - want) / error
    assert np.median(error) < typical
    assert abs(z.mean()) < 4 / np.sqrt(60)
    assert 0.65 < z.std() < 1.3


def pointwise(elpd: list[float], k_hat: float = 0.2, how: str = "PSIS") -> pd.DataFrame:
    table = pd.DataFrame(
        {"study": list("abc"), "k": [1, 2, 3], "elpd": elpd, "k_hat": 0.1, "how": "PSIS"}
    )
    table.loc[1, ["k_hat", "how"]] = k_hat, how
    return table


def test_models_are_compared_study_by_study() -> None:
    one, two = pointwise([-1.0, -2.0, -6.0]), pointwise([-1.0, -1.0, -4.0], 0.9, "refitted")
    table = elpd_table({"one": one, "two": two[::-1]}, "one").set_index("model")
    assert table.loc["two"].to_dict() == pytest.approx(
        {
            "elpd": -6.0,
            "se": np.sqrt(3 * 3.0),
            "difference": 3.0,
            "difference_se": np.sqrt(3 * 1.0),
            "worst_k_hat": 0.9,
            "refitted": 1,
        }
    )
    assert table.loc["one", ["difference", "difference_se", "refitted"]].tolist() == [0, 0, 0]
    with pytest.raises(BadInput, match=r"no model 'three'.*one, two"):
        elpd_table({"one": one, "two": two}, "three")
    with pytest.raises(BadInput, match="'two' and 'one' were fitted to other studies or effects"):
        elpd_table({"one": one, "two": two.assign(k=2)}, "one")
    with pytest.raises(BadInput, match="3 effects in 2 studies, 6 effects in 3 studies"):
        elpd_table({"one": one, "two": two[:2]}, "one")


def test_a_better_model_wins_by_more_than_its_error(
    tree: xr.DataTree, design: xr.Dataset, spec: ModelSpec, simulated: pd.DataFrame
) -> None:
    mean = replace(spec, terms="1", contrasts={})
    alone = build_design(simulated, mean)
    tables = {
        "cells": leave_studies_out(
            tree, design, spec, left_out=quadrature.leave_one_study_out(design, spec)
        ),
        "mean": leave_studies_out(
            quadrature.quadrature_posterior(alone, mean, draws=200),
            alone,
            mean,
            left_out=quadrature.leave_one_study_out(alone, mean),
        ),
    }
    row = elpd_table(tables, "mean").set_index("model").loc["cells"]
    assert row["difference"] > 3 * row["difference_se"] > 0
