"""Published single-level analyses and nested versions, against metafor and brute force."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayesmeta.data import datasets
from bayesmeta.inference.reml import fit_reml
from bayesmeta.inference.reml import single_level as single
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.files import root
from bayesmeta.model.design import build_design
from bayesmeta.model.spec import ModelSpec, read_spec
from bayesmeta.robustness import funnel, influence
from bayesmeta.robustness.funnel.egger import egger_single, size_precision, with_term

REFERENCE = root() / "tests" / "reference"
CASES = json.loads((REFERENCE / "influence.json").read_text(encoding="utf-8"))["cases"]
CELLS = {
    "E": "extinction",
    "L": "learning",
    "M": "memory",
    "F": "fear",
    "N": "neutral",
    "T": "trauma",
    "X": "emotional",
}


def frame_of(case: dict[str, Any]) -> pd.DataFrame:
    """The effect table of a case of the reference."""
    table = pd.DataFrame(case["table"]).rename(columns={"n1": "n1i", "n2": "n2i"})
    return table.assign(
        effect=[f"e{i}" for i in range(len(table))], cell=table["cell"].astype("category")
    )


def spec_of(terms: str = "0 + cell", **changes: Any) -> ModelSpec:
    """The published model with other terms."""
    spec = read_spec("three-level").with_terms(terms)
    return ModelSpec(**{**spec.__dict__, **changes})


@pytest.fixture(params=CASES, ids=lambda case: case["name"])
def case(request: pytest.FixtureRequest) -> dict[str, Any]:
    """A table that metafor analysed."""
    found: dict[str, Any] = request.param
    return found


@pytest.fixture
def design(case: dict[str, Any]) -> xr.Dataset:
    """Its design."""
    return build_design(frame_of(case), spec_of())


@pytest.fixture(scope="module", params=["clinical", "preclinical"])
def real(
    request: pytest.FixtureRequest, trace_data: Any, trace_oracle: Any
) -> tuple[str, xr.Dataset, Any]:
    """A TRACE dataset: name, design, and what metafor 3.8 found."""
    path = root() / ".." / "shared" / "reference" / "trace_metafor.json"
    oracle = json.loads(path.read_text(encoding="utf-8"))["calibrated"][request.param]
    return (
        request.param,
        build_design(datasets.read(request.param), read_spec("three-level")),
        oracle,
    )


def close(ours: Any, theirs: Any, rtol: float = 1e-8) -> None:
    """Equal, where metafor's null is our nan."""
    np.testing.assert_allclose(
        np.asarray(ours, float), np.array(theirs, float), rtol=rtol, atol=1e-10
    )


def test_single_level_fit_is_metafors(case: dict[str, Any], design: xr.Dataset) -> None:
    fit, theirs = (
        single.fit_single(design["X"].values, design["yi"].values, design["vi"].values),
        case["single"],
    )
    close(fit.beta, theirs["beta"])
    close(np.sqrt(np.diag(fit.covariance)), theirs["se"])
    close([fit.tau2, fit.qe], [theirs["tau2"], theirs["QE"]])


def test_influence_is_metafors(case: dict[str, Any], design: xr.Dataset) -> None:
    table, theirs = influence.influence_table(design), case["influence"]
    for name, values in theirs.items():
        if name != "influential":
            close(table[name.replace(".", "_").replace("QE", "qe")], values, rtol=1e-6)
    close(table.filter(like="dfbetas"), np.array(case["dfbetas"], float).T, rtol=1e-6)
    assert list(table["influential"]) == theirs["influential"]
    outlying = np.abs(np.array(theirs["rstudent"], float)) > 1.96
    assert list(table["outlier"]) == list(outlying)
    assert list(table["removed"]) == list(outlying & np.array(theirs["influential"]))


