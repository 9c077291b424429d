"""table: files of all kinds give the same effect table; bad files are refused in a message."""

import hashlib

import numpy as np
import pandas as pd
import pytest

from bayesmeta.data.effect_sizes import MEASURES
from bayesmeta.data.table import read_table
from bayesmeta.infrastructure.errors import BadInput

FRAME = pd.DataFrame(
    {
        "study": [12, 12, 13],
        "group": ["x", "x", "y"],
        "yi": [0.1, -0.25, 1 / 3],
        "vi": [0.01, 0.02, 1e-05],
        "drug": ["b", None, "a"],
        "dose": [1.5, None, 3],
        "blind": [True, False, True],
    }
)
RAW = "study,m1i,sd1i,n1i,m2i,sd2i,n2i\na,5,2,10,4,1,12\nb,6,2,10.5,4,1,12\n"
WRITERS = {
    "csv": lambda frame, path: frame.to_csv(path, index=False),
    "tsv": lambda frame, path: frame.to_csv(path, index=False, sep="\t"),
    "xlsx": lambda frame, path: frame.to_excel(path, index=False),
    "parquet": lambda frame, path: frame.to_parquet(path),
}


@pytest.fixture
def read(tmp_path):
    def read_text(text, name="mine.csv", **options):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_table(path, **options)

    return read_text


def refusal(read, text, name="mine.csv", **options):
    with pytest.raises(BadInput) as error:
        read(text, name, **options)
    path, _, message = str(error.value).partition(": ")
    assert path.endswith(name)
    return message.partition("\nleave out the rows")[0]


@pytest.mark.parametrize("kind", WRITERS)
def test_every_kind_of_file_gives_the_same_table(kind, tmp_path):
    path = tmp_path / f"mine.{kind}"
    WRITERS[kind](FRAME, path)
    table = read_table(path)
    expected = pd.DataFrame(
        {
            "study": ["12", "12", "13"],
            "group": ["x", "x", "y"],
            "effect": ["12:1", "12:2", "13:1"],
            "yi": [0.1, -0.25, 1 / 3],
            "vi": [0.01, 0.02, 1e-05],
            "drug": pd.Categorical(["b", None, "a"], categories=["a", "b"]),
            "dose": [1.5, np.nan, 3],
            "blind": pd.Categorical(["True", "False", "True"]),
            "sheet_row": [2, 3, 4],
        }
    )
    pd.testing.assert_frame_equal(table, expected, check_categorical=False)
    assert list(table["drug"].cat.categories) == ["a", "b"]
    assert table.attrs == {
        "dataset": "mine",
        "synthetic": False,
        "title": f"effects from mine.{kind}",
        "scale": "effect size yi",
        "sources": [
            {
                "name": path.name,
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                "found_in": "file",
            }
        ],
        "notes": [],
    }


def test_raw_columns_become_effects_and_stay_as_columns(read):
    table = read(RAW)
    yi, vi = MEASURES["SMD"](m1i=[5, 6], sd1i=2, n1i=[10, 10.5], m2i=4, sd2i=1, n2i=12)
    np.testing.assert_array_equal(table[["yi", "vi"]].T, [yi, vi])
    assert table["n1i"].tolist() == [10, 10.5]
    assert "SMD" in table.attrs["notes"][0]
    assert read(RAW, measure="MD")["yi"].tolist() == [1, 2]


def test_without_a_group_column_every_effect_is_its_own_group(read):
    table = read("study,yi,vi\na,1,1\na,2,1\nb,3,1\n")
    assert table["group"].tolist() == table["effect"].tolist() == ["a:1", "a:2", "b:1"]


def test_sei_is_squared_and_given_effect_labels_are_kept(read):
    table = read("study,effect,yi,sei\na,e1,1,0.5\nb,e2,2,2\n")
    assert table["vi"].tolist() == [0.25, 4]
    assert table["effect"].tolist() == ["e1", "e2"]
    assert table["sei"].tolist() == [0.5, 2]


