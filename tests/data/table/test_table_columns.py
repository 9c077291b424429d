"""table: columns as asked, as named, as people name them; groups numbered within studies."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bayesmeta.commands.effects import columns_of
from bayesmeta.data.table import parse_columns, read_table
from bayesmeta.infrastructure.errors import BadInput

DISTRICTS = (
    "district,school,study,year,yi,vi\n11,1,1,1976,-0.18,0.118\n11,2,2,1976,-0.22,0.118\n"
    "12,1,3,1989,0.13,0.014\n12,2,4,1989,-0.26,0.014\n12,3,5,1989,0.19,0.015\n"
)
COUNTS = (
    "trial,author,year,tpos,tneg,cpos,cneg\n1,A,1948,4,119,11,128\n2,B,1949,6,300,29,274\n"
    "3,B,1960,3,228,11,209\n"
)
Read = Callable[..., pd.DataFrame]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read_text(
        text: str, columns: str | Mapping[str, str] = "", name: str = "mine.csv"
    ) -> pd.DataFrame:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return read_table(tmp_path / name, columns=columns_of(None, columns))

    return read_text


def refusal(read: Read, text: str, columns: str = "") -> str:
    with pytest.raises(BadInput) as error:
        read(text, columns)
    path, _, message = str(error.value).partition(": ")
    return message.replace(path, "PATH")


def test_levels_are_named_and_numbered_groups_are_nested(read: Read) -> None:
    table = read(DISTRICTS, "study=district, group=school")
    assert table["study"].tolist() == ["11", "11", "12", "12", "12"]
    assert table["group"].tolist() == ["11/1", "11/2", "12/1", "12/2", "12/3"]
    assert table["effect"].tolist() == ["11:1", "11:2", "12:1", "12:2", "12:3"]
    assert table["study_in_file"].tolist() == [1, 2, 3, 4, 5]
    assert table["year"].tolist() == [1976, 1976, 1989, 1989, 1989]
    assert not {"district", "school"} & {*table.columns}
    assert table.attrs["notes"] == [
        "study is read from district; group is read from school",
        "study of the file is kept as study_in_file",
        "group is numbered from the start within each study: its labels are 11/1, ...",
    ]


def test_four_levels_and_explicit_nesting(read: Read) -> None:
    text = "lab,drug,no,yi,vi\na,x,1,1,1\na,x,2,2,1\na,y,1,3,1\nb,x,1,4,1\n"
    table = read(text, "study=lab, group=lab/drug, effect=no")
    assert table["group"].tolist() == ["a/x", "a/x", "a/y", "b/x"]
    assert table["effect"].tolist() == ["a/x/1", "a/x/2", "a/y/1", "b/x/1"]
    assert "drug" not in table


def test_crossed_groups_are_refused_with_both_ways_out_which_both_work(read: Read) -> None:
    text = "lab,drug,yi,vi\na,x,1,1\na,y,2,1\nb,x,3,1\n"
    message = refusal(read, text, "study=lab, group=drug")
    assert message.startswith("group must lie in a single study, got 'x' at row 2, 'x' at row 4; ")
    assert '--columns "study=lab, group=lab/drug"' in message
    assert '--columns "study=lab, group="' in message
    assert "\n" not in message
    assert read(text, "study=lab, group=lab/drug")["group"].tolist() == ["a/x", "a/y", "b/x"]
    named = text.replace("lab,drug", "study,group")
    assert read(named, "group=")["group_in_file"].tolist() == ["x", "y", "x"]


@pytest.mark.parametrize(
    "numbers", [[1, 2, 1, 3], [0, 2, 0, 2], [2, 3, 2, 3], [2001, 2002, 2001, 2002]]
)
def test_numbers_that_do_not_count_from_one_are_crossed(read: Read, numbers: list[int]) -> None:
    rows = [f"{study},{number},1,1" for study, number in zip("aabb", numbers, strict=True)]
    assert "group must lie in a single study" in refusal(
        read, "\n".join(["study,group,yi,vi", *rows])
    )


@pytest.mark.parametrize(
    "header",
    ["Study,G,SE", "Trial,Effect size,S.E.", "id-study,Hedges g,stderr", "author,smd,Std. error"],
)
def test_common_names_are_understood_and_reported(read: Read, header: str) -> None:
    table = read(f"{header}\na,1,2\nb,2,3\n")
    assert table["vi"].tolist() == [4, 9]
    study, yi, sei = header.split(",")
    note = f"study is read from {study}; yi is read from {yi}; sei is read from {sei}"
    assert table.attrs["notes"] == [note]


def test_a_variance_is_not_a_standard_error_and_words_are_no_effects(read: Read) -> None:
    table = read("study,d,es,Variance\na,drug,1,2\nb,other,2,3\n")
    assert table["yi"].tolist() == [1, 2]
    assert table["vi"].tolist() == [2, 3]
    assert table["d"].tolist() == ["drug", "other"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "paper,trial,g,se\na,1,1,1\na,2,1,1\nb,3,1,1\n",
            'trial, paper; choose one:\n  bayesmeta fit --dataset PATH --columns "study=trial"',
        ),
        (
            "study,g,d,se\na,1,1,1\nb,1,1,1\n",
            'columns g, d; choose one:\n  bayesmeta fit --dataset PATH --columns "yi=g"   '
            "(yi is g)",
        ),
        ("study,g,se,var\na,1,1,1\nb,1,1,1\n", "vi or sei may be any of the columns var, se"),
    ],
)  # fmt: skip
def test_ambiguous_names_are_refused_with_the_candidates(
    read: Read, text: str, message: str
) -> None:
    assert message in refusal(read, text)


def test_names_that_part_the_rows_alike_are_not_ambiguous(read: Read) -> None:
    table = read("paper,trial,g,se\nx,1,1,1\nx,1,2,1\ny,2,1,1\n")
    assert table["study"].tolist() == ["1", "1", "2"]
    assert table["paper"].tolist() == ["x", "x", "y"]


def test_an_author_with_a_year_is_a_study_of_that_year(read: Read) -> None:
    table = read("author,year,g,se\nA,2001,1,1\nA,2004,2,1\nB,2001,1,1\n")
    assert table["study"].tolist() == ["A/2001", "A/2004", "B/2001"]
    assert table["year"].tolist() == [2001, 2004, 2001]
    assert table.attrs["notes"][0].startswith("study is read from author/year")


def test_counts_by_flag_are_odds_ratios_or_what_measure_says(read: Read) -> None:
    columns = "study=trial, ai=tpos, bi=tneg, ci=cpos, di=cneg"
    table = read(COUNTS, columns)
    np.testing.assert_allclose(table["yi"][0], np.log(4 * 128 / (119 * 11)))
    risks = read(COUNTS, f"{columns}, measure=RR")
    np.testing.assert_allclose(risks["yi"][0], np.log((4 / 123) / (11 / 139)))
    assert risks.attrs["scale"] == "log risk ratio"
    assert risks["ai"].tolist() == [4, 6, 3]


def test_raw_columns_that_are_asked_for_come_before_the_files_own_effects(read: Read) -> None:
    text = (
        COUNTS.replace("cneg", "cneg,yi,vi")
        .replace("128\n", "128,9,9\n")
        .replace("274\n", "274,9,9\n")
    )
    table = read(
        text.replace("209\n", "209,9,9\n"), "study=trial, ai=tpos, bi=tneg, ci=cpos, di=cneg"
    )
    assert table["yi"].max() < 0
    assert table["yi_in_file"].tolist() == [9, 9, 9]


def test_a_standard_error_that_is_asked_for_comes_before_the_files_own_variance(read: Read) -> None:
    table = read("study,yi,vi,s\na,1,9,1\nb,1,9,2\n", "sei=s")
    assert table["vi"].tolist() == [1, 4]
    assert table["vi_in_file"].tolist() == [9, 9]
    again = read("study,yi,vi,s,vi_in_file\na,1,9,1,7\nb,1,9,2,8\n", "sei=s")
    assert again["vi_in_file"].tolist() == [7, 8]
    assert again["vi_in_file_"].tolist() == [9, 9]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            "study=distric",
            "columns names 'distric', which is not a column (did you mean 'district'?)",
        ),
        ("stud=district", "columns cannot name stud (did you mean 'study'?)"),
        ("study", "--columns has 'study'; it should read"),
        ("study=school, study=district", "--columns gives study twice"),
        ("group=district/scool", "columns names 'scool'"),
        ("measure=smd", "unknown measure 'smd' (did you mean 'SMD'?)"),
    ],
)
def test_columns_that_cannot_be_are_refused(read: Read, columns: str, message: str) -> None:
    with pytest.raises(BadInput) as error:
        read(DISTRICTS, columns)
    assert message in str(error.value)


def test_one_column_may_serve_twice_and_case_does_not_matter(read: Read) -> None:
    table = read("study,ti,N\na,2,10\nb,1,20\n", "n1i=n, n2i=N, ti=ti")
    assert table[["n1i", "n2i"]].to_numpy().tolist() == [[10, 10], [20, 20]]


def test_columns_are_parsed() -> None:
    assert parse_columns("study = district,yi=es,, group=") == {
        "study": "district",
        "yi": "es",
        "group": "",
    }
    assert parse_columns("") == {}
