"""Refits of an analysis equal brute force, sampling, and refits to flipped data."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayesmeta.inference.quadrature import contrasts_table, integrate_posterior, leave_one_study_out
from bayesmeta.model.design import build_design
from bayesmeta.model.design.contrasts import contrast_weights
from bayesmeta.model.likelihood import refusal
from bayesmeta.model.spec import read_spec
from bayesmeta.robustness import multiverse
from bayesmeta.robustness.multiverse import Analysis

SPEC = read_spec("three-level").with_terms("0 + valence")


@pytest.fixture(scope="module")
def small() -> pd.DataFrame:
    """Nine studies, two effects to a group; neutral below zero, fear above; trauma in one."""
    rng = np.random.default_rng(5)
    study = np.repeat(np.arange(9), 4)
    valence = np.tile(["neutral", "fear"], 18)
    valence[:2] = "trauma"
    mean = pd.Series(valence).map({"neutral": -0.6, "fear": 0.5, "trauma": 1.0}).to_numpy()
    return pd.DataFrame(
        {
            "study": [f"s{i}" for i in study],
            "group": [f"g{i // 2}" for i in range(36)],
            "effect": [f"e{i}" for i in range(36)],
            "yi": mean + rng.normal(0, 0.5, 9)[study] + rng.normal(0, 0.3, 36),
            "vi": rng.uniform(0.05, 0.3, 36),
            "valence": valence,
        }
    )


def weights_of(frame: pd.DataFrame) -> tuple[xr.Dataset, xr.DataArray]:
    """Design, and weights of every mean and two differences."""
    design = build_design(frame, SPEC)
    terms = [str(term) for term in design["term"].values]
    named = {"fear - neutral": "fear - neutral", "trauma - fear": "trauma - fear"}
    return design, contrast_weights({term: term for term in terms} | named, terms)


def test_the_worst_study_is_that_of_brute_force(small: pd.DataFrame) -> None:
    design, weights = weights_of(small)
    found = multiverse.worst_study(design, SPEC, weights).set_index("contrast")
    base = contrasts_table(integrate_posterior(design, SPEC), weights).set_index("contrast")[
        "p_positive"
    ]
    assert (base["fear"], base["neutral"]) == (
        pytest.approx(1, abs=0.49),
        pytest.approx(0, abs=0.49),
    )
    shared = ["fear", "neutral", "fear - neutral"]
    every = {}
    for study in small["study"].unique():
        left = build_design(small[small["study"] != study], SPEC)
        some = contrast_weights(
            {name: name for name in shared}, [str(term) for term in left["term"].values]
        )
        every[study] = contrasts_table(integrate_posterior(left, SPEC), some).set_index("contrast")[
            "p_positive"
        ]
    deleted = pd.DataFrame(every)
    for contrast in shared:
        row = deleted.loc[contrast]
        worst = row.idxmin() if base[contrast] >= 0.5 else row.idxmax()
        assert found.loc[contrast, "note"] == f"without {worst}"
        np.testing.assert_allclose(found.loc[contrast, "p_positive"], row[worst], atol=1e-5)
    # nothing but the prior is left of a term that only the study informs
    assert found.loc["trauma", "note"] == "without s0, the only study of trauma"
    np.testing.assert_allclose(
        found.loc["trauma", ["mean", "sd", "p_positive"]].astype(float), [0, 1.5, 0.5], atol=1e-6
    )
    assert found.loc["trauma - fear", "note"] == "without s0, the only study of trauma"


def test_the_worst_study_where_strata_have_their_own_taus(small: pd.DataFrame) -> None:
    spec = replace(SPEC, terms="0 + organism:valence", tau_by="organism")
    frame = small[small["valence"] != "trauma"].assign(
        organism=lambda rows: rows["study"].isin(["s1", "s3", "s5", "s7"])
    )
    frame = frame.assign(organism=frame["organism"].map({True: "human", False: "animal"}))
    named = {"human:fear": "human:fear", "fear: human - animal": "human:fear - animal:fear"}

    def answers(rows: pd.DataFrame, without: tuple[str, ...] = ()) -> pd.DataFrame:
        design = build_design(rows, spec)
        weights = contrast_weights(named, [str(term) for term in design["term"].values])
        return contrasts_table(
            integrate_posterior(design, spec, without=without), weights
        ).set_index("contrast")

    design, base = build_design(frame, spec), answers(frame)
    weights = contrast_weights(named, [str(term) for term in design["term"].values])
    found = multiverse.worst_study(design, spec, weights).set_index("contrast")
    left_out = leave_one_study_out(design, spec, weights=weights)
    mean, sd = left_out["contrast_mean"], left_out["contrast_sd"]
    deleted = {study: answers(frame, (study,)) for study in frame["study"].unique()}
    by_hand = {study: answers(frame[frame["study"] != study]) for study in ("s1", "s2")}
    for contrast in named:
        for study, table in by_hand.items():
            np.testing.assert_allclose(
                mean.sel(study=study, contrast=contrast), table.loc[contrast, "mean"], atol=1e-4
            )
            np.testing.assert_allclose(
                sd.sel(study=study, contrast=contrast), table.loc[contrast, "sd"], atol=1e-4
            )
        p = pd.Series(
            {study: table.loc[contrast, "p_positive"] for study, table in deleted.items()}
        )
        worst = p.idxmin() if base.loc[contrast, "p_positive"] >= 0.5 else p.idxmax()
        assert found.loc[contrast, "note"] == f"without {worst}"
        np.testing.assert_allclose(found.loc[contrast, "p_positive"], p[worst], atol=1e-4)


@pytest.mark.slow
def test_sampling_agrees_with_quadrature(small: pd.DataFrame) -> None:
    design, weights = weights_of(small)
    drawn, exact = (
        multiverse.sampled(design, SPEC, weights),
        multiverse.integrated(design, SPEC, weights),
    )
    assert drawn["contrast"].tolist() == exact["contrast"].tolist()
    np.testing.assert_allclose(drawn["mean"], exact["mean"], atol=0.06)
    np.testing.assert_allclose(drawn[["sd", "p_positive"]], exact[["sd", "p_positive"]], atol=0.04)
    np.testing.assert_allclose(drawn[["ci_lb", "ci_ub"]], exact[["ci_lb", "ci_ub"]], atol=0.2)


@pytest.mark.slow
def test_flipped_data_flip_directions_and_keep_probabilities(small: pd.DataFrame) -> None:
    named = {name: name for name in ("fear", "neutral", "fear - neutral")}
    contrasts = contrast_weights(named, ["fear", "neutral", "trauma"])

    def answers(frame: pd.DataFrame) -> pd.DataFrame:
        versions = multiverse.versions_of(Analysis(frame, SPEC, contrasts))
        versions = [v for v in versions if not refusal(v.design, v.spec, "quadrature")]  # not drawn
        refitted = {
            v.alternative.name: v.alternative.refit(v.design, v.spec, v.weights) for v in versions
        }
        return multiverse.wide_table(multiverse.long_table(versions, refitted))

    as_is, flipped = answers(small), answers(small.assign(yi=-small["yi"]))
    assert as_is["direction"].tolist() == ["positive", "negative", "positive"]
    assert flipped["direction"].tolist() == ["negative", "positive", "negative"]
    assert as_is.columns.tolist() == flipped.columns.tolist()
    numbers = as_is.columns[2:]
    assert len(numbers) == 11
    np.testing.assert_allclose(as_is[numbers], flipped[numbers], atol=1e-6)
    assert (as_is["base"] >= 0.5).all()
