"""Means, differences and slopes are different kinds of term.

Only a mean has new studies around it.
"""

from pathlib import Path

import pandas as pd
import pytest
import xarray as xr
from rich.console import Console

from bayesmeta.commands.options import Request, Sampling
from bayesmeta.commands.run import run
from bayesmeta.estimates import summaries
from bayesmeta.model.design import build_design, is_mean, is_small_study
from bayesmeta.model.spec import read_spec
from moderated import effects, tree_of

KINDS = {
    "1": ["mean"],
    "0 + species:phase": ["mean"] * 4,
    "~ species": ["mean", "difference"],
    "~ species * phase": ["mean", "difference", "difference", "difference"],
    "1 + species:phase": ["mean", "difference", "difference", "difference"],
    "~ C(species, contr.sum)": ["mean", "difference"],
    "~ dose": ["mean", "slope"],
    "0 + dose": ["slope"],
    "~ dose + species": ["mean", "slope", "difference"],
    "0 + species + species:dose": ["mean", "mean", "slope", "slope"],
    "0 + species + log(dose) + I(dose**2)": ["mean", "mean", "slope", "slope"],
    "1 + poly(dose, 2)": ["mean", "slope", "slope"],
}


@pytest.mark.parametrize("formula", KINDS)
def test_the_design_tells_kinds_apart(formula: str) -> None:
    design = build_design(effects(), read_spec("three-level").with_terms(formula.removeprefix("~")))
    order = {"mean": 0, "difference": 2, "slope": 1}
    found = design["kind_of_term"].values.tolist()
    assert sorted(found, key=order.__getitem__) == sorted(KINDS[formula], key=order.__getitem__)
    assert dict(zip(design["term"].values, found, strict=True)).get("intercept", "mean") == "mean"
    assert is_mean(design).tolist() == [kind == "mean" for kind in found]
    assert not is_small_study(design).any()


@pytest.fixture(scope="module")
def sloped() -> xr.DataTree:
    return tree_of(effects(), "0 + species + dose")


def test_a_slope_has_no_prediction_interval_no_studies_and_no_row_of_a_forest(
    sloped: xr.DataTree,
) -> None:
    means = {"rat", "mouse"}
    assert set(summaries.terms_table(sloped)["term"]) == {*means, "dose"}
    for table in (summaries.prediction_table, summaries.means_table, summaries.studies_table):
        assert set(table(sloped)["term"]) == means


def test_a_difference_from_the_intercept_has_none_either() -> None:
    tree = tree_of(effects(), "1 + species")
    assert set(summaries.prediction_table(tree)["term"]) == {"intercept"}
    assert set(summaries.studies_table(tree)["term"]) == {"intercept"}


@pytest.mark.parametrize(
    ("formula", "drawn", "absent"),
    [
        ("~ dose + year", ["forest", "means", "bubble_dose", "bubble_year"], ["bubble"]),
        ("0 + dose", ["forest", "bubble_dose", "taus"], ["means", "caterpillar", "orchard"]),
        ("~ species", ["forest", "means", "caterpillar"], ["bubble_species"]),
    ],
)
def test_a_fit_draws_slopes_as_lines(
    tmp_path: Path, formula: str, drawn: list[str], absent: list[str]
) -> None:
    effects().to_csv(tmp_path / "mine.csv", index=False)
    request = Request(str(tmp_path / "mine.csv"), moderators=formula)
    sampling = Sampling("quadrature", draws=250)
    assert run("fit", request, sampling, tmp_path / "out", Console(quiet=True)) == 0
    figures = {path.stem for path in (tmp_path / "out" / "figures").glob("*.svg")}
    assert set(drawn) <= figures
    assert not set(absent) & figures
    if formula == "~ dose + year":
        lines = pd.read_csv(tmp_path / "out" / "figures" / "bubble_dose-lines.csv")
        points = pd.read_csv(tmp_path / "out" / "figures" / "bubble_dose-points.csv")
        assert len(points) == len(effects())
        assert lines["mean"].is_monotonic_increasing
        assert pd.read_csv(tmp_path / "out" / "figures" / "means.csv")["term"].tolist() == [
            "intercept"
        ]
