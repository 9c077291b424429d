"""Numbers in prose come from a cell and say from which."""

import pandas as pd
import pytest

from bayesmeta.output.pages.cells import Cells

TABLES = {
    "terms": pd.DataFrame(
        {
            "term": ["fear:memory", "a<b"],
            "mean": [0.9149, -0.001],
            "ci_lb": [0.65, -1],
            "p": [0.999, 0.5],
        }
    ),
    "data/sizes": pd.DataFrame({"by": ["all", "cell"], "value": ["all", "all"], "k": [1086, 3]}),
}


def test_a_number_carries_its_value_and_its_address() -> None:
    text = Cells(TABLES)("terms", "fear:memory", "mean")
    assert text == (
        '<data value="0.9149" data-cell="terms|term=fear:memory|mean" '
        'title="fear:memory, mean: tables/terms.csv">0.91</data>'
    )
    assert Cells(TABLES)("data/sizes", {"by": "cell", "value": "all"}, "k", 0).endswith(">3</data>")


def test_plain_text_has_true_minus_signs() -> None:
    cell = Cells(TABLES, html=False)
    assert cell("terms", "a<b", "mean", 3) == "−0.001"
    assert cell.interval("terms", "fear:memory", "ci_lb", "mean") == "[0.65, 0.91]"


def test_names_cannot_inject_markup() -> None:
    assert "a<b" not in Cells(TABLES)("terms", "a<b", "mean")


def test_a_cell_that_is_not_there_or_not_one_is_refused() -> None:
    with pytest.raises(KeyError, match="0 rows of terms"):
        Cells(TABLES)("terms", "fear:memry", "mean")
    with pytest.raises(KeyError, match="2 rows of data/sizes"):
        Cells(TABLES)("data/sizes", {"value": "all"}, "k")
