"""table: tables as people write them give the effects that they mean; notes say what was read."""

import io
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest

from bayesmeta.commands.effects import columns_of
from bayesmeta.data.table import read_table
from written_tables import DRUG, TABLES


@pytest.mark.parametrize("name", TABLES)
def test_a_table_gives_the_effects_that_it_means(name: str, tmp_path: Path) -> None:
    table = TABLES[name]
    path = tmp_path / "mine.csv"
    path.write_text(table.text, encoding="utf-8")
    frame = read_table(path, columns=columns_of(None, table.columns))
    np.testing.assert_allclose(frame["yi"], table.yi, atol=5e-5)
    if len(table.vi):
        np.testing.assert_allclose(frame["vi"], table.vi, rtol=1e-9)
    notes = "\n".join(frame.attrs["notes"])
    assert [words for words in table.notes if words not in notes] == []


def test_a_workbook_with_a_title_two_rows_of_names_and_a_sheet_before(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "README"
    book.active.append(["Extraction form v3"])
    sheet = book.create_sheet("Data")
    group = ["N", "Mean", "SD"]
    rows = [["Ton", 20, 31.0, 5.2, 20, 28.1, 4.8], ["Ule", 18, 30.2, 6.0, 19, 29.0, 5.7]]
    names = [["Study", "Intervention", None, None, "Control"], [None, *group, *group]]
    for row in (["Table S2"], [], *names, *rows, [], ["Total", 38], ["* estimated"]):
        sheet.append(row)
    book.save(tmp_path / "mine.xlsx")
    frame = read_table(tmp_path / "mine.xlsx")
    np.testing.assert_allclose(frame["yi"], DRUG[:2])
    notes = "\n".join(frame.attrs["notes"])
    assert "read from the first sheet with a table, 'Data'; not read: 'README'" in notes
    assert "the names of columns are in rows 3 and 4" in notes


def test_stata_files_are_read_with_their_labels(tmp_path: Path) -> None:
    frame = pd.DataFrame({"paper": list("abc"), "g": [0.1, 0.2, None], "se": [0.1, 0.1, 0.2]})
    frame["drug"] = pd.Categorical(["x", "y", "x"])
    frame.to_stata(file := io.BytesIO(), write_index=False)
    (tmp_path / "mine.dta").write_bytes(file.getvalue())
    table = read_table(tmp_path / "mine.dta", columns={"incomplete": "omit"})
    assert table["yi"].tolist() == [0.1, 0.2]
    assert table["drug"].tolist() == ["x", "y"]
