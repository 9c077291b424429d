"""Reference grid, marginal means, contrasts and predictions equal those computed from draws."""

from collections.abc import Sequence
from typing import get_args

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayesmeta.estimates import margins
from bayesmeta.estimates.summaries import prediction_table, terms_table
from bayesmeta.infrastructure.choices import Weights
from bayesmeta.infrastructure.errors import BadInput
from moderated import FORMULA, tree_of


def by_hand(tree: xr.DataTree, dose: float, rat: bool, memory: bool) -> np.ndarray:
    """Draws of a mean, from the names of the terms."""
    beta = {
        str(draws["term"].item()): draws.values.ravel()
        for draws in tree["posterior"]["beta"].transpose("term", ...)
    }
    mean = beta["intercept"] + dose * beta["dose"] + memory * beta["phase[memory]"]
    return mean + (not rat) * (beta["species[mouse]"] + dose * beta["dose:species[mouse]"])


def test_a_grid_has_every_level_and_the_mean_of_numbers(
    tree: xr.DataTree, frame: pd.DataFrame
) -> None:
    grid = margins.reference_grid(tree)
    assert list(grid) == ["dose", "species", "phase"]
    assert grid["dose"].unique() == pytest.approx([frame["dose"].mean()])
    cells = [("rat", "learning"), ("rat", "memory"), ("mouse", "learning"), ("mouse", "memory")]
    assert list(grid[["species", "phase"]].itertuples(index=False, name=None)) == cells
    asked = margins.reference_grid(
        tree, margins.parse_at("dose=1, 2,5; species=rat", margins.moderators_of(tree))
    )
    assert asked["dose"].tolist() == [1, 1, 2, 2, 5, 5]
    assert set(asked["species"]) == {"rat"}


def test_predictions_are_the_new_rows_times_the_draws(tree: xr.DataTree) -> None:
    rows = pd.DataFrame(
        {"phase": ["memory", "learning"], "species": ["mouse", "rat"], "dose": [2.0, 20.0]}
    )
    table = margins.predicted_table(tree, rows)
    for at, draws in enumerate([by_hand(tree, 2, False, True), by_hand(tree, 20, True, False)]):
        wanted = [
            draws.mean(),
            draws.std(ddof=1),
            *np.quantile(draws, [0.025, 0.975]),
            (draws > 0).mean(),
        ]
        np.testing.assert_allclose(
            table.loc[at, ["mean", "sd", "ci_lb", "ci_ub", "p_positive"]].astype(float), wanted
        )
    assert table["outside"].tolist() == ["", "dose"]


def test_counts_are_of_the_effects_in_the_cell(tree: xr.DataTree, frame: pd.DataFrame) -> None:
    table = margins.predicted_table(tree, margins.reference_grid(tree))
    for row in table.to_dict("records"):
        cell = frame[(frame["species"] == row["species"]) & (frame["phase"] == row["phase"])]
        assert (row["k"], row["studies"]) == (len(cell), cell["study"].nunique())


def test_prediction_intervals_hold_for_simulated_studies_and_groups(tree: xr.DataTree) -> None:
    row = pd.DataFrame({"phase": ["memory"], "species": ["rat"], "dose": [3.0]})
    table = margins.predicted_table(tree, row)
    rng = np.random.default_rng(4)
    study, group = (
        np.tile(tree["posterior"][f"tau_{level}"].values.ravel(), 200)
        for level in ("study", "group")
    )
    new_study = np.tile(by_hand(tree, 3, True, True), 200) + rng.normal(0, study)
    new_group = new_study + rng.normal(0, group)
    for level, drawn in (("study", new_study), ("group", new_group)):
        ends = table[[f"pi_{level}_lb", f"pi_{level}_ub"]].to_numpy()[0]
        np.testing.assert_allclose(ends, np.quantile(drawn, [0.025, 0.975]), atol=0.015)
    assert table["pi_group_lb"][0] < table["pi_study_lb"][0] < table["ci_lb"][0]


def test_cells_are_predicted_as_the_fit_predicts_them(frame: pd.DataFrame) -> None:
    tree = tree_of(frame, "0 + species:phase")
    table = margins.predicted_table(tree, margins.reference_grid(tree)).assign(
        term=lambda rows: rows["species"].astype(str) + ":" + rows["phase"].astype(str)
    )
    both = table.merge(terms_table(tree), on="term", suffixes=("", "_fit"))
    assert len(both) == 4
    np.testing.assert_allclose(
        both[["mean", "sd", "ci_lb"]], both[["mean_fit", "sd_fit", "ci_lb_fit"]]
    )
    fitted = prediction_table(tree).query("level == 'group'").set_index("term").loc[table["term"]]
    np.testing.assert_allclose(table[["pi_group_lb", "pi_group_ub"]], fitted[["pi_lb", "pi_ub"]])


