"""Bias models beside the unadjusted model: which models apply, and their summary in words."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayesmeta.inference import quadrature
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import build_design
from bayesmeta.model.design.contrasts import contrast_weights
from bayesmeta.model.spec import ModelSpec, read_spec
from bayesmeta.model.spec.reading import with_bias
from bayesmeta.robustness import bias
from bayesmeta.robustness.bias import refits
from bayesmeta.robustness.bias.tables import matters, unsettled

TERMS = ["neutral:memory", "fear:memory"]


@pytest.fixture(scope="module")
def weights() -> xr.DataArray:
    definitions = {"fear": "fear:memory", "difference": "fear:memory - neutral:memory"}
    return contrast_weights(definitions, TERMS)


@pytest.mark.parametrize("kind", ["pet", "peese", "selection"])
def test_a_bias_brings_the_prior_of_its_model_file(kind: str) -> None:
    spec, own = read_spec("translational-pooled"), read_spec(kind)
    key = "weights" if kind == "selection" else "slope"
    changed = with_bias(spec, kind)
    assert changed is not None
    assert changed == replace(spec, bias=kind, priors={**spec.priors, key: own.priors[key]})
    assert changed.priors[key].reason
    assert with_bias(own, kind) is None


@pytest.mark.parametrize(
    "spec",
    [
        read_spec("robust"),
        read_spec("correlated"),
        replace(read_spec("three-level"), rho=0.5),
        replace(read_spec("three-level"), shared_controls=True),
    ],
)
def test_only_selection_wants_independent_errors_and_nothing_else_estimated(
    spec: ModelSpec,
) -> None:
    assert with_bias(spec, "selection") is None
    changed = with_bias(spec, "pet")
    assert changed is not None
    assert changed.bias == "pet"


def test_versions_are_the_model_with_each_bias(sized: pd.DataFrame, weights: xr.DataArray) -> None:
    made, missing = bias.versions(sized, spec := read_spec("three-level"), weights)
    assert missing == {}
    assert list(made) == ["unadjusted", "PET", "PEESE", "selection"]
    assert [model.bias for _, model, _ in made.values()] == ["", "pet", "peese", "selection"]
    assert made["unadjusted"][1] == spec
    design, _, of_slope = made["PEESE"]
    assert design["term"].values.tolist() == of_slope["term"].values.tolist() == [*TERMS, "peese"]
    np.testing.assert_array_equal(of_slope, [[0, 1, 0], [-1, 1, 0]])


def test_versions_say_why_a_model_is_not_there(
    simulated: pd.DataFrame, sized: pd.DataFrame, weights: xr.DataArray
) -> None:
    half_sized = simulated.assign(n1i=10)
    made, missing = bias.versions(half_sized, read_spec("three-level"), weights)
    assert list(made) == ["unadjusted", "selection"]
    assert list(missing) == ["PET", "PEESE"]
    assert "no column ['n2i']" in missing["PET"]
    made, missing = bias.versions(sized, read_spec("robust"), weights)
    assert list(made) == ["unadjusted", "PET", "PEESE"]
    assert missing == {"selection": "model robust cannot have it"}


@pytest.fixture(scope="module")
def exact(sized: pd.DataFrame, weights: xr.DataArray) -> dict[str, pd.DataFrame]:
    made, _ = bias.versions(sized, read_spec("three-level"), weights)
    return {title: bias.refit(*made[title]) for title in ("unadjusted", "PET")}


def test_a_refit_by_quadrature_has_contrasts_slope_and_studies(
    exact: dict[str, pd.DataFrame], sized: pd.DataFrame
) -> None:
    spec = read_spec("pet")
    design = build_design(sized, spec)
    table = exact["PET"].set_index("name")
    terms = quadrature.terms_table(quadrature.integrate_posterior(design, spec)).set_index("term")
    numbers = ["mean", "sd", "ci_lb", "ci_ub", "p_positive"]
    assert table.query("part == 'parameter'").index.tolist() == ["pet"]
    assert table.query("part == 'contrast'").index.tolist() == ["fear", "difference"]
    for name, term in (("fear", "fear:memory"), ("pet", "pet")):
        np.testing.assert_allclose(
            table.loc[name, numbers].astype(float), terms.loc[term, numbers].astype(float)
        )
    difference = terms.loc["fear:memory", "mean"] - terms.loc["neutral:memory", "mean"]
    assert table.loc["difference", "mean"] == pytest.approx(difference)
    studies = table.query("part == 'study'")
    assert (studies["k"] == 4).all()
    assert set(studies["how"]) == {"exact"}
    left_out = quadrature.leave_one_study_out(design, spec)["elpd"].to_series()
    np.testing.assert_allclose(studies["elpd"].astype(float), left_out[studies.index])
    assert exact["unadjusted"].query("part == 'parameter'").empty


@pytest.mark.slow
def test_a_refit_by_nuts_agrees(
    exact: dict[str, pd.DataFrame],
    sized: pd.DataFrame,
    weights: xr.DataArray,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, _ = bias.versions(sized, read_spec("three-level"), weights)
    monkeypatch.setattr(refits, "refusal", lambda *_: "not a model for quadrature")
    table, known = bias.refit(*made["PET"]), exact["PET"]
    assert table[["part", "name"]].equals(known[["part", "name"]])
    numbers = [table.query("part != 'study'"), known.query("part != 'study'")]
    sd = numbers[1]["sd"]
    assert ((numbers[0]["mean"] - numbers[1]["mean"]).abs() < 0.1 * sd).all()
    for bound in ("ci_lb", "ci_ub"):
        assert ((numbers[0][bound] - numbers[1][bound]).abs() < 0.2 * sd).all()
    assert ((numbers[0]["p_positive"] - numbers[1]["p_positive"]).abs() < 0.05).all()
    assert abs(table["elpd"].sum() - known["elpd"].sum()) < 1
    assert set(table.query("part == 'study'")["how"]) <= {"PSIS", "refitted"}


def test_weights_are_summarised_against_one(
    sized: pd.DataFrame, weights: xr.DataArray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tree by hand: 4 draws of two weights and two terms."""
    coords = {"chain": [0, 1], "draw": [0, 1], "weight": [".025 < p < .5", "p > .5"], "term": TERMS}
    draws = xr.Dataset(
        {
            "weights": (
                ("chain", "draw", "weight"),
                [[[0.2, 0.9], [0.4, 1.1]], [[0.6, 1.3], [0.8, 1.5]]],
            ),
            "beta": (
                ("chain", "draw", "term"),
                [[[-1.0, 0.1], [-0.8, 0.3]], [[-0.6, -0.1], [-0.4, 0.5]]],
            ),
        },
        coords,
    )
    studies = pd.DataFrame(
        {"study": ["s1"], "k": [4], "elpd": [-3.0], "how": ["PSIS"], "k_hat": [0.2], "error": [0.1]}
    )
    verdict: dict[str, list[str]] = {"failures": []}
    monkeypatch.setattr(
        "bayesmeta.robustness.influence.elpd.independent_posterior",
        lambda *_, **__: xr.DataTree.from_dict({"posterior": draws}),
    )
    monkeypatch.setattr("bayesmeta.estimates.convergence.diagnose", lambda _: verdict)
    monkeypatch.setattr(refits, "leave_studies_out", lambda *_, **__: studies)
    made, _ = bias.versions(sized, read_spec("three-level"), weights)
    table = bias.refit(*made["selection"]).set_index("name")
    assert table["part"].tolist() == ["contrast"] * 2 + ["parameter"] * 2 + ["study"]
    assert table.loc["p > .5", ["mean", "p_positive"]].tolist() == pytest.approx([1.2, 0.75])
    assert table.loc[
        ".025 < p < .5", ["mean", "ci_lb", "ci_ub", "p_positive"]
    ].tolist() == pytest.approx([0.5, 0.215, 0.785, 0])
    assert table.loc["fear", ["mean", "p_positive"]].tolist() == pytest.approx([0.2, 0.75])
    assert table.loc["difference", "mean"] == pytest.approx(0.9)
    assert table.loc["s1", ["k", "elpd", "k_hat", "how"]].tolist() == [4, -3.0, 0.2, "PSIS"]
    verdict["failures"] = ["R-hat is 1.2"]
    with pytest.raises(BadInput, match=r"diagnostics failed: R-hat is 1\.2"):
        bias.refit(*made["selection"])


