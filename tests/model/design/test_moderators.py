"""Numbers as moderators: formulas as in R, metafor's estimates.

Further, priors that do not know the units.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bayesmeta
from bayesmeta.estimates.contrasts import contrasts_table, standardised_table
from bayesmeta.inference.quadrature import integrate_posterior, terms_table
from bayesmeta.inference.reml import fit_reml
from bayesmeta.inference.reml import terms_table as reml_terms
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import (
    build_design,
    cell_means,
    code_rows,
    code_terms,
    coding_of,
    of_stratum,
)
from bayesmeta.model.design.standardising import standardised_weights
from bayesmeta.model.priors import term_prior
from bayesmeta.model.spec import ModelSpec, parse_spec
from moderated import SLOPE, STEP, TEXT, effects, tree_of

# R: rma.mv(yi, vi, mods = formula, random = ~ 1 | study/group),
# species as factor(levels = c("rat", "mouse"))
METAFOR = {
    "~ year": {"intercept": (13.8034739608, 16.945917745), "year": (-0.0064464841, 0.008454399)},
    "~ dose * species": {
        "intercept": (0.794234897, 0.126283305),
        "dose": (0.083836510, 0.016495285),
        "species[mouse]": (-0.345006717, 0.173958461),
        "dose:species[mouse]": (-0.055684253, 0.023805973),
    },
    "~ 0 + dose": {"dose": (0.08829434, 0.01091099)},
    "~ dose + species:year": {
        "intercept": (1.51271715, 13.95025036),
        "dose": (0.05703206, 0.01201287),
        "rat:year": (-0.00029177, 0.00696199),
        "mouse:year": (-0.00059366, 0.00695379),
    },
}


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return effects()


def spec_of(terms: str, more: str = "") -> ModelSpec:
    return parse_spec(TEXT.format(terms=terms, more=more), "m")


@pytest.mark.parametrize("formula", METAFOR)
def test_reml_is_metafor_in_the_units_of_the_table(frame: pd.DataFrame, formula: str) -> None:
    spec = spec_of(formula)
    table = reml_terms(fit_reml(build_design(frame, spec), spec)).set_index("term")
    wanted = pd.DataFrame(METAFOR[formula], ["estimate", "se"]).T
    assert list(table.index) == list(wanted.index)
    np.testing.assert_allclose(table[["estimate", "se"]], wanted, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("text", "formula"),
    [
        ("~ dose + species:phase", "dose + species:phase"),
        ("~ species", "1 + species"),
        ("~species:phase", "1 + species:phase"),
        ("species:phase", "0 + species:phase"),
        ("~ 0 + species", "0 + species"),
        ("~1", "1"),
    ],
)
def test_after_a_tilde_a_formula_means_what_it_does_in_r(
    frame: pd.DataFrame, text: str, formula: str
) -> None:
    assert cell_means(text, frame) == formula
    tilde = text if text.startswith("~") else f"~ {formula}"
    np.testing.assert_array_equal(
        code_terms(frame, tilde).matrix, code_terms(frame, formula).matrix
    )


def test_a_formula_with_a_left_side_is_refused(frame: pd.DataFrame) -> None:
    with pytest.raises(BadInput, match="have a left side"):
        code_terms(frame, "yi ~ dose")


def weights_of(frame: pd.DataFrame, formula: str) -> np.ndarray | None:
    coding = code_terms(frame, formula)
    return None if coding.standardised is None else coding.standardised.to_numpy()


def test_numbers_are_centred_with_an_intercept_and_scaled_without(frame: pd.DataFrame) -> None:
    mean, sd = frame["dose"].mean(), frame["dose"].std()
    np.testing.assert_allclose(weights_of(frame, "~ dose"), [[1, mean], [0, sd]])
    np.testing.assert_allclose(weights_of(frame, "0 + dose"), [[sd]])
    cells = weights_of(frame, "0 + species + species:dose")
    np.testing.assert_allclose(
        cells, np.block([[np.eye(2), mean * np.eye(2)], [np.zeros((2, 2)), sd * np.eye(2)]])
    )
    log = np.log(frame["dose"])
    np.testing.assert_allclose(
        weights_of(frame, "~ np.log(dose)"), [[1, log.mean()], [0, log.std()]]
    )


def test_columns_without_a_main_effect_are_centred_each_by_itself(frame: pd.DataFrame) -> None:
    sd, rats = frame["year"].std(), frame["species"] == "rat"
    found = weights_of(frame, "1 + species:year")
    means = [(frame["year"] * rats).mean(), (frame["year"] * ~rats).mean()]
    np.testing.assert_allclose(found, [[1, *means], [0, sd, 0], [0, 0, sd]], atol=1e-9)


@pytest.mark.parametrize(
    "formula", ["~ species * phase", "1", "~ scale(dose) * species", "~ species + blinded"]
)
def test_categories_and_scaled_numbers_stay_as_they_are(frame: pd.DataFrame, formula: str) -> None:
    blinded = frame.assign(blinded=(frame["dose"] > 3).astype(int))
    assert weights_of(blinded, formula) is None
    assert "standardised" not in build_design(blinded, spec_of(formula))


@pytest.mark.parametrize(
    "formula", ["~ poly(dose, 2) * species", "~ bs(dose, df=4)", "~ dose * year", "~ `the dose`"]
)
def test_what_is_standardised_is_the_same_model(frame: pd.DataFrame, formula: str) -> None:
    coding = code_terms(frame.assign(**{"the dose": frame["dose"]}), formula)
    assert coding.standardised is not None
    z = coding.matrix.to_numpy() @ np.linalg.inv(coding.standardised.to_numpy())
    np.testing.assert_allclose(z[:, 0], 1)
    assert np.abs(z[:, 1:].mean(axis=0)).max() < 1.0  # interactions keep the mean of their product
    assert (np.diag(coding.standardised) > 0).all()


def test_priors_hold_for_centred_and_scaled_numbers(frame: pd.DataFrame) -> None:
    spec = spec_of("~ dose * species")
    design = build_design(frame, spec)
    weights, prior = design["standardised"].values, term_prior(design, spec)
    np.testing.assert_allclose(
        weights @ prior.covariance({}) @ weights.T, 1.5**2 * np.eye(4), atol=1e-9
    )
    moved = build_design(frame.assign(dose=1000 * frame["dose"] - 300), spec)
    far = integrate_posterior(moved, spec)
    here = integrate_posterior(design, spec)
    assert far.log_marginal_likelihood == pytest.approx(here.log_marginal_likelihood, abs=1e-6)
    slope = terms_table(here).set_index("term").loc["dose", ["mean", "sd"]]
    np.testing.assert_allclose(
        terms_table(far).set_index("term").loc["dose", ["mean", "sd"]], slope / 1000, rtol=1e-6
    )


def test_the_same_posterior_as_with_numbers_scaled_by_hand(frame: pd.DataFrame) -> None:
    results = [
        integrate_posterior(build_design(frame, spec_of(f)), spec_of(f))
        for f in ("~ year", "~ scale(year)")
    ]
    raw, scaled = (terms_table(result).set_index("term")["mean"] for result in results)
    assert results[0].log_marginal_likelihood == pytest.approx(
        results[1].log_marginal_likelihood, abs=1e-7
    )
    assert raw["year"] * frame["year"].std() == pytest.approx(scaled["scale(year)"], rel=1e-6)
    assert raw["intercept"] + raw["year"] * frame["year"].mean() == pytest.approx(
        scaled["intercept"], rel=1e-6
    )


def test_a_planted_slope_is_found_in_its_own_unit() -> None:
    frame, spec = effects(400), spec_of("~ dose + species")
    terms = terms_table(integrate_posterior(build_design(frame, spec), spec)).set_index("term")
    assert terms.loc["dose", "sd"] < 0.006
    assert abs(terms.loc["dose", "mean"] - SLOPE) < 2.5 * terms.loc["dose", "sd"]
    assert abs(terms.loc["species[mouse]", "mean"] + STEP) < 2.5 * terms.loc["species[mouse]", "sd"]


def test_flat_priors_stay_flat_and_strata_keep_their_weights(frame: pd.DataFrame) -> None:
    spec = spec_of("0 + species + species:dose", 'tau_by = "species"')
    design = build_design(frame, spec)
    assert np.isinf(np.diag(term_prior(design, spec.with_flat_priors()).fixed)).all()
    part = of_stratum(design, "mouse")
    assert list(part["term"].values) == ["mouse", "mouse:dose"]
    np.testing.assert_array_equal(
        part["standardised"], design["standardised"].values[np.ix_([1, 3], [1, 3])]
    )


def test_a_number_that_hardly_varies_is_refused(frame: pd.DataFrame) -> None:
    with pytest.raises(BadInput, match="'stamp' hardly varies relative to its size"):
        code_terms(frame.assign(stamp=1e9 + frame["dose"]), "~ stamp")
    coding = code_terms(frame, "~ year")
    weights = standardised_weights(frame, coding.spec, coding.matrix, coding.kept)
    assert weights is not None


def test_tables_of_slopes_in_both_units(frame: pd.DataFrame) -> None:
    tree = tree_of(frame, "~ dose + species")
    table = standardised_table(tree).set_index("term")
    beta = tree["posterior"]["beta"].mean(("chain", "draw"))
    mean, sd = frame["dose"].mean(), frame["dose"].std()
    assert table["unit"].to_dict() == pytest.approx(
        {"intercept": 1, "dose": sd, "species[mouse]": 1}
    )
    assert table.loc["dose", "mean"] == pytest.approx(float(beta.sel(term="dose")) * sd)
    assert table.loc["intercept", "mean"] == pytest.approx(
        float(beta[0] + beta[1] * mean), rel=1e-9
    )
    ropes = contrasts_table(tree).set_index("contrast")["p_rope"]
    assert ropes["dose"] == table.loc["dose", "p_rope"] < 1
    assert standardised_table(tree_of(frame, "~ species")).empty


@pytest.mark.parametrize(
    "formula",
    [
        "~ dose * species",
        "~ poly(dose, 2) + phase",
        "0 + species:phase",
        "~ C(half) + scale(year)",
        "~ vi",
        "1",
    ],
)
def test_a_saved_design_codes_new_rows_as_it_coded_its_own(
    frame: pd.DataFrame, formula: str
) -> None:
    frame = frame.assign(half=frame["dose"].round())
    design = build_design(frame, spec_of(formula))
    some = frame.iloc[[7, 3, 50]].astype({"species": str})
    coded = code_rows(coding_of(design, spec_of(formula)), some)
    np.testing.assert_allclose(coded, design["X"].values[[7, 3, 50]])


def test_a_design_that_cannot_be_coded_again_is_refused(frame: pd.DataFrame) -> None:
    spec = spec_of("~ species")
    design = build_design(frame, spec)
    with pytest.raises(BadInput, match="run bayesmeta fit again"):
        coding_of(design.assign_attrs(levels="{}"), spec)  # then mice come first
    coding = coding_of(design, spec)
    with pytest.raises(BadInput, match="cannot be coded"):
        code_rows(coding, pd.DataFrame({"species": ["cat"]}))


def test_rows_of_cells_without_effects_are_nan(frame: pd.DataFrame) -> None:
    thin = frame[(frame["species"] == "rat") | (frame["phase"] == "learning")]
    coded = code_rows(
        code_terms(thin, "0 + species:phase"),
        pd.DataFrame({"species": ["rat", "mouse"], "phase": "memory"}),
    )
    assert coded.isna().all(axis=1).tolist() == [False, True]


COMPUTES = [
    "np.log(dose)",
    "I(dose ** 2)",
    "{dose / 2 - 1}",
    "C(species, contr.sum)",
    "scale(dose):species",
    "poly(`a b`, 2)",
]
DOES_MORE = {
    "a call of anything": ("open('planted', 'w')", "open('planted', 'w')"),
    "an attribute": ("{dose.__class__}", "dose.__class__"),
    "numpy that reads files": ("np.load('planted')", "np.load"),
    "numpy by a longer way": ("np.lib.format.open_memmap('planted')", "np.lib"),
    "a lambda": ("{(lambda: open('planted', 'w'))()}", "lambda"),
    "a list that is computed": ("{[open('planted', 'w') for _ in dose]}", "for _ in dose"),
    "a subscript": ("{dose[0]}", "dose[0]"),
    "text that is computed": ("C(species, f'{dose}')", "f'{dose}'"),
}


@pytest.mark.parametrize("expression", COMPUTES)
def test_formulas_may_compute(frame: pd.DataFrame, expression: str) -> None:
    assert len(code_terms(frame.assign(**{"a b": frame["dose"]}), f"~ {expression}").matrix) == len(
        frame
    )


@pytest.mark.parametrize("kind", DOES_MORE)
def test_formulas_may_not_do_more(
    frame: pd.DataFrame, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expression, part = DOES_MORE[kind]
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match="may only compute") as error:
        code_terms(frame, f"~ dose + {expression}")
    assert part in str(error.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "formula",
    ["~ np.log(dose - 9)", "~ lag(dose)", "~ scale(species)", "~ dose / 0", "~ dose +* 2"],
)
def test_formulas_without_a_value_are_refused(frame: pd.DataFrame, formula: str) -> None:
    with pytest.raises(BadInput, match="are not a formula of this table"):
        code_terms(frame, formula)


def test_backticks_in_a_text_hide_nothing(
    frame: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    hidden = "' + str(open('planted', 'w')) + '"
    with pytest.raises(BadInput, match="may only compute"):
        code_terms(frame.assign(**{hidden: frame["dose"]}), f"~ C(species, '`{hidden}`')")
    assert not list(tmp_path.iterdir())


def test_rows_with_a_blank_moderator_are_left_out_by_a_query(frame: pd.DataFrame) -> None:
    frame = frame.assign(dose=frame["dose"].where(frame["dose"] > frame["dose"].median()))
    with pytest.raises(BadInput, match=r"leave the rows out: where=\"dose.notna\(\)\""):
        bayesmeta.reml(frame, moderators="~ dose", missing="refuse")
    with pytest.raises(BadInput, match=r"needs complete moderators: missing=\"complete\""):
        bayesmeta.reml(frame, moderators="~ dose")
    complete = bayesmeta.reml(frame, moderators="~ dose", missing="complete")
    found = bayesmeta.reml(frame, moderators="~ dose", where="dose.notna()")
    assert found.fit["k"][0] == frame["dose"].notna().sum()
    np.testing.assert_allclose(complete.terms["estimate"], found.terms["estimate"])
    named = frame.rename(columns={"dose": "the dose"})
    with pytest.raises(BadInput, match=r"where='`the dose`.notna\(\)'"):
        bayesmeta.reml(named, moderators="~ `the dose`", missing="refuse")
    again = bayesmeta.reml(named, moderators="~ `the dose`", where="`the dose`.notna()")
    np.testing.assert_allclose(again.terms["estimate"], found.terms["estimate"])
