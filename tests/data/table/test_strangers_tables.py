"""table: tables as people write them give the effects that they mean; notes say what was read."""

import io
import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest

from bayesmeta.commands.effects import columns_of
from bayesmeta.data.table import read_table
from bayesmeta.infrastructure.errors import BadInput
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


def opendocument(rows: list[list[object]], attribute: str = "") -> bytes:
    """Return an .ods file with one sheet; an attribute is given to every cell."""
    cells = [
        "".join(
            f'<table:table-cell office:value-type="string"{attribute}><text:p>{cell}</text:p>'
            "</table:table-cell>"
            for cell in row
        )
        for row in rows
    ]
    body = "".join(f"<table:table-row>{row}</table:table-row>" for row in cells)
    kinds = ("office", "table", "text")
    names = "".join(
        f' xmlns:{kind}="urn:oasis:names:tc:opendocument:xmlns:{kind}:1.0"' for kind in kinds
    )
    sheet = f'<table:table table:name="Data">{body}</table:table>'
    whole = f"<office:body><office:spreadsheet>{sheet}</office:spreadsheet></office:body>"
    with zipfile.ZipFile(file := io.BytesIO(), "w") as book:
        book.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        book.writestr("META-INF/manifest.xml", "<manifest/>")
        book.writestr(
            "content.xml", f"<office:document-content{names}>{whole}</office:document-content>"
        )
    return file.getvalue()


def test_opendocument_is_read_and_one_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    rows: list[list[object]] = [["study", "g", "se"], ["a", 0.5, 0.1], ["b", 0.25, 0.2]]
    path = tmp_path / "mine.ods"
    path.write_bytes(opendocument(rows))
    assert read_table(path)["yi"].tolist() == [0.5, 0.25]
    path.write_bytes(opendocument(rows, ' table:number-columns-repeated="999999999"'))
    with pytest.raises(BadInput, match="it repeats cells 8,999,999,991 times"):
        read_table(path)


def test_stata_files_are_read_with_their_labels(tmp_path: Path) -> None:
    frame = pd.DataFrame({"paper": list("abc"), "g": [0.1, 0.2, None], "se": [0.1, 0.1, 0.2]})
    frame["drug"] = pd.Categorical(["x", "y", "x"])
    frame.to_stata(file := io.BytesIO(), write_index=False)
    (tmp_path / "mine.dta").write_bytes(file.getvalue())
    table = read_table(tmp_path / "mine.dta", columns={"incomplete": "omit"})
    assert table["yi"].tolist() == [0.1, 0.2]
    assert table["drug"].tolist() == ["x", "y"]
