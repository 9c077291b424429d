"""Moderators are found, blanks are filled and levels are coded as said."""

import numpy as np
import pandas as pd
import pytest

from bayesmeta.data import datasets
from bayesmeta.data.moderators import choose_moderators
from bayesmeta.model.design import build_design
from bayesmeta.screening import moderators, targets


def mixed() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "study": list("aabbccdd"),
            "species": ["rat"] * 4 + ["mouse"] * 4,
            "sex": ["m", "m", "f", None, "f", "f", None, "m"],
            "dose": [1.0, 2.0, 6.0, np.nan, np.nan, 10.0, 20.0, 90.0],
            "m1i": np.arange(8.0),
            "year": 2000,
        }
    )


def test_blanks_are_filled_within_the_species() -> None:
    table = moderators.fill_in(mixed(), ["sex", "dose"], within="species")
    assert table["sex"].tolist() == ["m", "m", "f", "m", "f", "f", "f", "m"]
    assert table["dose"].tolist() == [1, 2, 6, 2, 20, 10, 20, 90]
    across = moderators.fill_in(mixed(), ["sex", "dose"], within="")
    assert across["sex"].tolist() == [
        "m",
        "m",
        "f",
        "f",
        "f",
        "f",
        "f",
        "m",
    ]  # of three and three the first
    assert across["dose"].tolist() == [1, 2, 6, 8, 8, 10, 20, 90]
    like = mixed().assign(sex="x", dose=[3.0] * 4 + [np.nan] * 4)
    assert (
        moderators.fill_in(mixed(), ["sex"], within="species", like=like)["sex"].tolist()[3] == "x"
    )
    assert moderators.fill_in(mixed(), ["dose"], within="species", like=like)["dose"].tolist()[
        3:5
    ] == [3, 3]  # no mouse has any


def test_random_imputations_are_observed_values_of_the_species() -> None:
    each = [
        moderators.fill_in(mixed(), ["sex", "dose"], within="species", seed=seed)
        for seed in range(40)
    ]
    assert {table["dose"][3] for table in each} == {1, 2, 6}
    assert {table["dose"][4] for table in each} == {10, 20, 90}
    assert {table["sex"][3] for table in each} == {"m", "f"}
    assert all(table["dose"][0] == 1 for table in each)


def test_coding_has_a_column_per_level_and_numbers_as_they_are() -> None:
    coded = moderators.code(pd.DataFrame({"sex": ["m", "f", "x"], "dose": [1.5, 2.0, 9.0]}))
    assert (coded.names, coded.levels) == (("sex", "dose"), (("f", "m", "x"), ()))
    np.testing.assert_array_equal(coded.matrix, [[0, 1, 0, 1.5], [1, 0, 0, 2.0], [0, 0, 1, 9.0]])
    assert coded.columns("dose").tolist() == [3]
    ordered = moderators.code(
        pd.DataFrame({"sex": ["m", "f", "x"], "dose": [1.5, 2.0, 9.0]}), ordered=True
    )
    assert ordered.levels == coded.levels
    np.testing.assert_array_equal(ordered.matrix, [[1, 1.5], [0, 2.0], [2, 9.0]])


def test_a_random_imputation_gives_all_blanks_of_a_study_one_value() -> None:
    study = np.repeat([f"s{i}" for i in range(30)], 4)
    dose = np.where(np.arange(120) < 40, np.arange(120.0), np.nan)
    frame = pd.DataFrame({"study": study, "dose": dose})
    each = [moderators.fill_in(frame, ["dose"], seed=seed)["dose"] for seed in range(3)]
    for filled in each:
        assert filled[40:].groupby(study[40:]).nunique().eq(1).all()
        assert filled[40:].nunique() > 10
        assert filled[:40].tolist() == list(range(40))
    assert not each[0].equals(each[1])


def test_imputations_are_coded_in_the_same_columns() -> None:
    one, two = (
        pd.DataFrame({"sex": ["m", "f"], "dose": [1.0, 2.0]}),
        pd.DataFrame({"sex": ["x", "f"], "dose": [3.0, 2.0]}),
    )
    first, second = moderators.code_each([one, two])
    assert first.levels == second.levels == (("f", "m", "x"), ())
    np.testing.assert_array_equal(first.matrix, [[0, 1, 0, 1], [1, 0, 0, 2]])
    np.testing.assert_array_equal(second.matrix, [[0, 0, 1, 3], [1, 0, 0, 2]])


@pytest.mark.usefixtures("trace_data")
def test_the_published_moderators_and_heterogeneity_of_animals() -> None:
    frame = datasets.read("preclinical")
    names, why = choose_moderators(frame)
    assert len(names) == 14
    assert not why
    assert not moderators.fill_in(frame, names).isna().any(axis=None)
    assert targets.total_tau2(frame) == pytest.approx(4.426, rel=0.1)  # the paper's, of 1089 rows
    assert targets.model_without_moderators().levels == ("study", "group", "effect")
    assert list(build_design(frame, targets.model_without_moderators())["term"].values) == [
        "intercept"
    ]
