"""Tables of estimates, on a tree written by hand."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.stats import norm

from bayesmeta.estimates import summaries
from bayesmeta.model.design import typical_variance
from bayesmeta.model.spec import spec_of


def test_terms_table_has_the_contract_columns(handmade: xr.DataTree) -> None:
    table = summaries.terms_table(handmade)
    columns = "term mean sd median ci_lb ci_ub p_positive ess_bulk ess_tail r_hat mcse_mean"
    assert " ".join(table.columns) == columns
    draws = handmade["posterior"].dataset["beta"].values.reshape(-1, 2)
    np.testing.assert_allclose(table["mean"], draws.mean(0))
    np.testing.assert_allclose(table["sd"], draws.std(0, ddof=1))
    np.testing.assert_allclose(
        table[["ci_lb", "ci_ub"]].T, np.quantile(draws, [0.025, 0.975], axis=0)
    )


def test_heterogeneity_adds_up(handmade: xr.DataTree) -> None:
    table = summaries.heterogeneity_table(handmade).set_index("level")
    assert list(table.index) == ["study", "group", "total"]
    assert table.loc[["study", "group"], "i2_mean"].sum() == pytest.approx(
        table.loc["total", "i2_mean"]
    )
    posterior = handmade["posterior"].dataset
    study, group = (posterior[name].values.ravel() for name in ("tau_study", "tau_group"))
    assert table.loc["total", "tau_mean"] == pytest.approx(np.hypot(study, group).mean())
    design = handmade["constant_data"].dataset
    typical = typical_variance(design)
    assert table.loc["study", "i2_mean"] == pytest.approx(
        (100 * study**2 / (study**2 + group**2 + typical)).mean()
    )


def test_contraction_compares_posterior_and_prior_variance(handmade: xr.DataTree) -> None:
    table = summaries.heterogeneity_table(handmade).set_index("level")
    prior = spec_of(handmade).priors["tau"].distribution
    for level in ("study", "group"):
        variance = float(handmade["posterior"].dataset[f"tau_{level}"].values.var(ddof=1))
        assert table.loc[level, "contraction"] == pytest.approx(1 - variance / prior.var())
    assert np.isnan(table.loc["total", "contraction"])


def test_i2_of_student_studies_takes_their_variance(handmade: xr.DataTree) -> None:
    draws = handmade["posterior"].to_dataset()
    degrees = xr.full_like(draws["tau_study"], 6.0)
    degrees[0, 0] = 1.5  # without a variance: all of the heterogeneity
    tree = handmade.copy()
    tree["posterior"] = xr.DataTree(draws.assign(nu=degrees))
    table = summaries.heterogeneity_table(tree).set_index("level")
    study, group = (draws[name].values.ravel() for name in ("tau_study", "tau_group"))
    study = 1.5 * study**2  # nu / (nu - 2)
    share = study / (study + group**2 + typical_variance(handmade["constant_data"].dataset))
    share[0] = 1.0
    assert table.loc["study", "i2_mean"] == pytest.approx(100 * share.mean())


def test_prediction_interval_is_exact() -> None:
    lower, upper = summaries.prediction_interval(np.array([1.0]), np.array([2.0]))
    assert [lower, upper] == pytest.approx(norm.ppf([0.025, 0.975], 1, 2).tolist())
    mean = np.array([-3.0, 0.0, 4.0])
    sd = np.array([1.0, 0.5, 2.0])
    ends = summaries.prediction_interval(mean, sd)
    below = [norm.cdf(end, mean, sd).mean() for end in ends]
    assert below == pytest.approx([0.025, 0.975])


def test_prediction_widens_level_by_level(handmade: xr.DataTree) -> None:
    table = summaries.prediction_table(handmade).set_index(["level", "term"])
    assert (table.loc["group", "pi_ub"] > table.loc["study", "pi_ub"]).all()
    simulated = np.random.default_rng(2).normal(size=(1000, 400))
    posterior = handmade["posterior"].dataset
    new = (
        posterior["beta"].values.reshape(-1, 2)[:, :1]
        + posterior["tau_study"].values.reshape(-1, 1) * simulated
    )
    assert table.loc[("study", "neutral:memory"), "pi_lb"] == pytest.approx(
        np.quantile(new, 0.025), abs=0.02
    )


def test_sizes_and_forest(handmade: xr.DataTree) -> None:
    forest = summaries.means_table(handmade).set_index("term")
    assert forest.loc["neutral:memory", ["k", "studies", "pi_level"]].tolist() == [3, 3, "group"]
    assert summaries.sizes_table(handmade)["groups"].tolist() == [3, 1]


def test_studies_are_cell_plus_study_effect(handmade: xr.DataTree) -> None:
    table = summaries.studies_table(handmade)
    assert list(zip(table["term"], table["study"], table["k"], strict=True)) == [
        ("neutral:memory", "a", 1),
        ("neutral:memory", "b", 1),
        ("neutral:memory", "c", 1),
        ("fear:memory", "b", 2),
    ]
    posterior = handmade["posterior"].dataset
    draws = posterior["beta"].sel(term="fear:memory") + posterior["u"].sel(study="b")
    last = table.iloc[-1]
    assert last["mean"] == pytest.approx(float(draws.mean()))
    assert last["ci_lb"] == pytest.approx(float(draws.quantile(0.025)))
    assert last["term_mean"] == pytest.approx(summaries.terms_table(handmade)["mean"][1])


def test_densities_integrate_to_one_and_stay_positive(handmade: xr.DataTree) -> None:
    table = summaries.density_table(handmade)
    assert (table["tau"] >= 0).all()
    posterior = table[(table["which"] == "posterior") & (table["level"] == "study")]
    assert np.trapezoid(posterior["density"], posterior["tau"]) == pytest.approx(1, abs=0.03)
    assert set(zip(table["level"], table["which"], strict=True)) == {
        (level, which) for level in ("study", "group") for which in ("prior", "posterior")
    }
    assert isinstance(table, pd.DataFrame)


def test_parameters_besides_terms_and_taus(handmade: xr.DataTree) -> None:
    """A scalar and a vector with labels; nothing where the model estimates nothing else."""
    assert summaries.parameters_table(handmade).empty
    draws = handmade["posterior"].dataset
    rng = np.random.default_rng(1)
    weights = xr.DataArray(
        rng.gamma(4, 0.1, (2, 500, 2)),
        {"weight": ["p > .025", "p > .5"]},
        ["chain", "draw", "weight"],
    )
    more = draws.assign(rho=(("chain", "draw"), rng.beta(2, 2, (2, 500))), weights=weights)
    table = summaries.parameters_table(xr.DataTree.from_dict({"posterior": more})).set_index(
        "parameter"
    )
    assert table.index.tolist() == ["rho", "weights[p > .025]", "weights[p > .5]"]
    assert table.loc["rho", "mean"] == pytest.approx(float(more["rho"].mean()))
    flat = weights.sel(weight="p > .5").values.ravel()
    assert table.loc["weights[p > .5]", "ci_ub"] == pytest.approx(np.quantile(flat, 0.975))
    assert (table["ess_bulk"] > 500).all()
    assert (table["r_hat"] < 1.02).all()


def test_orchard_puts_each_effect_beside_its_term(handmade: xr.DataTree) -> None:
    table = summaries.orchard_table(handmade)
    terms, effects = (table[table["part"] == part] for part in ("term", "effect"))
    forest = summaries.means_table(handmade)
    np.testing.assert_allclose(
        terms[["estimate", "ci_lb", "pi_ub"]], forest[["mean", "ci_lb", "pi_ub"]]
    )
    assert (
        terms[["term", "k", "studies"]].values.tolist()
        == forest[["term", "k", "studies"]].values.tolist()
    )
    assert effects["effect"].tolist() == ["e0", "e1", "e4", "e2", "e3"]
    assert effects["term"].tolist() == ["neutral:memory"] * 3 + ["fear:memory"] * 2
    assert effects["study"].tolist() == list("abcbb")
    np.testing.assert_allclose(effects["estimate"], [-1.0, -0.9, -1.2, 0.4, 0.6])
    np.testing.assert_allclose(effects["se"] ** 2, [0.1, 0.2, 0.2, 0.1, 0.3])


def test_orchard_has_no_row_for_an_effect_of_several_terms(handmade: xr.DataTree) -> None:
    tree = handmade.copy()
    design = tree["constant_data"].to_dataset()
    both = design["X"].copy()
    both[0] = 1
    tree["constant_data"] = xr.DataTree(design.assign(X=both))
    effects = summaries.orchard_table(tree).query("part == 'effect'")
    assert "e0" not in set(effects["effect"])
    assert len(effects) == 4
