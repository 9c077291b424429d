"""table: a reading passes through stages, none of which changes what it takes."""

from copy import deepcopy
from dataclasses import FrozenInstanceError, fields
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bayesmeta.data.table import STAGES, Reading, build_effects, read_file

GIVEN = {
    "study": ["1", "1", "2", "3"],
    "group": ["1", "2", "1", "1"],
    "yi": ["0.5", "", "", "1"],
    "vi": ["1", "", "", "0.5"],
    "n1i": ["", "10", "", ""],
    "ti": ["", "2.5", "", ""],
    "n2i": ["", "12", "", ""],
    "dose": ["1", "2", "3", ""],
    "drug": ["b", "a", "b", ""],
}
INTERVALS = {"author": ["a", "b"], "g": ["1", "2"], "lower": ["0", "1"], "upper": ["2", "3"]}
COMPUTED = {
    "study": ["a", "b", "c"],
    "m1i": ["5", "6", ""],
    "sd1i": ["", "2", ""],
    "sem1i": ["0.5", "", ""],
    "n1i": ["16", "9", "9"],
    "m2i": ["4", "4", ""],
    "sd2i": ["1", "1", ""],
    "n2i": ["12", "12", "9"],
    "fi": ["", "", "4"],
    "sign": ["", "", "-1"],
}
TABLES: dict[str, tuple[dict[str, list[str]], dict[str, str]]] = {
    "given": (GIVEN, {"measure": "SMD"}),
    "intervals": (INTERVALS, {}),
    "computed": (COMPUTED, {}),
}


def start(name: str) -> Reading:
    """Return a reading before its first stage; rows are numbered from 2."""
    columns, asked = TABLES[name]
    rows = range(2, 2 + len(columns[next(iter(columns))]))
    return Reading(pd.DataFrame(columns, index=rows, dtype="str"), asked)


def same(first: Any, second: Any) -> bool:
    if not isinstance(first, pd.DataFrame):
        return bool(first == second)
    return first.equals(second) and first.attrs == second.attrs


@pytest.mark.parametrize("name", TABLES)
def test_a_stage_leaves_the_reading_that_it_takes_as_it_is(name: str) -> None:
    reading = start(name)
    for stage in STAGES:
        before = deepcopy(reading)
        after = stage(reading)
        for field in fields(reading):
            value = getattr(reading, field.name)
            assert same(value, getattr(before, field.name)), f"{stage.__name__}: {field.name}"
        assert after.messages[: len(reading.messages)] == reading.messages
        assert after.problems[: len(reading.problems)] == reading.problems
        reading = after
    assert same(reading.frame, build_effects(start(name)).frame)


def test_given_and_computed_rows_stay_in_the_order_of_the_table() -> None:
    reading = build_effects(start("given"))
    frame = reading.frame
    assert frame["sheet_row"].tolist() == [2, 3, 5]
    assert frame["yi"].tolist()[::2] == [0.5, 1]
    assert frame["yi"][1] > 1
    assert frame["group"].tolist() == ["1/1", "1/2", "3/1"]
    assert frame["dose"].tolist()[:2] == [1, 2]
    assert [message.split(",")[0] for message in reading.messages] == [
        "yi and vi are computed from ti",
        "1 of 4 rows are left out",
        "group is numbered from the start within each study: its labels are 1/1",
    ]


def test_a_measure_that_no_row_needs_is_not_reported() -> None:
    columns = GIVEN | {"ti": [""] * 4}
    table = pd.DataFrame(columns, index=range(2, 6), dtype="str")
    reading = build_effects(Reading(table, {"measure": "SMD", "incomplete": "omit"}))
    assert reading.frame["sheet_row"].tolist() == [2, 5]
    assert not any("are computed from" in message for message in reading.messages)


def test_a_reading_is_frozen_and_has_its_settings(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("district,yi,vi\na,1,1\nb,,\nc,2,1\n", encoding="utf-8")
    asked = {"study": "district", "incomplete": "omit"}
    reading = read_file(tmp_path / "a.csv", columns=asked)
    assert reading.settings == {"incomplete": "omit"}
    assert reading.taken == {"study": "district", "yi": "yi", "vi": "vi"}
    assert reading.frame.attrs["notes"] == list(reading.messages)
    assert len(reading.text) == 3
    with pytest.raises(FrozenInstanceError):
        reading.measure = "SMD"  # type: ignore[misc]
