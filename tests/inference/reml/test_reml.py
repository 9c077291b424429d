"""REML and ML against metafor and clubSandwich (tests/reference/rma_mv.R).

Dense algebra and brute force, too.
"""

import itertools
import json
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayesmeta.data import datasets
from bayesmeta.data.datasets import trace
from bayesmeta.inference import reml
from bayesmeta.inference.reml import Reml, fit_reml
from bayesmeta.infrastructure.files import root
from bayesmeta.model.design import build_design
from bayesmeta.model.design.contrasts import contrast_weights
from bayesmeta.model.spec import read_spec

REFERENCE = json.loads((root() / "tests" / "reference" / "rma_mv.json").read_text())
REAL = {case["name"]: case for case in REFERENCE["real"]}
SMALL = {case["name"]: case for case in REFERENCE["small"]}
FULL = [name for name, case in (SMALL | REAL).items() if "cr2" in case]


@cache
def effects_of(name: str) -> pd.DataFrame:
    """Effect table behind a case of the reference."""
    if name in SMALL:
        return pd.DataFrame(
            {key: column for key, column in SMALL[name]["input"].items() if key != "formula"}
        )
    if name.startswith("comparison"):
        every = trace.build("calibrated").effects
        return every[every["comparison"] == name[-1]]
    return datasets.read(name.split()[0])


@cache
def fit_of(name: str) -> Reml:
    case = (SMALL | REAL)[name]
    published = read_spec("three-level")
    formula = (
        case["input"]["formula"]
        if name in SMALL
        else "1"
        if "one term" in name
        else published.terms
    )
    spec = replace(
        published.with_terms(formula), levels=tuple(case["levels"]), rho=float(case["rho"])
    )
    return fit_reml(build_design(effects_of(name), spec), spec, method=case["method"])


def neighbours(terms: list[str]) -> xr.DataArray | None:
    """Each term minus the one before it, as in the R script."""
    named = {f"{b} against {a}": f"{b} - {a}" for a, b in itertools.pairwise(terms)}
    return contrast_weights(named, terms) if named else None


def close(got: Any, wanted: Any, rtol: float, atol: float = 0.0) -> None:
    np.testing.assert_allclose(np.ravel(got), np.ravel(wanted), rtol, atol)


@pytest.fixture(autouse=True)
def real_tables(request: pytest.FixtureRequest) -> None:
    """A test of a real case needs the raw files."""
    if getattr(request.node, "callspec", None) and request.node.callspec.params.get("name") in REAL:
        request.getfixturevalue("trace_data")


@pytest.mark.parametrize("name", [*SMALL, *REAL])
def test_fit_equals_metafor(name: str) -> None:
    case, fit = (SMALL | REAL)[name], fit_of(name)
    table = reml.terms_table(fit).set_index("term").loc[case["terms"]]
    close(fit.tau**2, case["sigma2"], 1e-5, 1e-6)
    close(table["estimate"], case["beta"], 1e-5, 1e-7)
    close(table["se"], case["se"], 1e-5)
    close(table["zval"], case["zval"], 1e-5)
    close(table["pval"], case["pval"], 1e-4)
    close(table[["ci_lb", "ci_ub"]], np.transpose([case["lb"], case["ub"]]), 1e-5, 1e-6)
    whole = reml.fit_table(fit).iloc[0]
    assert whole["k"] == case["k"] == whole["QE_df"] + len(case["terms"])
    assert whole["QM_df"] == case["QMdf"]
    close(
        whole[["QE", "QM", "log_lik"]].astype(float), [case["QE"], case["QM"], case["logLik"]], 1e-5
    )
    close(whole["log_lik"], case["logLik"], 0, 1e-6)
    close(whole[["QE_p", "QM_p"]].astype(float), [case["QEp"], case["QMp"]], 1e-4)
    heterogeneity = reml.heterogeneity_table(fit).set_index("level")
    close(heterogeneity.loc[case["levels"], "i2"], case["i2"], 1e-5, 1e-4)
    assert heterogeneity.loc["total", "i2"] == pytest.approx(sum(case["i2"]), rel=1e-5, abs=1e-4)
    assert heterogeneity.loc["total", "tau2"] == pytest.approx((fit.tau**2).sum())