@pytest.mark.parametrize("weights", get_args(Weights))
def test_marginal_means_average_over_the_grid(
    tree: xr.DataTree, frame: pd.DataFrame, weights: str
) -> None:
    table = margins.marginal_table(tree, "species", at={"dose": [4]}, weights=weights)
    memory = 0.5 if weights == "equal" else (frame["phase"] == "memory").mean()
    assert table["species"].tolist() == ["rat", "mouse"]
    for at, rat in enumerate([True, False]):
        draws = (1 - memory) * by_hand(tree, 4, rat, False) + memory * by_hand(tree, 4, rat, True)
        np.testing.assert_allclose(
            table.loc[at, ["mean", "ci_ub"]].astype(float),
            [draws.mean(), np.quantile(draws, 0.975)],
        )
    pairs = margins.pairs_table(
        tree, margins.marginal_weights(tree, "species", at={"dose": [4]}, weights=weights)
    )
    difference = by_hand(tree, 4, True, False) - by_hand(tree, 4, False, False)
    assert pairs["contrast"].tolist() == ["rat - mouse"]
    assert pairs["mean"][0] == pytest.approx(difference.mean())
    assert pairs["p_rope"][0] == pytest.approx((abs(difference) < 0.2).mean())
    assert pairs["p_positive"][0] == pytest.approx((difference > 0).mean())


def test_means_of_combinations_and_of_the_complete_grid(tree: xr.DataTree) -> None:
    both = margins.marginal_weights(tree, "phase", "species")
    assert both["contrast"].values.tolist() == [
        "learning:rat",
        "learning:mouse",
        "memory:rat",
        "memory:mouse",
    ]
    complete = margins.marginal_weights(tree)
    np.testing.assert_allclose(complete.values, both.mean("contrast").values[None])
    assert margins.pairwise(both)["contrast"].values[0] == "learning:rat - learning:mouse"
    assert margins.pairwise(both).sizes["contrast"] == 6
    with pytest.raises(BadInput, match="needs two means"):
        margins.pairwise(complete)


def test_means_over_cells_without_effects_are_left_out(frame: pd.DataFrame) -> None:
    thin = frame[(frame["species"] == "rat") | (frame["phase"] == "learning")]
    tree = tree_of(thin, "0 + species:phase")
    assert margins.marginal_weights(tree, "species")["contrast"].values.tolist() == ["rat"]
    table = margins.predicted_table(tree, margins.reference_grid(tree))
    assert table["mean"].isna().tolist() == [False, False, False, True]
    with pytest.raises(BadInput, match="no row can be predicted"):
        margins.predicted_table(tree, pd.DataFrame({"species": ["mouse"], "phase": "memory"}))


@pytest.mark.parametrize(
    "formula", [FORMULA, "~ poly(dose, 2) * species", "~ np.log(dose) + phase"]
)
def test_predictions_do_not_depend_on_the_unit(frame: pd.DataFrame, formula: str) -> None:
    shift = 0.0 if "log" in formula else -20.0  # a logarithm allows no shift
    other = frame.assign(dose=1000 * frame["dose"] + shift)
    doses = [1.0, 4.0]
    weights = []
    fits = []
    for table, grid in ((frame, doses), (other, [1000 * dose + shift for dose in doses])):
        tree = tree_of(table, formula)
        weights.append(margins.row_weights(tree, margins.reference_grid(tree, {"dose": grid})))
        fits.append(np.linalg.lstsq(tree["constant_data"]["X"].values, frame["yi"].to_numpy())[0])
    np.testing.assert_allclose(weights[0].values @ fits[0], weights[1].values @ fits[1], rtol=1e-6)


def test_taus_are_those_of_the_row_s_stratum(frame: pd.DataFrame) -> None:
    tree = tree_of(frame, "~ dose", more='tau_by = "species"')
    table = margins.predicted_table(tree, margins.reference_grid(tree, {"dose": [2.0]})).set_index(
        "species"
    )
    width = table["pi_study_ub"] - table["pi_study_lb"]
    assert width["rat"] > 1.5 * width["mouse"]  # the second stratum's taus are twice the first's
    assert table["mean"].iloc[0] == table["mean"].iloc[1]
    over = margins.marginal_table(tree, "dose", at={"dose": [2.0]})
    assert over["pi_study_lb"].isna().all()
    assert over["mean"][0] == pytest.approx(table["mean"].iloc[0])
    with pytest.raises(BadInput, match="the rows lack species"):
        margins.predicted_table(tree, pd.DataFrame({"dose": [1.0]}))


