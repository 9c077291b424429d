"""Alternatives change only what they name, and apply only where they change something."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import logsumexp

from bayesmeta.data.datasets import DataAlternative
from bayesmeta.data.datasets.trace.alternatives import (
    CORRECTIONS,
    comparison_types,
    only_comparison,
    strict_codes,
)
from bayesmeta.model.design.contrasts import contrast_weights
from bayesmeta.model.spec import read_spec
from bayesmeta.model.spec.reading import with_bias
from bayesmeta.robustness import averaging, multiverse
from bayesmeta.robustness.multiverse import ALTERNATIVES, Alternative, Analysis, changes
from bayesmeta.robustness.multiverse.versions import data_changed

SPEC = read_spec("three-level").with_terms("0 + valence")
NAMED = {alternative.name: alternative for alternative in ALTERNATIVES}


def typed() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Persons of types A and C, rats of D and E; the record has B in persons, and more of C."""
    rows = [
        ("human", "A", "fear"),
        ("human", "A", "neutral"),
        ("human", "C", "neutral"),
        ("human", "C", "neutral"),
        ("rat", "D", "fear"),
        ("rat", "D", "neutral"),
        ("rat", "E", "fear"),
        ("human", "B", "fear"),
        ("human", "B", "neutral"),
        ("human", "C", "fear"),
    ]
    record = pd.DataFrame(rows, columns=["species", "comparison", "valence"]).astype("category")
    record = record.assign(study=[f"s{i}" for i in range(10)], group=[f"g{i}" for i in range(10)])
    record = record.assign(effect=[f"e{i}" for i in range(10)], yi=np.arange(10.0), vi=0.1)
    frame = record.iloc[:7].reset_index(drop=True)
    frame["comparison"] = frame["comparison"].cat.remove_unused_categories()
    frame.attrs = {"dataset": "typed"}
    return frame, record


def analysis(
    frame: pd.DataFrame, spec: Any = SPEC, of_dataset: Sequence[DataAlternative] = ()
) -> Analysis:
    """An analysis of the means of fear and neutral and their difference."""
    named = {name: name for name in ("fear", "neutral", "fear - neutral")}
    contrasts = contrast_weights(named, sorted(set(frame["valence"].dropna())))
    return Analysis(frame, spec, contrasts, tuple(of_dataset))


def alternative_of(name: str, of_dataset: Sequence[DataAlternative]) -> Alternative:
    """An alternative of a dataset by its name, as the registry has it."""
    found = multiverse.alternatives_to(analysis(typed()[0], of_dataset=of_dataset))
    return next(alternative for alternative in found if alternative.name == name)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("A", ["e0", "e1", "e4", "e5", "e6"]),
        ("B", ["e4", "e5", "e6", "e7", "e8"]),
        ("C", ["e2", "e3", "e4", "e5", "e6"]),
        ("D", ["e0", "e1", "e2", "e3", "e4", "e5"]),
        ("E", ["e0", "e1", "e2", "e3", "e6"]),
    ],
)
def test_a_type_restricts_its_own_species(name: str, kept: list[str]) -> None:
    frame, record = typed()
    (alternative,) = (each for each in comparison_types(frame, record) if each.name[-1] == name)
    changed = changes.from_dataset(analysis(frame), alternative)
    assert changed is not None
    rows, spec = changed
    assert spec is SPEC
    assert sorted(rows["effect"]) == kept
    assert rows.attrs == frame.attrs
    same = record.set_index("effect").loc[rows["effect"]]
    for column in ("yi", "vi", "study", "group", "valence", "comparison", "species"):
        assert rows[column].astype(str).tolist() == same[column].astype(str).tolist()
    assert set(rows["comparison"].cat.categories) == set(rows["comparison"])


