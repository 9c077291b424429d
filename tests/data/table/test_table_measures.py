"""table: counts, rates and proportions from their columns, with zeros, as metafor reads them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bayesmeta import effects
from bayesmeta.data.table import read_table
from bayesmeta.infrastructure.errors import BadInput

EVENTS = "study,ai,n1i,ci,n2i\nFen,0,14,3,12\nGorse,3,12,0,14\nHeath,0,21,0,20\n"
EVENTS += "Iris,2,40,5,41\nJuniper,1,33,4,30\n"
LOG_ODDS = [-2.3688, 2.3688, -0.0476, -0.9704, -1.5939]  # metafor 3.8-1, as those that follow
LOG_RISKS = [-2.0890, 2.0890, -0.0465, -0.8916, -1.4816]
RISKS = [-0.2359, 0.2359, -0.0011, -0.0720, -0.1030]
RATES = "study,x1i,t1i,x2i,t2i\nAda,7,1420,11,1390\nBly,2,310,6,295\nDey,0,140,3,150\n"
PREVALENCE = "study,event,n,type\nUna,2,27,mild\nUna,0,27,fatal\nVio,5,18,mild\n"
ADDED = "1/2 is added to every cell at row 2, at row 3, at row 4,"


def table(folder: Path, text: str, **columns: str) -> pd.DataFrame:
    path = folder / "mine.csv"
    path.write_text(text, encoding="utf-8")
    return read_table(path, columns=columns)


@pytest.mark.parametrize(("name", "yi"), [("OR", LOG_ODDS), ("RR", LOG_RISKS), ("RD", RISKS)])
def test_zero_cells_follow_metafor_and_are_noted(
    tmp_path: Path, name: str, yi: list[float]
) -> None:
    frame = table(tmp_path, EVENTS, measure=name)
    np.testing.assert_allclose(frame["yi"], yi, atol=5e-5)
    notes = "\n".join(frame.attrs["notes"])
    assert ADDED in notes
    assert "has an event at row 4: such a row has little" in notes
    assert frame.attrs["measure"] == name


def test_rows_without_any_event_are_left_out_on_request(tmp_path: Path) -> None:
    frame = table(tmp_path, EVENTS, measure="OR", drop00="yes")
    assert frame["study"].tolist() == ["Fen", "Gorse", "Iris", "Juniper"]
    notes = frame.attrs["notes"]
    assert any("has an event at row 4: left out, as drop00 asks" in note for note in notes)
    assert not any("blank: at row 4" in note for note in notes)
    with pytest.raises(BadInput, match="columns give drop00='maybe'; it should be 'yes' or 'no'"):
        table(tmp_path, EVENTS, measure="OR", drop00="maybe")


def test_rates_of_two_groups_are_read_without_being_asked(tmp_path: Path) -> None:
    frame = table(tmp_path, RATES)
    zero = np.log(0.5 / 140) - np.log(3.5 / 150)
    expected = [np.log(7 / 1420) - np.log(11 / 1390), np.log(2 / 310) - np.log(6 / 295), zero]
    np.testing.assert_allclose(frame["yi"], expected)
    np.testing.assert_allclose(frame["vi"], [1 / 7 + 1 / 11, 1 / 2 + 1 / 6, 1 / 0.5 + 1 / 3.5])
    assert frame.attrs["measure"] == "IRR"


def test_proportions_from_events_and_n(tmp_path: Path) -> None:
    frame = table(tmp_path, PREVALENCE, measure="PLO")
    np.testing.assert_allclose(frame["yi"], np.log([2 / 25, 0.5 / 27.5, 5 / 13]))
    np.testing.assert_allclose(frame["vi"], [1 / 2 + 1 / 25, 1 / 0.5 + 1 / 27.5, 1 / 5 + 1 / 13])
    assert "at row 3, because a cell there is 0" in "\n".join(frame.attrs["notes"])
    assert frame["type"].tolist() == ["mild", "fatal", "mild"]


def test_a_measure_that_misleads_warns_whoever_asks_for_it(tmp_path: Path) -> None:
    notes = table(tmp_path, PREVALENCE, measure="PFT").attrs["notes"]
    assert any("Freeman-Tukey" in note and "doi:10.1002/jrsm.1348" in note for note in notes)


def test_alpha_and_areas_share_a_name_with_counts_and_are_none(tmp_path: Path) -> None:
    alpha = table(tmp_path, "study,ai,mi,ni\na,0.8,10,100\nb,0,5,50\n", measure="ABT")
    np.testing.assert_allclose(alpha["yi"], [-np.log(0.2), 0])
    area = table(tmp_path, "study,ai,n1i,n2i\na,0.8,10,100\nb,0.5,20,50\n", measure="AUC")
    assert area["yi"].tolist() == [0.8, 0.5]
    assert len(area.attrs["notes"]) == 1


def test_effects_that_are_given_take_the_scale_of_the_measure_that_is_named(tmp_path: Path) -> None:
    given = "study,yi,sei\na,-0.5,0.2\nb,-0.1,0.3\n"
    frame = table(tmp_path, given, measure="OR")
    assert frame.attrs["measure"] == "OR"
    assert frame.attrs["scale"] == "log odds ratio"
    assert "measure" not in table(tmp_path, given).attrs


MEDIANS = "study,n1i,{},n2i,{}\nBrun,50,15 (12-19),48,12 (9 to 16)\n"
MEDIANS += "Duro,61,14 [11.5; 17.5],60,12 (10-15)\n"


@pytest.mark.parametrize(
    ("first", "second"),
    [("Median1 (IQR)", "Median2 (IQR)"), ("Drug median [Q1-Q3]", "Placebo median [Q1-Q3]")],
)
def test_medians_with_quartiles_in_a_cell_are_those_of_columns(
    tmp_path: Path, first: str, second: str
) -> None:
    frame = table(tmp_path, MEDIANS.format(first, second))
    columns = "study,n1i,median1i,q11i,q31i,n2i,median2i,q12i,q32i\n"
    columns += "Brun,50,15,12,19,48,12,9,16\nDuro,61,14,11.5,17.5,60,12,10,15\n"
    same = table(tmp_path, columns)
    np.testing.assert_allclose(frame[["yi", "vi"]], same[["yi", "vi"]])
    assert f"median1i, q11i, q31i are read from the cells of {first}" in frame.attrs["notes"]


def test_means_with_standard_deviations_in_a_cell_are_those_of_columns(tmp_path: Path) -> None:
    text = "study,n1i,Mean (SD) treatment,n2i,Mean (SD) control\n"
    text += "a,34,14.2 (3.9),36,11.8 (4.1)\nb,40,12.7 (4.0),41,12.1 (3.8)\n"
    frame = table(tmp_path, text)
    columns = "study,n1i,m1i,sd1i,n2i,m2i,sd2i\n"
    same = table(tmp_path, f"{columns}a,34,14.2,3.9,36,11.8,4.1\nb,40,12.7,4,41,12.1,3.8\n")
    np.testing.assert_allclose(frame[["yi", "vi"]], same[["yi", "vi"]])
    plus_minus = text.replace(" (3.9)", " ± 3.9").replace(" (4.0)", " ± 4.0")
    np.testing.assert_allclose(table(tmp_path, plus_minus)["yi"], same["yi"])


def test_cells_that_hold_something_else_stay_and_the_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="Median1"):
        table(tmp_path, MEDIANS.format("Median1 (IQR)", "Median2 (IQR)").replace("(12-19)", "(7)"))


def test_effects_in_python_say_what_was_added() -> None:
    frame = effects("OR", ai=[0, 3], n1i=[14, 12], ci=[3, 1], n2i=[12, 14])
    assert frame.attrs["measure"] == "OR"
    assert frame.attrs["notes"][0].startswith("1/2 is added to every cell at position 0,")


def test_means_of_a_single_group_from_quartiles(tmp_path: Path) -> None:
    frame = table(tmp_path, "study,q1i,mediani,q3i,ni\na,3,5,8,30\nb,2.5,4,7,41\n", measure="MN")
    # by hand from Luo et al. 2018 (w = .713 at n = 30) and Wan et al. 2014 (eta = 1.2847)
    assert frame["yi"].iloc[0] == pytest.approx(0.713 * 5.5 + 0.287 * 5)
    assert frame["vi"].iloc[0] == pytest.approx((5 / 1.2847) ** 2 / 30, rel=1e-3)
    assert any("means and SDs of 2 groups are computed" in note for note in frame.attrs["notes"])