def by_hand(
    means: list[float], p: list[float], slope: tuple[str, float, float] | None, elpd: list[float]
) -> pd.DataFrame:
    """A refit's table: contrasts a, b with sd .2, a parameter, the studies s1, s2."""
    rows = [
        {"part": "contrast", "name": n, "mean": m, "p_positive": q}
        for n, m, q in zip("ab", means, p, strict=True)
    ]
    if slope:
        rows += [{"part": "parameter", "name": slope[0], "mean": slope[1], "p_positive": slope[2]}]
    table = pd.DataFrame(rows).assign(
        sd=0.2, ci_lb=lambda t: t["mean"] - 0.4, ci_ub=lambda t: t["mean"] + 0.4, contraction=0.9
    )
    studies = pd.DataFrame(
        {"part": "study", "name": ["s1", "s2"], "k": 2, "elpd": elpd, "k_hat": 0.1, "how": "PSIS"}
    )
    return pd.concat([table, studies], ignore_index=True)


@pytest.fixture
def tables() -> dict[str, pd.DataFrame]:
    return {
        "unadjusted": by_hand([1.0, -0.5], [0.99, 0.4], None, [-3.0, -4.0]),
        "PET": by_hand([0.4, -0.6], [0.9, 0.01], ("pet", 0.8, 0.97), [-2.0, -4.5]),
        "selection": by_hand([-0.1, -0.5], [0.02, 0.4], ("p > .5", 0.3, 0.2), [-3.5, -4.1]),
    }


