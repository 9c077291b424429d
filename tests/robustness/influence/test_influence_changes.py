"""Changes of conclusions without a study equal those of a refit without it."""

from collections import defaultdict

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayesmeta.data import datasets
from bayesmeta.inference import quadrature
from bayesmeta.model.design import build_design
from bayesmeta.model.design.contrasts import contrast_weights, possible_weights
from bayesmeta.model.spec import ModelSpec, parse_spec, read_spec
from bayesmeta.robustness.influence import changes, changes_table, most_influential, sentences
from bayesmeta.robustness.influence.coverage import effects_of, informs, rests_alone
from bayesmeta.robustness.multiverse import verdicts

MODEL = """
terms = "0 + cell"
levels = ["study"]
[priors.terms]
prior = "Normal(0, 1.5)"
[priors.tau]
prior = "HalfNormal(1)"
"""
CELLS = {
    "lost": [0.2, 0.25, 0.3, 0.15, 0.2, 0.9],
    "reversed": [0.1, 0.2, 0.3, 0.15, 0.2, -1.0],
    "sign": [-0.05, -0.05, 0.05, 0.35],
    "single": [0.6],
    "gained": [0.1, 0.15, 0.2, 0.05, 0.3, 0.1, 0.1],
    "steady": [-1.0, -1.1, -1.2, -1.1],
}


@pytest.fixture(scope="module")
def spec() -> ModelSpec:
    return parse_spec(MODEL, "cells")


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rows = [(cell, value) for cell, values in CELLS.items() for value in values]
    names = [f"{prefix}{i}" for prefix in ("s", "g", "e") for i in range(len(rows))]
    labels = dict(zip(("study", "group", "effect"), np.reshape(names, (3, -1)), strict=True))
    return pd.DataFrame(rows, columns=["cell", "yi"]).assign(vi=0.01, **labels)


@pytest.fixture(scope="module")
def weights(frame: pd.DataFrame, spec: ModelSpec) -> xr.DataArray:
    terms = list(build_design(frame, spec)["term"].values)
    return contrast_weights(
        {term: term for term in terms} | {"lost - single": "lost - single"}, terms
    )


@pytest.fixture(scope="module")
def table(frame: pd.DataFrame, spec: ModelSpec, weights: xr.DataArray) -> pd.DataFrame:
    design = build_design(frame, spec)
    return changes_table(
        design, spec, weights, quadrature.leave_one_study_out(design, spec, weights=weights)
    )


@pytest.fixture(scope="module")
def brute(frame: pd.DataFrame, spec: ModelSpec, weights: xr.DataArray) -> pd.DataFrame:
    """Every study left out by itself: contrast, study, mean, sd, p_positive; study "" is none."""
    design, names = build_design(frame, spec), ["", *frame["study"]]
    parts = [
        quadrature.contrasts_table(
            quadrature.integrate_posterior(design, spec, without=[name] if name else []), weights
        ).assign(study=name)
        for name in names
    ]
    return pd.concat(parts).set_index(["contrast", "study"])


def test_every_number_is_that_of_a_refit(
    table: pd.DataFrame, brute: pd.DataFrame, weights: xr.DataArray
) -> None:
    assert len(table) == weights.sizes["contrast"] * 28
    assert (table["k"] == 1).all()
    for row in table.itertuples():
        base, alone = brute.loc[(row.contrast, "")], brute.loc[(row.contrast, row.study)]
        positive = base["p_positive"] >= 0.5
        assert row.p_direction == pytest.approx(
            base["p_positive"] if positive else 1 - base["p_positive"]
        )
        want = alone["p_positive"] if positive else 1 - alone["p_positive"]
        assert row.p_without == pytest.approx(
            want, abs=1e-6 if row.exact else changes.THRESHOLD_MARGIN / 2
        )
        found = (row.mean, row.mean_without, row.shift)
        shift = (alone["mean"] - base["mean"]) / base["sd"]
        assert found == pytest.approx((base["mean"], alone["mean"], shift), abs=1e-4)
    assert 0.1 < table["exact"].mean() < 0.7


