"""What the exact likelihood and the effect level would change, against the models themselves."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bayesmeta.data.effect_sizes import correction, hedges
from bayesmeta.inference.quadrature import integrate_posterior, quadrature_posterior, terms_table
from bayesmeta.model.design import build_design
from bayesmeta.model.spec import read_spec
from bayesmeta.robustness.refinements import (
    COLUMNS,
    EXACT,
    LEVEL,
    MODERATE,
    extreme_effects,
    refinements_table,
    sentences,
    supported_model,
)
from standardised import simulate_smds

SPEC = replace(read_spec("intercept"), levels=("study", "group"))


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Forty groups of three effects of tiny groups, whose true effects differ within groups."""
    group = np.repeat(np.arange(40), 3)
    rng = np.random.default_rng(2)
    return simulate_smds(rng, group // 2, group, mean=1.5, taus=(0.5, 0.2, 0.7), sizes=(4, 7))


def test_refinements_are_near_their_models(frame: pd.DataFrame) -> None:
    design = build_design(frame, SPEC)
    table = refinements_table(frame, design, SPEC)
    assert table.columns.tolist() == COLUMNS
    by_name = table.set_index("refinement")
    exact = quadrature_posterior(design, replace(SPEC, likelihood="t"), draws=1000)
    beta = exact["posterior"]["beta"]
    distance = abs(by_name.loc[EXACT, "refined_mean"] - float(beta.mean()))
    assert distance < 0.15 * float(beta.std())
    assert by_name.loc[EXACT, "shift"] > 0.5  # the normal likelihood pulls towards zero
    four = integrate_posterior(design, replace(SPEC, levels=("study", "group", "effect")))
    three = integrate_posterior(design, SPEC)
    factor = four.log_marginal_likelihood - three.log_marginal_likelihood
    assert by_name.loc[LEVEL, "log_bayes_factor"] == pytest.approx(factor)
    assert by_name.loc[LEVEL, "refined_mean"] == pytest.approx(terms_table(four)["mean"][0])
    text = " ".join(sentences(table))
    assert "The exact likelihood of Hedges' g (--likelihood t) would change intercept" in text
    assert f"effect level (--levels study,group,effect) is {factor:.0f}" in text
    levels = ("study", "group", "effect")
    assert supported_model(table, SPEC) == replace(SPEC, likelihood="t", levels=levels)


def test_extreme_effects_of_an_exact_fit_are_listed_and_left_out(frame: pd.DataFrame) -> None:
    spec = replace(SPEC, likelihood="t")
    g, n1, n2 = (frame[name].to_numpy(float) for name in ("yi", "n1i", "n2i"))
    far = np.where(frame.index % 30 > 0, g, 9.0)
    _, vi = hedges(far / correction(n1 + n2 - 2), n1, n2)
    extreme = frame.assign(yi=far, vi=vi, reference="a paper")
    rows = extreme_effects(extreme)
    assert rows["yi"].tolist() == [9.0] * 4
    assert "reference" in rows.columns
    table = refinements_table(extreme, build_design(extreme, spec), spec)
    assert table["refinement"].tolist() == [MODERATE]
    kept = extreme.query("abs(yi) < 6")
    assert refinements_table(kept, build_design(kept, spec), spec).empty
    normal = refinements_table(kept, build_design(kept, SPEC), SPEC).set_index("refinement")
    expected = normal.loc[EXACT, "refined_mean"]
    assert table["refined_mean"].iloc[0] == pytest.approx(expected, abs=1e-6)
    assert "(--where 'abs(yi) < 6'), the fit would change intercept" in sentences(table)[0]


def test_what_does_not_apply_is_left_out(frame: pd.DataFrame) -> None:
    design = build_design(frame, SPEC)
    assert refinements_table(frame, design, replace(SPEC, likelihood="t")).empty
    without_sizes = frame.drop(columns=["n1i", "n2i"])
    found = refinements_table(without_sizes, build_design(without_sizes, SPEC), SPEC)
    assert set(found["refinement"]) == {LEVEL}
    four = replace(SPEC, levels=("study", "group", "effect"))
    assert set(refinements_table(frame, build_design(frame, four), four)["refinement"]) == {EXACT}


def test_what_moves_nothing_is_not_said() -> None:
    rows = [
        (EXACT, "a", 1.0, 0.2, 1.01, 0.05, np.nan, "--likelihood t", np.nan),
        (LEVEL, "a", 1.0, 0.2, 1.5, 2.5, -1.0, "--levels study,group,effect", np.nan),
    ]
    assert sentences(pd.DataFrame(rows, columns=COLUMNS)) == []
