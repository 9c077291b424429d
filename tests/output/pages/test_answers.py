"""The five sentences say what the tables say, in every case there is, and every number of theirs is a cell."""

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.output.pages.answers import answer, sentences
from bayesmeta.output.pages.facts import facts_table
from bayesmeta.output.pages.results import Results
from results_by_hand import CELLS, COMPARISON, CONCORDANCE, DOUBTS, MODEL, SIDES, TRACE, bare, folder, tables_of_fit


@pytest.fixture
def whole(tmp_path: Path) -> Results:
    """Results of every command."""
    return folder(tmp_path / "toy", tables_of_fit(**CELLS) | {"comparison": COMPARISON} | DOUBTS)


def test_what_was_analysed_has_sizes_model_and_scale(whole: Results) -> None:
    said = sentences(whole, html=False)["analysed"]
    assert said == (
        "Toy animals: 1086 effects of 184 studies (302 groups) were analysed by the model “Three-level model, cell "
        f"means”, in which true effects vary between studies and groups around 3 means, on the scale {TRACE}."
    )


def test_cells_of_the_ptsd_record_are_told_as_less_and_more(whole: Results) -> None:
    assert sentences(whole, html=False)["found"] == (
        "PTSD goes with less neutral memory (−1.36 [−1.66, −1.06]), and with more fear memory (0.91 [0.61, 1.21]); "
        "open is trauma extinction (0.10 [−0.20, 0.40]) (means with 95 % intervals, against those without PTSD)."
    )


def test_terms_of_any_file_are_told_against_zero(tmp_path: Path) -> None:
    found = folder(tmp_path / "a", tables_of_fit(dose_low=0.5, dose_high=1.5), scale="effect size yi")
    said = sentences(found, html=False)["found"]
    assert said.startswith(
        "Clearly above zero: dose low (0.50 [0.20, 0.80]) and dose high (1.50 [1.20, 1.80]); none is open"
    )
    unsettled = folder(tmp_path / "b", tables_of_fit(dose_low=0.1, dose_high=-0.1), scale="effect size yi")
    assert sentences(unsettled, html=False)["found"].startswith("No mean is settled: dose low (0.10")


@pytest.mark.parametrize(
    ("mean", "ending"),
    [
        (-0.5, "clearly below zero (P > .999)."),
        (0.5, "clearly above zero (P > .999)."),
        (0.1, "so that its sign is open (P > .999 for the likelier one)."),
    ],
)
def test_a_sole_intercept_is_the_overall_mean(tmp_path: Path, mean: float, ending: str) -> None:
    toml = MODEL.replace("0 + valence:phase", "1")
    found = folder(tmp_path / "a", tables_of_fit(intercept=mean), scale="effect size yi", toml=toml)
    said = sentences(found, html=False)
    assert said["found"].startswith(f"The overall mean is {mean:.2f} [".replace("-", "−"))
    assert said["found"].endswith(ending)
    assert "next study would lie between" in said["varies"]
    assert "around" not in said["analysed"]


def test_a_model_with_sides_tells_the_discrepancies(tmp_path: Path) -> None:
    tables = tables_of_fit(human_fear=0.1, animal_fear=0.9) | {"discrepancies": SIDES, "concordance": CONCORDANCE}
    said = sentences(folder(tmp_path / "a", tables), html=False)["found"]
    assert said == (
        "The human mean is lower than the animal one for fear learning (−0.74 [−1.20, −0.30], P > .999), and higher "
        "for neutral memory (0.76 [0.40, 1.10], P > .999); which of the two is higher is open for extinction "
        "(0.10 [−0.20, 0.40], P .700); too few studies for a verdict, leads only: "
        "trauma memory (−1.40 [−2.00, −0.80], P > .999); of the model's statements both sides bear out: "
        "impaired (P > .999), one side contradicts: enhanced (P .010)."
    )


