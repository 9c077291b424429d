"""table: encodings, separators, decimal commas, and files that would fill the memory."""

import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import openpyxl
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from bayesmeta.data.table import limits, read_table
from bayesmeta.infrastructure.errors import BadInput

PLAIN = "study,yi,vi\nMüller,0.5,1\nWu,1,0.25\n"
EXCEL = "study;yi;vi;dose\nMüller;0,5;1;1,250\nWu;1;0,25;2\n"
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(content: str | bytes, name: str = "mine.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_file


def refusal(path: Path) -> str:
    with pytest.raises(BadInput) as error:
        read_table(path)
    return str(error.value).removeprefix(f"{path}: ").partition("\nleave out the rows")[0]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings_give_the_same_table(write: Write, encoding: str) -> None:
    table = read_table(write(PLAIN.encode(encoding)))
    assert table["study"].tolist() == ["Müller", "Wu"]
    assert table["yi"].tolist() == [0.5, 1]
    guessed = ["it is not UTF-8 and was read as Latin-1 (Windows-1252): is 'Müller' right?"]
    assert table.attrs["notes"] == (guessed if encoding == "cp1252" else [])


@pytest.mark.parametrize("first", ["", "sep=;\n"])
def test_semicolons_with_decimal_commas_are_read_with_a_note(write: Write, first: str) -> None:
    table = read_table(write(first + EXCEL))
    assert table[["yi", "vi", "dose"]].to_numpy().tolist() == [[0.5, 1, 1.25], [1, 0.25, 2]]
    assert table.attrs["notes"] == ["numbers with a decimal comma, 0,5 for a half, in yi, vi, dose"]
    assert table["sheet_row"].tolist() == ([2, 3] if not first else [3, 4])


def test_semicolons_with_points_need_no_note_and_may_be_in_quoted_names(write: Write) -> None:
    table = read_table(write('"study";yi;vi;"a,b,c,d"\nx;0.5;1;1\ny;1;0.25;2\n'))
    assert table["yi"].tolist() == [0.5, 1]
    assert table.attrs["notes"] == []


def test_decimal_commas_elsewhere_are_read_where_only_one_reading_is_possible(write: Write) -> None:
    table = read_table(write('study,yi,vi,dose\na,"0,5",1,"1,500"\nb,"-1,25",1,"0,2"\n'))
    assert table["yi"].tolist() == [0.5, -1.25]
    assert table["dose"].tolist() == [1.5, 0.2]
    assert read_table(write("study\tyi\tvi\na\t,5\t1\nb\t1\t1\n", "a.tsv"))["yi"].tolist() == [
        0.5,
        1,
    ]


def test_a_typing_error_among_decimal_commas_is_the_only_one_told(write: Write) -> None:
    assert (
        refusal(write(EXCEL.replace("Wu;1;", "Wu;x;"))) == "yi must be a number, got 'x' at row 3"
    )


def test_words_with_commas_and_printed_minus_signs_stay_what_they_mean(write: Write) -> None:
    table = read_table(
        write('study,yi,vi,arms,drug\na,\u22120.5,1,"1,2,3",x\nb,1,1,"1,2",\u22125 mg\n')
    )
    assert table["yi"].tolist() == [-0.5, 1]
    assert table["arms"].tolist() == ["1,2,3", "1,2"]
    assert table["drug"].tolist() == ["x", "\u22125 mg"]


def test_every_row_of_another_length_is_listed_and_the_list_is_cut(write: Write) -> None:
    lines = refusal(write("study,yi,vi\n" + "a,1\n" * 30)).splitlines()
    assert lines[:2] == [
        "row 2 has 2 cells where the header has 3",
        "row 3 has 2 cells where the header has 3",
    ]
    assert len(lines) == 21
    assert lines[-1] == "and 10 more"


def test_huge_cells_names_widths_and_files_are_refused_at_once(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = "x" * 10_000_000
    assert "is a quote not closed?" in refusal(write(f"study,yi,vi,note\na,1,1,{long}\nb,1,1,x\n"))
    named = refusal(write(f"study,yi,vi,{long[:3000]}\na,1,1,x\nb,1,1,x\n"))
    assert "a name of 3,000 characters" in named
    assert len(named) < 400
    assert "it has 2,003 columns" in refusal(write("study,yi,vi" + ",a" * 2000 + "\na,1,1\n"))
    assert (
        refusal(write(f"study,yi,vi\na,{long[:100]},1\nb,1,1\n"))
        == f"yi must be a number, got '{long[:59]}... at row 2"
    )
    assert refusal(write(f"study,yi,vi\n{long[:600]},1,1\nb,1,1\n")).startswith(
        "study must be a label of at most 500"
    )
    monkeypatch.setattr(limits, "FILE_BYTES", 10)
    assert "a table may have 0" in refusal(write(PLAIN))


def test_free_text_is_left_out_with_a_note(write: Write) -> None:
    table = read_table(write(f"study,yi,vi,note\na,1,1,{'x' * 1001}\nb,1,1,x\n"))
    assert "note" not in table
    assert table.attrs["notes"] == [
        "note is left out, because its texts are long (up to 1,001 characters)"
    ]


def workbook(cells: Mapping[str, object]) -> bytes:
    book = openpyxl.Workbook()
    for row in (["study", "yi", "vi"], ["a", 1, 1], ["b", 2, 1]):
        book.active.append(row)
    for place, value in cells.items():
        book.active[place] = value
    book.save(file := io.BytesIO())
    return file.getvalue()


def repacked(
    content: bytes, change: Callable[[bytes], bytes], part: str = "xl/worksheets/sheet1.xml"
) -> bytes:
    file = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, change(old.read(name)) if name == part else old.read(name))
    return file.getvalue()


def test_formulas_are_read_by_their_values_and_refused_without(write: Write) -> None:
    assert refusal(write(workbook({"B3": "=1+1", "C3": "=B3/2"}), "a.xlsx")).startswith(
        "it has formulas without a computed value in B3, C3; open it in a spreadsheet program and "
        "save it"
    )
    kept = repacked(
        workbook({"B3": "=1+1"}),
        lambda xml: xml.replace(b"<v />", b"<v>7</v>").replace(b"<v/>", b"<v>7</v>"),
    )
    assert read_table(write(kept, "a.xlsx"))["yi"].tolist() == [1, 7]


def test_sheets_that_unpack_to_more_than_a_table_are_refused(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "it has 16,384 columns" in refusal(write(workbook({"XFD1048576": 1}), "a.xlsx"))
    assert "it has 1,048,576 rows and 26 columns" in refusal(
        write(workbook({"Z1048576": 1}), "a.xlsx")
    )
    monkeypatch.setattr("bayesmeta.data.table.workbook.UNPACKED_BYTES", 1_000_000)
    bomb = repacked(workbook({}), lambda xml: xml + b" " * 3_000_000)
    assert len(bomb) < 20_000
    assert refusal(write(bomb, "a.xlsx")).startswith(
        "it unpacks to 3 MB from 0.0, and a sheet may have 1"
    )


def test_a_long_text_shared_by_many_cells_is_refused(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = workbook({f"D{row}": "same" for row in range(1, 4)})
    monkeypatch.setattr("bayesmeta.data.table.workbook.UNPACKED_BYTES", 20_000)
    rows = "".join(
        f'<row r="{row}"><c r="D{row}" t="s"><v>0</v></c></row>' for row in range(5, 50)
    ).encode()
    shared = repacked(book, lambda xml: xml.replace(b"</sheetData>", rows + b"</sheetData>"))
    file = io.BytesIO(shared)
    with zipfile.ZipFile(file, "a") as more:
        more.writestr("xl/sharedStrings.xml", f"<sst><si><t>{'y' * 2000}</t></si></sst>")
    assert "it has cells of up to 2,0" in refusal(write(file.getvalue(), "a.xlsx"))


def test_parquet_with_long_texts_lists_and_many_rows_is_refused_or_cut(
    write: Write, tmp_path: Path
) -> None:
    frame = pd.DataFrame({"study": ["a", "b"], "yi": [1, 2], "vi": [1, 1], "lists": [[1], [2]]})
    frame.to_parquet(tmp_path / "a.parquet")
    table = read_table(tmp_path / "a.parquet")
    assert "lists" not in table
    assert table.attrs["notes"] == ["left out because their cells are lists: lists"]
    frame.assign(lists="x" * 200_000).to_parquet(tmp_path / "b.parquet")
    assert "lists has cells of up to 200,000 characters" in refusal(tmp_path / "b.parquet")
    rows = pa.table(
        {
            "study": pa.array(["a"]).take(pa.array([0] * 2_000_000)),
            "yi": [1] * 2_000_000,
            "vi": [1] * 2_000_000,
        }
    )
    parquet.write_table(rows, tmp_path / "c.parquet")
    assert "it has 2,000,000 rows and 3 columns" in refusal(tmp_path / "c.parquet")


def of_sheets(folder: Path, *names: str) -> Path:
    """Return a workbook with a table in every sheet; its yi begin with the sheet's number."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for number, name in enumerate(names):
        sheet = book.create_sheet(name)
        for row in (["study", "yi", "vi"], ["a", number, 1], ["b", 0.5, 1]):
            sheet.append(row)
    book.save(folder / "book.xlsx")
    return folder / "book.xlsx"


@pytest.mark.parametrize(
    ("sheet", "first"), [("read me", 0), ("R&D <1>", 1), ('Größe "x"', 2), (None, 0)]
)
def test_a_sheet_is_chosen_by_its_name(sheet: str | None, first: int, tmp_path: Path) -> None:
    path = of_sheets(tmp_path, "read me", "R&D <1>", 'Größe "x"')
    table = read_table(path, columns={} if sheet is None else {"sheet": sheet})
    assert table["yi"].tolist() == [first, 0.5]
    (note,) = table.attrs["notes"]
    assert note.startswith(
        f"read from {'the sheet' if sheet else 'the first sheet,'} {sheet or 'read me'!r}; "
        "not read: "
    )


def test_a_sheet_that_is_not_there_is_refused(tmp_path: Path) -> None:
    path = of_sheets(tmp_path, "read me", "effects")
    hint = r"\(did you mean 'effects'\?\); its sheets are 'read me', 'effects'"
    with pytest.raises(BadInput, match=f"no sheet 'efects' {hint}"):
        read_table(path, columns={"sheet": "efects"})
    (tmp_path / "mine.csv").write_text("study,yi,vi\na,1,1\nb,2,1\n", encoding="utf-8")
    with pytest.raises(BadInput, match="only a file of Excel has sheets"):
        read_table(tmp_path / "mine.csv", columns={"sheet": "effects"})