def test_changes_are_in_words_and_none_is_missed(
    table: pd.DataFrame, brute: pd.DataFrame, weights: xr.DataArray
) -> None:
    want = defaultdict(set)
    for (contrast, study), row in brute.drop(index="", level="study").iterrows():
        base = brute.loc[(contrast, ""), "p_positive"]
        before, after = (p if base >= 0.5 else 1 - p for p in (base, row["p_positive"]))
        if study == "s16" and "single" in contrast:
            word = "no data without it"
        elif after < 0.5:
            word = "reversed" if after <= 0.025 else "sign"
        else:
            word = {(True, False): "no longer settled", (False, True): "settled without it"}.get(
                (before >= 0.975, after >= 0.975), ""
            )
        want[word].add((contrast, study))
    found = table.groupby("changed").apply(
        lambda rows: set(zip(rows["contrast"], rows["study"], strict=True))
    )
    assert found.to_dict() == want
    assert ("lost", "s5") in want["no longer settled"]
    assert ("reversed", "s11") in want["reversed"]
    assert ("sign", "s15") in want["sign"]
    assert ("single", "s11") in want["settled without it"]
    assert changes.SETTLED == verdicts.SETTLED


def test_changes_of_settled_conclusions_come_first(table: pd.DataFrame) -> None:
    changed = table[table["changed"] != ""]
    assert table["changed"].iloc[: len(changed)].tolist() == changed["changed"].tolist()
    settled = changed["p_direction"] >= changes.SETTLED
    assert settled.any()
    assert settled.is_monotonic_decreasing
    assert table["shift"].iloc[len(changed) :].abs().is_monotonic_decreasing


def test_most_influential_study_is_one_that_can_be_left_out(table: pd.DataFrame) -> None:
    found = most_influential(table).set_index("contrast")["study"]
    assert found["lost"] == "s5"
    assert found["single"] != "s16"
    assert set(found.index) == set(table["contrast"])


def test_sentences() -> None:
    columns = [
        "contrast",
        "study",
        "p_direction",
        "p_without",
        "mean",
        "mean_without",
        "shift",
        "changed",
    ]
    rows = [
        ("one", "a", 0.98, 0.97, 1.0, 0.9, -0.5, "no longer settled"),
        ("one", "b", 0.98, 0.96, 1.0, 1.1, 0.4, "no longer settled"),
        ("one", "c", 0.98, 0.5, 1.0, 0.0, -2.0, "no data without it"),
        ("two", "a", 0.999, 0.997, -1.0, -0.8, 0.6, ""),
        ("two", "b", 0.999, 0.96, -1.0, -1.1, -0.1, ""),
        *[("three", name, 0.8, 0.3, 0.1, -0.1, -0.2, "sign") for name in "abcdef"],
        ("four", "a", 0.6, 0.72, -0.5, -0.001, 0.5, ""),
    ]
    assert sentences(pd.DataFrame(rows, columns=columns)) == {
        "one": "is based on c alone; is no longer settled without a (P .980 -> .970) "
        "or b (P .980 -> .960)",
        "two": "no single study changes it; most influential a "
        "(P .999 -> .997, mean −1.00 -> −0.80)",
        "three": "changes sign without a (P .80 -> .30) or b (P .80 -> .30) "
        "or c (P .80 -> .30) or 3 others",
        "four": "no single study changes it; most influential a (P .60 -> .72, mean −0.50 -> 0.00)",
    }


def test_what_studies_have(simulated: pd.DataFrame) -> None:
    frame = simulated.copy()
    frame["valence"] = frame["valence"].astype(str)
    frame.loc[[9, 10], "valence"] = "joy"  # both of s2
    design = build_design(frame, read_spec("three-level"))
    cells = frame["valence"] + ":" + frame["phase"].astype(str)
    counts = pd.crosstab(frame["study"], cells).loc[design["study"].values, design["term"].values]
    np.testing.assert_array_equal(informs(design), counts > 0)
    np.testing.assert_array_equal(effects_of(design), counts.sum(axis=1))
    terms = list(design["term"].values)
    rows = contrast_weights({"joy": "joy:memory - fear:memory", "fear": "fear:memory"}, terms)
    alone = rests_alone(design, rows)
    assert design["study"].values[alone[0]].tolist() == ["s2"]
    assert not alone[1].any()


@pytest.mark.usefixtures("trace_data")
def test_the_study_with_standard_errors_for_deviations_stands_out_among_the_clinical_ones() -> None:
    spec = read_spec("three-level")
    design = build_design(datasets.read("clinical"), spec)
    terms = [str(term) for term in design["term"].values]
    named = possible_weights(spec.contrasts_of("clinical"), terms)
    rows = xr.concat([contrast_weights({term: term for term in terms}, terms), named], "contrast")
    left_out = quadrature.leave_one_study_out(design, spec, weights=rows)
    found = changes_table(design, spec, rows, left_out)
    assert (
        most_influential(found).set_index("contrast").loc["fear:extinction", "study"] == "25444643"
    )
    assert found.loc[found["shift"].abs().idxmax(), ["contrast", "study"]].tolist() == [
        "fear:extinction",
        "25444643",
    ]
