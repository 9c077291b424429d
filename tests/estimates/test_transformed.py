"""estimates: both scales of terms, contrasts, predictions and the REML comparison."""

import io

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from rich.console import Console

from bayesmeta import contrasts, effects, fit, marginal_contrasts, predict, prediction, reml, terms
from bayesmeta.commands.compare import comparison_tables, estimate_both
from bayesmeta.commands.console.estimates import print_comparison, print_fit
from bayesmeta.commands.console.printer import Printer
from bayesmeta.commands.console.tables import print_predictions
from bayesmeta.commands.request import Inputs
from bayesmeta.estimates.transformed import shown_tables, transformed, without_transformed
from bayesmeta.model.design import build_design
from bayesmeta.model.spec import read_spec
from bayesmeta.output.pages.tables import shown_table
from vaccine_trials import COUNTS

LEVELS = np.array([0.025, 0.5, 0.975])
LIMITS = ["ci_lb_transformed", "median_transformed", "ci_ub_transformed"]


@pytest.fixture(scope="module")
def vaccine() -> pd.DataFrame:
    trials = pd.DataFrame({"study": [f"trial {n}" for n in range(1, 14)]} | COUNTS)
    trials["place"] = ["near" if n % 2 else "far" for n in range(13)]
    trials["latitude"] = np.linspace(-1, 1, 13)
    return effects("RR", trials)


@pytest.fixture(scope="module")
def cells(vaccine: pd.DataFrame) -> xr.DataTree:
    how = {"sampler": "quadrature", "draws": 200, "progress": False}
    return fit(vaccine, moderators="place", **how)


@pytest.fixture(scope="module")
def slopes(vaccine: pd.DataFrame) -> xr.DataTree:
    how = {"sampler": "quadrature", "draws": 200, "progress": False}
    return fit(vaccine, moderators="1 + latitude", **how)


def test_quantiles_of_terms_are_transformed_and_the_mean_is_not(cells: xr.DataTree) -> None:
    table = terms(cells)
    beta = cells["posterior"]["beta"]
    quantiles = np.exp(beta.quantile(LEVELS, ("chain", "draw"))).transpose("term", "quantile")
    np.testing.assert_allclose(table[LIMITS], quantiles)
    assert table["scale"].tolist() == ["risk ratio", "risk ratio"]
    assert not [name for name in table if name == "mean_transformed"]


def test_a_contrast_of_log_ratios_is_a_ratio_of_ratios(cells: xr.DataTree) -> None:
    row = contrasts(cells, "near - far").iloc[0]
    assert row["scale"] == "ratio of risk ratios"
    beta = cells["posterior"]["beta"]
    ratio = np.exp(beta.sel(term="near") - beta.sel(term="far"))
    np.testing.assert_allclose(row[LIMITS].tolist(), ratio.quantile(LEVELS), rtol=1e-3)
    pair = marginal_contrasts(cells, "place").iloc[0]
    assert pair["scale"] == "ratio of risk ratios"
    np.testing.assert_allclose(pair["ci_lb_transformed"], np.exp(pair["ci_lb"]))


def test_a_sum_of_means_has_no_scale(cells: xr.DataTree) -> None:
    table = contrasts(cells, ["near + far", "0.5 * near + 0.5 * far"])
    assert table["scale"].tolist() == ["", "risk ratio"]
    assert table["median_transformed"].isna().tolist() == [True, False]


def test_a_slope_of_log_ratios_is_a_ratio_per_unit(slopes: xr.DataTree) -> None:
    table = terms(slopes).set_index("term")
    assert table["scale"].to_dict() == {
        "intercept": "risk ratio",
        "latitude": "ratio of risk ratios",
    }
    row = table.loc["latitude"]
    assert row["ci_ub_transformed"] == pytest.approx(np.exp(row["ci_ub"]))


