"""Rules of the TRACE reader: inclusion, the meaning of texts, the direction of effects."""

import numpy as np
import pandas as pd
import pytest

from bayesmeta.data.datasets.trace import coding, inclusion, moderators, sets, tables


@pytest.mark.parametrize(
    ("text", "species", "expected"),
    [
        ("46,37 [during testing]", "human", 46.37),
        ("51,2 [range: 38-60]", "human", 51.2),
        ("8-10 weeks", "rat", 9),
        ("~ 7 weeks", "rat", 7),
        ("2-3 months", "mouse", 2.5 * 4.345),
        ("60 days (stress); PND 1-10", "rat", 60 / 7),
        ("* (weight 250-275g --> 56 days)", "rat", 8),
        ("adult", "rat", np.nan),
    ],
)
def test_ages(text: str, species: str, expected: float) -> None:
    rows = pd.DataFrame({"age_text": [text], "species": [species], "weight": [None]})
    assert moderators.ages(rows).tolist() == pytest.approx([expected], nan_ok=True)


def test_weight_in_its_own_column_stands_for_a_grown_animal() -> None:
    rows = pd.DataFrame(
        {"age_text": [None, "5 weeks"], "species": ["rat", "rat"], "weight": ["250", "250"]}
    )
    assert moderators.ages(rows).tolist() == [8, 5]


@pytest.mark.parametrize(
    ("text", "species", "expected"),
    [
        ("10,5 years", "human", 10.5),
        ("6-36 months", "human", 1.75),
        ("25-29 days", "rat", 27),
        ("~5weeks?", "rat", 35),
        ("[=14-2 day]", "rat", 14),
        ("3, 5, 7 day", "mouse", 3),
        ("1 day (extinction 1-5 day)", "rat", 3),
        ("?", "rat", np.nan),
    ],
)
def test_times(text: str, species: str, expected: float) -> None:
    assert moderators.times(pd.Series([text]), pd.Series([species])).tolist() == pytest.approx(
        [expected], nan_ok=True
    )


@pytest.mark.parametrize(
    ("moderator", "text", "species", "expected"),
    [
        ("sex", "M (n=34) & F", "human", "Mixed"),
        ("sex", "91%M", "human", "Mixed"),
        ("sex", "M? (not clear)", "human", "Male"),
        ("sex", "F (n=6+7)", "rat", "Female"),
        ("control_type", "UnExp?", "rat", "UnExp"),
        ("ptsd_type", "SPS + FS", "rat", "Mixed"),
        ("ptsd_type", "Flood", "human", "Flood"),
        ("population", "male military personnel", "human", "Veterans"),
        ("population", "C57BL/6NCrl", "mouse", "C57BL/6"),
        ("rhythm", "12 h light/dark cycle (lights on at 7)", "rat", "inactive"),
        ("rhythm", "reversed cycle, lights on at 19", "rat", "active"),
        ("rhythm", "12 h light/dark cycle", "rat", "unknown"),
        ("rhythm", None, "human", "active"),
        ("measure_kind", "Acq_CS+_SCR", "human", "physiology"),
    ],
)
def test_recode(moderator: str, text: str | None, species: str, expected: str) -> None:
    recoded = tables.recode(moderator, pd.Series([text], dtype="str"), pd.Series([species]))
    assert recoded.tolist() == [expected]


@pytest.mark.parametrize(
    ("phase", "kind", "direction"),
    [("E", "fear", -1), ("E", "threat", -1), ("E", "safety", 1), ("L", "fear", 1)],
)
def test_extinction_of_a_threat_turns_the_direction(phase: str, kind: str, direction: int) -> None:
    code = {"type": kind, "phase": phase, "valence": "F", "recode": "1", "cuectx": "cue"}
    codes = pd.DataFrame(
        [code | {"code_source": "authors_csv", "keep": True}], index=["FC.freezing"]
    )
    text = {"task": ["FC"], "outcome": ["freezing"], "outcome_name": [""], "study": ["1"]}
    rows = coding.add_codes(pd.DataFrame(text), codes, "strict")
    assert rows["direction"].tolist() == [direction]
    assert rows["information_type"].tolist() == ["threat" if kind == "fear" else kind]


def test_who_is_in() -> None:
    rows = pd.DataFrame(
        [
            ("s1", "1", "1", "rat"),
            ("s3a", "1", "1", "rat"),
            ("s3a", "2", "1", "rat"),
            ("s3a", "2", "1?", "rat"),
            ("s3a", "1", "1", None),
            ("s3a", "32143600", None, "rat"),
        ],
        columns=["search", "study", "inclusion", "species"],
    ).assign(outcome_name="")
    strict = ["", "", "", inclusion.NOT_INCLUDED, inclusion.NO_SUBJECT, inclusion.NOT_INCLUDED]
    extended = ["", "", inclusion.NOT_LISTED, inclusion.NOT_INCLUDED, inclusion.NO_SUBJECT, ""]
    assert inclusion.exclusion_reasons(rows, {"1"}, "strict").tolist() == strict
    assert inclusion.exclusion_reasons(rows, {"1"}, "extended").tolist() == extended


def test_small_cells_and_comparison_b_are_set_aside() -> None:
    cells = [("learning", "A")] * 4 + [("memory", "A")] * 3 + [("memory", "B")]
    effects = pd.DataFrame(cells, columns=["phase", "comparison"])
    effects = effects.assign(valence="fear", species="human", study=[str(i) for i in range(8)])
    small = sets.SMALL_CELL
    b = sets.COMPARISON_B
    other = sets.OTHER_SPECIES
    assert sets.reasons_aside(effects, "clinical").tolist() == [""] * 4 + [small] * 3 + [b]
    assert sets.reasons_aside(effects, "clinical-all").tolist() == [""] * 7 + [b]
    assert sets.reasons_aside(effects, "preclinical").tolist() == [other] * 8