def test_types_are_those_of_the_record() -> None:
    frame, record = typed()
    types = comparison_types(frame, record)
    names = [each.name for each in multiverse.alternatives_to(analysis(frame, of_dataset=types))]
    assert names[:6] == ["base", *(f"comparison {name}" for name in "ABCDE")]
    assert names[6:] == [each.name for each in ALTERNATIVES]
    # a type that is all there is changes nothing
    assert only_comparison(frame.iloc[:2], record=frame.iloc[:2], name="A") is None
    assert comparison_types(frame.drop(columns="comparison"), record) == []
    assert multiverse.alternatives_to(analysis(frame)) == (multiverse.BASE, *ALTERNATIVES)
    # without a column species a type is of all rows
    without_species = frame.drop(columns="species")
    alone = only_comparison(without_species, record=without_species, name="D")
    assert alone is not None
    assert alone["effect"].tolist() == ["e4", "e5"]


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("effect level", {"levels": ("study", "group", "effect")}),
        ("rho .5", {"rho": 0.5, "levels": ("study", "group", "effect")}),
        ("rho .8", {"rho": 0.8, "levels": ("study", "group", "effect")}),
        ("tau half-normal .5", {"tau": "HalfNormal(0.5)"}),
        ("tau half-Cauchy .5", {"tau": "HalfCauchy(0.5)"}),
        ("tau inverse gamma", {"tau": "InvGamma(1, 0.15)"}),
        ("terms sd .71", {"terms": "Normal(0, 0.71)"}),
        ("terms sd 3", {"terms": "Normal(0, 3)"}),
        ("worst study", {}),
    ],
)
def test_a_model_changes_as_named_and_no_more(
    simulated: pd.DataFrame, name: str, changed: dict[str, Any]
) -> None:
    found = NAMED[name].change(analysis(simulated))
    assert found is not None
    frame, spec = found
    assert frame is simulated
    assert {key: str(prior) for key, prior in spec.priors.items()} == {
        "terms": changed.pop("terms", "Normal(0, 1.5)"),
        "tau": changed.pop("tau", "HalfNormal(1)"),
    }
    assert replace(spec, priors=SPEC.priors) == replace(SPEC, **changed)
    # asked of a model that is so already, it does not apply
    if spec != SPEC:
        assert NAMED[name].change(analysis(simulated, spec)) is None


def test_what_does_not_apply(simulated: pd.DataFrame) -> None:
    def applying(asked: Analysis) -> set[str]:
        others = multiverse.alternatives_to(asked)[1:]
        return {each.name for each in others if each.change(asked) is not None}

    priors, always = (
        {name for name, each in NAMED.items() if each.kind == "priors"},
        {"heavy tails", "selection", "average"},
    )
    grouped = {"effect level", "rho .5", "rho .8", "rho estimated"}
    assert applying(analysis(simulated)) == priors | grouped | always | {"worst study"}
    sized = analysis(simulated.assign(n1i=10, n2i=12))
    assert applying(sized) == applying(analysis(simulated)) | {"PET", "PEESE"}
    assert applying(analysis(simulated.assign(group=simulated["effect"]))) == priors | always | {
        "worst study"
    }
    two = simulated[simulated["study"].isin(["s1", "s2"])].assign(group=list("abcdefgh"))
    assert applying(analysis(two)) == priors | always
    four = analysis(simulated, replace(SPEC, levels=("study", "group", "effect")))
    assert "no effect level" in applying(four)
    assert NAMED["no effect level"].change(four) == (simulated, SPEC)
    strict = analysis(simulated, of_dataset=[strict_codes(lambda: simulated.iloc[4:])])
    assert applying(strict) == applying(analysis(simulated)) | {"strict codes"}


