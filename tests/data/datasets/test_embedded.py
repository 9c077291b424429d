"""The two sister questions as tables: their rows, their numbers, what their notes promise."""

import re
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from scipy.special import gamma

from bayesmeta.data import datasets
from bayesmeta.data.datasets.embedded import DIRECTIONS, two_stories
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.files import root

PRINTED = {  # t of high and low confidence, n, d_av of high confidence
    "study 1": (30, 2.18, -0.15, 0.22),
    "study 2": (28, 2.47, -0.55, 0.23),
    "study 3": (28, 2.59, -2.18, 0.10),
}
DIRECTED = {  # paper, route, when: direction
    ("Girgenti 2017", "unstated", "24 h after conditioning"): "enhanced",
    ("Ju 2017", "unstated", "22 daily doses"): "enhanced",
    ("Sala 2022", "unstated", "6 h after footshock"): "enhanced",
    ("Glavonic 2024", "unstated", "unstated"): "enhanced",
    ("Radford 2018", "intravenous", "after conditioning"): "impaired",
    ("Radford 2018", "intraperitoneal", "after conditioning"): "enhanced",
    ("female-rat study 2022 (Int. J. Mol. Sci. 23:1922)", "intravenous", "after conditioning"): "impaired",
    ("Clifton 2018", "unstated", "before conditioning"): "impaired",
    ("Clifton 2018", "unstated", "after conditioning"): "none",
    ("Radford 2020", "intravenous", "after conditioning"): "none",
    ("McGowan 2017", "unstated", "after conditioning"): "none",
}


@pytest.fixture(scope="module")
def memory() -> pd.DataFrame:
    return datasets.read("retroactive-memory")


@pytest.fixture(scope="module")
def ketamine() -> pd.DataFrame:
    return datasets.read("ketamine-extinction")


def test_memory_has_the_printed_numbers_and_one_group_of_people_per_study(memory: pd.DataFrame) -> None:
    for study, (n, high, low, d_av) in PRINTED.items():
        rows = memory[memory["study"] == study].set_index("confidence")
        assert (rows["ni"] == n).all()
        assert (rows["group"] == study).all()
        assert (rows.loc["high", "ti"], rows.loc["low", "ti"]) == (high, low)
        assert rows.loc["high", "d_av"] == d_av
        assert np.isnan(rows.loc["low", "d_av"])
    assert list(memory["confidence"].cat.categories) == ["high", "low"]


def test_memory_is_metafors_smcc_and_the_formula_by_hand(memory: pd.DataFrame) -> None:
    """By metafor 3.8: escalc("SMCC", m1i=t/sqrt(n), m2i=0, sd1i=1, sd2i=1, ri=.5, ni=n): a change with sd 1."""
    yi = [
        0.3876136626709658,
        -0.0266706648626811,
        0.4536781347843837,
        -0.1010214470167656,
        0.4757191777698598,
        -0.4004122809028164,
    ]
    vi = [
        0.0358374058581534,
        0.0333451887394036,
        0.0393897116068114,
        0.0358965237992386,
        0.0397555131446077,
        0.0385773213338892,
    ]
    np.testing.assert_allclose(memory["yi"], yi, rtol=1e-12)
    np.testing.assert_allclose(memory["vi"], vi, rtol=1e-12)
    m = memory["ni"].to_numpy() - 1.0
    exact = gamma(m / 2) / (np.sqrt(m / 2) * gamma((m - 1) / 2)) * memory["ti"] / np.sqrt(memory["ni"])
    np.testing.assert_allclose(memory["yi"], exact, rtol=1e-12)
    np.testing.assert_allclose(memory["vi"], 1 / memory["ni"] + exact**2 / (2 * memory["ni"]), rtol=1e-12)


def test_two_stories_are_both_true_at_a_correlation_of_85_to_98(memory: pd.DataFrame) -> None:
    table = two_stories(memory)
    assert table["r"].round(2).tolist() == [0.85, 0.88, 0.98]
    np.testing.assert_allclose(table["d_z"] * np.sqrt(2 * (1 - table["r"])), [0.22, 0.23, 0.10])
    assert table["d_z"].is_monotonic_increasing
    assert table["d_av"].idxmin() == table["d_z"].idxmax()  # the largest of one is the smallest of the other
    told = memory.attrs["notes"][-1]
    for number in (".40, .47, .49", ".22, .23, .10", ".85, .88, .98"):
        assert number in told


def test_the_page_shows_the_two_stories(memory: pd.DataFrame) -> None:
    page = (root() / "docs" / "sisters.md").read_text(encoding="utf-8")
    for row in two_stories(memory).itertuples():
        numbers = [f"{value:.2f}".lstrip("0") for value in (row.d_z, row.g, row.d_av, row.r)]
        assert f"| {row.study} | {row.ni} | {row.ti:.2f} | {' | '.join(numbers)} |" in page


def test_ketamine_has_the_rows_of_the_record_and_unstated_stays_unstated(ketamine: pd.DataFrame) -> None:
    keys = zip(ketamine["study"], ketamine["route"], ketamine["timing"], strict=True)
    assert dict(zip(keys, ketamine["direction"], strict=True)) == DIRECTED
    mice = set(ketamine.loc[ketamine["species"] == "mouse", "study"])
    assert mice == {"Ju 2017", "Glavonic 2024", "McGowan 2017"}
    assert tuple(ketamine["direction"].cat.categories) == DIRECTIONS
    assert ketamine["effect"].is_unique
    assert not {"yi", "vi"} & set(ketamine)


def test_ketamine_is_given_when_its_timing_says(ketamine: pd.DataFrame) -> None:
    read = [next((word for word in ("before", "after") if word in timing), "unstated") for timing in ketamine["timing"]]
    assert ketamine["given"].tolist() == read


def test_notes_of_ketamine_count_right(ketamine: pd.DataFrame) -> None:
    notes = " ".join(ketamine.attrs["notes"])
    unstated = [Counter(ketamine[name])["unstated"] for name in ("route", "given")]
    assert f"the route of {unstated[0]} of {len(ketamine)} rows, the time of {unstated[1]}" in notes
    assert "no effect sizes exist" in notes
    assert "none of the papers is confirmed" in notes
    count = ketamine.attrs["aggregate"]
    assert f"{count['enhanced']} of {count['studies']} enhancing" in notes


@pytest.mark.parametrize("name", ["retroactive-memory", "ketamine-extinction"])
def test_a_table_says_where_it_is_from(name: str) -> None:
    frame = datasets.read(name)
    (source,) = frame.attrs["sources"]
    assert source["name"] == f"{name}.csv"
    assert re.fullmatch("[0-9a-f]{64}", source["sha256"])
    with pytest.raises(BadInput, match="unknown variant 'loose'"):
        datasets.read(name, variant="loose")
