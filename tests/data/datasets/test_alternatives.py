"""A dataset offers its alternatives; a file and a dataset without them offer none."""

import pandas as pd
import pytest

from bayesmeta.data import datasets


def everything(frame: pd.DataFrame) -> pd.DataFrame:
    """Keep every row."""
    return frame


def names(frame: pd.DataFrame) -> list[str]:
    """Names of the alternatives that the table's dataset offers."""
    return [alternative.name for alternative in datasets.alternatives_to(frame, everything)]


def test_a_twin_offers_its_types_of_comparison_and_a_file_nothing() -> None:
    twin = datasets.read("preclinical-twin")
    types = sorted(twin["comparison"].unique())
    assert names(twin) == [f"comparison {name}" for name in types]
    twin.attrs["dataset"] = "mine"
    assert names(twin) == []
    assert names(datasets.read("retroactive-memory")) == []


@pytest.mark.slow
@pytest.mark.usefixtures("trace_data")
def test_the_trace_record_offers_more() -> None:
    frame = datasets.read("clinical")
    corrections = ["errors corrected", "errors and suspected corrected"]
    types = [f"comparison {name}" for name in "ABC"]
    assert names(frame) == [*types, *corrections, "strict codes", "partial pooling"]
    assert names(datasets.read("clinical", variant="strict")) == [
        *types,
        *corrections,
        "partial pooling",
    ]
    record = datasets.full_record(frame)
    assert set(record["species"]) == {"human"}
    assert set(frame["effect"]) < set(record["effect"])
    strict = next(
        alternative
        for alternative in datasets.alternatives_to(frame, lambda rows: rows.iloc[:3])
        if alternative.name == "strict codes"
    ).change(frame)
    assert strict is not None
    assert len(strict) == 3
    assert strict.attrs["variant"] == "strict"
    assert strict.attrs["dataset"] == "clinical"
