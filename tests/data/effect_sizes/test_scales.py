"""effects: the way back from every scale, empty cells, conversions, and what is guessed."""

import numpy as np
import pytest
from scipy.special import expit, logit

from bayesmeta.data.effect_sizes import MEASURES, conversions, measures_table
from bayesmeta.data.effect_sizes.zeros import notes

SHARES = np.array([0.001, 0.2, 0.5, 0.97])
CORRELATIONS = np.array([-0.9, 0.0, 0.3, 0.99])
RATIOS = np.array([0.01, 0.5, 1.0, 30.0])
ALPHAS = np.array([-0.5, 0.1, 0.7, 0.95])
LOGS = "OR RR PETO MPRR MPOR MPORM MPORC MPPETO IRR IRLN HR ROM ROMC VR VRC CVR CVRC MNLN SDLN CVLN"
LOGS += " D2OR D2ORL D2ORN"
THERE = {
    **dict.fromkeys(LOGS.split(), (np.log, RATIOS)),
    **dict.fromkeys(["ZCOR", "ZPCOR", "ZSPCOR", "ZPB", "ZBIS"], (np.arctanh, CORRELATIONS)),
    "PLO": (logit, SHARES),
    "PLN": (np.log, SHARES),
    "PAS": (lambda p: np.arcsin(np.sqrt(p)), SHARES),
    "IRS": (np.sqrt, RATIOS),
    "ZR2": (lambda r2: np.arctanh(np.sqrt(r2)), SHARES),
    "AHW": (lambda a: 1 - (1 - a) ** (1 / 3), ALPHAS),
    "ABT": (lambda a: -np.log(1 - a), ALPHAS),
    **dict.fromkeys(("RD", "PR", "MPRD"), (lambda points: points / 100, np.array([-50.0, 0, 12]))),
}
FOUR = {"ai": [0, 3, 0, 2, 0], "n1i": [14, 12, 21, 40, 9], "ci": [3, 0, 0, 5, 0]}
FOUR |= {"n2i": [12, 14, 20, 41, 9]}


@pytest.mark.parametrize("name", THERE)
def test_the_way_back_inverts_the_way_there(name):
    there, values = THERE[name]
    np.testing.assert_allclose(MEASURES[name].scale.back(there(values)), values, rtol=1e-12)


def test_a_measure_has_a_scale_or_is_read_as_it_is():
    assert {name for name, measure in MEASURES.items() if measure.scale.name} == set(THERE)


@pytest.mark.parametrize("name", MEASURES)
def test_ways_back_increase_so_that_quantiles_stay_quantiles(name):
    back = MEASURES[name].scale.back(np.linspace(-3, 3, 50))
    assert np.all(np.diff(back) >= 0)
    assert np.all(np.isfinite(back))


def test_a_difference_of_logarithms_is_a_ratio_and_of_other_scales_nothing():
    scale = MEASURES["OR"].scale.of_differences
    assert scale.name == "ratio of odds ratios"
    assert scale.back(np.log(3) - np.log(2)) == pytest.approx(1.5)
    odds_ratio = MEASURES["PLO"].scale.of_differences
    assert odds_ratio.name == "odds ratio"
    assert odds_ratio.back(logit(0.6) - logit(0.2)) == pytest.approx(1.5 / 0.25)
    assert MEASURES["PLN"].scale.of_differences.name == "risk ratio"
    assert MEASURES["ZCOR"].scale.of_differences.name == ""


def test_angles_and_roots_beyond_their_ends_stay_at_the_ends():
    assert MEASURES["PAS"].scale.back([-0.2, 2.0]).tolist() == [0, 1]
    assert MEASURES["IRS"].scale.back([-0.2]).tolist() == [0]