def test_deleting_in_blocks_changes_nothing(
    design: xr.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y, v = (design[name].values for name in ("X", "yi", "vi"))
    at_once = single.delete_each(x, y, v)
    monkeypatch.setattr(single, "AT_ONCE", 100)
    for one, other in zip(single.delete_each(x, y, v), at_once, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)
    one = single.fit_single(x[1:], y[1:], v[1:])
    np.testing.assert_allclose(at_once.tau2[0], one.tau2, rtol=1e-9, atol=1e-12)


def test_nested_influence_at_fixed_taus_is_metafors(
    case: dict[str, Any], design: xr.Dataset
) -> None:
    by_effect = influence.deleted_residuals(design, case["taus"])
    close(by_effect[["residual", "se", "rstudent"]].T, list(case["residuals"].values()))
    by_study = influence.study_influence(design, pd.Series(case["taus"])).set_index("study")
    by_study = by_study.loc[case["studies"]["study"]]
    close(by_study["chi2"], case["studies"]["X2"])
    close(by_study["cook_d"], case["studies"]["cook.d"])
    close(by_study.filter(like="dfbetas"), np.array(case["study_dfbetas"], float).T)


def test_nested_influence_with_effect_level_and_correlated_errors(simulated: pd.DataFrame) -> None:
    """Against dense matrices, a study deleted by its rows."""
    design = build_design(simulated, spec_of("0 + valence"))
    taus, rho = {"study": 0.5, "group": 0.3, "effect": 0.4}, 0.6
    table = influence.study_influence(design, taus, rho=rho)
    x, y, v, group = (design[name].values for name in ("X", "yi", "vi", "effect_group"))
    study = design["group_study"].values[group]
    same_group = np.equal.outer(group, group)
    errors = np.where(same_group, rho * np.sqrt(np.outer(v, v)), 0)
    np.fill_diagonal(errors, v)
    covariance = (
        errors + 0.25 * np.equal.outer(study, study) + 0.09 * same_group + 0.16 * np.eye(len(y))
    )

    def solve(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        weighted = np.linalg.solve(covariance[np.ix_(rows, rows)], x[rows])
        return np.linalg.solve(weighted.T @ x[rows], weighted.T @ y[rows]), weighted.T @ x[rows]

    full, information = solve(np.ones(len(y), bool))
    for s in (0, 17, 59):
        beta, rest = solve(study != s)
        own, residual = study == s, (y - x @ beta)[study == s]
        spread = covariance[np.ix_(own, own)] + x[own] @ np.linalg.inv(rest) @ x[own].T
        close(table["chi2"][s], residual @ np.linalg.solve(spread, residual))
        close(table["cook_d"][s], (full - beta) @ information @ (full - beta))


def test_egger_and_fail_safe_n_are_metafors(case: dict[str, Any], design: xr.Dataset) -> None:
    row, theirs = egger_single(design), case["egger"]
    close([row[key] for key in theirs], list(theirs.values()), rtol=1e-7)
    filed = funnel.fail_safe_table(design)
    assert list(filed["term"]) == case["fsn"]["cell"]
    assert list(filed["fsn"]) == case["fsn"]["fsnum"]
    close(filed["pval"], case["fsn"]["pval"])
    cells = pd.Series(case["table"]["cell"]).value_counts()
    enough = [
        n > 5 * cells[cell] + 10
        for cell, n in zip(case["fsn"]["cell"], case["fsn"]["fsnum"], strict=True)
    ]
    assert list(filed["robust"]) == enough
    assert filed["method"].str.contains("nesting is ignored").all()


def test_nested_egger_finds_a_planted_slope(simulated: pd.DataFrame) -> None:
    n = 2 / simulated["vi"]
    frame = simulated.assign(n1i=n, n2i=n, yi=simulated["yi"] + 3 * np.sqrt(simulated["vi"]))
    table = funnel.egger_table(build_design(frame, spec_of("0 + valence")), spec_of("0 + valence"))
    assert list(table["precision"]) == ["sei", "sei", "sqrt(1/n1 + 1/n2)"]
    np.testing.assert_allclose(table["slope"].iloc[1], table["slope"].iloc[2], rtol=1e-6)
    assert (np.abs(table["slope"] - 3) < 3 * table["se"]).all()
    no_sizes = build_design(simulated, spec_of("0 + valence"))
    assert list(funnel.egger_table(no_sizes, spec_of("0 + valence"))["precision"]) == ["sei", "sei"]
    with pytest.raises(BadInput, match="n1i"):
        size_precision(no_sizes)


def test_what_cannot_be_analysed_is_refused(simulated: pd.DataFrame) -> None:
    design = build_design(simulated.assign(vi=0.1), spec_of("1"))
    with pytest.raises(BadInput, match="sei cannot be distinguished from the terms"):
        funnel.egger_table(design, spec_of("1"))
    with pytest.raises(BadInput, match="fail-safe N needs cells"):
        funnel.fail_safe_table(with_term(design, "slope", np.arange(240.0)))
    with pytest.raises(BadInput, match="2 effects for 2 terms"):
        single.fit_single(np.eye(2), np.ones(2), np.ones(2))


def test_egger_of_the_trace_data(real: tuple[str, xr.Dataset, Any]) -> None:
    name, design, oracle = real
    table = funnel.egger_table(design, read_spec("three-level"))
    row, theirs = table.iloc[0], oracle["egger"]
    for ours, key in (("slope", "slope"), ("zval", "z"), ("QE", "QE"), ("k", "k"), ("pval", "p")):
        close(row[ours], theirs[key], rtol=1e-6)
    close(row["tau2"], theirs["tau2"], rtol=5e-6)  # metafor stops when tau2 moves by less than 1e-5
    close(row["tau2_without"], theirs["tau2_noegger"], rtol=5e-6)
    exact = json.loads((REFERENCE / "egger.json").read_text(encoding="utf-8"))[name]
    close(row[list(exact["single"])], list(exact["single"].values()))
    for _, nested in table.iloc[1:].iterrows():
        reference = exact[nested["precision"]]
        close(
            nested[["slope", "se", "tau2"]],
            [reference[key] for key in ("slope", "se", "tau2")],
            rtol=1e-4,
        )
        close(nested["QE"], reference["QE"])


def test_fail_safe_n_of_the_trace_data(real: tuple[str, xr.Dataset, Any]) -> None:
    _, design, oracle = real
    table = funnel.fail_safe_table(design).set_index("term")
    for row in oracle["fsn"]:
        ours = table.loc[
            f"{CELLS['X' if row['valence'] == 'E' else row['valence']]}:{CELLS[row['phase']]}"
        ]
        theirs = [row[key] for key in ("k", "papers", "fsn", "threshold")]
        assert list(ours[["k", "studies", "fsn", "threshold"]]) == theirs
        close(ours["sumz"], row["sumz"])
    assert len(table) == len(oracle["fsn"])


def test_removed_effects_of_the_trace_data(real: tuple[str, xr.Dataset, Any]) -> None:
    _, design, oracle = real
    table, theirs = influence.influence_table(design), oracle["noinf"]
    counts = [int(table[name].sum()) for name in ("influential", "outlier", "removed")]
    assert counts == [theirs[key] for key in ("n_potInf", "n_potOut", "n_removed")]
    removed = table["removed"].to_numpy()
    ours = sorted(zip(table["study"][removed], design["yi"].values[removed].round(6), strict=True))
    assert ours == sorted((row["PMID"], round(row["yi"], 6)) for row in theirs["removed"])
    assert table["study"][removed].nunique() == theirs["papers_removed"]


def test_the_study_with_mistyped_errors_is_the_most_influential(
    real: tuple[str, xr.Dataset, Any],
) -> None:
    name, design, _ = real
    fit = fit_reml(design, read_spec("three-level"))
    table = influence.study_influence(design, fit.tau).set_index("study")
    if name == "clinical":
        assert table["cook_d"].idxmax() == "25444643"
    assert table["influential"].sum() >= 1
    pulls = influence.deleted_residuals(design, fit.tau)
    study = design["study"].values[design["group_study"].values[design["effect_group"].values]]
    assert list(pulls["study"]) == list(study)
    assert pulls["outlier"].mean() < 0.2
