"""What quadrature is for: the reference for NUTS, and refits without each study.

On simulated and on the real data.
"""

import itertools

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.stats import norm

from bayesmeta.data import datasets
from bayesmeta.estimates import convergence
from bayesmeta.inference import quadrature
from bayesmeta.inference.nuts import sample_posterior
from bayesmeta.inference.quadrature.density import arrays_of
from bayesmeta.inference.quadrature.draws import draw, systematic
from bayesmeta.inference.quadrature.grid import evaluate
from bayesmeta.inference.quadrature.integral import Integral
from bayesmeta.inference.quadrature.nodes import box, place
from bayesmeta.inference.quadrature.outer import Box, outer_nodes
from bayesmeta.model.design import build_design
from bayesmeta.model.spec import ModelSpec, read_spec
from exact import exact_posterior
from likelihoods import log_likelihood_by_study


@pytest.fixture(scope="module")
def spec() -> ModelSpec:
    return read_spec("three-level")


@pytest.fixture(scope="module")
def design(simulated: pd.DataFrame, spec: ModelSpec) -> xr.Dataset:
    return build_design(simulated, spec)


def within_error(tree: xr.DataTree, posterior: quadrature.Posterior, *, errors: float) -> None:
    """Means, and shares below the exact 2.5, 50 and 97.5 % points.

    Within so many Monte-Carlo standard errors.
    """
    import arviz as az

    draws = tree["posterior"].dataset
    tables = {"beta": quadrature.terms_table(posterior).rename(columns={"term": "name"})}
    taus = quadrature.taus_table(posterior)
    tables |= {
        f"tau_{level}": taus[taus["level"] == level].rename(columns={"level": "name"})
        for level in taus["level"]
    }
    for variable, table in tables.items():
        for row in table.itertuples():
            chosen = draws[variable].sel(term=row.name) if variable == "beta" else draws[variable]
            parts = [(chosen, row.mean, row.sd)]
            parts += [
                ((chosen < bound) * 1.0, p, np.sqrt(p * (1 - p)))
                for bound, p in zip(
                    (row.ci_lb, row.median, row.ci_ub), (0.025, 0.5, 0.975), strict=True
                )
            ]
            for values, want, sd in parts:
                effective = float(
                    az.ess(
                        values.rename("x").drop_vars("term", errors="ignore").to_dataset(),
                        method="mean",
                    )["x"]
                )
                assert abs(float(values.mean()) - want) < errors * sd / np.sqrt(effective), (
                    variable,
                    row.name,
                    want,
                )


def test_quantiles_and_probabilities_belong_together(design: xr.Dataset, spec: ModelSpec) -> None:
    posterior = quadrature.integrate_posterior(design, spec)
    weights = xr.DataArray(
        [[1.0, -1.0]],
        {"contrast": ["difference"], "term": list(posterior.terms)[::-1]},
        ("contrast", "term"),
    )
    row = quadrature.contrasts_table(posterior, weights).iloc[0]
    mixture = quadrature.combination(posterior, np.array([-1.0, 1.0]))
    np.testing.assert_allclose(
        [mixture.cdf(row[name]) for name in ("ci_lb", "median", "ci_ub")], [0.025, 0.5, 0.975]
    )
    assert row["p_positive"] == pytest.approx(1 - mixture.cdf(0.0))
    taus = quadrature.taus_table(posterior).set_index("level")
    for level, name, p in itertools.product(spec.levels, ("ci_lb", "ci_ub"), (0.025, 0.975)):
        if (name == "ci_lb") == (p == 0.025):
            assert quadrature.tau_cdf(posterior, level, taus.loc[level, name]) == pytest.approx(p)