@pytest.mark.parametrize("name", FULL)
@pytest.mark.parametrize("test", ["t", "containment"])
def test_t_tests_equal_metafor(name: str, test: str) -> None:
    case, fit = (SMALL | REAL)[name], fit_of(name)
    wanted, terms = case["t" if test == "t" else "contain"], case["terms"]
    table = reml.terms_table(fit, test=test, contrasts=neighbours(terms)).set_index("term")
    assert table.loc[terms, "df"].tolist() == np.ravel(wanted["ddf"]).tolist()
    close(table.loc[terms, "pval"], wanted["pval"], 1e-4)
    close(
        table.loc[terms, ["ci_lb", "ci_ub"]], np.transpose([wanted["lb"], wanted["ub"]]), 1e-5, 1e-5
    )
    whole = reml.fit_table(fit, test=test).iloc[0]
    close(whole[["QM", "QM_df", "QM_df2"]].astype(float), [wanted["QM"], *wanted["QMdf"]], 1e-5)
    assert whole["QM_p"] == pytest.approx(wanted["QMp"], rel=1e-4)
    if pairs := wanted.get("contrasts"):
        rows = table.iloc[len(terms) :]
        close(rows[["estimate", "se"]], np.transpose([pairs["est"], pairs["se"]]), 1e-5, 1e-6)
        close(rows[["df", "pval"]], np.transpose([pairs["ddf"], pairs["pval"]]), 1e-4)


@pytest.mark.parametrize("name", FULL)
def test_profile_intervals_equal_metafor(name: str) -> None:
    wanted = (SMALL | REAL)[name]["profile"]
    got = reml.profile_intervals(fit_of(name))
    close(got["tau_ci_lb"], wanted["lb"], 1e-5, 1e-6)
    close(got["tau_ci_ub"], wanted["ub"], 1e-5)


@pytest.mark.parametrize("name", FULL)
def test_robust_errors_equal_clubsandwich(name: str) -> None:
    case, fit = (SMALL | REAL)[name], fit_of(name)
    wanted, terms = case["cr2"], case["terms"]
    table = reml.cr2_table(fit, contrasts=neighbours(terms)).set_index("term")
    for column in ("se", "df", "tval"):
        close(table.loc[terms, column], wanted[column], 1e-5)
    close(table.loc[terms, "pval"], wanted["pval"], 1e-4)
    if pairs := wanted.get("contrasts"):
        close(
            table.iloc[len(terms) :][["se", "df"]], np.transpose([pairs["se"], pairs["df"]]), 1e-5
        )
    half = (table["ci_ub"] - table["ci_lb"]) / 2
    close((table["ci_ub"] + table["ci_lb"]) / 2 / table["se"], table["tval"], 1e-9)
    assert (half > 1.9599 * table["se"]).all()
    assert ((table["caution"] != "") == (table["df"] < 4)).all()


@pytest.fixture(scope="session")
def oracle(trace_oracle: pd.DataFrame) -> Any:
    """Fits by metafor 3.8-1 made with the reference table."""
    path = root() / ".." / "shared" / "reference" / "trace_metafor.json"
    return json.loads(path.read_text(encoding="utf-8"))


LETTERS = {"F": "fear", "N": "neutral", "T": "trauma", "E": "emotional"}
PHASES = {"L": "learning", "M": "memory", "E": "extinction"}


def term_of(name: str) -> str:
    """Our name of `valenceF:phaseE`, `phaseL` (neutral alone), `intrcpt`, `RoB_score_naC`."""
    known = {"intrcpt": "intercept", "RoB_score_naC": "risk_of_bias_c_unclear"}
    valence, _, phase = name.rpartition(":")
    return (
        known.get(name) or f"{LETTERS[valence[-1]] if valence else 'neutral'}:{PHASES[phase[-1]]}"
    )