def test_blank_lines_are_skipped_without_changing_the_row_numbers(read):
    table = read("study,yi,vi\na,1,1\n\n,,\nb,2,1\n\n")
    assert table["sheet_row"].tolist() == [2, 5]
    assert refusal(read, "study,yi,vi\na,1,1\n\nb,x,1\n") == "yi must be a number, got 'x' at row 4"


def test_byte_order_mark_quotes_spaces_and_nameless_columns_are_understood(read):
    table = read(b"\xef\xbb\xbf" + b',study,yi,vi\n1," Smith, 2001 ",1,1\n2,"Wu ""B""",2,1\n')
    assert table["study"].tolist() == ["Smith, 2001", 'Wu "B"']
    assert table.attrs["notes"] == ["columns without a name are left out"]


def test_only_the_first_sheet_is_read_and_the_others_are_named(tmp_path):
    with pd.ExcelWriter(tmp_path / "two.xlsx") as book:
        FRAME.to_excel(book, sheet_name="data", index=False)
        FRAME.to_excel(book, sheet_name="more", index=False)
    assert read_table(tmp_path / "two.xlsx").attrs["notes"] == [
        "read from the first sheet, 'data'; not read: 'more'"
    ]


def test_a_sheet_may_start_below_and_to_the_right(tmp_path):
    FRAME.to_excel(tmp_path / "low.xlsx", index=False, startrow=3, startcol=2)
    table = read_table(tmp_path / "low.xlsx")
    assert table["sheet_row"].tolist() == [5, 6, 7]
    assert table["study"].tolist() == ["12", "12", "13"]
    pd.DataFrame().to_excel(tmp_path / "void.xlsx")
    with pytest.raises(BadInput, match=r"it has no rows below its header \(no header\)"):
        read_table(tmp_path / "void.xlsx")


def test_a_named_parquet_index_is_a_column(tmp_path):
    FRAME.set_index("study").to_parquet(tmp_path / "mine.parquet")
    assert read_table(tmp_path / "mine.parquet")["study"].tolist() == ["12", "12", "13"]


