"""Characteristics of studies, counted from a table with known counts."""

import pandas as pd
import pytest

from bayesmeta.data.characteristics import characteristics_table
from bayesmeta.data.datasets.trace import WORDS


@pytest.fixture
def small() -> pd.DataFrame:
    """Return two studies: b has groups that share a control, and effects of different sizes."""
    return pd.DataFrame(
        {
            "study": ["b", "b", "b", "a"],
            "group": ["b1", "b1", "b2", "a1"],
            "control": ["c", "c", "c", "d"],
            "reference": ["Young 2001", "Young 2001", "Young 2001", None],
            "yi": [0.5, -1.0, 2.0, 0.1],
            "n1i": [10, 12, 8, 20],
            "n2i": [5, 5, 5, 21],
            "n2i_reported": [10, 10, 10, 21],
            "sex": pd.Categorical(["male", "female", "male", None]),
            "age": [8.0, 10.0, 9.0, 30.0],
            "drug_free": [True, True, True, False],
            "control_type": ["UnExp", "UnExp", "UnExp", "ShamExp"],
        }
    )


def test_a_study_is_a_row_and_a_subject_is_counted_once(small: pd.DataFrame) -> None:
    table = characteristics_table(
        small, ["sex", "age", "drug_free", "control_type", "absent"], WORDS
    )
    first, second = table.to_dict("records")
    assert first == {
        "study": "a",
        "reference": "a",
        "k": 1,
        "groups": 1,
        "n1": 20,
        "n2": 21,
        "sex": "",
        "age": "30",
        "drug_free": "False",
        "control_type": "sham exposed",
        "yi_min": 0.1,
        "yi_max": 0.1,
    }
    assert second == {
        "study": "b",
        "reference": "Young 2001",
        "k": 3,
        "groups": 2,
        "n1": 20,
        "n2": 10,
        "sex": "male, female",
        "age": "8 to 10",
        "drug_free": "True",
        "control_type": "unexposed",
        "yi_min": -1.0,
        "yi_max": 2.0,
    }


def test_without_controls_each_group_has_its_own_and_without_sizes_there_are_none(
    small: pd.DataFrame,
) -> None:
    table = characteristics_table(small.drop(columns=["control", "n2i_reported"]), [])
    assert table["n2"].tolist() == [21, 10]
    assert list(characteristics_table(small[["study", "group", "yi"]], [])) == [
        "study",
        "k",
        "groups",
        "yi_min",
        "yi_max",
    ]
    assert pd.isna(characteristics_table(small.assign(n1i=[None, None, 8, 20]), []).loc[1, "n1"])


def test_codes_without_words_are_shown_as_they_are(small: pd.DataFrame) -> None:
    table = characteristics_table(small.assign(task=["t_maze"] * 4), ["control_type", "task"])
    assert table["control_type"].tolist() == ["ShamExp", "UnExp"]
    assert table["task"].tolist() == ["t maze", "t maze"]


def test_many_values_are_cut_short(small: pd.DataFrame) -> None:
    many = small.iloc[[0] * 7].assign(task=["x", "x", *"vwyzu"])
    assert characteristics_table(many, ["task"]).loc[0, "task"] == "x, v, w, 3 others"