def test_prediction_intervals_are_transformed(cells: xr.DataTree) -> None:
    table = prediction(cells)
    np.testing.assert_allclose(table["pi_lb_transformed"], np.exp(table["pi_lb"]))
    predicted = predict(cells)
    np.testing.assert_allclose(
        predicted["pi_study_ub_transformed"], np.exp(predicted["pi_study_ub"])
    )
    plain = predict(cells, transform="none")
    assert list(plain) == [
        name for name in predicted if name != "scale" and not str(name).endswith("_transformed")
    ]


def test_effects_that_are_read_as_they_are_have_no_other_columns(cells: xr.DataTree) -> None:
    assert transformed([], {}) == {}
    tables = shown_tables({"terms": terms(cells)}, "none")
    assert list(tables["terms"])[-1] == "mcse_mean"
    other = pd.DataFrame({"scale": ["a"]})
    assert without_transformed(other) is other


def text_of(show: object, *arguments: object, **options: object) -> str:
    console = Console(file=io.StringIO(), width=130)
    show(Printer(console), *arguments, **options)  # type: ignore[operator]
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_the_console_shows_ratios_beside_logarithms(cells: xr.DataTree) -> None:
    tables = {"terms": terms(cells).head(1), "contrasts": contrasts(cells, "near - far")}
    tables["heterogeneity"] = pd.DataFrame()
    row = tables["terms"].iloc[0]
    passed = {"warnings": [], "failures": [], "passed": True, "divergences": 0}
    passed |= {"max_r_hat": 1.0, "min_ess_bulk": 4000, "min_ess_tail": 4000}
    text = text_of(print_fit, tables, passed)
    numbers = [f"{row[name]:.2f}" for name in ("median_transformed", *LIMITS[::2])]
    assert "risk ratio [95 %]" in text
    assert f"{numbers[0]} [{numbers[1]}, {numbers[2]}]" in text
    assert "ratio of risk ratios [95 %]" in text
    predicted = text_of(print_predictions, predict(cells), 0)
    assert "risk ratio [95 %]" in predicted
    assert predicted.count("new study") == 2


def test_reml_of_the_vaccine_trials_is_shown_as_a_risk_ratio(vaccine: pd.DataFrame) -> None:
    spec = read_spec("three-level").with_levels(("study",)).with_terms("1")
    frame = vaccine.assign(group=vaccine["study"], effect=vaccine["study"])
    frame.attrs = vaccine.attrs | {"dataset": "bcg"}
    design = build_design(frame, spec)
    tables, _ = comparison_tables(estimate_both(design, spec), Inputs(frame, spec, design, []))
    row = tables["frequentist"].iloc[0]
    assert row["estimate"] == pytest.approx(-0.7145323, abs=1e-5)  # metafor: rma(measure="RR")
    ends = row[["estimate_transformed", "ci_lb_transformed", "ci_ub_transformed"]].tolist()
    assert ends == pytest.approx([0.489421, 0.344074, 0.696166], abs=1e-4)
    text = text_of(print_comparison, tables, normal=False)
    assert "0.49 [0.34, 0.70]" in text
    of_tau = tables["comparison"].set_index("term").loc["tau_study"]
    assert of_tau["scale"] == ""
    assert np.isnan(of_tau["median_transformed"])


def test_reml_in_python_has_ratios_and_a_ratio_of_ratios(vaccine: pd.DataFrame) -> None:
    table = reml(vaccine, moderators="place", question="near - far").terms.set_index("term")
    scales = ["risk ratio", "risk ratio", "ratio of risk ratios"]
    assert table["scale"].tolist() == scales
    np.testing.assert_allclose(table["estimate_transformed"], np.exp(table["estimate"]))


def test_a_page_shows_both_scales_before_the_diagnostics(cells: xr.DataTree) -> None:
    heads = [column["name"] for column in shown_table("terms", "Terms", terms(cells))["columns"]]
    assert heads.index("ci_ub_transformed") + 1 == heads.index("ess_bulk")
    assert heads[-1] == "mcse_mean"