REFUSED = [
    ("", "it is empty"),
    ("\n \n", "it is empty"),
    ("study,yi,vi\n", "it has no rows below its header (study, yi, vi)"),
    ("study,yi,vi\n,,\n", "it has no rows"),
    (
        "Studdy,yi,vi\na,1,1\nb,2,1\n",
        "its columns are Studdy, yi, vi; for yi it lacks study (did you mean 'Studdy'?)",
    ),
    ("Studdy,yi,vi\na,1,1\nb,2,1\n", "did you mean 'Studdy'?"),
    ("study,yi\na,1\nb,2\n", "for yi it lacks sei or vi"),
    ("study,m1i,sd1i,n1i,m2i,sd2i\na,1,1,9,2,1\nb,1,1,9,2,1\n", "for SMD it lacks n2i; columns"),
    (RAW.replace("m1i", "vi"), "its columns are study, vi, sd1i"),
    (
        "study,vi,m1i,sd1i,n1i,m2i,sd2i,n2i\na,1,5,2,10,4,1,12\nb,1,6,2,10.5,4,1,12\n",
        "for yi it lacks yi",
    ),
    (
        "study,yi,m1i,sd1i,n1i,m2i,sd2i,n2i\na,1,5,2,10,4,1,12\nb,1,6,2,10.5,4,1,12\n",
        "for yi it lacks sei or vi",
    ),
    ("study,yi,yi,vi\na,1,1,1\n", "more than one column named yi"),
    (
        "study,yi,vi\na,x,1\nb,2,?\n",
        "yi must be a number, got 'x' at row 2\nvi must be a number, got '?'",
    ),
    ("study,yi,vi\na,,1\nb,NA,1\n", "yi must be a finite number, got nan at row 2, nan at row 3"),
    ("study,yi,vi\na,Inf,1\nb,1,1\n", "yi must be a finite number, got inf at row 2"),
    ("study,yi,vi\na,1_0,1\nb,1,1\n", "yi must be a number, got '1_0' at row 2"),
    (
        "study,yi,vi\na,1,0\nb,2,-1\n",
        "vi must be a finite number above 0, got 0 at row 2, -1 at row 3",
    ),
    ("study,yi,sei\na,1,-1\nb,2,\n", "sei must be a number above 0, got -1 at row 2, nan at row 3"),
    ("study,group,yi,vi\na,g,1,1\nb,g,1,1\n", "group must lie in a single study"),
    ("study,yi,vi\na,1,1\n,2,1\nb,2,1\n", "study must not be blank, got '' at row 3"),
    ("study,effect,yi,vi\na,e,1,1\nb,e,2,1\n", "effect must be a unique label"),
    ("study,yi,vi\na,1,1\na,2,1\n", "study must have at least two different labels, got a"),
    ("study,yi,vi\na,1,1,9\nb,2,1\n", "row 2 has 4 cells where the header has 3"),
    ("study,yi,vi\na,1\nb,2,1\n", "row 2 has 2 cells where the header has 3"),
    ("study;yi;vi\na;0,5;1\nb;1.5;1\n", "yi has numbers with a comma, '0,5' at row 2"),
    ("study;yi;vi\na;1.000,5;1\nb;1;1\n", "yi has numbers with a comma, '1.000,5' at row 2"),
    ("study\tyi\tvi\na\t1,250\t1\nb\t1\t1\n", "yi has numbers with a comma, '1,250' at row 2"),
    ('study,yi,vi,dose\na,1,1,"1,500"\nb,1,1,1\n', "dose has numbers with a comma"),
    ('study,yi,vi\n"a,1,1\nb,2,1\n', "it cannot be read as CSV"),
    (
        RAW.replace("5,2,10", "5,-2,1"),
        "SMD: sd1i must be at least 0, got -2 at row 2\nSMD: n1i must be",
    ),
    (RAW.replace("5,2,10", ",2,10"), "SMD: m1i must be a finite number, got nan at row 2"),
    (b"study,yi,vi\nM\x81ller,1,1\n", "it is not UTF-8 text (byte 13)"),
    (b"study,yi,vi\na\0,1,1\n", "it has NUL bytes"),
    (bytes(range(256)) * 9, "it is not UTF-8 text"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_each_kind_of_bad_file_is_refused_in_one_message(read, text, message):
    assert message in refusal(read, text)


@pytest.mark.parametrize("kind", ["xlsx", "parquet"])
def test_damaged_binary_files_are_refused(read, tmp_path, kind):
    intact = tmp_path / f"intact.{kind}"
    WRITERS[kind](FRAME, intact)
    content = intact.read_bytes()
    for broken in (content[: len(content) // 2], content[:-30], b"hello", b"PK\3\4" + bytes(99)):
        assert f"cannot be read as {kind.upper()}" in refusal(read, broken, f"broken.{kind}")


def test_missing_files_folders_other_kinds_and_unknown_measures_are_refused(read, tmp_path):
    read(RAW, "effects.csv")
    with pytest.raises(
        BadInput, match=r"efects.csv: there is no such file \(did you mean 'effects.csv'\?\)"
    ):
        read_table(tmp_path / "efects.csv")
    with pytest.raises(BadInput, match=r"there is no such file$"):
        read_table(tmp_path / "nowhere" / "x.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(BadInput, match="there is no such file"):
        read_table(tmp_path / "folder.csv")
    assert "save it as one of .csv, .tsv, .txt, .xlsx" in refusal(read, RAW, "mine.docx")
    with pytest.raises(
        BadInput, match=r"unknown measure 'smd' \(did you mean 'SMD'\?\); choose one of: SMD, SMDH"
    ):
        read_table(tmp_path / "effects.csv", measure="smd")