def test_values_without_effect_are_those_of_two_equal_groups():
    nulls = measures_table().set_index("measure")["null"]
    assert nulls[["SMD", "OR", "IRR", "ZCOR", "AS", "SMN"]].eq(0).all()
    assert nulls[["CLES", "AUC"]].eq(0.5).all()
    assert nulls[["PLO", "MN", "IRLN", "ABT", "R2", "PFT"]].isna().all()


def test_notes_name_the_rows_that_were_changed_and_those_without_events():
    columns = {name: np.array(values, float) for name, values in FOUR.items()}
    added, eventless = notes(columns, [2, 3, 4, 5, 6])
    assert added.startswith("1/2 is added to every cell at row 2, at row 3, at row 4, at row 6,")
    assert "has an event at row 4, at row 6:" in eventless
    assert MEASURES["OR"].notes(columns, [2, 3, 4, 5, 6]) == [added, eventless]
    assert MEASURES["AS"].notes(columns, [2, 3, 4, 5, 6]) == []


def test_a_single_group_without_events_is_no_trial_without_events():
    (added,) = notes({"xi": np.array([0.0, 4]), "ni": np.array([9.0, 4])}, None)
    assert added.startswith("1/2 is added to every cell at position 0, at position 1,")
    assert notes({"xi": np.array([0.0]), "ti": np.array([9.0])}, None)[0].startswith(
        "1/2 is added to the count at position 0,"
    )


GUESSES = {
    "SMD": "m1i sd1i n1i m2i sd2i n2i ri",
    "OR": "ai bi ci di n1i n2i xi",
    "IRR": "x1i t1i x2i t2i",
    "ZCOR": "ri ni",
    "SMCC": "m1i sd1i m2i sd2i ri ni",
    "PLO": "xi ni",
}


@pytest.mark.parametrize("name", GUESSES)
def test_measures_that_are_guessed_take_their_columns_and_no_others(name):
    guessed = [measure for measure in MEASURES.values() if measure.guessed]
    assert {measure.name for measure in guessed} == set(GUESSES)
    first = next(m for m in guessed if m.form(GUESSES[name].split()))
    assert first.name == name


def test_double_arcsine_warns_and_has_no_way_back():
    assert "Schwarzer" in MEASURES["PFT"].warning
    assert MEASURES["PFT"].scale.name == ""
    assert [name for name, measure in MEASURES.items() if measure.warning] == ["PFT"]


def test_variances_from_intervals_and_p_values_are_those_of_the_normal():
    z = 1.959963984540054
    assert conversions.variance_from_interval(1 - 0.3 * z, 1 + 0.3 * z) == pytest.approx(0.09)
    assert conversions.variance_from_interval(-1.6448536, 1.6448536, 90) == pytest.approx(1)
    assert conversions.variance_from_p(0.5, 0.05) == pytest.approx((0.5 / z) ** 2)
    yi, vi = conversions.log_ratio(2.0, 2 * np.exp(-0.2 * z), 2 * np.exp(0.2 * z))
    assert (yi, vi) == pytest.approx((np.log(2), 0.04))


@pytest.mark.parametrize("cells", [(12, 48, 20, 38), (5, 5, 5, 5), (3, 40, 90, 7)])
def test_tables_come_back_from_their_margins_and_a_ratio_or_phi(cells):
    a, b, c, d = cells
    margins = (a + b + c + d, a + b, a + c)
    back = conversions.cells_from_odds_ratio(np.array(a * d / (b * c)), *margins)
    assert back.tolist() == list(cells)
    phi, _ = MEASURES["PHI"](ai=a, bi=b, ci=c, di=d)
    assert conversions.cells_from_phi(phi, *margins).tolist() == list(cells)


def test_the_delta_method_gives_the_variance_of_a_logit():
    x, m = 30.0, 70.0
    yi, vi = MEASURES["PR"](xi=x, mi=m)
    transformed = conversions.by_delta(yi, vi, logit)
    assert transformed == pytest.approx(MEASURES["PLO"](xi=x, mi=m), rel=1e-6)
    assert expit(transformed[0]) == pytest.approx(0.3)