def check_against(fit: Reml, wanted: dict[str, Any], levels: tuple[str, ...]) -> None:
    close(fit.tau[list(levels)] ** 2, wanted["sigma2"], 1e-4, 1e-6)
    table = (
        reml.terms_table(fit)
        .set_index("term")
        .loc[[term_of(row["term"]) for row in wanted["coef"]]]
    )
    close(table["estimate"], [row["est"] for row in wanted["coef"]], 1e-5)
    close(table["se"], [row["se"] for row in wanted["coef"]], 1e-5)
    whole = reml.fit_table(fit).iloc[0]
    assert whole["k"] == wanted["k"]
    assert whole["QE"] == pytest.approx(wanted["QE"], rel=1e-7)
    for ours, theirs in (("QM", "QM"), ("QM_p", "QMp"), ("log_lik", "logLik")):
        if theirs in wanted:
            assert whole[ours] == pytest.approx(wanted[theirs], rel=1e-4)
    i2 = reml.heterogeneity_table(fit).set_index("level")["i2"]
    if wanted.get("I2"):
        close(i2[["total", *levels]], list(wanted["I2"].values()), 1e-5)


@pytest.mark.parametrize(
    "name", ["clinical", "clinical_total", "preclinical", "comparison_A", "comparison_B"]
)
def test_sets_of_the_published_analysis(trace_data: Any, oracle: Any, name: str) -> None:
    frame = effects_of(name.replace("_total", "-all").replace("_", " "))
    spec = read_spec("three-level")
    fit = fit_reml(build_design(frame, spec), spec)
    check_against(fit, oracle["calibrated"][name], ("group", "study"))
    assert fit.boundary == (("study", "group") if name == "comparison_B" else ())


@pytest.mark.parametrize("name", ["clinical", "preclinical"])
def test_sensitivity_sets_of_the_published_analysis(
    trace_data: Any, oracle: Any, name: str
) -> None:
    wanted, frame, spec = oracle["calibrated"][name], effects_of(name), read_spec("three-level")
    risk = spec.with_terms("1 + risk_of_bias_c_unclear")
    scored = frame[frame["risk_of_bias_c_unclear"].notna()]
    check_against(fit_reml(build_design(scored, risk), risk), wanted["RoB"], ("group", "study"))
    removed = {(row["PMID"], round(row["yi"], 6)) for row in wanted["noinf"]["removed"]}
    gone = [pair in removed for pair in zip(frame["study"], frame["yi"].round(6), strict=True)]
    kept = build_design(frame[~np.array(gone)], spec)
    check_against(fit_reml(kept, spec), wanted["noinf"], ("group", "study"))


@pytest.mark.parametrize("name", ["clinical", "preclinical"])
def test_effect_level_of_the_oracle(trace_data: Any, oracle: Any, name: str) -> None:
    spec = read_spec("four-level")
    fit = fit_reml(build_design(effects_of(name), spec), spec)
    check_against(fit, oracle["effect_level_added"][name], ("effect", "group", "study"))


@pytest.mark.parametrize(("name", "m"), [("clinical", 7), ("preclinical", 12)])
def test_published_contrasts_with_bonferroni(
    trace_data: Any, oracle: Any, name: str, m: int
) -> None:
    fit, terms = fit_of(name), [str(term) for term in fit_of(name).beta.index]
    named = read_spec("three-level").contrasts_of(name)
    table = reml.terms_table(fit, contrasts=contrast_weights(named, terms))
    again = reml.terms_table(
        fit, contrasts=contrast_weights({term: term for term in terms} | named, terms)
    )
    pd.testing.assert_frame_equal(table, again)
    assert len(table) == m
    wanted = {row["est"]: row for row in oracle["calibrated"][name]["contrasts"]}
    for row in table.to_dict("records"):
        theirs = wanted[min(wanted, key=lambda estimate: abs(estimate - row["estimate"]))]
        keys = ("estimate", "se", "zval", "pval", "p_bonferroni")
        close(
            [row[key] for key in keys],
            [theirs[key] for key in ("est", "se", "z", "p", "p_bonf")],
            1e-4,
            1e-8,
        )
