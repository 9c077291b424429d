"""Rows of a forest: weights and means of studies are metafor's, shrunken means add up by hand."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.stats import norm

from bayesmeta.estimates import studies
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import build_design
from bayesmeta.model.design.contrasts import with_model
from bayesmeta.model.spec import parse_spec
from moderated import effects, tree_of

FILE = Path(__file__).parents[2] / "reference" / "study_weights.json"
CASES: list[dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))["cases"]
TEXT = """
terms = "1"
levels = {levels}
rho = {rho}
[priors.terms]
prior = "Normal(0, 1.5)"
[priors.tau]
prior = "HalfNormal(1)"
"""
SYMBOLS = {"study": "u", "group": "w", "effect": "d"}


def tree_of_case(case: dict[str, Any]) -> xr.DataTree:
    """Draws that are all the same: metafor's estimates, and any random effects."""
    frame = pd.DataFrame(case["data"])
    for level in SYMBOLS:
        frame[level] = level[0] + frame[level].astype(str).str.zfill(2)
    spec = parse_spec(TEXT.format(levels=case["levels"], rho=case["rho"]), "case")
    design = build_design(frame, spec)
    labels = {"chain": [0, 1], "draw": [0, 1]}
    labels |= {level: design[level].values for level in SYMBOLS}
    drawn: dict[str, Any] = {"beta": (("chain", "draw", "term"), np.full((2, 2, 1), case["beta"]))}
    for level, tau in zip(case["levels"], case["tau"], strict=True):
        drawn[f"tau_{level}"] = (("chain", "draw"), np.full((2, 2), tau))
        values = np.sin(np.arange(design.sizes[level]))
        drawn[SYMBOLS[level]] = (("chain", "draw", level), np.tile(values, (2, 2, 1)))
    posterior = xr.Dataset(drawn, labels)
    groups = {"posterior": posterior, "constant_data": with_model(design, spec)}
    return xr.DataTree.from_dict(groups)


@pytest.fixture(params=CASES, ids=[case["name"] for case in CASES])
def case(request: pytest.FixtureRequest) -> dict[str, Any]:
    given: dict[str, Any] = request.param
    return given


def test_weights_are_metafors(case: dict[str, Any]) -> None:
    tree = tree_of_case(case)
    given = studies.row_sum_weights(tree, np.array(case["tau"]))
    np.testing.assert_allclose(given, case["weight"], rtol=1e-6)
    np.testing.assert_allclose(studies.row_sum_weights(tree), case["weight"], rtol=1e-6)
    yi = case["data"]["yi"]
    assert given @ yi / 100 == pytest.approx(case["beta"], rel=1e-6)  # their weighted mean


def test_means_of_studies_are_metafors_aggregate(case: dict[str, Any]) -> None:
    table = studies.study_table(tree_of_case(case)).query("part == 'study'")
    assert table["study"].tolist() == [f"s{study:02d}" for study in case["study"]["study"]]
    np.testing.assert_allclose(table["estimate"], case["study"]["yi"], rtol=1e-10)
    np.testing.assert_allclose(table["se"] ** 2, case["study"]["vi"], rtol=1e-10)
    half = norm.ppf(0.975) * table["se"]
    np.testing.assert_allclose(table["ci_ub"] - table["estimate"], half)
    weight = pd.Series(case["weight"]).groupby(case["data"]["study"]).sum()
    np.testing.assert_allclose(table["weight"], weight, rtol=1e-6)


def test_a_shrunken_mean_is_the_true_effect(case: dict[str, Any]) -> None:
    tree = tree_of_case(case)
    table = studies.study_table(tree, nested=True)
    posterior = tree["posterior"].to_dataset().isel(chain=0, draw=0)
    single = table[(table["part"] == "effect") | ((table["part"] == "study") & (table["k"] == 1))]
    data = pd.DataFrame(case["data"]).set_index("study")
    first = single.iloc[0]
    study = int(first["study"][1:])
    row = data.loc[[study]].iloc[0]
    true = case["beta"] + sum(
        float(posterior[SYMBOLS[level]].sel({level: f"{level[0]}{number:02d}"}))
        for level, number in {
            "study": study,
            "group": int(row["group"]),
            "effect": int(row["effect"]),
        }.items()
        if level in case["levels"]
    )
    assert first[["shrunken", "shrunken_lb", "shrunken_ub"]].tolist() == pytest.approx([true] * 3)


def test_effects_stand_below_their_study() -> None:
    frame = effects(6)
    tree = tree_of(frame, "1")
    table = studies.study_table(tree)
    assert table["part"].tolist() == ["study", "effect", "effect", "effect"] * 6 + ["mean"]
    nested = table[table["part"] == "effect"]
    np.testing.assert_array_equal(nested["estimate"], frame["yi"])
    assert nested["effect"].tolist() == frame["effect"].tolist()
    assert "effect" not in set(studies.study_table(tree, nested=False)["part"])


