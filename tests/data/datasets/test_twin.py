"""twin: the published shape exactly, the planted truth within its error, nobody's rows."""

import json

import numpy as np
import pandas as pd
import pytest

from bayesmeta.data.datasets.twin import simulate
from bayesmeta.data.effect_sizes import MEASURES, TWO_GROUPS
from bayesmeta.infrastructure.errors import BadInput

# Sep, Geuze & Joels (2023) and the authors' report of 13 May 2021: k, studies and beta by cell
PUBLISHED = {
    "preclinical-twin": {
        "shape": {"effect": 1089, "study": 182, "group": 309, "participants": 6834},
        "taus": {"tau_study": 1.5472**0.5, "tau_group": 0.2669**0.5},
        "species": {"rat": 915, "mouse": 174},
        "comparison": {"D": 963, "E": 47, "F": 79},
        "cells": {
            ("neutral", "learning"): (136, 27, -1.3036), ("neutral", "memory"): (98, 45, -1.2908),
            ("fear", "learning"): (85, 32, 0.4347), ("fear", "memory"): (144, 68, 0.8118),
            ("fear", "extinction"): (271, 45, -0.7406), ("trauma", "memory"): (285, 76, 1.877),
            ("trauma", "extinction"): (70, 8, -2.1896),
        },
    },
    "clinical-twin": {
        "shape": {"effect": 547, "study": 92, "group": 97, "participants": 6732},
        "taus": {"tau_study": 0.431**0.5, "tau_group": 0.0489**0.5},
        "species": {"human": 547},
        "comparison": {"A": 236, "C": 311},
        "cells": {
            ("neutral", "learning"): (95, 39, -0.6672), ("neutral", "memory"): (240, 63, -0.544),
            ("fear", "learning"): (82, 21, -0.2001), ("fear", "extinction"): (81, 13, -0.8044),
            ("emotional", "memory"): (49, 15, -0.6552),
        },
    },
}  # fmt: skip


@pytest.fixture(scope="module", params=PUBLISHED)
def twin(request):
    return simulate(request.param)


def log_density(twin, beta, tau_study, tau_group):
    """Return the dense normal log density of effects around their cells, summed over studies.

    The sampling variance is taken at the cell's true effect: at the observed effect it is
    correlated with yi.
    """
    residual = twin["yi"] - beta
    v = 1 / twin["n1i"] + 1 / twin["n2i"] + (beta**2 + 1) / (2 * (twin["n1i"] + twin["n2i"]))
    total = 0.0
    for rows in twin.groupby("study").indices.values():
        group = twin["group"].to_numpy()[rows]
        cov = np.diag(v.iloc[rows]) + tau_study**2 + tau_group**2 * (group[:, None] == group)
        r = residual.iloc[rows]
        total -= 0.5 * (np.linalg.slogdet(cov)[1] + r @ np.linalg.solve(cov, r))
    return total


def cell(twin):
    return twin["valence"].astype(str) + ":" + twin["phase"].astype(str)


def test_counts_equal_the_published(twin):
    published = PUBLISHED[twin.attrs["dataset"]]
    shape = {level: twin[level].nunique() for level in ("effect", "study", "group")}
    exposed = twin.groupby("group")["n1i"]
    controls = twin.groupby("study")["n2i"]
    shape["participants"] = exposed.first().sum() + controls.first().sum()
    assert shape == published["shape"]
    assert len(twin) == shape["effect"]
    assert exposed.nunique().max() == controls.nunique().max() == 1
    counts = twin.groupby(cell(twin)).agg(k=("yi", "size"), studies=("study", "nunique"))
    assert counts["k"].to_dict() == {
        f"{v}:{p}": k for (v, p), (k, *_) in published["cells"].items()
    }
    assert counts["studies"].to_dict() == {
        f"{v}:{p}": n for (v, p), (_, n, _) in published["cells"].items()
    }
    for column in ("species", "comparison"):
        assert twin[column].value_counts().to_dict() == published[column]
    assert twin.groupby("study")["species"].nunique().max() == 1


