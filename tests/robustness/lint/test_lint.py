"""The lint finds planted problems in their place, and none of the first rank in clean data."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bayesmeta.data import datasets
from bayesmeta.model.design import build_design
from bayesmeta.model.spec import read_spec
from bayesmeta.robustness.lint import CHECKS, Finding, LintInput
from bayesmeta.robustness.lint.copies import duplicated_rows, studies_twice
from bayesmeta.robustness.lint.dispersion import is_smd, sems_as_sds, traces_of
from bayesmeta.robustness.lint.families import study_score, usual_of, weighted_median
from bayesmeta.robustness.lint.wrong_level import egger_level, influence_level
from raw_tables import simulate, with_sems


def subject_of(frame: pd.DataFrame, model: str = "three-level") -> LintInput:
    spec = read_spec(model)
    return LintInput(frame, spec, build_design(frame, spec))


def found(findings: Sequence[Finding], code: str) -> Finding:
    (one,) = [finding for finding in findings if finding.code == code]
    return one


def dataset(name: str) -> LintInput:
    from bayesmeta.data.datasets import DATASETS

    return subject_of(datasets.read(name).reset_index(drop=True), DATASETS[name].model)


@pytest.mark.parametrize("seed", range(12))
def test_nothing_of_the_first_rank_in_clean_numbers(seed: int) -> None:
    subject = subject_of(simulate(seed))
    assert not list(sems_as_sds(subject))
    assert not list(duplicated_rows(subject))
    assert not list(studies_twice(subject))


@pytest.mark.wide
@pytest.mark.parametrize("frame", [1, 2, "clinical-twin", "preclinical-twin"])
def test_nothing_of_the_first_rank_in_clean_data(frame: int | str) -> None:
    subject = dataset(frame) if isinstance(frame, str) else subject_of(simulate(frame))
    slow = (influence_level, egger_level)  # never of the first rank; tested below
    findings = [
        one
        for check in CHECKS
        if check.find not in slow and not check.missing(subject)
        for one in check.find(subject)
    ]
    assert findings
    assert [one.title for one in findings if one.rank == 1] == []


@pytest.mark.parametrize("seed", range(8))
def test_a_standard_error_is_found_and_put_right(seed: int) -> None:
    clean = simulate(seed)
    sizes = clean.groupby("study")["n1i"].mean()
    study = str(sizes[sizes > 15].index[seed])
    findings = list(sems_as_sds(subject_of(with_sems(clean, study))))
    assert findings[0].studies == [study]
    assert findings[0].evidence > np.log(20)
    assert [one.studies for one in findings if one.rank == 1] in ([], [[study]])
    remedy = findings[0].remedy
    assert remedy is not None
    pd.testing.assert_frame_equal(remedy.frame[["yi", "vi", "sd1i"]], clean[["yi", "vi", "sd1i"]])


@pytest.mark.slow
def test_most_standard_errors_are_of_the_first_rank() -> None:
    ranks = []
    for seed in range(20):
        clean = simulate(100 + seed)
        effect = clean.groupby("study")["yi"].median().abs()
        study = str(effect[clean.groupby("study")["n1i"].mean() > 20].idxmax())
        ranks.append(
            min((one.rank for one in sems_as_sds(subject_of(with_sems(clean, study)))), default=3)
        )
    assert ranks.count(1) > 14


def test_the_first_rank_wants_a_thousand_to_one() -> None:
    tables = [simulate(seed) for seed in range(10)]
    typed = [
        with_sems(frame, str(frame["study"].iloc[4 * seed])) for seed, frame in enumerate(tables)
    ]
    findings = [one for frame in typed for one in sems_as_sds(subject_of(frame))]
    assert {1, 2} == {one.rank for one in findings}
    assert all(
        one.evidence >= np.log(1000) and one.priority >= 3 for one in findings if one.rank == 1
    )


def test_the_trace_of_size_compares_two_densities_of_g() -> None:
    frame = with_sems(simulate(3), "s05")
    traces = traces_of(subject_of(frame))
    at = frame.index[frame["study"] == "s05"][0]
    row = frame.loc[at]
    root = [row[f"sd{arm}i"] * np.sqrt(row[f"n{arm}i"]) for arm in "12"]
    one, two = row["n1i"] - 1, row["n2i"] - 1
    before, after = (
        one * row["sd1i"] ** 2 + two * row["sd2i"] ** 2,
        one * root[0] ** 2 + two * root[1] ** 2,
    )
    jacobian = np.sqrt(
        after / before
    )  # g read as a SEM's is that many times smaller, its density as many times lower
    expected = (
        stats.t.logpdf(traces.z_read[at], 4) - stats.t.logpdf(traces.z_g[at], 4) - np.log(jacobian)
    )
    assert traces.size[at] == pytest.approx(expected)
    spread = np.log(np.sqrt(before / (one + two)) / traces.sd_usual[at])
    assert spread < 0
    assert traces.dispersion[at] > 0


def test_other_measures_are_not_taken_for_smds() -> None:
    frame = with_sems(simulate(3), "s05")
    other = frame.assign(yi=frame["m1i"] - frame["m2i"], vi=frame["sd1i"] ** 2 / frame["n1i"])
    other.attrs = frame.attrs
    assert not is_smd(other).any()
    assert not list(sems_as_sds(subject_of(other)))


@pytest.mark.usefixtures("trace_data")
@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("clinical", ["25444643"]),
        ("preclinical", ["25749890"]),
        ("translational", ["25749890", "25444643"]),
    ],
)
def test_trace_standard_errors_come_first(name: str, first: list[str]) -> None:
    subject = dataset(name)
    findings = sorted(sems_as_sds(subject), key=lambda one: (one.rank, one.code, -one.priority))
    assert [one.studies[0] for one in findings[: len(first)]] == first
    assert all(one.rank == 1 and one.code == "sem-as-sd" for one in findings[: len(first)])
    # the others that stand in data/trace/suspects.csv as suspected
    certain = {one.studies[0] for one in findings if one.rank == 1}
    assert {"25976074", "31206738"} & set(subject.frame["study"]) <= certain


def test_what_is_usual_rests_on_other_studies() -> None:
    rng = np.random.default_rng(0)
    study = pd.Series(np.repeat(list("abcdefgh"), 3))
    values = rng.normal(size=24)
    family = pd.Series("", study.index)
    usual = usual_of(values, study, [family], least=0.01)
    others = values[3:]  # equal sizes: weighted medians are the plain lower medians
    middle = np.sort(others)[(len(others) - 1) // 2]
    assert usual.centre[:3] == pytest.approx(middle)
    spread = np.sort(np.abs(others - middle))[(len(others) - 1) // 2]
    assert usual.scale[0] == pytest.approx(1.4826 * spread)
    values[:3] = 1e6
    assert usual_of(values, study, [family], least=0.01).centre[0] == pytest.approx(middle)
    few = study.map({"a": "few", "b": "few"}).fillna("many")
    assert usual_of(values, study, [few, family], least=0.01).centre[0] == pytest.approx(middle)
    assert np.isnan(usual_of(values, study, [few], least=0.01).centre[:6]).all()


def test_a_study_of_many_effects_weighs_as_one_study() -> None:
    values, weight = (
        np.array([0.0, 1.0, 5.0, 5.0, 5.0, 5.0]),
        np.array([1, 1, 0.25, 0.25, 0.25, 0.25]),
    )
    assert weighted_median(values, weight) == 1.0
    score = study_score(np.array([2.0, 4.0, 6.0, 3.0]), pd.Series(["a", "a", "a", "b"]))
    assert score.to_dict() == {"a": pytest.approx(4 * 3 / 2), "b": pytest.approx(3.0)}
