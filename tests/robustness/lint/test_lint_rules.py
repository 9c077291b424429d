"""Findings about rows, copies, directions and levels: planted, counted by hand, remedied."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from test_lint import dataset, found, subject_of

from bayesmeta.data.effect_sizes import TWO_GROUPS
from bayesmeta.inference.reml import fit_reml
from bayesmeta.model.design import named_weights
from bayesmeta.model.spec import read_spec
from bayesmeta.robustness.lint import Finding, LintInput, remedies_of, run_checks, versions_of
from bayesmeta.robustness.lint.copies import duplicated_rows, studies_twice
from bayesmeta.robustness.lint.directions import inverted_outcomes, inverted_studies
from bayesmeta.robustness.lint.dispersion import sems_as_sds
from bayesmeta.robustness.lint.entries import (
    few_controls,
    fractional_sizes,
    negative_dispersions,
    shared_controls,
    zero_sds,
)
from bayesmeta.robustness.lint.levels import (
    effect_level_missing,
    errors_independent,
    levels_aliased,
)
from bayesmeta.robustness.lint.remedies import changed
from bayesmeta.robustness.lint.wrong_level import egger_level, influence_level, validation_level
from raw_tables import KEYS, measured, simulate, with_sems


@pytest.mark.usefixtures("trace_data")
def test_trace_counts_are_those_an_auditor_found() -> None:
    animals, persons = dataset("preclinical"), dataset("clinical")
    counts = {
        "sd-zero": found(zero_sds(animals), "sd-zero").evidence
        + found(zero_sds(persons), "sd-zero").evidence,
        "controls-few": found(few_controls(animals), "controls-few").evidence,
        "n-fractional": found(fractional_sizes(animals), "n-fractional").evidence,
        "dispersion-negative": found(negative_dispersions(animals), "dispersion-negative").evidence,
        "errors-independent": found(errors_independent(animals), "errors-independent").evidence,
    }
    assert counts == {
        "sd-zero": 15,
        "controls-few": 50,
        "n-fractional": 94,
        "dispersion-negative": 3,
        "errors-independent": 987,
    }
    assert "50 by splitting" in next(few_controls(animals)).title
    alone = {
        who: next(levels_aliased(subject))
        for who, subject in (("animals", animals), ("persons", persons))
    }
    assert "128 of 184" in alone["animals"].measure
    assert persons.frame["study"].nunique() == 95


def test_rows_that_cannot_be_right() -> None:
    frame = simulate(0)
    frame.loc[3, "sd2i"], frame.loc[5, "n1i"], frame.loc[[7, 8], "n2i"] = 0.0, 9.5, 3.0
    frame = measured(frame)
    frame["n2i_reported"] = frame["n2i"].where(frame.index != 8, 9.0)
    frame["negative_dispersion"] = frame.index == 11
    subject = subject_of(frame)
    assert found(zero_sds(subject), "sd-zero").rows["effect"].tolist() == ["e3"]
    fraction = found(fractional_sizes(subject), "n-fractional").rows
    assert fraction[["effect", "value"]].to_numpy().tolist() == [["e5", 9.5]]
    few = found(few_controls(subject), "controls-few")
    assert few.rows["effect"].tolist() == ["e7", "e8"]
    assert few.title.endswith("1 by splitting a control")
    assert few.remedy is not None
    assert set(frame["effect"]) - set(few.remedy.frame["effect"]) == {"e7", "e8"}
    assert found(negative_dispersions(subject), "dispersion-negative").rows["effect"].tolist() == [
        "e11"
    ]


def test_shared_controls_by_label_and_by_number() -> None:
    frame = simulate(0)
    assert not list(shared_controls(subject_of(frame)))
    two = frame.groupby("study")["group"].transform("nunique") == 2
    study = frame["study"][two].iloc[0]
    at = frame.index[frame["study"] == study]
    frame.loc[at[2], ["m2i", "sd2i", "n2i"]] = frame.loc[at[0], ["m2i", "sd2i", "n2i"]]
    by_number = found(shared_controls(subject_of(measured(frame))), "control-shared")
    assert by_number.rows["effect"].tolist() == [f"e{at[0]}", f"e{at[2]}"]
    assert by_number.remedy is not None
    assert f"e{at[2]}" not in set(by_number.remedy.frame["effect"])
    labelled = frame.assign(control=frame["study"].where(frame["study"] == study, frame["group"]))
    assert found(shared_controls(subject_of(labelled)), "control-shared").studies == [study]


def test_copies_in_one_study_and_in_two() -> None:
    frame = simulate(4)
    numbers = [*TWO_GROUPS, "yi", "vi"]
    frame.loc[1, numbers] = frame.loc[0, numbers]
    frame.loc[[40, 41], numbers] = frame.loc[[20, 21], numbers].to_numpy()
    for table in (frame, frame[KEYS]):  # raw numbers, or yi and vi alone
        subject = subject_of(table)
        once = found(duplicated_rows(subject), "row-duplicated")
        assert once.rows["effect"].tolist() == ["e0", "e1"]
        assert once.evidence == 1
        twice = found(studies_twice(subject), "study-twice")
        assert (twice.rank, twice.studies, twice.evidence) == (1, ["s05", "s10"], 2)
    rounded = frame[KEYS].assign(yi=frame["yi"].round(1), vi=frame["vi"].round(2).clip(lower=0.01))
    assert not list(studies_twice(subject_of(rounded)))


def test_a_turned_study_and_a_turned_outcome() -> None:
    frame = simulate(5)
    frame["yi"] = np.where(frame["valence"] == "fear", 2.0, -2.0) + 0.3 * frame["yi"]
    assert not list(inverted_studies(subject_of(frame)))
    assert not list(inverted_outcomes(subject_of(frame)))
    turned = frame.assign(yi=frame["yi"].where(frame["study"] != "s07", -frame["yi"]))
    findings = list(inverted_studies(subject_of(turned)))
    assert [one.studies for one in findings] == [["s07"]]
    remedy = findings[0].remedy
    assert remedy is not None
    pd.testing.assert_series_equal(remedy.frame["yi"], frame["yi"])
    names = frame.loc[frame["task"] == "recall", "study"].unique()[:5]
    frame["task"] = frame["task"].where(~frame["study"].isin(names), "list")
    outcome = frame["task"] == "list"
    flipped = frame.assign(
        yi=frame["yi"].where(~outcome | (frame["valence"] != "fear"), -frame["yi"])
    )
    (whole,) = inverted_outcomes(subject_of(flipped))
    assert "list" in whole.title
    assert set(whole.rows["effect"]) == set(frame["effect"][outcome & (frame["valence"] == "fear")])


def test_a_missing_effect_level_is_what_reml_gains() -> None:
    subject = subject_of(simulate(6, tau_effect=1.0))
    one = found(effect_level_missing(subject), "level-missing")
    four = read_spec("four-level")
    gain = fit_reml(subject.design, four).log_lik - fit_reml(subject.design, subject.spec).log_lik
    assert one.rank == 1
    assert one.evidence == pytest.approx(gain, abs=1e-4)
    assert one.remedy is not None
    assert one.remedy.spec.levels == four.levels
    assert not list(effect_level_missing(subject_of(simulate(6))))
    assert not list(effect_level_missing(subject_of(simulate(6, tau_effect=1.0), "four-level")))


def test_levels_and_errors_as_counted_by_hand() -> None:
    frame = simulate(6)
    groups = frame.groupby("study")["group"].nunique()
    frame = frame[
        frame["study"].isin(groups[groups == 1].index)
        | (frame["study"] == groups[groups == 2].index[0])
    ]
    frame = frame.reset_index(drop=True)
    subject = subject_of(frame)
    alone = (groups == 1).sum()
    assert found(levels_aliased(subject), "levels-aliased").evidence == pytest.approx(
        alone / (alone + 1)
    )
    one = found(errors_independent(subject), "errors-independent")
    assert one.evidence == len(frame)
    assert one.remedy is not None
    assert one.remedy.against is not None
    assert (one.remedy.spec.rho, one.remedy.against.rho) == (0.5, 0.0)


def test_wrong_levels_are_shown_by_what_they_conclude() -> None:
    frame = simulate(8)
    frame.attrs = {}
    # one study of many effects, small and far away: a slope for those who count effects
    far = frame["study"].isin(["s03"])
    many = pd.concat(
        [frame, *[frame[far].assign(effect=frame["effect"] + f"x{i}") for i in range(12)]]
    )
    rng = np.random.default_rng(1)
    again = many["effect"].str.contains("x") | many["study"].eq("s03")
    many = many.assign(yi=many["yi"].where(~again, 2.5 + rng.normal(0, 0.1, len(many))))
    many = many.assign(vi=many["vi"].where(~again, 0.3)).reset_index(drop=True)
    subject = subject_of(many)
    egger = found(egger_level(subject), "egger-level")
    assert egger.rank == 2
    assert "disagrees" in egger.title
    worth = found(validation_level(subject), "validation-level")
    assert 1 < worth.evidence < len(many)
    for one in influence_level(subject):
        assert one.evidence >= 1


def test_what_cannot_be_looked_at_is_said(simulated: pd.DataFrame) -> None:
    frame = simulated.assign(n1i=pd.Categorical(["6-7"] * len(simulated)))
    findings, unchecked = run_checks(subject_of(frame))
    assert "n1i" in unchecked["fractional group sizes"]
    assert {"standard errors typed as standard deviations", "shared controls"} <= set(unchecked)
    assert [one.rank for one in findings] == sorted(one.rank for one in findings)
    assert {"errors-independent", "validation-level"} <= {one.code for one in findings}


def test_all_standard_errors_at_once() -> None:
    clean = simulate(9)
    sizes = clean.groupby("study")["n1i"].mean().sort_values()
    frame = with_sems(with_sems(clean, str(sizes.index[-1])), str(sizes.index[-2]))
    subject = subject_of(frame)
    findings = [one for one in sems_as_sds(subject) if one.code == "sem-as-sd"]
    assert len(findings) == 2
    sure = [Finding(**{**vars(one), "rank": 1}) for one in findings]
    remedies = remedies_of(subject, sure)
    np.testing.assert_allclose(remedies["all"].frame["yi"], clean["yi"])
    versions = versions_of(subject, remedies, named_weights(subject.design, subject.spec))
    assert set(versions) == {"as it is", "1", "2", "all"}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (1.0, 1.0, ""),
        (1.0, 0.0, "above zero → open"),
        (-1.0, 1.0, "below zero → above zero"),
        (0.0, np.nan, "no data left"),
    ],
)
def test_sides_in_words(old: float, new: float, words: str) -> None:
    assert changed(old, new) == words


def test_kinds_are_within_the_sides_of_the_model() -> None:
    frame = simulate(5).assign(route=lambda rows: np.where(rows.index % 2, "a", "b"))
    subject = subject_of(frame)
    assert subject.kinds("task").tolist() == frame["task"].tolist()
    assert subject.kinds("task", "nothing") is None
    sided = LintInput(frame, replace(subject.spec, sides="route"), subject.design)
    assert sided.kinds("task").tolist() == (frame["task"] + " | " + frame["route"]).tolist()
