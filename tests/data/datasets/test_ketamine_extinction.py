"""Ketamine and extinction: the rows, their directions, what the notes promise."""

from collections import Counter

import pandas as pd
import pytest

from bayesmeta.data import datasets
from bayesmeta.data.datasets.ketamine_extinction import DIRECTIONS

DIRECTED = {  # paper, route, when: direction
    ("Girgenti 2017", "unstated", "24 h after conditioning"): "enhanced",
    ("Ju 2017", "unstated", "22 daily doses"): "enhanced",
    ("Sala 2022", "unstated", "6 h after footshock"): "enhanced",
    ("Glavonic 2024", "unstated", "unstated"): "enhanced",
    ("Radford 2018", "intravenous", "after conditioning"): "impaired",
    ("Radford 2018", "intraperitoneal", "after conditioning"): "enhanced",
    (
        "female-rat study 2022 (Int. J. Mol. Sci. 23:1922)",
        "intravenous",
        "after conditioning",
    ): "impaired",
    ("Clifton 2018", "unstated", "before conditioning"): "impaired",
    ("Clifton 2018", "unstated", "after conditioning"): "none",
    ("Radford 2020", "intravenous", "after conditioning"): "none",
    ("McGowan 2017", "unstated", "after conditioning"): "none",
}


@pytest.fixture(scope="module")
def ketamine() -> pd.DataFrame:
    return datasets.read("ketamine-extinction")


def test_ketamine_has_the_rows_of_the_record_and_unstated_stays_unstated(
    ketamine: pd.DataFrame,
) -> None:
    keys = zip(ketamine["study"], ketamine["route"], ketamine["timing"], strict=True)
    assert dict(zip(keys, ketamine["direction"], strict=True)) == DIRECTED
    mice = set(ketamine.loc[ketamine["species"] == "mouse", "study"])
    assert mice == {"Ju 2017", "Glavonic 2024", "McGowan 2017"}
    assert tuple(ketamine["direction"].cat.categories) == DIRECTIONS
    assert ketamine["effect"].is_unique
    assert not {"yi", "vi"} & set(ketamine)


def test_ketamine_is_given_when_its_timing_says(ketamine: pd.DataFrame) -> None:
    read = [
        next((word for word in ("before", "after") if word in timing), "unstated")
        for timing in ketamine["timing"]
    ]
    assert ketamine["given"].tolist() == read


def test_notes_of_ketamine_count_right(ketamine: pd.DataFrame) -> None:
    notes = " ".join(ketamine.attrs["notes"])
    unstated = [Counter(ketamine[name])["unstated"] for name in ("route", "given")]
    assert f"the route of {unstated[0]} of {len(ketamine)} rows, the time of {unstated[1]}" in notes
    assert "no effect sizes exist" in notes
    assert "none of the papers is confirmed" in notes
    count = ketamine.attrs["aggregate"]
    assert f"{count['enhanced']} of {count['studies']} enhancing" in notes
