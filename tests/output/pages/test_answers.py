"""The sentences agree with the tables in all cases, and every number of theirs is a cell."""

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.output.pages.answers import answer, sentences
from bayesmeta.output.pages.results import Results, read_results
from results_by_hand import (
    CELLS,
    COMPARISON,
    DOUBTS,
    MODEL,
    TRACE,
    bare,
    folder,
    tables_of_fit,
)


@pytest.fixture
def complete(tmp_path: Path) -> Results:
    """Results of every command."""
    return folder(tmp_path / "toy", tables_of_fit(**CELLS) | {"comparison": COMPARISON} | DOUBTS)


def test_what_was_analysed_has_sizes_model_and_scale(complete: Results) -> None:
    text = sentences(complete, html=False)["analysed"]
    assert text == (
        "Toy animals: 1086 effects of 184 studies (302 groups) were analysed by the model "
        "“Three-level model, cell means”, in which true effects vary between studies and groups "
        f"around 3 means, on the scale {TRACE}."
    )


def test_cells_are_compared_with_zero_in_the_words_of_the_scale(complete: Results) -> None:
    assert sentences(complete, html=False)["estimated"] == (
        "Clearly below zero: neutral memory (−1.36 [−1.66, −1.06]); clearly above zero: fear "
        "memory (0.91 [0.61, 1.21]); open: trauma extinction (0.10 [−0.20, 0.40]) (means with 95 % "
        "intervals; positive: better performance in PTSD)."
    )


def test_the_answer_is_that_of_the_supported_model_beside_the_requested_one(
    tmp_path: Path,
) -> None:
    path = tmp_path / "toy"
    folder(path, tables_of_fit(**CELLS) | {"comparison": COMPARISON} | DOUBTS)
    wider = tables_of_fit(**CELLS | {"trauma_extinction": 0.7})
    shift = {"refinement": "without extreme effects", "term": "trauma:extinction"}
    refinements = pd.DataFrame([shift | {"refined_mean": 0.25, "shift": -3.0, "limit": 6.0}])
    toml = MODEL.replace("Three-level model, cell means", "Four levels")
    folder(path / "supported", wider | {"refinements": refinements}, toml=toml)
    text = sentences(read_results(path), html=False)
    assert "by the model “Four levels”" in text["analysed"]
    assert "fear memory (0.91 [0.61, 1.21]) and trauma extinction (0.70" in text["estimated"]
    assert text["structure"] == (
        "This is the model that the data support; the requested model (“Three-level model, cell "
        "means”), to which the sections below refer, gives trauma extinction 0.10 [−0.20, 0.40] "
        "instead of 0.70, neutral memory −1.36 [−1.66, −1.06] instead of −1.36, fear memory 0.91 "
        "[0.61, 1.21] instead of 0.91; the verdict on the sign changes for trauma extinction; "
        "without the effects of g beyond 6 (extreme_effects), the supported model gives 0.25 for "
        "trauma extinction."
    )
    assert "supported/terms|term=trauma:extinction|mean" in answer(read_results(path))


def test_the_expected_number_of_wrong_signs_is_said(complete: Results, tmp_path: Path) -> None:
    contrasts = complete.tables["contrasts"].assign(p_positive=[0.01, 0.98, 0.5])
    results = folder(tmp_path / "b", tables_of_fit(**CELLS) | {"contrasts": contrasts})
    assert sentences(results, html=False)["signs"] == (
        "2 means and contrasts have a 95 % interval on one side of zero; the expected number with "
        "the opposite sign, the sum of its probabilities, is 0.03."
    )


def test_terms_of_any_file_are_compared_with_zero(tmp_path: Path) -> None:
    results = folder(
        tmp_path / "a", tables_of_fit(dose_low=0.5, dose_high=1.5), scale="effect size yi"
    )
    text = sentences(results, html=False)["estimated"]
    assert text.startswith(
        "Clearly above zero: dose low (0.50 [0.20, 0.80]) and dose high (1.50 [1.20, 1.80]); "
        "none is open"
    )
    unsettled = folder(
        tmp_path / "b", tables_of_fit(dose_low=0.1, dose_high=-0.1), scale="effect size yi"
    )
    assert sentences(unsettled, html=False)["estimated"].startswith(
        "No mean is settled: dose low (0.10"
    )


