"""What a plan is asked and what it says: contrasts, whose studies, sentences, curves."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from test_planning import JOINT, two_organisms

from bayesmeta import planning
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import build_design
from bayesmeta.model.spec import ModelSpec, read_spec


@pytest.fixture(scope="module")
def spec() -> ModelSpec:
    return replace(read_spec("three-level"), terms="0 + valence", contrasts={})


def test_whose_studies(simulated: pd.DataFrame, spec: ModelSpec) -> None:
    frame, joint = two_organisms(simulated), replace(spec, **JOINT)  # type: ignore[arg-type]
    one, two = build_design(frame, spec), build_design(frame, joint)
    assert planning.choose_stratum(one, spec, None) is None
    assert planning.choose_stratum(two, joint, None) == "human"
    assert planning.choose_stratum(two, joint, "animal") == "animal"
    row = planning.chosen_contrasts(two, joint, ["human:fear - animal:fear"])
    assert planning.chosen_terms(two, joint, row, "animal", skip=False) == {
        "human:fear - animal:fear": ["animal:fear"]
    }
    assert planning.studies_so_far(one) == {
        "fear": frame.groupby("valence")["study"].nunique()["fear"]
    } | {"neutral": frame.groupby("valence")["study"].nunique()["neutral"]}
    with pytest.raises(
        BadInput, match="no stratum 'mouse'; name a stratum with --stratum: animal, human"
    ):
        planning.choose_stratum(two, joint, "mouse")
    with pytest.raises(BadInput, match="leave --stratum out"):
        planning.choose_stratum(one, spec, "human")
    others = build_design(
        frame.assign(organism=frame["organism"].cat.rename_categories(["rat", "mouse"])), joint
    )
    with pytest.raises(
        BadInput, match="of a single stratum; name a stratum with --stratum: mouse, rat"
    ):
        planning.choose_stratum(others, joint, None)
    animals = planning.chosen_contrasts(two, joint, ["animal:fear", "human:fear"])
    with pytest.raises(
        BadInput, match=r"human studies measure no term of the contrasts \['animal:fear'\]"
    ):
        planning.chosen_terms(two, joint, animals, "human", skip=False)
    assert list(planning.chosen_terms(two, joint, animals, "human", skip=True)) == ["human:fear"]


def test_contrasts_by_name_and_as_text(simulated: pd.DataFrame, spec: ModelSpec) -> None:
    named = replace(spec, contrasts={"difference": "fear - neutral", "gone": "joy - neutral"})
    design = build_design(simulated, named)
    assert planning.chosen_contrasts(design, named)["contrast"].values.tolist() == ["difference"]
    weights = planning.chosen_contrasts(design, named, ["fear", "difference", "fear"])
    assert weights["contrast"].values.tolist() == ["fear", "difference"]
    np.testing.assert_array_equal(weights.sel(term=["neutral", "fear"]), [[0, 1], [-1, 1]])
    with pytest.raises(BadInput, match=r"unknown term 'feer'.*contrasts with a name: difference"):
        planning.chosen_contrasts(design, named, ["feer - neutral"])
    with pytest.raises(BadInput, match="names no contrasts of simulated"):
        planning.chosen_contrasts(design, spec)
    dose = replace(spec, terms="1 + dose")
    slopes = build_design(simulated.assign(dose=np.arange(240) / 240), dose)
    row = planning.chosen_contrasts(slopes, dose, ["dose"])[0]
    with pytest.raises(BadInput, match=r"no study measures the terms \['dose'\] by themselves"):
        planning.measured_terms(slopes, dose, row, None)


def planned(p_settled: list[float], current_p: float, floor: float = 0.0) -> pd.DataFrame:
    """Plans of 1, 5 and 10 studies of 20 and 80 per arm."""
    rows = [{"contrast": "c", "studies": m, "per_arm": n} for n in (20, 80) for m in (1, 5, 10)]
    numbers = {
        "p_settled": p_settled,
        "p_settled_se": 0.1,
        "width": 1.0,
        "width_se": 0.1,
        "current_width": 2.0,
        "replicates": 100,
    }
    return pd.DataFrame(rows).assign(**numbers, current_p=current_p, floor_width=floor)


@pytest.mark.parametrize(
    ("p_settled", "current_p", "floor", "sentence"),
    [
        (
            [0.1, 0.5, 0.81, 0.2, 0.85, 0.9],
            0.93,
            0.0,
            "With 10 new human studies of 20 per arm the sign would be settled with probability "
            ".81 "
            "(today P(> 0) = .93).",
        ),
        (
            [0.1, 0.3, 0.4, 0.1, 0.3, 0.41],
            0.04,
            0.5,
            "10 new human studies of 80 per arm are too few: "
            "the sign would be settled with probability .41 "
            "(today P(> 0) = .040; terms that they do not measure keep the interval wider than "
            "0.50).",
        ),
        (
            [0.8, 1.0, 1.0, 1.0, 1.0, 1.0],
            0.5,
            0.0,
            "With 1 new human study of 20 per arm the sign would be settled with probability .80 "
            "(today P(> 0) = .50).",
        ),
        (
            [0.9, 0.9, 0.9, 0.9, 0.9, 1.0],
            0.0002,
            0.0,
            "The sign is settled today, P(> 0) < .001; "
            "after 10 new human studies of 80 per arm it would be settled with "
            "probability > .990.",
        ),
    ],
)
def test_sentences(p_settled: list[float], current_p: float, floor: float, sentence: str) -> None:
    assert planning.sentences(planned(p_settled, current_p, floor), "human") == {"c": sentence}


def test_curves() -> None:
    curves = planning.curves_table(planned([0.1, 0.5, 0.95, 0.2, 0.7, 0.9], 0.98, 0.4))
    width, settled = (curves[curves["quantity"] == name] for name in ("width", "p_settled"))
    np.testing.assert_allclose(width["low"], 0.8)
    np.testing.assert_allclose(settled["high"], [0.3, 0.7, 1.0, 0.4, 0.9, 1.0])
    assert set(width["today"]) == {2.0}
    assert set(settled["today"]) == {1.0}
    assert set(width["floor"]) == {0.4}
    assert set(curves["note"]) == {"today P(> 0) = .980"}