def test_no_settled_discrepancy_is_said_so(tmp_path: Path) -> None:
    tables = tables_of_fit(human_fear=0.1, animal_fear=0.9) | {"discrepancies": SIDES[2:3]}
    said = sentences(folder(tmp_path / "a", tables), html=False)["found"]
    assert said.startswith("No difference between human and animal is settled; which of the two is higher is open for")


def test_heterogeneity_and_the_next_study(whole: Results, tmp_path: Path) -> None:
    said = sentences(whole, html=False)["varies"]
    assert said.startswith(
        "True effects vary between studies with a standard deviation of 1.21 [1.03, 1.03] and between"
    )
    assert (
        "(87 % of all variance), so that the true effect of a next study may lie on either side of zero whatever"
        in said
    )
    tables = tables_of_fit(**CELLS | {"fear_memory": 3.0})
    said = sentences(folder(tmp_path / "b", tables), html=False)["varies"]
    assert "in 2 of 3 cells, and only in fear memory on the side of the mean" in said
    strata = tables["heterogeneity"].assign(level=["human:study", "human:total", "rat:study"])
    said = sentences(folder(tmp_path / "c", tables | {"heterogeneity": strata}), html=False)["varies"]
    assert said.startswith("True effects vary: in human between studies with a standard deviation of 1.21")
    assert ", in rat between studies with a standard deviation of 1.30" in said


def test_schools_that_agree_and_that_part(whole: Results, tmp_path: Path) -> None:
    said = sentences(whole, html=False)["schools"]
    assert "puts all 3 means and contrasts on the same side of zero" in said
    assert said.endswith("being off by −0.23 standard errors (fear memory).")
    parted = COMPARISON.assign(side_frequentist=["below", "open", "open", "above"])
    robust = COMPARISON[["term", "ci_lb", "ci_ub"]].assign(ci_lb=[-1.6, -0.1, -0.2, 1])
    tables = tables_of_fit(**CELLS) | {"comparison": parted, "frequentist_robust": robust[:3]}
    said = sentences(folder(tmp_path / "b", tables), html=False)["schools"]
    assert "puts 2 of 3 means and contrasts on the same side of zero and parts with" in said
    assert "parts with the posterior on fear memory (open against above)" in said
    assert said.endswith("with cluster-robust errors another side of zero for fear memory.")


def test_what_could_overturn_it(whole: Results) -> None:
    assert sentences(whole, html=False)["overturns"] == (
        "What could overturn this: 1 of 3 checks passed, to review: funnel and bias models (a bias model would "
        "unsettle fear memory); first-rank findings of the lint: 2 (2 times: standard errors typed as standard "
        "deviations), and putting them right changes the side of fear memory (above zero → open); the 3 conclusions "
        "under 3 alternatives: weakens 1, overturned 1, open 1, the weakest being fear memory (P 0.35 under "
        "comparison F)."
    )


def test_a_clean_lint_and_doubts_not_asked(whole: Results) -> None:
    tables = {name: table for name, table in whole.tables.items() if name not in ("check", "verdicts", "bias_cells")}
    tables["lint"] = tables["lint"][tables["lint"]["rank"] > 1]
    said = sentences(replace(whole, tables=tables), html=False)["overturns"]
    assert "the checks were not run (`bayesmeta check --dataset toy`)" in said
    assert "the lint finds no problem of the first rank" in said
    assert "other reasonable analyses were not tried (`bayesmeta multiverse --dataset toy`)" in said


@pytest.mark.parametrize(
    ("sentence", "commands", "gone"),
    [
        ("found", ["fit"], ["terms", "contrasts"]),
        ("varies", ["fit"], ["heterogeneity"]),
        ("schools", ["compare"], ["comparison"]),
        ("overturns", ["check", "lint", "multiverse"], ["check", "lint", "lint_refits", "verdicts", "alternatives"]),
    ],
)
def test_a_sentence_without_tables_names_the_command(
    whole: Results, sentence: str, commands: list[str], gone: list[str]
) -> None:
    left = replace(whole, tables={name: table for name, table in whole.tables.items() if name not in gone})
    said = sentences(left, html=False)[sentence]
    assert all(f"`bayesmeta {command} --dataset toy`" in said for command in commands)
    assert f"<code>bayesmeta {commands[0]} --dataset toy</code>" in sentences(left)[sentence]