def test_the_average_is_of_models_with_and_without_the_parts(simulated: pd.DataFrame) -> None:
    """Means and probabilities of six models, weighted by prior and evidence, by hand."""
    asked = analysis(simulated)
    (version,) = [v for v in multiverse.versions_of(asked) if v.alternative is NAMED["average"]]
    assert version.model == "averaged over models"
    table = version.alternative.refit(*version.arguments).set_index("contrast")
    over = ["effect", "heterogeneity", "moderators"]
    members = averaging.members_of(simulated, SPEC, over)
    assert len(members) == 6
    found = [averaging.exact(member) for member in members]
    pairs = zip(members, found, strict=True)
    log_mass = np.array([np.log(m.prior) + e.log_evidence for m, e in pairs])
    share = np.exp(log_mass - log_mass.max())
    share /= share.sum()
    assert version.design is not None
    at = version.design["term"].values.tolist().index("fear")
    fear = [float(e.weight @ e.beta @ e.spread[at]) for e in found]
    assert table.loc["fear", "mean"] == pytest.approx(share @ fear, abs=1e-8)
    zero = np.array([not m.present["effect"] for m in members])
    total = table.loc["fear", ["p_positive", "p_negative"]].sum()
    assert total == pytest.approx(1 - share[zero].sum(), abs=1e-6)
    assert table["log_evidence"].to_numpy() == pytest.approx(logsumexp(log_mass))


def test_a_contrast_that_may_be_zero_supports_neither_side(simulated: pd.DataFrame) -> None:
    """The mass at 0 does not count for a conclusion below zero."""
    versions = multiverse.versions_of(analysis(simulated.assign(yi=-0.02 + 0 * simulated["yi"])))
    chosen = [v for v in versions if v.alternative.name in ("base", "average")]
    tables = {v.alternative.name: v.alternative.refit(*v.arguments) for v in chosen}
    rows = multiverse.long_table(chosen, tables).set_index(["alternative", "contrast"])
    averaged = tables["average"].set_index("contrast").loc["fear"]
    assert averaged["p_positive"] + averaged["p_negative"] < 0.6
    assert rows.loc[("average", "fear"), "p_conclusion"] == averaged["p_negative"]
    assert "0 with probability" in rows.loc[("average", "fear"), "note"]


def test_a_model_without_an_exact_average_has_none(simulated: pd.DataFrame) -> None:
    selected = analysis(simulated, with_bias(SPEC, "selection"))
    assert NAMED["average"].change(selected) is None
    exact = analysis(simulated, replace(SPEC, likelihood="t"))
    assert NAMED["average"].change(exact) is None


def test_another_model_file(simulated: pd.DataFrame) -> None:
    three = analysis(simulated, read_spec("three-level"))
    other = DataAlternative("other", "model", "", "", models={"three-level": "four-level"})
    found = changes.from_dataset(three, other)
    assert found is not None
    assert found[1] == read_spec("four-level")
    assert changes.from_dataset(three, replace(other, models={"intercept": "four-level"})) is None
    version = multiverse.version_of(
        three, NAMED["worst study"], simulated.assign(phase="memory"), found[1]
    )
    assert version.model == "model four-level"


def test_errors_are_corrected_by_grade(simulated: pd.DataFrame) -> None:
    raw = {
        "m1i": 5.0,
        "sd1i": 1.0,
        "n1i": 9.0,
        "m2i": 3.0,
        "sd2i": 2.0,
        "n2i": 16.0,
        "direction": 1,
    }
    frame = simulated.assign(**raw)
    frame.loc[:3, "study"] = "25444643"  # an error, and below one that is suspected
    errors, both = (alternative_of(each.name, CORRECTIONS) for each in CORRECTIONS)
    wrong = analysis(frame)
    assert errors.change(analysis(simulated.assign(study=frame["study"]))) is None
    fixed = errors.change(wrong)
    assert fixed is not None
    version = multiverse.version_of(wrong, errors, *fixed)
    assert version.data == "4 effects with another yi or vi"
    assert both.change(wrong) is None
    frame = frame.assign(study=frame["study"].replace("s5", "31206738"))
    fixed = both.change(analysis(frame))
    assert fixed is not None
    assert (fixed[0]["yi"] != frame["yi"]).sum() == 8