@pytest.mark.parametrize(
    ("mean", "ending"),
    [
        (-0.5, "clearly below zero (P > .999)."),
        (0.5, "clearly above zero (P > .999)."),
        (0.1, "so its sign is open (P > .999 for the more probable sign)."),
    ],
)
def test_a_sole_intercept_is_the_overall_mean(tmp_path: Path, mean: float, ending: str) -> None:
    toml = MODEL.replace("0 + valence:phase", "1")
    results = folder(
        tmp_path / "a", tables_of_fit(intercept=mean), scale="effect size yi", toml=toml
    )
    text = sentences(results, html=False)
    assert text["estimated"].startswith(f"The overall mean is {mean:.2f} [".replace("-", "−"))
    assert text["estimated"].endswith(ending)
    assert "new study would lie between" in text["varies"]
    assert "around" not in text["analysed"]


def test_heterogeneity_and_the_next_study(complete: Results, tmp_path: Path) -> None:
    text = sentences(complete, html=False)["varies"]
    assert text.startswith(
        "True effects vary between studies with a standard deviation of 1.21 [1.03, 1.03] and "
        "between"
    )
    assert (
        "(87 % of the total variance), so the true effect of a new study may lie on either side of "
        "zero in every cell" in text
    )
    tables = tables_of_fit(**CELLS | {"fear_memory": 3.0})
    text = sentences(folder(tmp_path / "b", tables), html=False)["varies"]
    assert "in 2 of 3 cells, and on the side of its mean only in fear memory" in text
    strata = tables["heterogeneity"].assign(level=["human:study", "human:total", "rat:study"])
    text = sentences(folder(tmp_path / "c", tables | {"heterogeneity": strata}), html=False)[
        "varies"
    ]
    assert text.startswith(
        "True effects vary: in human between studies with a standard deviation of 1.21"
    )
    assert ", in rat between studies with a standard deviation of 1.30" in text


def test_reml_and_bayes_agree_or_differ(complete: Results, tmp_path: Path) -> None:
    text = sentences(complete, html=False)["frequentist"]
    assert "agrees on the sign of all 3 means and contrasts" in text
    assert text.endswith("posterior mean and estimate is −0.23 standard errors (fear memory).")
    differing = COMPARISON.assign(side_frequentist=["below", "open", "open", "above"])
    robust = COMPARISON[["term", "ci_lb", "ci_ub"]].assign(ci_lb=[-1.6, -0.1, -0.2, 1])
    tables = tables_of_fit(**CELLS) | {"comparison": differing, "frequentist_robust": robust[:3]}
    text = sentences(folder(tmp_path / "b", tables), html=False)["frequentist"]
    assert "agrees on the sign of 2 of 3 means and contrasts and differs" in text
    assert "differs from the posterior for fear memory (open, not above)" in text
    assert text.endswith("cluster-robust errors change the verdict on the sign of fear memory.")


def test_what_could_change_the_conclusions(complete: Results) -> None:
    assert sentences(complete, html=False)["doubts"] == (
        "What could change these conclusions: 1 of 3 checks passed, review: funnel and bias "
        "models (no longer settled under a bias model: fear memory); findings of the first rank "
        "in the data: 2 (2 times: standard errors typed as standard deviations), and their "
        "correction changes the sign of fear memory (above zero → open); the 3 conclusions under "
        "3 alternatives: weakens 1, overturned 1, open 1; the weakest is fear memory (P = .35 "
        "under comparison F)."
    )


def test_a_clean_lint_and_checks_that_were_not_run(complete: Results) -> None:
    tables = {
        name: table
        for name, table in complete.tables.items()
        if name not in ("check", "verdicts", "bias_cells")
    }
    tables["lint"] = tables["lint"][tables["lint"]["rank"] > 1]
    text = sentences(replace(complete, tables=tables), html=False)["doubts"]
    assert "the checks were not run (`bayesmeta check --dataset toy`)" in text
    assert "the lint finds no problem of the first rank" in text
    assert "other reasonable analyses were not tried (`bayesmeta multiverse --dataset toy`)" in text


