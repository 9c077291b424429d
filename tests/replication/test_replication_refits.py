"""Refits to parts of the table, corrections, and the published values."""

import json
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bayesmeta import replication
from bayesmeta.data import corrections, datasets
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.files import root
from bayesmeta.model.design import build_design
from bayesmeta.model.spec import read_spec
from bayesmeta.replication.printed import DATASETS

SPEC = read_spec("three-level")
WORDS = {
    "valence": {"F": "fear", "N": "neutral", "T": "trauma", "E": "emotional"},
    "phase": {"L": "learning", "M": "memory", "E": "extinction"},
}
KEYS = {"estimate": "est", "se": "se", "zval": "z", "ci_lb": "lb", "ci_ub": "ub"}


@pytest.fixture(scope="module")
def oracle(trace_data: Any, trace_oracle: Any) -> dict[str, Any]:
    """What metafor 3.8 found in the TRACE data."""
    path = root() / ".." / "shared" / "reference" / "trace_metafor.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["calibrated"]
    return found


def printed(name: str, dataset: str) -> pd.DataFrame:
    """The published rows of a dataset in a file of data/published."""
    table = pd.read_csv(root() / "data" / "published" / f"{name}.csv", encoding="utf-8")
    return table[table["dataset"] == dataset]


def check(refits: replication.Refits, analysis: str, theirs: dict[str, Any]) -> None:
    """Terms and fit of one analysis equal the oracle's."""
    terms = refits.terms[refits.terms["analysis"] == analysis].set_index("term")
    assert len(terms) == len(theirs["coef"])
    for row in theirs["coef"]:
        ours = terms.loc[label(row["term"])]
        np.testing.assert_allclose(
            ours[list(KEYS)].astype(float), [row[key] for key in KEYS.values()], rtol=1e-4
        )
    fit = refits.fits.set_index("analysis").loc[analysis]
    assert [fit["groups"], fit["studies"]] == theirs["nlvls"]
    assert fit["k"] == theirs["k"]
    np.testing.assert_allclose(fit["QE"], theirs["QE"], rtol=1e-6)
    np.testing.assert_allclose(fit["QM"], theirs["QM"], rtol=1e-4)
    np.testing.assert_allclose(
        np.square([fit["tau_group"], fit["tau_study"]]), theirs["sigma2"], rtol=1e-3, atol=1e-6
    )


def label(term: str) -> str:
    """`valenceF:phaseE` -> `fear:extinction`."""
    if term == "intrcpt":
        return "intercept"
    if term.startswith("RoB"):
        return "risk_of_bias"
    parts = term.split(":")
    valence = WORDS["valence"][parts[0][-1]] if len(parts) == 2 else "neutral"
    return f"{valence}:{WORDS['phase'][parts[-1][-1]]}"


def test_types_of_comparison(oracle: dict[str, Any]) -> None:
    refits = replication.refit(
        replication.by_comparison(datasets.trace.build("calibrated").effects), SPEC
    )
    assert list(refits.fits["analysis"]) == [f"comparison {name}" for name in "ABCDEF"]
    for name in "AB":
        check(refits, f"comparison {name}", oracle[f"comparison_{name}"])
    for dataset in ("clinical-all", "preclinical"):  # the signs of what the paper found clearly
        paper = printed("sensitivity", dataset)
        clear = paper[
            (paper["ci_lb"] * paper["ci_ub"] > 0) & paper["analysis"].str.startswith("comparison")
        ]
        both = clear.merge(refits.terms, on=["analysis", "term"])
        assert len(both) == len(clear)
        assert (both["estimate_x"] * both["estimate_y"] > 0).all()


@pytest.mark.parametrize("dataset", ["clinical", "preclinical"])
def test_without_influential_and_risk_of_bias(dataset: str, oracle: dict[str, Any]) -> None:
    frame = datasets.read(dataset)
    refits = replication.refit(replication.without_influential(frame, SPEC), SPEC)
    check(refits, "all effects", oracle[dataset])
    check(refits, "without outlying and influential", oracle[dataset]["noinf"])
    bias = replication.risk_of_bias_table(frame, SPEC)
    check(bias, "risk of bias", oracle[dataset]["RoB"])
    assert bias.fits["basis"].iloc[0].startswith("search 1 only")
    assert set(bias.terms["k"]) == {oracle[dataset]["RoB"]["k"]}


@pytest.mark.usefixtures("trace_data")
def test_corrected_errors_halve_fear_extinction() -> None:
    frame = datasets.read("clinical")
    terms = replication.refit(replication.with_and_without_errors(frame), SPEC).terms
    fear = terms[terms["term"] == "fear:extinction"].set_index("analysis")["estimate"]
    assert round(fear["all effects"], 2) == -1.01
    assert round(fear["errors corrected"], 2) == -0.50
    assert fear["errors and suspected corrected"] > fear["errors corrected"]
    fixed = corrections.corrected(frame)
    changed = fixed["yi"] != frame["yi"]
    assert set(frame["study"][changed]) == {"25444643"}
    assert changed.sum() == 6
    assert set(corrections.suspects(frame)["study"]) == {"25444643", "31206738"}
    assert len(corrections.without_suspects(frame)) == len(frame) - 10
    assert set(corrections.suspects(datasets.read("preclinical"))["study"]) == {
        "25749890",
        "25976074",
    }