@pytest.mark.slow
def test_tree_is_the_one_that_nuts_gives(design: xr.Dataset, spec: ModelSpec) -> None:
    tree = quadrature.quadrature_posterior(design, spec, draws=500, chains=2, seed=3)
    nuts = sample_posterior(design, spec, draws=20, tune=20, chains=2, seed=3)
    assert set(tree.children) == set(nuts.children)
    for name in set(tree.children) - {"sample_stats"}:
        one, two = tree[name].dataset, nuts[name].dataset
        assert {str(key): values.dims for key, values in one.items()} == {
            str(key): values.dims for key, values in two.items()
        }
        assert {str(key): values.dtype for key, values in one.items()} == {
            str(key): values.dtype for key, values in two.items()
        }
        assert set(one.coords) == set(two.coords)
    attrs = tree["posterior"].attrs
    assert attrs["sampler"] == "quadrature"
    assert attrs["quadrature_converged"] == 1
    assert 0 < attrs["quadrature_error"] <= 1e-6
    assert convergence.diagnose(tree)["passed"]


def test_draws_are_independent_and_exact(design: xr.Dataset, spec: ModelSpec) -> None:
    tree = quadrature.quadrature_posterior(design, spec, draws=2000, chains=4, seed=1)
    within_error(tree, quadrature.integrate_posterior(design, spec), errors=4)
    draws = tree["posterior"].dataset
    assert len(np.unique(draws["tau_study"])) > 7800  # off the nodes, hardly one taken twice
    lags = [
        np.corrcoef(
            draws["tau_group"].values[:, :-1].ravel(), draws["tau_group"].values[:, 1:].ravel()
        )[0, 1]
    ]
    assert abs(lags[0]) < 4 / np.sqrt(8000)
    one = draws.isel(chain=2, draw=11)
    tau = np.array([one["tau_study"], one["tau_group"]])
    want = float(log_likelihood_by_study(design, spec, one["beta"].values, tau).sum())
    want += norm(0, 1.5).logpdf(one["beta"]).sum() + (np.log(2) + norm.logpdf(tau)).sum()
    assert float(tree["sample_stats"].dataset["lp"][2, 11]) == pytest.approx(want)


def test_draws_are_exact_even_from_a_coarse_grid(design: xr.Dataset, spec: ModelSpec) -> None:
    """Eight nodes an axis: spread over their cells, but not reweighted.

    The draws of the taus would be too wide.
    """
    arrays = arrays_of(design, spec)
    high = np.arcsinh(np.array([0.8, 1.2]) / arrays.scale)
    coarse = evaluate(arrays, spec, place(8, 2, box(np.zeros(2), high)))
    integral = Integral(
        arrays, outer_nodes({}, 1, Box.of({})), [coarse], 0.0, converged=True, tolerance=1e-6
    )
    found = draw(integral, spec, count=20_000, seed=1)
    taus = quadrature.taus_table(quadrature.integrate_posterior(design, spec))
    np.testing.assert_allclose(
        found.tau.mean(0), taus["mean"], atol=4 * taus["sd"].max() / np.sqrt(20_000)
    )
    np.testing.assert_allclose(found.tau.std(0), taus["sd"], rtol=0.03)


def test_systematic_draws_follow_the_weights() -> None:
    weight = np.array([0.1, 0.0, 0.65, 0.25])
    counts = np.bincount(systematic(weight, 1000, np.random.default_rng(1)), minlength=4)
    assert (abs(counts - 1000 * weight) <= 1).all()