@pytest.mark.parametrize(
    ("sentence", "commands", "gone"),
    [
        ("estimated", ["fit"], ["terms", "contrasts"]),
        ("varies", ["fit"], ["heterogeneity"]),
        ("frequentist", ["compare"], ["comparison"]),
        (
            "doubts",
            ["check", "lint", "multiverse"],
            ["check", "lint", "lint_refits", "verdicts", "alternatives"],
        ),
    ],
)
def test_a_sentence_without_tables_names_the_command(
    complete: Results, sentence: str, commands: list[str], gone: list[str]
) -> None:
    left = replace(
        complete,
        tables={name: table for name, table in complete.tables.items() if name not in gone},
    )
    text = sentences(left, html=False)[sentence]
    assert all(f"`bayesmeta {command} --dataset toy`" in text for command in commands)
    assert f"<code>bayesmeta {commands[0]} --dataset toy</code>" in sentences(left)[sentence]


def test_the_command_repeats_the_choices_of_the_fit(tmp_path: Path) -> None:
    about = {
        "title": "effects from toy.csv",
        "moderators": "dose",
        "where": "dose > 1",
        "requested_dataset": "toy.csv",
        "requested_model": "my model.toml",
        "prior": "cochrane:smd",
        "columns": {"yi": "es", "study": "paper id"},
    }
    text = sentences(folder(tmp_path / "a", tables_of_fit(**CELLS), **about), html=False)
    command = (
        "bayesmeta compare --dataset toy.csv --model 'my model.toml' --prior cochrane:smd "
        "--moderators dose --where 'dose > 1' --columns 'yi=es,study=paper id'"
    )
    assert command in text["frequentist"]
    assert "184 studies (302 groups) from toy.csv, those with dose > 1," in text["analysed"]


def test_every_number_is_a_cell(complete: Results) -> None:
    text = answer(complete)
    assert text.count("<p>") == len(sentences(complete)) == 6
    assert re.findall(r"[0-9]", bare(text)) == []
    assert 'data-cell="terms|term=fear:memory|mean"' in text
    assert 'data-cell="facts|fact=effects|value"' in text


def test_a_changed_table_changes_the_text(complete: Results) -> None:
    before = answer(complete)
    for name, column, row in (
        ("terms", "mean", 0),
        ("heterogeneity", "tau_mean", 0),
        ("comparison", "shift", 1),
    ):
        table = complete.tables[name].copy()
        table.loc[row, column] -= 0.4
        assert answer(replace(complete, tables=complete.tables | {name: table})) != before


def test_simulated_data_are_marked(tmp_path: Path) -> None:
    results = folder(tmp_path / "a", tables_of_fit(**CELLS), synthetic=True)
    text = sentences(results, html=False)
    assert all(
        text[name].startswith("SYNTHETIC data, simulated and not observed")
        for name in ("analysed", "estimated")
    )
    assert '<span class="synthetic">SYNTHETIC</span>' in answer(results)


def test_names_cannot_inject_markup(tmp_path: Path) -> None:
    results = folder(
        tmp_path / "a", tables_of_fit(**{"a<b": 0.9, "c": 1.0}), scale="yi", title="<script>"
    )
    assert "<script>" not in answer(results)
    assert "a<b" not in answer(results)
    assert "a<b" in answer(results, html=False)


def test_a_posterior_that_cannot_be_read_is_refused(complete: Results) -> None:
    (complete.folder / "posterior.nc").write_text("no")
    with pytest.raises(BadInput, match=r"posterior\.nc cannot be read"):
        answer(complete)


def test_without_a_posterior_sizes_come_from_the_comparison_and_the_model_from_its_file(
    complete: Results,
) -> None:
    (complete.folder / "posterior.nc").unlink()
    fit = pd.DataFrame({"k": [12], "studies": [5], "groups": [6]})
    text = sentences(
        replace(complete, tables=complete.tables | {"frequentist_fit": fit}), html=False
    )["analysed"]
    assert text == "Toy animals: 12 effects of 5 studies were analysed by the model three-level."
