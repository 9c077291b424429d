"""Estimands: notation, weights, draws."""

import numpy as np
import pytest
import xarray as xr

from bayesmeta.estimates.contrasts import contrast_draws, contrasts_table
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design.combinations import parse_combination
from bayesmeta.model.design.contrasts import contrast_weights

TERMS = ["a", "b", "c-d", "fear:memory", "neutral:memory"]


@pytest.mark.parametrize(
    ("text", "weights"),
    [
        ("fear:memory - neutral:memory", {"fear:memory": 1, "neutral:memory": -1}),
        ("0.5 * a + 0.5*b - c-d", {"a": 0.5, "b": 0.5, "c-d": -1}),
        ("a", {"a": 1}),
        ("a - a", {"a": 0}),
    ],
)
def test_notation(text: str, weights: dict[str, float]) -> None:
    assert parse_combination("name", text, TERMS.__contains__) == weights


def test_unknown_term_is_named_with_the_known_ones() -> None:
    with pytest.raises(
        BadInput, match=r"'x' names unknown term 'fear:memry'; the model has: fear:memory, b"
    ):
        contrast_weights({"x": "fear:memry - b"}, ["fear:memory", "b"])


def test_text_that_is_no_combination() -> None:
    with pytest.raises(BadInput, match="should be text"):
        contrast_weights({"x": 3}, ["a"])  # type: ignore[dict-item]
    with pytest.raises(BadInput, match="cannot be read"):
        contrast_weights({"x": " "}, ["a"])


def test_draws_are_the_combination_of_draws(handmade: xr.DataTree) -> None:
    draws = contrast_draws(handmade)
    beta = handmade["posterior"].dataset["beta"]
    neutral = beta.sel(term="neutral:memory")
    fear = beta.sel(term="fear:memory")
    np.testing.assert_allclose(draws.sel(contrast="fear - neutral"), fear.values - neutral.values)
    np.testing.assert_allclose(draws.sel(contrast="half"), (fear.values + neutral.values) / 2)


def test_table_lists_terms_then_contrasts_whose_cells_exist(handmade: xr.DataTree) -> None:
    table = contrasts_table(handmade).set_index("contrast")
    assert list(table.index) == ["neutral:memory", "fear:memory", "fear - neutral", "half"]
    draws = contrast_draws(handmade).sel(contrast="half").values.ravel()
    assert table.loc["half", "p_rope"] == pytest.approx((abs(draws) < 0.3).mean())
    assert table.loc["half", "p_positive"] == pytest.approx((draws > 0).mean())
    assert table.loc["fear - neutral", "mean"] == pytest.approx(1.5, abs=0.02)


CELLS = [
    "human:neutral:memory",
    "animal:neutral:memory",
    "human:fear:memory",
    "animal:fear:memory",
    "animal:trauma:memory",
]


def test_a_placeholder_in_the_name_gives_a_contrast_for_every_cell_that_all_terms_have() -> None:
    weights = contrast_weights({"{v} {p}": "human:{v}:{p} - animal:{v}:{p}"}, CELLS)
    assert list(weights["contrast"].values) == ["neutral memory", "fear memory"]
    np.testing.assert_array_equal(weights.sel(contrast="fear memory").values, [0, 0, 1, -1, 0])


def test_a_placeholder_in_the_text_alone_is_averaged_over() -> None:
    weights = contrast_weights({"all": "human:{cell} - animal:{cell}"}, CELLS)
    np.testing.assert_allclose(weights.values, [[0.5, -0.5, 0.5, -0.5, 0]])


def test_a_cell_without_data_is_told_from_a_typing_error() -> None:
    advice = r"leave it out, or estimate it by partial pooling from other cells .*pooled"
    needed = "needs 'human:trauma:memory', for which the data have no effects"
    with pytest.raises(BadInput, match=f"{needed}; {advice}"):
        contrast_weights({"t": "human:trauma:memory - animal:trauma:memory"}, CELLS)
    with pytest.raises(BadInput, match="names unknown term 'human:traume:memory'"):
        contrast_weights({"t": "human:traume:memory - animal:trauma:memory"}, CELLS)
    with pytest.raises(BadInput, match="no cell has all the terms"):
        contrast_weights({"{v}": "rat:{v}:memory - animal:{v}:memory"}, CELLS)
