"""What the exact likelihood and the effect level would change, against the models themselves."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bayesmeta.inference.quadrature import integrate_posterior, quadrature_posterior, terms_table
from bayesmeta.model.design import build_design
from bayesmeta.model.spec import read_spec
from bayesmeta.robustness.refinements import COLUMNS, EXACT, LEVEL, refinements_table, sentences
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
    assert "The exact likelihood of Hedges' g (--likelihood t) would move intercept" in text
    assert f"The log Bayes factor for an effect level is {factor:.0f}" in text


def test_what_does_not_apply_is_left_out(frame: pd.DataFrame) -> None:
    design = build_design(frame, SPEC)
    assert refinements_table(frame, design, replace(SPEC, likelihood="t")).empty
    without_sizes = frame.drop(columns=["n1i", "n2i"])
    found = refinements_table(without_sizes, build_design(without_sizes, SPEC), SPEC)
    assert set(found["refinement"]) == {LEVEL}
    four = replace(SPEC, levels=("study", "group", "effect"))
    assert set(refinements_table(frame, build_design(frame, four), four)["refinement"]) == {EXACT}


def test_what_moves_nothing_is_not_said() -> None:
    rows = [(EXACT, "a", 1.0, 0.2, 1.01, 0.05, np.nan), (LEVEL, "a", 1.0, 0.2, 1.5, 2.5, -1.0)]
    assert sentences(pd.DataFrame(rows, columns=COLUMNS)) == []