def test_leaving_out_equals_fitting_without(simulated: pd.DataFrame, spec: ModelSpec) -> None:
    """Among them a study so far off that the shared grid does not hold what is left without it."""
    frame = simulated.copy()
    frame.loc[frame["study"] == "s7", "yi"] += 12
    frame["valence"] = frame["valence"].astype(str)
    design = build_design(frame, spec)
    weights = xr.DataArray(
        [[-1.0, 1.0]],
        {"contrast": ["c"], "term": design["term"].values[::-1]},
        ("contrast", "term"),
    )
    left_out = quadrature.leave_one_study_out(design, spec, weights=weights)
    whole = quadrature.integrate_posterior(design, spec, tolerance=1e-9)
    assert float(left_out["error"].max()) <= 1e-6
    assert bool(left_out["own_grid"].sel(study="s7"))
    assert int(left_out["own_grid"].sum()) < 5
    for study in ("s7", "s0", "s30"):
        alone = quadrature.integrate_posterior(
            build_design(frame[frame["study"] != study], spec), spec, tolerance=1e-9
        )
        found, terms, taus = (
            left_out.sel(study=study),
            quadrature.terms_table(alone),
            quadrature.taus_table(alone),
        )
        contrast = quadrature.contrasts_table(alone, weights)
        for prefix, table in (("", terms), ("tau_", taus), ("contrast_", contrast)):
            np.testing.assert_allclose(found[f"{prefix}mean"], table["mean"], rtol=1e-6)
            np.testing.assert_allclose(found[f"{prefix}sd"], table["sd"], rtol=1e-6)
        elpd = whole.log_marginal_likelihood - alone.log_marginal_likelihood
        assert float(found["elpd"]) == pytest.approx(elpd, rel=1e-6)
        same = quadrature.integrate_posterior(design, spec, without=[study])
        assert same.log_marginal_likelihood == pytest.approx(
            alone.log_marginal_likelihood, abs=1e-6
        )


def test_leaving_out_with_an_effect_level(simulated: pd.DataFrame) -> None:
    spec = read_spec("four-level")
    design = build_design(simulated[simulated["study"].str.len() == 2], spec)
    left_out = quadrature.leave_one_study_out(design, spec, tolerance=1e-4)
    alone = quadrature.integrate_posterior(design, spec, without=["s4"])
    found, taus = left_out.sel(study="s4"), quadrature.taus_table(alone)
    assert list(found["level"].values) == ["study", "group", "effect"]
    np.testing.assert_allclose(found["mean"], quadrature.terms_table(alone)["mean"], rtol=1e-3)
    np.testing.assert_allclose(found["tau_mean"], taus["mean"], rtol=1e-4)
    np.testing.assert_allclose(found["tau_sd"], taus["sd"], rtol=1e-3)


@pytest.mark.usefixtures("trace_data")
def test_preclinical_equals_dense_algebra(spec: ModelSpec) -> None:
    design = build_design(datasets.read("preclinical"), spec)
    exact = exact_posterior(design, spec.levels, 40)
    posterior = quadrature.integrate_posterior(design, spec)
    tables = [quadrature.terms_table(posterior), quadrature.taus_table(posterior)]
    np.testing.assert_allclose(
        np.concatenate([table["mean"] for table in tables]), exact.mean, rtol=1e-5
    )
    np.testing.assert_allclose(
        np.concatenate([table["sd"] for table in tables]), exact.sd, rtol=1e-5
    )


@pytest.mark.slow
@pytest.mark.usefixtures("trace_data")
def test_preclinical_by_nuts_and_without_the_most_surprising_study(spec: ModelSpec) -> None:
    design = build_design(datasets.read("preclinical"), spec)
    within_error(
        sample_posterior(design, spec, seed=2),
        quadrature.integrate_posterior(design, spec),
        errors=4,
    )
    left_out = quadrature.leave_one_study_out(design, spec)
    worst = str(left_out["study"].values[left_out["elpd"].values.argmin()])
    alone = quadrature.integrate_posterior(design, spec, without=[worst])
    np.testing.assert_allclose(
        left_out["mean"].sel(study=worst), quadrature.terms_table(alone)["mean"], rtol=1e-6
    )
    np.testing.assert_allclose(
        left_out["sd"].sel(study=worst), quadrature.terms_table(alone)["sd"], rtol=1e-6
    )


@pytest.mark.slow
@pytest.mark.usefixtures("trace_data")
@pytest.mark.parametrize("model", ["three-level", "four-level"])
@pytest.mark.parametrize("dataset", ["preclinical", "clinical", "clinical-all"])
def test_nuts_agrees_on_all_sets(dataset: str, model: str) -> None:
    spec = read_spec(model)
    design = build_design(datasets.read(dataset), spec)
    posterior = quadrature.integrate_posterior(design, spec)
    assert posterior.converged
    within_error(sample_posterior(design, spec, draws=2500, seed=6), posterior, errors=4)
