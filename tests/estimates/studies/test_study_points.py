"""Cumulative means, and tables of funnel, radial and L'Abbé plots."""

import numpy as np
import pytest

from bayesmeta.estimates import studies
from bayesmeta.inference.quadrature import combination, integrate_posterior
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.spec import spec_of
from moderated import effects, tree_of


def test_a_cumulative_mean_is_that_of_the_studies_so_far() -> None:
    frame = effects(4)
    tree = tree_of(frame, "0 + species")
    table = studies.cumulative_table(tree, sort="year")
    design = tree["constant_data"].to_dataset()
    years = frame.groupby("study")["year"].first()
    for cell, term in (("rat", [1, 0]), ("mouse", [0, 1])):
        rows = table[table["cell"] == cell]
        assert years[rows["study"]].is_monotonic_increasing
        last = rows.iloc[-1]
        later = [study for study in years.index if years[study] > years[last["study"]]]
        posterior = integrate_posterior(design, spec_of(tree), without=later)
        mixture = combination(posterior, np.array(term, float))
        ends = [mixture.mean, mixture.quantile(0.025), mixture.quantile(0.975)]
        assert last[["estimate", "ci_lb", "ci_ub"]].tolist() == pytest.approx(ends, abs=2e-3)
        assert last["k"] == (frame["species"] == cell).sum()
        assert rows["studies"].tolist() == list(range(1, len(rows) + 1))


def test_a_cumulative_forest_is_one_of_means() -> None:
    with pytest.raises(BadInput, match="shows means, and this model has slopes; use bubble"):
        studies.cumulative_table(tree_of(effects(), "~ dose"))


def test_points_stand_cell_by_cell_with_the_mean_of_their_cell() -> None:
    frame = effects().set_index("effect")
    tree = tree_of(effects(), "0 + species")
    table = studies.points_of_effects(tree).set_index("effect")
    assert table["cell"].tolist() == sorted(table["cell"], key=["rat", "mouse"].index)
    np.testing.assert_array_equal(table["yi"], frame.loc[table.index, "yi"])
    assert (table["cell"] == frame.loc[table.index, "species"].astype(str)).all()
    means = tree["posterior"]["beta"].mean(("chain", "draw")).values
    assert table.groupby("cell", sort=False)["mean"].first().tolist() == pytest.approx(means)
    assert studies.points_of_effects(tree_of(effects(), "~ dose"))["mean"].isna().all()


def test_a_radial_plot_divides_by_the_sd_around_the_mean() -> None:
    tree = tree_of(effects(), "1")
    table = studies.radial_table(tree)
    posterior = tree["posterior"].dataset
    tau2 = sum(float(posterior[name].mean()) ** 2 for name in ("tau_study", "tau_group"))
    s = np.sqrt(effects()["vi"] + tau2)
    np.testing.assert_allclose(table["x"], 1 / s)
    np.testing.assert_allclose(table["y"], effects()["yi"] / s)
    with pytest.raises(BadInput, match="effects around means"):
        studies.radial_table(tree_of(effects(), "~ dose"))


def test_risks_are_shares_of_the_groups() -> None:
    counts = {"ai": 3, "n1i": 12, "ci": 8, "n2i": 16}
    table = studies.labbe_table(tree_of(effects(4).assign(**counts), "1"))
    assert (table["treated"] == 0.25).all()
    assert (table["control"] == 0.5).all()
    with pytest.raises(BadInput, match="the table has no ai, n1i, ci, n2i"):
        studies.labbe_table(tree_of(effects(4), "1"))