def test_the_command_repeats_the_choices_of_the_fit(tmp_path: Path) -> None:
    about = {"title": "effects from toy.csv", "moderators": "dose", "where": "dose > 1", "model": "robust"}
    said = sentences(folder(tmp_path / "a", tables_of_fit(**CELLS), **about), html=False)
    command = "bayesmeta compare --dataset toy.csv --model robust --moderators 'dose' --where \"dose > 1\""
    assert command in said["schools"]
    assert "184 studies (302 groups) from toy.csv, those with dose > 1," in said["analysed"]


def test_every_number_is_a_cell(whole: Results) -> None:
    text = answer(whole)
    assert text.count("<p>") == len(sentences(whole)) == 5
    assert re.findall(r"[0-9]", bare(text)) == []
    assert 'data-cell="terms|term=fear:memory|mean"' in text
    assert 'data-cell="facts|fact=effects|value"' in text


def test_a_changed_table_changes_the_text(whole: Results) -> None:
    before = answer(whole)
    for name, column, row in (("terms", "mean", 0), ("heterogeneity", "tau_mean", 0), ("comparison", "shift", 1)):
        table = whole.tables[name].copy()
        table.loc[row, column] -= 0.4
        assert answer(replace(whole, tables=whole.tables | {name: table})) != before


def test_simulated_data_are_marked(tmp_path: Path) -> None:
    found = folder(tmp_path / "a", tables_of_fit(**CELLS), synthetic=True)
    said = sentences(found, html=False)
    assert all(said[name].startswith("SYNTHETIC data, which say nothing") for name in ("analysed", "found"))
    assert '<span class="synthetic">SYNTHETIC</span>' in answer(found)


def test_names_cannot_inject_markup(tmp_path: Path) -> None:
    found = folder(tmp_path / "a", tables_of_fit(**{"a<b": 0.9, "c": 1.0}), scale="yi", title="<script>")
    assert "<script>" not in answer(found)
    assert "a<b" not in answer(found)
    assert "a<b" in answer(found, html=False)


def test_facts_keep_their_values_as_they_are_written(whole: Results, tmp_path: Path) -> None:
    facts = facts_table(whole)
    facts.to_csv(tmp_path / "facts.csv", index=False)
    again = pd.read_csv(tmp_path / "facts.csv", dtype=str, keep_default_na=False)
    assert again["value"].tolist() == [str(value) for value in facts["value"]]
    known = dict(zip(facts["fact"], facts["value"], strict=True))
    assert (known["effects"], known["means open"], known["draws in all"], known["seed"]) == (1086, 1, 4000, 17)
    assert known["prior: tau"] == "HalfNormal(1)"
    assert known["conclusions: overturned"] == 1
    assert "diagnostic: passed" not in known


def test_a_posterior_that_cannot_be_read_is_refused(whole: Results) -> None:
    (whole.folder / "posterior.nc").write_text("no")
    with pytest.raises(BadInput, match=r"posterior\.nc cannot be read"):
        answer(whole)


def test_without_a_posterior_sizes_come_from_the_comparison_and_the_model_from_its_file(whole: Results) -> None:
    (whole.folder / "posterior.nc").unlink()
    fit = pd.DataFrame({"k": [12], "studies": [5], "groups": [6]})
    said = sentences(replace(whole, tables=whole.tables | {"frequentist_fit": fit}), html=False)["analysed"]
    assert said == "Toy animals: 12 effects of 5 studies were analysed by the model three-level."
