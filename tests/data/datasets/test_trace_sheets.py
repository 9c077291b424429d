"""Small made-up sheets: the result of every step, and bad sheets refused by name."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bayesmeta.data import datasets, sources
from bayesmeta.data.datasets.trace import inclusion, numbers, tables
from bayesmeta.data.effect_sizes import MEASURES
from bayesmeta.infrastructure.errors import BadInput


def made_up_row(sheet_columns: list[str], **cells: str) -> dict[str, str]:
    row = dict.fromkeys(sheet_columns, "-")
    row |= {"study": "111", "inclusion": "1", "subject": "4", "group_id": "1", "control_id": "2"}
    row |= {
        "comparison": "D",
        "task": "MAZE",
        "outcome": "errors",
        "outcome_name": "errors",
        "n1i": "10",
    }
    row |= {"n2i": "9", "m1i": "3.5", "sem1i": "1", "m2i": "2", "sem2i": "-0.5", "sex_text": "M"}
    row |= {"control_text": "Handled", "ptsd_type_raw": "SPS", "population_text": "Wistar rats"}
    return row | {"age_text": "adult", "rhythm_text": "dark", "time_text": "2 weeks"} | cells


class Folder:
    """A folder of made-up final sheets that the reader finds."""

    def __init__(self, path: Path) -> None:
        self.path = path
        first = {row["column"]: row["header"] for row in reversed(tables.records("trace/columns"))}
        self.headers = {**first, "inclusion": "inclusion.final"}
        self.rows = [
            made_up_row(list(self.headers)),
            made_up_row(
                list(self.headers), group_id="part of 7", age_text="9", rhythm_text="light"
            ),
            made_up_row(list(self.headers), inclusion="0", n1i="about ten"),
        ]

    def write(self, drop: str = "") -> None:
        """Write all files; `drop` is a column of ours that the sheets then lack."""
        frame = (
            pd.DataFrame(self.rows)
            .drop(columns=[drop] if drop else [])
            .rename(columns=self.headers)
        )
        for number, names in enumerate((["x"], *self._sheets()), start=1):
            self._book(f"search{number}", dict.fromkeys(names, frame if number == 1 else frame[:0]))
        code = {
            "task": "MAZE",
            "measure": "errors",
            "type": "spatial",
            "phase": "M",
            "valence": "N",
        }
        code |= {"recode": "-1", "cuectx": "cue"}
        self._book("TRACE_method_codes", {"codes": pd.DataFrame([code])})
        items = {
            "PMID": ["", "111"],
            "RoBQA_syrcle_1": ["?", "N (why)"],
            "RoBQA_syrcle_2": ["?", "C"],
        }
        self._book("risk_of_bias", {"RoBQA_animal_search1": pd.DataFrame(items)})

    def _sheets(self) -> list[list[str]]:
        rows = tables.records("trace/sheets")
        return [
            [row["sheet"] for row in rows if row["file"] == f"search{number}"] for number in (2, 3)
        ]

    def _book(self, name: str, parts: dict[str, pd.DataFrame]) -> None:
        with pd.ExcelWriter(self.path / "osf" / f"{name}.xlsx") as book:
            for sheet, frame in parts.items():
                frame.to_excel(book, sheet_name=sheet, index=False)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """Made-up final sheets of all searches, which are read before any other file."""
    content = b'"";"PMID"\n"1";111\n'
    (tmp_path / "osf").mkdir()
    registered = {key: dict(entry) for key, entry in sources.register()["files"].items()}
    for key, entry in registered.items():
        if key.startswith("list_"):
            (tmp_path / entry["name"]).write_bytes(content)
            entry["sha256"] = hashlib.sha256(content).hexdigest()
    search = sources.register()["search"]
    monkeypatch.setattr(sources, "register", lambda: {"search": search, "files": registered})
    monkeypatch.setenv(sources.FOLDER_VARIABLE, str(tmp_path))
    made_up = Folder(tmp_path)
    made_up.write()
    return made_up


def test_final_sheets_go_through_the_same_code(folder: Folder) -> None:
    frame = datasets.read("preclinical")
    assert frame["effect"].tolist() == ["s1:2", "s1:3"]
    assert frame["group"].tolist() == ["111.1", "111.7"]
    assert frame["rhythm"].tolist() == ["active", "inactive"]
    assert frame["age_class"].tolist() == ["(mature) adult", "young adult"]
    assert frame["age"].tolist()[1] == 9
    assert frame["time_since_trauma"].tolist() == [14, 14]
    assert frame["risk_of_bias"].isna().all()
    assert frame["risk_of_bias_c_unclear"].tolist() == [1.5, 1.5]


def test_final_sheets_are_reported(folder: Folder) -> None:
    attrs = datasets.read("preclinical").attrs
    assert attrs["final_sheets"][:3] == ["osf/search1.xlsx", "osf/search2.xlsx", "osf/search3.xlsx"]
    first = attrs["sources"][0]
    expected = hashlib.sha256((folder.path / "osf/search1.xlsx").read_bytes()).hexdigest()
    assert first == {
        "name": "osf/search1.xlsx",
        "sha256": expected,
        "found_in": sources.FOLDER_VARIABLE,
    }
    assert "osf/search1.xlsx" in attrs["notes"][-1]


def test_control_is_split_before_its_standard_deviation(folder: Folder) -> None:
    frame = datasets.read("preclinical")
    assert frame["control_used"].tolist() == [2, 2]
    assert frame["n2i"].tolist() == [4, 4]  # 9 / 2 = 4.5, to the even number
    assert frame["sd2i"].tolist() == [0.5 * 2, 0.5 * 2]
    assert frame["negative_dispersion"].all()
    numbers_of_two = {"m1i": 3.5, "sd1i": np.sqrt(10), "n1i": 10, "m2i": 2, "sd2i": 1, "n2i": 4}
    yi, vi = MEASURES["SMD"](**numbers_of_two)
    np.testing.assert_allclose(frame["yi"], -yi, rtol=1e-12)
    np.testing.assert_allclose(frame["vi"], vi, rtol=1e-12)


def test_unreadable_final_sheet_is_named(folder: Folder) -> None:
    path = folder.path / "osf/search2.xlsx"
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(BadInput, match=r"'osf/search2\.xlsx' cannot be read as a spreadsheet"):
        datasets.read("preclinical")


def test_missing_sheet_is_named(folder: Folder) -> None:
    path = folder.path / "osf/search3.xlsx"
    path.write_bytes((folder.path / "osf/search1.xlsx").read_bytes())
    with pytest.raises(BadInput, match=r"'osf/search3\.xlsx' .*animal\.inclusions\.s3"):
        datasets.read("preclinical")


@pytest.mark.parametrize(("column", "header"), [("m1i", "Data_Outcome1_M"), ("study", "PMID")])
def test_missing_column_is_named(folder: Folder, column: str, header: str) -> None:
    folder.write(drop=column)
    with pytest.raises(
        BadInput, match=rf"'osf/search1\.xlsx', first sheet lacks a column: expected .*'{header}'"
    ):
        datasets.read("preclinical")


def test_missing_code_column_is_named(folder: Folder) -> None:
    pd.DataFrame({"task": ["MAZE"]}).to_excel(
        folder.path / "osf/TRACE_method_codes.xlsx", index=False
    )
    with pytest.raises(
        BadInput, match=r"'osf/TRACE_method_codes\.xlsx' lacks the columns \['measure'"
    ):
        datasets.read("preclinical")


def test_missing_bias_sheet_is_named(folder: Folder) -> None:
    pd.DataFrame({"PMID": ["111"]}).to_excel(folder.path / "osf/risk_of_bias.xlsx", index=False)
    with pytest.raises(BadInput, match=r"'osf/risk_of_bias\.xlsx' must have sheets RoBQA_"):
        datasets.read("preclinical")


def test_impossible_number_is_named(folder: Folder) -> None:
    folder.rows[1]["n1i"] = "1"
    folder.write()
    with pytest.raises(BadInput, match=r"(?s)'osf/search1\.xlsx', first sheet: .*n1i.*3"):
        datasets.read("preclinical")


@pytest.mark.parametrize("column", numbers.NUMBERS)
def test_unreadable_number_is_named(folder: Folder, column: str) -> None:
    folder.rows[1][column] = "about ten"
    folder.write()
    message = (
        rf"'osf/search1\.xlsx', first sheet, row 3: {column} must be a number, got 'about ten'"
    )
    with pytest.raises(BadInput, match=message):
        datasets.read("preclinical")


def test_missing_number_leaves_the_row_out_with_its_reason(folder: Folder) -> None:
    folder.rows[1]["m2i"] = "not reported"
    folder.write()
    assert len(datasets.read("preclinical")) == 1
    flow = datasets.flow("preclinical").set_index("reason")["rows"]
    assert flow[numbers.NO_NUMBERS] == flow[inclusion.NOT_INCLUDED] == 1


def test_corrupted_pinned_file_is_refused(folder: Folder) -> None:
    name = sources.register()["files"]["list_s2a"]["name"]
    (folder.path / name).write_bytes(b"PMID")
    with pytest.raises(BadInput, match=f"'{name}' in BAYESMETA_DATA is not the pinned file"):
        datasets.read("preclinical")