def mistyped() -> pd.DataFrame:
    """Two effects of a suspected study with a split control, one of another study."""
    sizes = {
        "n1i": [9.0, 9.0, 9.0],
        "n2i": [8.0, 8.0, 16.0],
        "n2i_reported": 16.0,
        "direction": [-1, 1, 1],
    }
    numbers = {
        "m1i": [5.0, 4.0, 5.0],
        "sd1i": 1.0,
        "m2i": 3.0,
        "sd2i": 2.0,
        "yi": 9.0,
        "yi_raw": 9.0,
        "vi": 9.0,
    }
    keys = {
        "study": ["25749890", "25749890", "other"],
        "effect": ["a", "b", "c"],
        "group": ["g", "h", "i"],
    }
    return pd.DataFrame(keys | sizes | numbers)


def test_a_correction_by_hand() -> None:
    fixed = corrections.corrected(mistyped())
    np.testing.assert_allclose(fixed["sd1i"], [3, 3, 1])
    np.testing.assert_allclose(fixed["sd2i"], [8, 8, 2])
    pooled = np.sqrt((8 * 9 + 7 * 64) / 15)
    exact = math.gamma(7.5) / (np.sqrt(7.5) * math.gamma(7))
    g = exact * np.array([2, 1]) / pooled
    np.testing.assert_allclose(fixed["yi"], [-g[0], g[1], 9], rtol=1e-10)
    np.testing.assert_allclose(fixed["vi"], [*(1 / 9 + 1 / 8 + g**2 / 34), 9], rtol=1e-10)
    assert corrections.suspects(mistyped())["effects"].tolist() == [2]
    assert mistyped()["yi"].eq(9).all()


def test_what_cannot_be_corrected_is_refused() -> None:
    frame = mistyped()
    with pytest.raises(BadInput, match="sd1i"):
        corrections.corrected(frame.drop(columns="sd1i"))
    with pytest.raises(BadInput, match="nothing to correct"):
        corrections.corrected(frame.iloc[2:])
    with pytest.raises(BadInput, match="nothing to correct"):
        replication.with_and_without_errors(frame.iloc[2:])
    with pytest.raises(BadInput, match="unknown grade"):
        corrections.corrected(frame, grades=["certain"])


def test_parts_that_a_table_cannot_have_are_refused(simulated: pd.DataFrame) -> None:
    with pytest.raises(BadInput, match="column comparison"):
        replication.by_comparison(simulated)
    with pytest.raises(BadInput, match="risk_of_bias"):
        replication.risk_of_bias_table(simulated, SPEC)
    with pytest.raises(BadInput, match="the same in all 240"):
        replication.risk_of_bias_table(simulated.assign(risk_of_bias=1.0), SPEC)


def test_a_refit_that_fails_is_named(simulated: pd.DataFrame) -> None:
    parts = replication.by_comparison(simulated.assign(comparison=["A"] * 2 + ["C"] * 238))
    refits = replication.refit(parts, SPEC)
    assert list(refits.fits["analysis"]) == ["comparison C"]
    assert list(refits.left_out["analysis"]) == ["comparison A"]
    assert refits.left_out["reason"].iloc[0]
    empty = replication.refit({"nothing": simulated.head(1)}, SPEC)
    assert list(empty.terms.columns) == list(refits.terms.columns)
    assert list(empty.fits.columns) == list(refits.fits.columns)


def test_risk_of_bias_of_a_users_table(simulated: pd.DataFrame) -> None:
    score = pd.Series(np.arange(240.0) % 5).mask(np.arange(240) < 40)
    found = replication.risk_of_bias_table(
        simulated.assign(risk_of_bias=score, yi=simulated["yi"] + 2 * score), SPEC
    )
    slope = found.terms.set_index("term").loc["risk_of_bias"]
    assert abs(slope["estimate"] - 2) < 3 * slope["se"]
    assert found.fits["basis"].iloc[0] == "200 of 240 effects, those with a score"


@pytest.mark.parametrize("dataset", DATASETS)
def test_published_terms_are_consistent(dataset: str) -> None:
    table = replication.published_terms(dataset)
    assert table is not None
    in_paper = table["printed"].notna()
    assert ((table["printed"] - table["estimate"]).abs()[in_paper] <= 0.00051).all()
    assert in_paper.sum() == {"preclinical": 7, "clinical": 5, "clinical-all": 2}[dataset]
    width = 2 * 1.959964 * table["se"]
    np.testing.assert_allclose(table["ci_ub"] - table["ci_lb"], width, atol=3e-4)
    np.testing.assert_allclose(
        (table["ci_ub"] + table["ci_lb"]) / 2, table["estimate"], atol=1.5e-4
    )
    main = printed("fits", dataset).set_index("analysis").loc["main"]
    assert main["k"] == table["k"].sum()
    assert main["QE_df"] == main["k"] - len(table)
    assert table["source"].str.contains("TheoryDrivenAnalysis").all()


def test_published_terms_have_our_labels(oracle: dict[str, Any]) -> None:
    for dataset in DATASETS:
        table = replication.published_terms(dataset)
        assert table is not None
        design = build_design(datasets.read(dataset), SPEC)
        assert set(table["term"]) == set(design["term"].values)


def test_what_was_not_published_is_none() -> None:
    for function in (
        replication.published_terms,
        replication.published_tree,
        replication.published_importance,
        replication.published_forest,
    ):
        assert function("clinical-twin") is None
    assert printed("egger", "preclinical")["removed_rows"].tolist() == [15]