def test_heavy_tails_widen_the_prediction_of_a_study(frame: pd.DataFrame) -> None:
    tree = tree_of(frame, "1")
    normal = margins.predicted_table(tree, margins.reference_grid(tree))
    nu = xr.full_like(tree["posterior"]["tau_study"], 3.0)
    heavy = tree.copy()
    heavy["posterior"] = tree["posterior"].to_dataset().assign(nu=nu)
    far = margins.predicted_table(heavy, margins.reference_grid(heavy))
    ratio = float(
        (far["pi_study_ub"] - far["mean"])[0] / (normal["pi_study_ub"] - normal["mean"])[0]
    )
    assert 1.35 < ratio < 1.9  # of a t with 3 degrees of freedom to a normal, 3.18 / 1.96 = 1.62
    assert far["ci_lb"][0] == normal["ci_lb"][0]


def test_an_intercept_alone_has_a_grid_of_one_row(frame: pd.DataFrame) -> None:
    tree = tree_of(frame, "1")
    table = margins.predicted_table(tree, margins.reference_grid(tree))
    assert len(table) == 1
    assert table["mean"][0] == pytest.approx(float(tree["posterior"]["beta"].mean()))
    assert (table["k"][0], table["studies"][0]) == (120, 40)


def test_curves_are_marginal_means_along_a_number(tree: xr.DataTree, frame: pd.DataFrame) -> None:
    assert margins.axes_of(margins.moderators_of(tree)) == ("dose", "species")
    lines = margins.conditional_table(tree, "dose", "species")
    assert lines["line"].unique().tolist() == ["rat", "mouse"]
    mouse = lines[lines["line"] == "mouse"]
    assert (mouse["x"].min(), mouse["x"].max()) == (frame["dose"].min(), frame["dose"].max())
    last = mouse.iloc[-1]
    draws = 0.5 * (by_hand(tree, last["x"], False, False) + by_hand(tree, last["x"], False, True))
    np.testing.assert_allclose(
        [last["mean"], last["ci_lb"]], [draws.mean(), np.quantile(draws, 0.025)]
    )
    assert (mouse["pi_lb"] < mouse["ci_lb"]).all()
    points = margins.points_table(tree, "dose", "species")
    np.testing.assert_allclose(points["sei"] ** 2, frame["vi"])
    assert points["line"].tolist() == frame["species"].astype(str).tolist()


@pytest.mark.parametrize(
    ("asked", "axes"),
    [
        ({}, ("dose", "phase")),
        ({"year": [2000, 2010]}, ("year", "phase")),
        ({"dose": [1, 2]}, ("dose", "phase")),
    ],
)
def test_the_axis_is_the_number_that_was_asked_for(
    frame: pd.DataFrame, asked: dict[str, Sequence[float]], axes: tuple[str, str]
) -> None:
    tree = tree_of(frame, "~ dose + year + phase")
    assert margins.axes_of(margins.moderators_of(tree), asked) == axes


def test_persons_per_1000_have_the_quantiles_of_the_draws(tree: xr.DataTree) -> None:
    rows = pd.DataFrame({"phase": ["memory"], "species": ["rat"], "dose": [2.0]})
    table = margins.absolute_table(margins.predicted_table(tree, rows), "odds ratio", [0.1, 0.25])
    odds = np.exp(by_hand(tree, 2, True, True)) / 3
    persons = 1000 * odds / (1 + odds)
    got = table.loc[1, ["per_1000_ci_lb", "per_1000_ci_ub"]].astype(float)
    np.testing.assert_allclose(got, np.quantile(persons, [0.025, 0.975]), rtol=1e-3)
    assert table["baseline_per_1000"].tolist() == [100, 250]
    shift = table["per_1000_ci_lb"] - table["difference_per_1000_ci_lb"]
    assert shift.tolist() == pytest.approx([100, 250])
    assert (table["per_1000_pi_lb"] < table["per_1000_ci_lb"]).all()
    with pytest.raises(BadInput, match="baseline is 'high'"):
        margins.parse_baselines("high")
