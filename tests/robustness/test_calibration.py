"""Ranks are uniform where the model is right, and not where it is wrong."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bayesmeta.model.design import build_design
from bayesmeta.model.spec import Prior, read_spec
from bayesmeta.robustness.calibration import (
    band_of_ecdf,
    calibration_table,
    curves_table,
    refit_sets,
    sentences,
)
from standardised import simulate_smds

SPEC = replace(read_spec("intercept"), levels=("study",))


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Twelve studies of one effect of 4 persons an arm."""
    study = np.arange(12)
    rng = np.random.default_rng(3)
    return simulate_smds(rng, study, study, mean=0, taus=(0.5, 0, 0), sizes=(4, 4))


@pytest.fixture(scope="module")
def sets(frame: pd.DataFrame) -> pd.DataFrame:
    return refit_sets(build_design(frame, SPEC), SPEC, "", 1, 0, 80, 99)


def test_a_right_model_is_calibrated(sets: pd.DataFrame) -> None:
    assert sets["parameter"].unique().tolist() == ["intercept", "tau_study"]
    assert sets["set"].nunique() == 80
    assert sets["rank"].between(0, 99).all()
    table = calibration_table(sets).set_index("parameter")
    assert table["uniform"].all()
    assert table["coverage"].between(0.89, 0.99).all()
    assert (table["bias"].abs() < 4 * table["bias_se"]).all()
    assert table.loc["intercept", "contraction"] > 0.9 > table.loc["tau_study", "contraction"] > 0.3
    assert "within their simultaneous 95 % bands" in sentences(calibration_table(sets))[1]


def test_truths_are_the_prior(sets: pd.DataFrame) -> None:
    intercepts = sets.query("parameter == 'intercept'")["truth"]
    sd = SPEC.priors["terms"].parameters[1]
    assert intercepts.std() == pytest.approx(sd, rel=0.2)
    assert (sets.query("parameter == 'tau_study'")["truth"] > 0).all()


@pytest.mark.slow
def test_a_wrong_likelihood_is_found(frame: pd.DataFrame) -> None:
    """Hedges' g of 4 persons an arm under a normal likelihood: means are pulled to zero."""
    large = replace(SPEC, priors={**SPEC.priors, "terms": Prior("Normal", (2.0, 0.5))})
    found = calibration_table(refit_sets(build_design(frame, large), large, "t", 1, 0, 120, 99))
    wrong = found.set_index("parameter")
    assert not wrong.loc["intercept", "uniform"]
    assert wrong.loc["intercept", "bias"] < -4 * wrong.loc["intercept", "bias_se"]
    text = " ".join(sentences(wrong.reset_index()))
    assert "Ranks are not uniform: intercept" in text


@pytest.mark.slow
def test_the_exact_likelihood_is_calibrated(frame: pd.DataFrame) -> None:
    spec = replace(SPEC, likelihood="t")
    table = calibration_table(refit_sets(build_design(frame, spec), spec, "", 1, 0, 120, 99))
    assert table["uniform"].all()
    assert table["coverage"].between(0.89, 0.99).all()


def test_the_same_seed_gives_the_same_sets_in_any_batch(
    frame: pd.DataFrame, sets: pd.DataFrame
) -> None:
    later = refit_sets(build_design(frame, SPEC), SPEC, "", 1, 7, 2, 99)
    pd.testing.assert_frame_equal(
        later, sets[sets["set"].isin([7, 8])].reset_index(drop=True), rtol=1e-12
    )


def test_the_band_holds_as_often_as_it_says() -> None:
    z, lower, upper = band_of_ecdf(150, 20)
    uniform = np.random.default_rng(5).random((2000, 150))
    ecdf = (uniform[:, :, None] <= z).mean(1)
    inside = ((lower <= ecdf) & (ecdf <= upper)).all(1).mean()
    assert inside == pytest.approx(0.95, abs=0.02)


def test_curves_are_those_of_the_ranks() -> None:
    part = pd.DataFrame({"parameter": "a", "rank": [0] * 50, "draws": 99})
    curves = curves_table(part.assign(set=range(50)))
    assert (curves["ecdf"] == 1).all()
    assert (curves["upper"] < 1).any()


@pytest.mark.slow
@pytest.mark.parametrize("draws", [59, 200])
def test_few_draws_cover_as_often_as_many(draws: int) -> None:
    """Truths and draws from one distribution: with linear quantiles of 59 draws .92 are inside."""
    rng = np.random.default_rng(1)
    truth, drawn = rng.standard_normal(20_000), rng.standard_normal((20_000, draws))
    sets = pd.DataFrame({"parameter": "a", "truth": truth, "draws": draws, "k_hat": np.nan})
    sets = sets.assign(mean=0.0, sd=1.0, prior_sd=1.0, rank=(drawn < truth[:, None]).sum(1))
    assert calibration_table(sets)["coverage"][0] == pytest.approx(0.95, abs=0.005)
