"""table: rows that give their effect in different forms; the first complete form is used."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bayesmeta.data.effect_sizes import MEASURES, TWO_GROUPS, conversions
from bayesmeta.data.table import read_table
from bayesmeta.infrastructure.errors import BadInput

MIXED = (
    "study,m1i,sd1i,n1i,m2i,sd2i,n2i,ti,fi,pi,sign\n"
    "a,5,2,10,4,1,12,,,,\n"
    "b,,,10,,,12,2.5,,,\n"
    "c,,,10,,,12,,4,,-1\n"
    "d,,,10,,,12,,,0.04,+\n"
)
ARMS = (
    "study,m1i,sd1i,sem1i,min1i,q11i,median1i,q31i,max1i,n1i,m2i,sd2i,sem2i,n2i\n"
    "a,5,2,,,,,,,10,4,1,,12\n"
    "b,5,,0.5,,,,,,16,4,,0.5,9\n"
    "c,,,,,3,4,6,,20,4,1,,12\n"
    "d,,,,1,,4,9,,20,4,1,,12\n"
    "e,,,,1,3,4,6,9,20,4,1,,12\n"
).replace("d,,,,1,,4,9,,20", "d,,,,1,,4,,9,20")
Read = Callable[..., pd.DataFrame]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read_text(text: str, **columns: str) -> pd.DataFrame:
        (tmp_path / "mine.csv").write_text(text, encoding="utf-8")
        return read_table(tmp_path / "mine.csv", columns=columns)

    return read_text


OMIT = "leave out the rows without an effect, which a note names: "


def refusal(read: Read, text: str, **columns: str) -> list[str]:
    """Return the lines of the message; commands, which `OMIT` begins, without their file."""
    with pytest.raises(BadInput) as error:
        read(text, **columns)
    lines = str(error.value).partition(": ")[2].splitlines()
    return [line.partition("bayesmeta fit")[0] for line in lines]


def test_each_row_uses_its_own_form_and_a_note_counts_them(read: Read) -> None:
    table = read(MIXED)
    n = {"n1i": 10, "n2i": 12}
    smd = MEASURES["SMD"]
    wanted = [
        smd(m1i=5, sd1i=2, m2i=4, sd2i=1, **n),
        smd(ti=2.5, **n),
        smd(ti=-2, **n),
        smd(pi=0.04, **n),
    ]
    np.testing.assert_allclose(table[["yi", "vi"]], wanted)
    assert table.attrs["notes"] == [
        "yi and vi are computed from m1i, sd1i, n1i, m2i, sd2i, n2i; ti, n1i, n2i; fi, n1i, n2i; "
        "pi, n1i, n2i (1 rows, 1 rows, 1 rows, 1 rows): SMD, standardised mean difference "
        "(Hedges' g)"
    ]


def test_rows_without_a_form_are_listed_with_every_other_problem(read: Read) -> None:
    text = MIXED.replace("b,,,10,,,12,2.5", "b,5,,10,,,12,").replace(
        "c,,,10,,,12,,4,,-1", ",,,10,,,12,,x,,-1"
    )
    lines = refusal(read, text.replace("0.04,+", "1.04,"))
    assert len(lines) == 5
    assert lines[0] == "fi must be a number, got 'x' at row 4"
    assert lines[1] == "sign must be 1 or -1, and pi not below 0 beside it, got sign '' at row 5"
    assert lines[2].startswith("SMD: no effect size can be computed at row 3; it needs m1i, sd1i,")
    assert lines[3:] == ["study must not be blank, got '' at row 4", OMIT]


def test_f_and_p_without_a_sign_are_positive_and_a_note_says_so(read: Read) -> None:
    text = "study,pi,n1i,n2i\na,0.04,10,12\nb,0.5,10,12\n"
    table = read(text)
    assert (table["yi"] > 0).all()
    assert table.attrs["notes"][0].startswith("no pi is below 0 and there is no column sign")
    signed = read(text.replace("0.5", "-0.5"))
    assert signed["yi"][1] == -table["yi"][1]
    assert len(signed.attrs["notes"]) == 1


def test_arms_are_filled_from_sem_quartiles_and_ranges(read: Read) -> None:
    table = read(ARMS)
    np.testing.assert_allclose(table["sd1i"][1], 2)
    np.testing.assert_allclose(table["sd2i"][1], 1.5)
    n = 20.0
    np.testing.assert_allclose(table["m1i"][2:], [
        conversions.mean_from_quartiles(3, 4, 6, n),
        conversions.mean_from_range(1, 4, 9, n),
        conversions.mean_from_five(1, 3, 4, 6, 9, n),
    ])  # fmt: skip
    np.testing.assert_allclose(table["sd1i"][2:], [
        conversions.sd_from_quartiles(3, 6, n),
        conversions.sd_from_range(1, 9, n),
        conversions.sd_from_five(1, 3, 6, 9, n),
    ])  # fmt: skip
    arms = {name: table[name].to_numpy() for name in TWO_GROUPS}
    np.testing.assert_allclose(table[["yi", "vi"]].T, MEASURES["SMD"](**arms))
    counts = [note.split(" are computed from ")[0] for note in table.attrs["notes"][1:]]
    assert counts == ["means and SDs of 2 groups", *["means and SDs of 1 groups"] * 3]


def test_quantiles_out_of_order_are_refused(read: Read) -> None:
    lines = refusal(read, ARMS.replace(",3,4,6,,", ",3,7,6,,"))
    assert lines == ["median1i must not be above q31i, got '7' at row 4", OMIT]


def test_types_values_labels_and_effects_are_all_told_at_once(read: Read) -> None:
    lines = refusal(read, "study,group,yi,vi\n,f,x,1\nb,g,1,-1\nc,h,inf,?\nc,,1,\n")
    assert lines == [
        "yi must be a number, got 'x' at row 2",
        "vi must be a number, got '?' at row 4",
        "study must not be blank, got '' at row 2",
        "group must not be blank, got '' at row 5",
        "vi must be a finite number above 0, got -1 at row 3, nan at row 5",
        OMIT,
    ]


def test_a_blank_variance_beside_a_standard_error_is_its_square(read: Read) -> None:
    assert read("study,yi,vi,sei\na,1,2,9\nb,1,,3\n")["vi"].tolist() == [2, 9]
    assert refusal(read, "study,yi,vi,sei\na,1,2,9\nb,1,,-3\n") == [
        "sei must be a number above 0, got -3 at row 3",
        OMIT,
    ]


def test_rows_without_yi_are_computed_only_where_the_measure_is_named(read: Read) -> None:
    text = "study,yi,vi,m1i,sd1i,n1i,m2i,sd2i,n2i\na,1,1,,,,,,\nb,,,5,2,10,4,1,12\n"
    assert refusal(read, text)[2:] == [
        OMIT,
        "compute those without yi from m1i, sd1i, n1i, m2i, sd2i, n2i: ",
    ]
    table = read(text, measure="MD")
    assert table["yi"].tolist() == [1, 1]
    assert table["vi"].tolist() == [1, 4 / 10 + 1 / 12]


def test_short_names_of_groups_and_correlations_are_understood(read: Read) -> None:
    table = read("study,mean1,sd_1,n1,mean2,sd_2,n2\na,5,2,10,4,1,12\nb,5,2,10,4,1,12\n")
    assert table["yi"][0] == MEASURES["SMD"](m1i=5, sd1i=2, n1i=10, m2i=4, sd2i=1, n2i=12)[0]
    assert read("study,r,N\na,0.5,10\nb,0.1,20\n")["yi"].tolist() == pytest.approx(
        np.arctanh([0.5, 0.1])
    )


def test_huge_and_tiny_numbers_are_right_or_refused(read: Read) -> None:
    table = read("study,m1i,sd1i,n1i,m2i,sd2i,n2i\na,5,2,1e9,4,1,1e12\nb,5,2,10,4,1,12\n")
    np.testing.assert_allclose(table["vi"][0], 1e-9, rtol=0.01)
    infinite = "study,m1i,sd1i,n1i,m2i,sd2i,n2i\na,5,2,1e400,4,1,12\nb,5,2,10,4,1,12\n"
    assert "n1i must be at least 2, got inf" in refusal(read, infinite)[0]


BLANKS = {
    "yi and vi": (
        "study,yi,vi,n1i\na,1,1,5\nb,,,9\nc,2,1,5\nx,,,\nd,2,,5\n",
        "vi must be a finite number above 0",
    ),
    "sei": (
        "study,yi,sei\na,1,1\nb,,\nc,2,1\nhere the notes begin,,\nd,2,\n",
        "sei must be a number above 0",
    ),
    "correlations": (
        "study,ri,ni\na,.5,9\nb,,9\nc,.2,9\nx,,9\nd,.2,\n",
        "ZCOR: ni must be at least",
    ),
    "a form or two": (
        "study,m1i,sd1i,n1i,m2i,sd2i,n2i,ti\na,1,1,9,2,1,9,\nb,,,9,,,9,\nc,,,9,,,9,2\n"
        "x,,,,,,,\nd,1,,9,2,1,9,\n",
        "SMD: no effect size can be computed at row 6",
    ),
}


@pytest.mark.parametrize("kind", BLANKS)
def test_rows_that_report_nothing_are_left_out_and_those_that_lack_a_part_when_asked(
    read: Read, kind: str
) -> None:
    text, message = BLANKS[kind]
    lines = refusal(read, text)
    assert lines[0].startswith(message)
    assert "row 3" not in "".join(lines)
    assert lines[-1] == OMIT
    table = read(text, incomplete="omit")
    assert table["study"].tolist() == ["a", "c"]
    assert table["sheet_row"].tolist() == [2, 4]
    note = "3 of 5 rows are left out, because cells of their effect are blank: "
    note += "at row 3, at row 5, at row 6"
    assert note in table.attrs["notes"]
    unreported = read(text.rpartition("d,")[0])
    assert unreported["study"].tolist() == ["a", "c"]
    assert note.replace("3 of 5", "2 of 4").removesuffix(", at row 6") in unreported.attrs["notes"]


def test_a_table_of_blanks_or_another_choice_is_refused(read: Read) -> None:
    assert refusal(read, "study,yi,vi\na,,\nb,,\n") == [
        "none of its 2 rows has an effect: all or some of the cells that an effect needs are blank"
    ]
    with pytest.raises(BadInput, match="incomplete='drop'; it should be 'omit', or not be given"):
        read("study,yi,vi\na,1,1\nb,1,1\n", incomplete="drop")


def test_intervals_give_standard_errors(read: Read) -> None:
    table = read(
        "author,g,lower,upper\na,0.5,0.304,0.696\nb,-1,-1.98,-0.02\nc,0.2,,\n", incomplete="omit"
    )
    np.testing.assert_allclose(table["vi"], [0.1**2, 0.5**2], rtol=1e-3)
    assert table.attrs["notes"] == [
        "study is read from author; yi is read from g; ci_lb is read from lower; "
        "ci_ub is read from upper",
        "sei is computed from 95 % intervals, ci_lb and ci_ub, of a normal distribution",
        "1 of 3 rows are left out, because cells of their effect are blank: at row 4",
    ]
    np.testing.assert_allclose(
        read("study,yi,ci.lb,CI_UB\na,1,0.5,1.5\nb,2,1.5,2.5\n")["vi"], 0.0651, atol=1e-4
    )
    both = read("study,yi,sei,ci_lb,ci_ub\na,1,3,0.5,1.5\nb,2,4,1.5,2.5\n")
    assert both["vi"].tolist() == [9, 16]
    assert both["ci_lb"].tolist() == [0.5, 1.5]
    named = read("study,yi,sei,l,u\na,1,3,0.5,1.5\nb,2,4,1.5,2.5\n", ci_lb="l", ci_ub="u")
    assert named["vi"].max() < 0.1


def test_intervals_that_cannot_be_are_refused(read: Read) -> None:
    assert refusal(
        read, "study,yi,ci_lb,ci_ub\na,1,0,x\nb,2,3,4\nc,1,1,1\nd,1e400,0,1\ne,1,0,1e400\n"
    ) == [
        "ci_ub must be a number, got 'x' at row 2",
        "yi must lie between ci_lb and ci_ub, got '2 [3, 4]' at row 3, '1 [1, 1]' at row 4, "
        "'1e400 [0, 1]' at row 5, '1 [0, 1e400]' at row 6",
        "yi must be a finite number, got inf at row 5",
        OMIT,
    ]
    one_end = refusal(read, "study,yi,ci_lb,ci_ub\na,1,0,2\nb,,0,\nc,2,1,3\n")
    assert (one_end[0], one_end[-1]) == ("sei must be a number above 0, got nan at row 3", OMIT)
    ratios = "study,x,ci_lb,ci_ub\na,2,1.1,3.6\nb,1.5,0.6,3.8\nc,3,1,9\n"
    assert (
        "are not symmetric about yi, like intervals of ratios" in refusal(read, ratios, yi="x")[0]
    )
    logs = "study,yi,ci_lb,ci_ub\na,0.69,0.1,1.28\nb,0.41,-0.51,1.34\nc,1.1,0,2.2\n"
    np.testing.assert_allclose(read(logs)["vi"] ** 0.5, [0.3, 0.47, 0.56], atol=0.01)
    assert len(refusal(read, "study,yi,ci_lb,ci_ub\na,,,\nb,,,\n")) == 1
