"""Baujat's misfit and influence against dense algebra, and posteriors on subsets against refits."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.stats import chi2

from bayesmeta.inference import quadrature
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import build_design
from bayesmeta.model.design.contrasts import contrast_weights
from bayesmeta.model.spec import ModelSpec, read_spec
from bayesmeta.robustness.influence import baujat_table, gosh_table
from bayesmeta.robustness.influence.coverage import informs
from bayesmeta.robustness.influence.subsets import draw_subsets


@pytest.fixture(scope="module")
def frame(simulated: pd.DataFrame) -> pd.DataFrame:
    """24 studies, two of them off."""
    rows = simulated.iloc[:96].copy()
    rows["valence"] = rows["valence"].astype(str)
    off = 2.0 * (rows["study"] == "s3") - 3.0 * (rows["study"] == "s20")
    rows.attrs = simulated.attrs
    return rows.assign(yi=rows["yi"] + off)


def of(spec: ModelSpec, **choices: object) -> ModelSpec:
    changed: Any = {"terms": "0 + valence", "contrasts": {}} | choices
    return replace(spec, **changed)


@pytest.fixture(scope="module")
def spec() -> ModelSpec:
    return of(read_spec("three-level"))


@pytest.fixture(scope="module")
def joint(spec: ModelSpec) -> ModelSpec:
    return of(spec, tau_by="organism", terms="0 + organism:valence")


@pytest.fixture(scope="module")
def two_organisms(frame: pd.DataFrame) -> pd.DataFrame:
    number = frame["study"].str.removeprefix("s").astype(int)
    return frame.assign(organism=np.where(number % 2, "human", "animal"))


def weights_of(design: xr.Dataset) -> xr.DataArray:
    terms = [str(term) for term in design["term"].values]
    return contrast_weights(
        {term: term for term in terms} | {"difference": f"{terms[-1]} - {terms[0]}"}, terms
    )


def moments(posterior: quadrature.Posterior) -> tuple[np.ndarray, np.ndarray]:
    mean = posterior.weight @ posterior.beta
    spread = posterior.covariance + np.einsum(
        "ni,nj->nij", posterior.beta - mean, posterior.beta - mean
    )
    return mean, np.einsum("n,nij->ij", posterior.weight, spread)


@pytest.mark.parametrize(
    ("choices", "rtol"),
    [
        ({"terms": "1"}, 1e-4),
        ({}, 5e-3),
        ({"rho": 0.6, "levels": ("group", "effect"), "terms": "1"}, 1e-4),
    ],
)
def test_baujat_equals_dense_algebra(
    frame: pd.DataFrame, spec: ModelSpec, choices: dict[str, object], rtol: float
) -> None:
    spec = of(spec, **choices)
    design = build_design(frame, spec)
    table = baujat_table(design, spec, quadrature.leave_one_study_out(design, spec)).set_index(
        "study"
    )
    assert table.index.tolist() == design["study"].values.tolist()
    whole, covariance = moments(quadrature.integrate_taus(design, spec))
    for study in ("s3", "s20", "s7"):
        posterior = quadrature.integrate_taus(design, spec, without=[study])
        mean, own = moments(posterior)
        rows = frame["study"].to_numpy() == study
        x, v = design["X"].values[rows], np.sqrt(design["vi"].values[rows])
        same_group = np.equal.outer(*[frame["group"].to_numpy()[rows]] * 2)
        members = {"study": np.ones_like(same_group), "group": same_group, "effect": np.eye(len(v))}
        tau2 = dict(zip(posterior.levels, posterior.weight @ posterior.tau**2, strict=True))
        errors = np.outer(v, v) * np.where(np.eye(len(v)) > 0, 1, spec.rho * same_group)
        spread = (
            errors + sum(value * members[level] for level, value in tau2.items()) + x @ own @ x.T
        )
        residual = design["yi"].values[rows] - x @ mean
        distance = residual @ np.linalg.solve(spread, residual)
        shift = whole - mean
        found = table.loc[study]
        assert found["misfit"] == pytest.approx(distance / len(v), rel=rtol)
        assert found["pval"] == pytest.approx(chi2.sf(distance, len(v)), rel=0.05)
        assert found["influence"] == pytest.approx(
            shift @ np.linalg.solve(covariance, shift) / len(shift), rel=1e-4
        )
        assert found["k"] == rows.sum()
        if "terms" not in choices:
            assert found["cell"] in frame.loc[rows, "valence"].mode().tolist()


def test_studies_off_stand_out_and_the_others_are_as_predicted(
    simulated: pd.DataFrame, spec: ModelSpec
) -> None:
    design = build_design(simulated, spec)
    table = baujat_table(design, spec, quadrature.leave_one_study_out(design, spec))
    assert table["misfit"].mean() == pytest.approx(1, abs=4 * np.sqrt(2 / 240))
    yi = simulated["yi"] + 5.0 * (simulated["study"] == "s11")
    off = build_design(simulated.assign(yi=yi), spec)
    table = baujat_table(off, spec, quadrature.leave_one_study_out(off, spec)).set_index("study")
    assert table[["misfit", "influence"]].idxmax().tolist() == ["s11", "s11"]
    assert table.loc["s11", "misfit"] > 5


def test_baujat_of_independent_strata_is_that_of_each(
    two_organisms: pd.DataFrame, spec: ModelSpec, joint: ModelSpec
) -> None:
    design = build_design(two_organisms, joint)
    found = baujat_table(design, joint, quadrature.leave_one_study_out(design, joint)).set_index(
        "study"
    )
    for _, rows in two_organisms.groupby("organism"):
        alone = build_design(rows, spec)
        want = baujat_table(alone, spec, quadrature.leave_one_study_out(alone, spec)).set_index(
            "study"
        )
        same = ["k", "misfit", "influence"]
        pd.testing.assert_frame_equal(found.loc[want.index, same], want[same], rtol=1e-4)
        assert found.loc[want.index, "cell"].str.split(":").str[1].tolist() == want["cell"].tolist()


def test_subsets_have_every_size_and_every_term() -> None:
    informed = np.zeros((30, 3), bool)
    informed[:, 0], informed[:6, 1], informed[29, 2] = True, True, True
    members = draw_subsets(informed, 3000, np.random.default_rng(1))
    assert (members.astype(int) @ informed > 0).all()
    sizes = np.bincount(members.sum(1), minlength=31)
    assert sizes[[0, 1, 30]].tolist() == [0, 0, 0]
    assert sizes[3:30].min() > 60  # of 107 expected
    assert members[:, 29].all()
    share = members[:, 6:29].mean(0)
    assert share.max() - share.min() < 0.06


@pytest.mark.parametrize(
    "levels",
    [
        ("study",),
        ("study", "group"),
        pytest.param(("study", "group", "effect"), marks=pytest.mark.slow),
    ],
)
def test_subsets_equal_refits(
    frame: pd.DataFrame, spec: ModelSpec, levels: tuple[str, ...]
) -> None:
    spec = of(spec, levels=levels)
    design = build_design(frame, spec)
    weights, studies = weights_of(design), design["study"].values
    table = gosh_table(design, spec, weights, subsets=60, seed=4)
    members = draw_subsets(informs(design), 60, np.random.default_rng(4))
    assert table.groupby("contrast")["subset"].count().tolist() == [60] * 3
    for subset in (0, 1, 2):
        rows = table[table["subset"] == subset].set_index("contrast")
        without = list(studies[~members[subset]])
        posterior = quadrature.integrate_posterior(design, spec, without=without, tolerance=1e-5)
        want = quadrature.contrasts_table(posterior, weights).set_index("contrast")
        taus = quadrature.taus_table(posterior).set_index("level")
        assert rows["studies"].unique().tolist() == [members[subset].sum()]
        assert ((rows["mean"] - want["mean"]).abs() / want["sd"]).max() < 0.01
        assert (rows["sd"] / want["sd"] - 1).abs().max() < 0.01
        for level in levels:
            assert (
                abs(rows[f"tau_{level}"].iloc[0] - taus.loc[level, "mean"])
                < 0.05 * taus.loc[level, "sd"]
            )
        assert isinstance(posterior, quadrature.Posterior)
        total = posterior.weight @ np.sqrt((posterior.tau**2).sum(1))
        assert rows["heterogeneity"].iloc[0] == pytest.approx(total, rel=0.02)


def test_subsets_say_whether_the_most_influential_study_is_in(
    frame: pd.DataFrame, spec: ModelSpec
) -> None:
    only = frame.assign(valence=frame["valence"].mask(frame["study"] == "s5", "joy"))
    only.loc[only["study"] == "s5", "yi"] = 4.0
    design = build_design(only, spec)
    weights, studies = weights_of(design), list(design["study"].values)
    table = gosh_table(design, spec, weights, subsets=40, seed=2)
    members = draw_subsets(informs(design), 40, np.random.default_rng(2))
    base = quadrature.contrasts_table(
        quadrature.integrate_posterior(design, spec), weights
    ).set_index("contrast")
    left_out = quadrature.leave_one_study_out(design, spec, weights=weights)[
        "contrast_mean"
    ].to_pandas()
    shift = (left_out - base["mean"][left_out.columns]).abs()
    for contrast, rows in table.groupby("contrast"):
        free = shift[contrast].drop("s5") if "joy" in str(contrast) else shift[contrast]
        assert rows["study"].unique().tolist() == [free.idxmax()]
        inside = members[rows["subset"].to_numpy(), studies.index(str(free.idxmax()))]
        assert rows["includes"].tolist() == inside.tolist()
        assert 0 < inside.sum() < 40
    again = gosh_table(design, spec, weights, subsets=40, seed=2)
    pd.testing.assert_frame_equal(table, again)


def test_subsets_of_independent_strata_add_up(
    two_organisms: pd.DataFrame, joint: ModelSpec
) -> None:
    design = build_design(two_organisms, joint)
    terms = [str(term) for term in design["term"].values]
    weights = contrast_weights(
        {"species": "human:fear - animal:fear", "human": "human:fear"}, terms
    )
    table = gosh_table(design, joint, weights, subsets=20, seed=3)
    members = draw_subsets(informs(design), 20, np.random.default_rng(3))
    for subset in (0, 7):
        rows = table[table["subset"] == subset].set_index("contrast")
        posterior = quadrature.integrate_posterior(
            design, joint, without=list(design["study"].values[~members[subset]])
        )
        want = quadrature.contrasts_table(posterior, weights).set_index("contrast")
        np.testing.assert_allclose(rows["mean"], want["mean"], atol=0.01 * want["sd"].min())
        np.testing.assert_allclose(rows["sd"], want["sd"], rtol=0.01)
        taus = quadrature.taus_table(posterior).set_index("level")["mean"]
        for level in taus.index:
            assert rows[f"tau_{level}"].iloc[0] == pytest.approx(taus[level], rel=0.02)
        human = taus[["human:study", "human:group"]]
        assert human.max() < rows.loc["human", "heterogeneity"] < human.sum()


def test_two_studies_have_no_subsets(frame: pd.DataFrame, spec: ModelSpec) -> None:
    design = build_design(frame[frame["study"].isin(["s1", "s2"])], of(spec, terms="1"))
    with pytest.raises(BadInput, match="3 studies or more; got 2"):
        gosh_table(design, of(spec, terms="1"), weights_of(design))
