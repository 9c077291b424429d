"""Retroactive memory: the rows, their numbers, what the notes promise."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy.special import gamma

from bayesmeta.data import datasets
from bayesmeta.data.datasets.retroactive_memory import compare_measures
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.files import root

PRINTED = {  # t of high and low confidence, n, d_av of high confidence
    "study 1": (30, 2.18, -0.15, 0.22),
    "study 2": (28, 2.47, -0.55, 0.23),
    "study 3": (28, 2.59, -2.18, 0.10),
}


@pytest.fixture(scope="module")
def memory() -> pd.DataFrame:
    return datasets.read("retroactive-memory")


def test_memory_has_the_printed_numbers_and_one_group_of_people_per_study(
    memory: pd.DataFrame,
) -> None:
    for study, (n, high, low, d_av) in PRINTED.items():
        rows = memory[memory["study"] == study].set_index("confidence")
        assert (rows["ni"] == n).all()
        assert (rows["group"] == study).all()
        assert (rows.loc["high", "ti"], rows.loc["low", "ti"]) == (high, low)
        assert rows.loc["high", "d_av"] == d_av
        assert np.isnan(rows.loc["low", "d_av"])
    assert list(memory["confidence"].cat.categories) == ["high", "low"]


def test_memory_is_metafors_smcc_and_the_formula_by_hand(memory: pd.DataFrame) -> None:
    """Compare with metafor 3.8: a change with sd 1.

    escalc("SMCC", m1i=t/sqrt(n), m2i=0, sd1i=1, sd2i=1, ri=.5, ni=n)
    """
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
    exact = (
        gamma(m / 2) / (np.sqrt(m / 2) * gamma((m - 1) / 2)) * memory["ti"] / np.sqrt(memory["ni"])
    )
    np.testing.assert_allclose(memory["yi"], exact, rtol=1e-12)
    np.testing.assert_allclose(
        memory["vi"], 1 / memory["ni"] + exact**2 / (2 * memory["ni"]), rtol=1e-12
    )


def test_both_measures_are_true_at_a_correlation_of_85_to_98(memory: pd.DataFrame) -> None:
    table = compare_measures(memory)
    assert table["r"].round(2).tolist() == [0.85, 0.88, 0.98]
    np.testing.assert_allclose(table["d_z"] * np.sqrt(2 * (1 - table["r"])), [0.22, 0.23, 0.10])
    assert table["d_z"].is_monotonic_increasing
    assert table["d_av"].idxmin() == table["d_z"].idxmax()  # the largest d_z has the smallest d_av
    note = memory.attrs["notes"][-1]
    for number in (".40, .47, .49", ".22, .23, .10", ".85, .88, .98"):
        assert number in note


def test_the_page_shows_the_compare_measures(memory: pd.DataFrame) -> None:
    page = (root() / "docs" / "sisters.md").read_text(encoding="utf-8")
    for row in compare_measures(memory).itertuples():
        numbers = [f"{value:.2f}" for value in (row.d_z, row.g, row.d_av, row.r)]
        assert f"| {row.study} | {row.ni} | {row.ti:.2f} | {' | '.join(numbers)} |" in page


@pytest.mark.parametrize("name", ["retroactive-memory", "ketamine-extinction"])
def test_a_packaged_table_has_its_source_and_no_variants(name: str) -> None:
    frame = datasets.read(name)
    (source,) = frame.attrs["sources"]
    assert source["name"] == f"{name}.csv"
    assert re.fullmatch("[0-9a-f]{64}", source["sha256"])
    assert datasets.DATASETS[name].variants == ()
    pd.testing.assert_frame_equal(datasets.read(name, variant="strict"), frame)
    with pytest.raises(BadInput, match="unknown variant 'loose'"):
        datasets.read(name, variant="loose")