def test_the_planted_truth_is_the_published_one(twin):
    published = PUBLISHED[twin.attrs["dataset"]]
    beta = {f"{v}:{p}": beta for (v, p), (*_, beta) in published["cells"].items()}
    assert twin.attrs["truth"]["beta"] == beta
    assert {name: twin.attrs["truth"][name] for name in published["taus"]} == pytest.approx(
        published["taus"]
    )


def test_every_group_lies_in_one_study(twin):
    assert twin.groupby("group")["study"].nunique().max() == 1


def test_yi_and_vi_follow_from_the_means_and_standard_deviations(twin):
    yi, vi = MEASURES["SMD"](**{name: twin[name].to_numpy() for name in TWO_GROUPS})
    np.testing.assert_array_equal(twin[["yi", "vi"]].to_numpy().T, [yi, vi])


def test_the_planted_cell_means_are_recovered(twin):
    truth = twin.attrs["truth"]
    for label, rows in twin.groupby(cell(twin)):
        of_study = rows.groupby("study")["yi"].mean()
        error = np.sqrt((truth["tau_study"] ** 2 + truth["tau_group"] ** 2 + 0.1) / len(of_study))
        assert abs(of_study.mean() - truth["beta"][label]) < 4 * error, label


def test_the_planted_heterogeneity_fits_better_than_others(twin):
    truth = twin.attrs["truth"]
    beta = cell(twin).map(truth["beta"]).astype(float)
    planted = log_density(twin, beta, truth["tau_study"], truth["tau_group"])
    for factor in (0.7, 1.4):
        assert (
            planted > log_density(twin, beta, factor * truth["tau_study"], truth["tau_group"]) + 2
        )
    assert planted > log_density(twin, beta, truth["tau_study"], 2.5 * truth["tau_group"]) + 2
    if (
        twin["group"].nunique() > 1.5 * twin["study"].nunique()
    ):  # else the two levels are nearly the same
        assert planted > log_density(twin, beta, truth["tau_study"], 0.4 * truth["tau_group"]) + 2


def test_effects_of_one_group_and_cell_differ_as_much_as_their_sampling_variances_say(twin):
    by = twin.groupby([twin["group"], cell(twin)])
    scatter = (twin["yi"] - by["yi"].transform("mean")) ** 2
    freedom = 1 - 1 / by["yi"].transform("size")
    ratio = scatter.sum() / (freedom * by["vi"].transform("mean")).sum()
    assert ratio == pytest.approx(1, abs=4 * np.sqrt(2 / freedom.sum()))


def test_the_same_numbers_at_every_call_and_others_for_the_other_twin(twin):
    again = simulate(twin.attrs["dataset"])
    pd.testing.assert_frame_equal(twin, again)
    assert again.attrs == twin.attrs
    assert simulate("clinical-twin")["yi"][0] != simulate("preclinical-twin")["yi"][0]


def test_it_says_that_it_is_synthetic_and_names_no_study(twin):
    assert twin.attrs["synthetic"] is True
    assert twin.attrs["title"].startswith("SYNTHETIC")
    assert twin.attrs["sources"] == []
    assert "simulated" in twin.attrs["notes"][0].lower()
    assert twin["study"].str.fullmatch(r"twin-\d{3}").all()
    assert (
        twin[["group", "effect"]].apply(lambda label: label.str.startswith("twin-")).all(axis=None)
    )
    json.dumps(twin.attrs)


def test_an_unknown_name_is_refused():
    hint = r"\(did you mean 'clinical-twin'\?\); choose one of: pre"
    with pytest.raises(BadInput, match=f"unknown twin 'clinical_twin' {hint}"):
        simulate("clinical_twin")
    with pytest.raises(BadInput, match="unknown twin 'chosen'"):
        simulate("chosen")