@pytest.mark.parametrize(
    ("terms", "labels"),
    [
        ("1", [""]),
        ("~ dose", [""]),
        ("~ species", ["rat", "mouse"]),
        ("0 + species:phase", ["rat:learning", "mouse:learning", "rat:memory", "mouse:memory"]),
        ("~ species + phase", ["rat:learning", "mouse:learning", "rat:memory", "mouse:memory"]),
    ],
)
def test_a_cell_holds_the_effects_of_a_mean(terms: str, labels: list[str]) -> None:
    frame = effects()
    tree = tree_of(frame, terms)
    cells = studies.cells_of(tree)
    assert [cell.label for cell in cells] == labels
    assert sorted(np.concatenate([cell.effects for cell in cells])) == list(range(len(frame)))
    table = studies.study_table(tree, nested=False)
    means = table[table["part"] == "mean"]
    assert len(means) == (0 if "dose" in terms else len(labels))
    beta = tree["posterior"]["beta"].mean(("chain", "draw")).values
    rows = tree["constant_data"]["X"].values
    for cell, mean in zip(cells, means["estimate"], strict=False):
        assert mean == pytest.approx(rows[cell.effects[-1]] @ beta)
    if len(means):
        assert means["weight"].sum() == pytest.approx(100)
        assert means["k"].sum() == len(frame)
        assert (means["pi_lb"] < means["ci_lb"]).all()


def test_studies_are_sorted_within_cells() -> None:
    frame = effects(12)
    tree = tree_of(frame, "1")

    def sorted_by(sort: str) -> pd.DataFrame:
        table = studies.study_table(tree, sort=sort, nested=False)
        return table[table["part"] == "study"]

    assert sorted_by("given")["study"].tolist() == frame["study"].unique().tolist()
    assert sorted_by("effect")["estimate"].is_monotonic_increasing
    assert sorted_by("-effect")["estimate"].is_monotonic_decreasing
    assert sorted_by("precision")["se"].is_monotonic_increasing
    assert sorted_by("weight")["weight"].is_monotonic_decreasing
    assert sorted_by("label")["label"].is_monotonic_increasing
    years = frame.groupby("study")["year"].first()
    assert years[sorted_by("year")["study"]].is_monotonic_increasing
    with pytest.raises(BadInput, match=r"no order 'yaer' \(did you mean 'year'\?\); sort by given"):
        sorted_by("yaer")


def test_a_label_is_the_reference_of_the_study() -> None:
    frame = effects(3).assign(reference=["Ng 2001", "Ng 2001", "Ng 2001", "", "", ""] + ["Li"] * 3)
    table = studies.study_table(tree_of(frame, "1"), nested=False)
    assert table["label"].tolist() == ["Ng 2001", "s1", "Li", "Overall"]
    numbered = effects(2).assign(author="Ng", year=2001.0, study=["11"] * 3 + ["12"] * 3)
    table = studies.study_table(tree_of(numbered, "1"), nested=False)
    assert table["label"].tolist() == ["Ng 2001", "Ng 2001", "Overall"]


def test_columns_are_values_or_ranges() -> None:
    sizes = {"n1i": [12, 12, 12, 8, 20, 9], "m1i": [1.5, 1.5, 1.5, np.nan, np.nan, np.nan]}
    frame = effects(2).assign(**sizes, country=["a", "a", "b", "c", "c", "c"])
    tree = tree_of(frame, "1")
    raw = studies.raw_columns(tree["constant_data"].to_dataset())
    columns = studies.parse_columns("Mean (n)=m1i (n1i), n1i, country", list(raw))
    table = studies.study_table(tree, columns=columns, nested=False)
    headings = ["Mean (n)", "n1i", "country"]
    assert table[headings].values.tolist() == [
        ["1.5 (12)", "12", "a, b"],
        ["", "8–20", "c"],
        ["", "", ""],
    ]
    with pytest.raises(BadInput, match=r"'nli' names no column of the table \(did you mean 'n1i'"):
        studies.parse_columns("nli", list(raw))


def test_events_or_sizes_are_shown_by_default() -> None:
    known = ["ai", "n1i", "ci", "n2i", "dose"]
    assert [column.text for column in studies.usual_columns(known)] == ["ai/n1i", "ci/n2i"]
    assert [column.text for column in studies.usual_columns(known[1:2] + known[3:])] == [
        "n1i",
        "n2i",
    ]
    assert studies.usual_columns(["dose"]) == []


def test_heterogeneity_is_a_line() -> None:
    text = studies.heterogeneity_text(tree_of(effects(), "1"))
    assert text.startswith("Heterogeneity: tau (study) 0.40 [0.")
    assert ", tau (group) 0.20 [0." in text
    assert ", I² 7" in text
