"""schema: bad rows are refused by name, all at once, in the user's row numbers."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from bayesmeta.data.schema import check_effects, check_moderators
from bayesmeta.infrastructure.errors import BadInput


@pytest.fixture
def table():
    return pd.DataFrame(
        {
            "study": ["a", "a", "b", "b"],
            "group": ["a1", "a2", "b1", "b1"],
            "effect": ["1", "2", "3", "4"],
            "yi": [0, 1, 2, 3],
            "vi": [0.1, 0.2, 0.3, 0.4],
            "valence": pd.Categorical(["fear", None, "neutral", "fear"]),
            "dose": [1.0, 2.0, np.inf, 4.0],
        }
    )


def refusal(frame):
    with pytest.raises(BadInput) as error:
        check_effects(frame)
    return str(error.value)


def test_a_good_table_comes_back_with_float_numbers_and_its_attrs(table):
    table.attrs["dataset"] = "mine"
    checked = check_effects(table)
    assert checked[["yi", "vi"]].dtypes.eq(float).all()
    assert checked.attrs == {"dataset": "mine"}
    pd.testing.assert_frame_equal(checked, table.astype({"yi": float}))


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("study", ["a", " ", "b", "b"], "study must not be blank, got ' ' at row 3"),
        ("group", ["a1", None, "b1", "b1"], "group must not be blank, got nan at row 3"),
        ("effect", ["1", "2", "3", ""], "effect must not be blank, got '' at row 5"),
        (
            "effect",
            ["1", "1", "3", "4"],
            "effect must be a unique label, got '1' at row 2, '1' at row 3",
        ),
        (
            "yi",
            [np.inf, 1, np.nan, 0],
            "yi must be a finite number, got inf at row 2, nan at row 4",
        ),
        ("yi", ["x", 1, 2, 3], "yi must be a finite number, got 'x' at row 2"),
        ("vi", [0, -1, 1, 1], "vi must be a finite number above 0, got 0 at row 2, -1 at row 3"),
        (
            "vi",
            [np.inf, 1, 1, np.nan],
            "vi must be a finite number above 0, got inf at row 2, nan at row 5",
        ),
    ],
)
def test_one_bad_column_is_one_line(table, column, values, message):
    assert refusal(table.assign(**{column: values})) == message


def test_a_group_in_two_studies_is_refused(table):
    message = refusal(table.assign(group=["a1", "x", "x", "b1"]))
    assert message.startswith("group must lie in a single study")
    assert message.endswith("got 'x' at row 3, 'x' at row 4")


def test_fewer_than_two_studies_are_refused(table):
    message = refusal(table.assign(study="a"))
    assert message == "study must have at least two different labels, got a"


def test_every_problem_is_listed_at_once_and_long_lists_are_cut(table):
    many = pd.concat([table] * 5, ignore_index=True).assign(effect=range(20), yi=np.nan)
    lines = refusal(many.assign(study=["", *many["study"][1:]])).splitlines()
    assert [line.split()[0] for line in lines] == ["study", "group", "yi"]
    assert lines[-1].endswith("nan at row 11 and 10 more")


def test_rows_are_named_by_sheet_row_whatever_the_index(table):
    table = table.assign(sheet_row=[7, 9, 11, 13], vi=[1, 1, 1, 0]).set_index(
        pd.Index([3, 2, 1, 0])
    )
    assert refusal(table).endswith("0 at row 13")


def test_a_missing_column_is_named(table):
    assert refusal(table.drop(columns=["vi", "group"])).startswith(
        "the effect table lacks group, vi; it has study"
    )


def test_moderators_without_gaps_pass(table):
    check_moderators(table, ["yi", "group"])


def test_an_unknown_moderator_is_refused_with_the_nearest_column(table):
    with pytest.raises(
        BadInput,
        match=r"'VALENSE' is not a column \(did you mean 'valence'\?\); the columns are study",
    ):
        check_moderators(table, ["VALENSE"])


def test_blank_and_infinite_cells_of_a_moderator_are_refused_by_row(table):
    with pytest.raises(BadInput) as error:
        check_moderators(table, ["valence", "dose", "valence"])
    first, second = str(error.value).splitlines()
    assert first.startswith("moderator 'valence' is blank or infinite at row 3;")
    assert second.startswith("moderator 'dose' is blank or infinite at row 4;")


def test_pandera_is_imported_only_when_a_table_is_checked():
    code = "import sys, bayesmeta.data.schema; print('pandera' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"
