"""Which columns of a table are moderators."""

import numpy as np
import pandas as pd
import pytest

from bayesmeta.data import datasets
from bayesmeta.data.moderators import choose_moderators
from bayesmeta.infrastructure.errors import BadInput


def test_moderators_of_a_strangers_table() -> None:
    frame = pd.DataFrame(
        {
            "study": list("aabbccdd"),
            "species": ["rat"] * 4 + ["mouse"] * 4,
            "sex": ["m", "m", "f", None, "f", "f", None, "m"],
            "dose": [1.0, 2.0, 6.0, np.nan, np.nan, 10.0, 20.0, 90.0],
            "m1i": np.arange(8.0),
            "year": 2000,
        }
    )
    frame = frame.assign(group="g", effect="e", yi=0.1, vi=0.1, sheet_row=2)
    assert choose_moderators(frame) == (
        ["species", "sex", "dose"],
        {"year": "has a single value"},
    )
    with pytest.raises(BadInput, match="did you mean 'dose'"):
        choose_moderators(frame, ["dosis"])
    with pytest.raises(BadInput, match="'year' has a single value"):
        choose_moderators(frame, ["dose", "year"])
    with pytest.raises(BadInput, match="no moderators"):
        choose_moderators(frame[["study", "group", "effect", "yi", "vi", "year"]])
    many = pd.DataFrame({"study": np.repeat([f"s{i}" for i in range(12)], 2), "x": np.arange(24.0)})
    many["author"] = many["study"].str.replace("s", "author ")
    names, why = choose_moderators(many)
    assert names == ["x"]
    assert "names the studies" in why["author"]


def test_a_dataset_brings_its_default_moderators() -> None:
    names = datasets.DATASETS["clinical"].moderators
    frame = pd.DataFrame({name: ["a", "b", "b"] for name in (*names, "diet")})
    frame = frame.assign(study=list("xyz"))
    frame.attrs["dataset"] = "clinical"
    assert choose_moderators(frame)[0] == list(names)
    # a file has the same columns, and no default but all of them
    frame.attrs["dataset"] = "clinical-file"
    assert choose_moderators(frame)[0] == [*names, "diet"]