def test_tables_by_hand(tables: dict[str, pd.DataFrame]) -> None:
    cells, parameters, models = (
        bias.cells_table(tables),
        bias.parameters_table(tables),
        bias.models_table(tables),
    )
    assert list(zip(cells["contrast"], cells["model"], strict=True)) == [
        (c, m) for c in "ab" for m in tables
    ]
    np.testing.assert_allclose(cells["shift"], [0, -3, -5.5, 0, -0.5, 0], atol=1e-12)
    np.testing.assert_allclose(cells["toward_zero"], [0, 0.6, 1.1, 0, -0.2, 0], atol=1e-12)
    assert parameters[["model", "parameter"]].to_numpy().tolist() == [
        ["PET", "pet"],
        ["selection", "p > .5"],
    ]
    np.testing.assert_allclose(parameters["p"], [0.97, 0.8])
    assert models["model"].tolist() == list(tables)
    np.testing.assert_allclose(models["difference"], [0, 0.5, -0.6])
    np.testing.assert_allclose(
        models["difference_se"],
        np.sqrt(2) * np.array([0, np.std([1, -0.5], ddof=1), np.std([-0.5, -0.1], ddof=1)]),
    )


def test_what_is_said(tables: dict[str, pd.DataFrame]) -> None:
    """Only a is settled without bias models: not under PET, and turned under selection."""
    cells, parameters, models = (
        bias.cells_table(tables),
        bias.parameters_table(tables),
        bias.models_table(tables),
    )
    assert unsettled(cells) == ["a"]
    assert matters(cells, models)
    said = bias.sentence(cells, parameters, models)
    assert "slope pet 0.80 [0.40, 1.20], weight of p > .5 0.30 [−0.10, 0.70]" in said
    assert "PET predicts unseen studies best, elpd +0.5 (se 1.5)" in said
    assert said.endswith("no longer settled under some bias model: a")
    reversed_sign = cells[cells["model"] != "PET"]
    assert unsettled(reversed_sign) == ["a"]
    kept = cells.assign(p_positive=cells["p_positive"].where(cells["contrast"] == "b", 0.98))
    assert unsettled(kept) == []
    assert not matters(kept, models)
    assert matters(kept, models.assign(difference_se=0.2))
    assert bias.sentence(kept, parameters, models).endswith("no conclusion changes")


def test_what_the_data_hardly_inform_is_not_passed(tables: dict[str, pd.DataFrame]) -> None:
    """No conclusion changes, and none does under parameters that are nearly those of the prior."""
    calm = tables["unadjusted"]
    slope = by_hand([1.0, -0.5], [0.99, 0.4], ("pet", 0.1, 0.6), [-3.0, -4.1])
    refits = {"unadjusted": calm, "PET": slope}
    parts = (bias.cells_table(refits), bias.parameters_table(refits), bias.models_table(refits))
    assert bias.verdict(*parts) == "passed"
    little = {**refits, "PET": slope.assign(contraction=0.2)}
    parts = (bias.cells_table(little), bias.parameters_table(little), bias.models_table(little))
    assert bias.verdict(*parts) == "cannot tell"
    text = bias.sentence(*parts)
    assert "the data hardly change the priors of the parameters of PET" in text
    assert "none of them predicts unseen studies better than no bias; PET elpd -0.1" in text
    changed = {**little, "PET": tables["PET"].assign(contraction=0.2)}
    parts = (bias.cells_table(changed), bias.parameters_table(changed), bias.models_table(changed))
    assert bias.verdict(*parts) == "review"


def test_contraction_is_against_the_prior_of_the_file(exact: dict[str, pd.DataFrame]) -> None:
    row = exact["PET"].query("part == 'parameter'").iloc[0]
    sd = read_spec("pet").priors["slope"].parameters[1]
    assert row["contraction"] == pytest.approx(1 - (row["sd"] / sd) ** 2)
