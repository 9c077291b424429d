"""Two sides: discrepancies, statements and the tables behind figures, on a hand-made tree."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayesmeta.estimates import discrepancy
from bayesmeta.estimates.discrepancy.tables import conclude
from bayesmeta.estimates.summaries import heterogeneity_table, prediction_table
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design.contrasts import with_model
from bayesmeta.model.spec import parse_spec
from bayesmeta.output.folders.fit import fit_tables

TERMS = ["human:neutral", "animal:neutral", "human:fear", "animal:fear"]
MEANS = {"human:neutral": -0.6, "animal:neutral": -1.4, "human:fear": -0.5, "animal:fear": 0.9}
MODEL = """
terms = "0 + organism:valence"
levels = ["study"]
tau_by = "organism"
sides = "organism"
rope = 0.3
[priors.terms]
prior = "Normal(0, 1.5)"
[priors.tau]
prior = "HalfNormal(1)"
[contrasts]
"{cell}: human - animal" = "human:{cell} - animal:{cell}"
"emotion x organism" = "human:fear - human:neutral - animal:fear + animal:neutral"
"within persons" = "human:fear - human:neutral"
[concordance]
"neutral impaired" = "human:neutral < 0 and animal:neutral < 0"
"fear enhanced" = "human:fear > 0 and animal:fear > 0"
"trauma enhanced" = "human:trauma > 0 and animal:trauma > 0"
"""


@pytest.fixture(scope="module")
def tree() -> xr.DataTree:
    """4 terms, 12 studies of an effect: 6 animal and 6 human, 2 of these on fear; 4000 draws."""
    rng = np.random.default_rng(5)
    draws = {"chain": [0, 1], "draw": np.arange(2000)}
    means = list(MEANS.values())
    study = np.arange(12)
    side = np.where(study < 6, "animal", "human")
    valence = np.where(np.isin(study, [0, 1, 2, 10, 11]), "fear", "neutral")
    x = np.array(
        [[term == f"{s}:{v}" for term in TERMS] for s, v in zip(side, valence, strict=True)], float
    )
    labels = [f"s{i:02d}" for i in study]
    tau = xr.DataArray(
        np.abs(rng.normal([1.2, 0.5], 0.05, (2, 2000, 2))),
        dims=("chain", "draw", "stratum"),
        coords={**draws, "stratum": ["animal", "human"]},
    )
    beta = xr.DataArray(
        rng.normal(means, 0.2, (2, 2000, 4)),
        dims=("chain", "draw", "term"),
        coords={**draws, "term": TERMS},
    )
    prior = xr.DataArray(
        rng.normal(0, 1.5, (2, 2000, 4)),
        dims=("chain", "draw", "term"),
        coords={**draws, "term": TERMS},
    )
    design = xr.Dataset(
        {
            "yi": ("effect", x @ means),
            "vi": ("effect", np.where(side == "human", 0.1, 0.4)),
            "X": (("effect", "term"), x),
            "kind_of_term": ("term", ["mean"] * len(TERMS)),
            "effect_group": ("effect", study),
            "group_study": ("group", study),
            "study_stratum": ("study", (side == "human").astype(int)),
        },
        {
            "effect": labels,
            "group": labels,
            "study": labels,
            "term": TERMS,
            "stratum": ["animal", "human"],
        }
        | {"term_organism": ("term", [term.split(":")[0] for term in TERMS])}
        | {"term_valence": ("term", [term.split(":")[1] for term in TERMS])},
        attrs={"dataset": "d", "scale": "g"},
    )
    design = with_model(design, parse_spec(MODEL, "m"))
    groups = {
        "posterior": xr.Dataset({"beta": beta, "tau_study": tau}),
        "prior": xr.Dataset({"beta": prior, "tau_study": tau + 0.5}),
        "constant_data": design,
    }
    return xr.DataTree.from_dict(groups)


def test_a_discrepancy_is_one_side_minus_the_other(tree: xr.DataTree) -> None:
    table = discrepancy.discrepancies_table(tree).set_index("contrast")
    assert list(table.index) == [
        "neutral: human - animal",
        "fear: human - animal",
        "emotion x organism",
    ]
    np.testing.assert_allclose(table["mean"], [0.8, -1.4, 0.1 - 2.3], atol=0.02)
    np.testing.assert_allclose(table["sd"], 0.2 * np.sqrt([2, 2, 4]), rtol=0.05)
    np.testing.assert_allclose(table["prior_sd"], 1.5 * np.sqrt([2, 2, 4]), rtol=0.05)
    np.testing.assert_allclose(table["contraction"], 1 - (0.2 / 1.5) ** 2, atol=0.004)
    row = table.loc["emotion x organism"]
    assert [row["first"], row["second"]] == ["human", "animal"]
    assert row["first_mean"] == pytest.approx(0.1, abs=0.02)
    assert row["second_mean"] == pytest.approx(2.3, abs=0.02)
    # independent normals, the second far above zero: P(opposite) = P(the first is negative)
    assert row["p_opposite"] == pytest.approx(0.36, abs=0.03)
    assert table.loc["neutral: human - animal", "p_opposite"] < 0.01
    assert table.loc["neutral: human - animal", "p_rope"] == pytest.approx(0.038, abs=0.015)


def test_a_side_with_few_studies_gets_no_verdict(tree: xr.DataTree) -> None:
    table = discrepancy.discrepancies_table(tree).set_index("contrast")
    assert table["exploratory"].tolist() == [True, True, True]
    assert table.loc["fear: human - animal", ["first_studies", "second_studies"]].tolist() == [2, 3]
    text = table.loc["fear: human - animal", "conclusion"]
    assert "2 human studies; 3 animal studies: a hint to be tested, not a finding" in text
    assert "human is" not in text


SURE = {
    **{
        "first": "human",
        "of_differences": False,
        "second": "animal",
        "mean": -0.7,
        "ci_lb": -1.2,
        "ci_ub": -0.3,
        "p_positive": 0.0005,
    },
    **{
        f"{place}_{key}": value
        for place in ("first", "second")
        for key, value in (("ci_lb", -1.0), ("ci_ub", 0.0))
    },
    **{"first_mean": -0.2, "second_mean": 0.5, "first_studies": 20, "second_studies": 30},
    **{"p_opposite": 0.9, "p_rope": 0.0, "exploratory": False},
}


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        (
            {},
            "lower, by 0.70 [0.30, 1.20] (P > .999). P(opposite signs) = .90.",
        ),
        ({"p_opposite": 0.98}, "(P > .999). The two have opposite signs, P = .980."),
        (
            {"p_positive": 0.07},
            "not settled: the difference is −0.70 [−1.20, −0.30], P(human lower) = .93.",
        ),
        (
            {"p_positive": 0.3, "p_rope": 0.97, "p_opposite": 0},
            "agree within 0.2 (P = .970). The two have the same sign.",
        ),
        (
            {"of_differences": True},
            "human difference −0.20 [−1.00, 0.00] (20 studies) and animal difference 0.50 "
            "[−1.00, 0.00] (30 studies): the human difference is lower, by 0.70 [0.30, 1.20] (P > ",
        ),
        (
            {"of_differences": True, "p_positive": 0.07},
            "not settled: the difference of the differences is −0.70 [−1.20, −0.30], P(human "
            "difference lower) = .93.",
        ),
        (
            {"exploratory": True, "first_studies": 1},
            "it is based on 1 human study: a hint to be tested, not a finding.",
        ),
    ],
)
def test_what_is_concluded(changed: dict[str, float], text: str) -> None:
    assert text in conclude(SURE | changed, 0.2)


def test_statements_have_their_joint_probability(tree: xr.DataTree) -> None:
    table = discrepancy.concordance_table(tree).set_index(["phenotype", "statement"])["p"]
    assert table["neutral impaired", "both"] == pytest.approx(0.9987, abs=0.002)
    assert table["fear enhanced", "human:fear > 0"] == pytest.approx(0.0062, abs=0.005)
    assert table["fear enhanced", "both"] <= table["fear enhanced", "human:fear > 0"]
    assert np.isnan(table["trauma enhanced", "no data: human:trauma > 0; animal:trauma > 0"])
    assert table["every phenotype with data", "all"] <= table["fear enhanced", "both"]


def test_statements_and_sides_are_checked_before_anything_is_sampled(tree: xr.DataTree) -> None:
    design = tree["constant_data"].to_dataset()
    with pytest.raises(BadInput, match="concordance 'fear enhanced' cannot be read"):
        discrepancy.check_sides(
            design, parse_spec(MODEL.replace("animal:fear > 0", "animal:fear up"), "m")
        )
    with pytest.raises(
        BadInput,
        match=r"sides = 'kind' is not a factor of the terms .* they have: organism, valence",
    ):
        discrepancy.check_sides(
            design, parse_spec(MODEL.replace('sides = "organism"', 'sides = "kind"'), "m")
        )


def test_tables_behind_the_figures(tree: xr.DataTree) -> None:
    terms = discrepancy.sided_terms_table(tree).set_index("term")
    assert terms.loc["human:fear", ["cell", "side", "k", "studies"]].tolist() == [
        "fear",
        "human",
        2,
        2,
    ]
    assert discrepancy.pairs_of(terms) == [("human", "animal")]
    quadrants = discrepancy.quadrants_table(tree, "human", "animal").set_index("cell")
    assert quadrants.loc["fear", ["x_mean", "y_mean"]].astype(float).round(1).tolist() == [
        -0.5,
        0.9,
    ]
    assert quadrants.loc["fear", "p_same"] < 0.02
    assert quadrants.loc["neutral", "p_same"] > 0.99
    densities = discrepancy.densities_table(tree)
    area = densities.groupby("contrast").apply(
        lambda part: np.trapezoid(part["density"], part["value"])
    )
    np.testing.assert_allclose(area, 1, atol=0.02)


def test_each_stratum_has_its_own_heterogeneity(tree: xr.DataTree) -> None:
    table = heterogeneity_table(tree).set_index("level")
    assert list(table.index) == ["animal:study", "animal:total", "human:study", "human:total"]
    assert table.loc["human:study", "tau_mean"] == pytest.approx(0.5, abs=0.01)
    # a single sampling variance per stratum: 100 tau^2 / (tau^2 + v)
    assert table.loc["human:study", "i2_mean"] == pytest.approx(100 * 0.25 / 0.35, abs=1)
    assert table.loc["animal:study", "i2_mean"] == pytest.approx(100 * 1.44 / 1.84, abs=1)
    prediction = prediction_table(tree).set_index("term")
    width = prediction["pi_ub"] - prediction["pi_lb"]
    np.testing.assert_allclose(width["human:fear"], 2 * 1.96 * np.hypot(0.5, 0.2), rtol=0.05)
    np.testing.assert_allclose(width["animal:fear"], 2 * 1.96 * np.hypot(1.2, 0.2), rtol=0.05)


def test_a_model_without_sides_has_no_such_tables(handmade: xr.DataTree) -> None:
    assert set(fit_tables(handmade)) == {"terms", "heterogeneity", "contrasts", "prediction"}
    assert discrepancy.discrepancies_table(handmade).equals(pd.DataFrame())