@pytest.mark.slow
def test_what_a_type_lacks_is_nan_and_says_why() -> None:
    frame, record = typed()
    persons = frame[frame["species"] == "human"]
    types = comparison_types(persons, record[record["species"] == "human"])
    asked = analysis(persons, of_dataset=types)
    versions = {each.alternative.name: each for each in multiverse.versions_of(asked)}
    assert list(versions)[:4] == ["base", "comparison A", "comparison B", "comparison C"]
    only_neutral = versions["comparison C"]
    assert only_neutral.weights is not None
    assert only_neutral.weights["contrast"].values.tolist() == ["neutral"]
    assert only_neutral.missing == {"fear": "no data: fear", "fear - neutral": "no data: fear"}
    assert versions["comparison B"].data == "4 effects left out; 2 effects added"
    assert (versions["comparison B"].k, versions["comparison B"].studies) == (2, 2)
    refitted = {
        n: each.alternative.refit(each.design, each.spec, each.weights)
        for n, each in versions.items()
    }
    rows = multiverse.long_table(list(versions.values()), refitted).set_index(
        ["alternative", "contrast"]
    )
    lost = rows.loc["comparison C"].loc[["fear", "fear - neutral"]]
    assert (
        lost[["mean", "sd", "ci_lb", "ci_ub", "p_positive", "p_conclusion"]].isna().all(axis=None)
    )
    assert lost["note"].tolist() == ["no data: fear", "no data: fear"]
    assert rows["p_conclusion"].notna().loc["comparison C", "neutral"]


def test_a_single_study_is_no_analysis(simulated: pd.DataFrame) -> None:
    asked = analysis(simulated)
    version = multiverse.version_of(
        asked, multiverse.BASE, simulated[simulated["study"] == "s1"], SPEC
    )
    assert version.design is None
    assert version.weights is None
    assert set(version.missing.values()) == {"no data: fewer than two studies"}
    broken = multiverse.version_of(asked, multiverse.BASE, simulated.assign(valence=None), SPEC)
    assert "valence" in broken.missing["fear"]
    assert broken.missing["fear"].startswith("cannot be fitted: ")


def test_what_differs_in_the_data() -> None:
    frame, _ = typed()
    assert data_changed(frame, frame.iloc[::-1]) == ""
    recoded = frame.assign(yi=frame["yi"] + np.repeat([0, 1], [5, 2]))
    recoded["valence"] = frame["valence"].cat.rename_categories({"fear": "trauma"})
    assert (
        data_changed(frame, recoded) == "2 effects with another yi or vi; 3 effects coded otherwise"
    )
    assert data_changed(frame.iloc[1:], frame.iloc[:2]) == "5 effects left out; 1 effects added"


def test_heavy_tails_change_the_likelihood_alone() -> None:
    asked = analysis(typed()[0])
    changed = changes.with_heavy_tails(asked)
    assert changed is not None
    assert changed[0] is asked.frame
    spec = changed[1]
    assert (spec.likelihood, str(spec.priors["nu"])) == ("student", "Gamma(2, 0.1)")
    assert replace(spec, likelihood="normal", priors=SPEC.priors) == SPEC
    assert changes.with_heavy_tails(analysis(asked.frame, spec)) is None


def test_bias_models_keep_all_else_and_take_their_priors_from_their_files() -> None:
    asked = analysis(typed()[0].assign(n1i=10, n2i=12))
    for bias, key in (("pet", "slope"), ("peese", "slope"), ("selection", "weights")):
        changed = changes.with_bias_model(asked, bias)
        assert changed is not None
        frame, spec = changed
        assert frame is asked.frame
        assert spec.priors[key] == read_spec(bias).priors[key]
        assert replace(spec, bias="", priors=SPEC.priors) == SPEC
        assert changes.with_bias_model(analysis(frame, spec), "pet") is None  # one bias at a time
    assert (
        changes.with_bias_model(analysis(asked.frame, replace(SPEC, rho=0.5)), "selection") is None
    )


def test_rho_may_be_estimated(simulated: pd.DataFrame) -> None:
    changed = changes.with_rho_estimated(analysis(simulated, replace(SPEC, rho=0.3)))
    assert changed is not None
    spec = changed[1]
    assert (spec.rho, spec.levels, str(spec.priors["rho"])) == (
        0.0,
        ("study", "group", "effect"),
        "Beta(2, 2)",
    )
    assert changes.with_rho_estimated(analysis(simulated, spec)) is None
