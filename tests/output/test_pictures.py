"""A tree becomes a picture: the options of every kind, and what has no picture."""

from typing import Any

import numpy as np
import pytest
import xarray as xr
from matplotlib.text import Text

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.output.pictures import draw_picture
from moderated import effects, tree_of

COUNTS = {"ai": 3, "n1i": 12, "ci": 8, "n2i": 16}


@pytest.fixture(scope="module")
def tree() -> xr.DataTree:
    return tree_of(effects(8).assign(**COUNTS, rob_blinding="low"), "~ species")


@pytest.fixture(scope="module")
def sloped() -> xr.DataTree:
    return tree_of(effects(8), "~ dose + species")


def test_a_forest_has_columns_dots_heterogeneity_and_its_table(tree: xr.DataTree) -> None:
    options = {"columns": "Events=ai/n1i", "sort": "-year", "nested": False, "transform": "exp"}
    drawn = draw_picture(tree, "forest", "Studies", **options)
    (figure,) = drawn.figures
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert {"Events", "3/12", "rat", "mouse", "ratio", "+"} <= set(texts)
    assert any(text.startswith("Heterogeneity: tau (study) 0.40") for text in texts)
    assert figure.data is drawn.data
    assert drawn.data["part"].value_counts().to_dict() == {"study": 8, "mean": 2}


def test_effects_have_rows_if_there_are_few(tree: xr.DataTree) -> None:
    assert "effect" in set(draw_picture(tree, "forest", "").data["part"])
    many = tree_of(effects(21), "1")
    drawn = draw_picture(many, "forest", "", rows=10)
    assert "effect" not in set(drawn.data["part"])
    assert len(drawn.figures) == 3


@pytest.mark.parametrize(
    "kind", ["rob", "funnel", "zplot", "radial", "labbe", "cumulative", "orchard"]
)
def test_every_kind_draws_its_table(tree: xr.DataTree, kind: str) -> None:
    drawn = draw_picture(tree, kind, "a title")
    assert drawn.figures[0].get_suptitle() == "a title"
    assert len(drawn.data)


@pytest.mark.parametrize("kind", ["means", "orchard", "caterpillar"])
def test_means_of_ratios_have_ratio_ticks_and_a_line_at_one(kind: str) -> None:
    drawn = draw_picture(tree_of(effects(21), "1"), kind, "", transform="exp")
    (figure,) = drawn.figures
    ax = figure.axes[0]
    labels = [float(label.get_text()) for label in ax.get_xticklabels()]
    assert np.exp(ax.get_xticks()).tolist() == pytest.approx(labels)
    assert 0.0 in np.concatenate([line.get_xdata() for line in ax.lines])
    texts = [text.get_text() for text in figure.findobj(Text)]
    assert "ratio" in texts
    assert any(text.startswith("overall mean") for text in texts)
    assert "intercept" in set(drawn.data["term"])


def test_a_bubble_has_the_area_of_its_weight(sloped: xr.DataTree) -> None:
    drawn = draw_picture(sloped, "bubble", "", moderator="dose")
    points = drawn.figures[0].axes[0].collections[0]
    share = points.get_sizes() / points.get_sizes().max()
    weight = drawn.data["points"]["weight"]
    assert share.tolist() == pytest.approx((weight / weight.max()).tolist())
    assert weight.sum() == pytest.approx(100)


def test_a_forest_of_a_regression_has_no_diamond(sloped: xr.DataTree) -> None:
    drawn = draw_picture(sloped, "forest", "")
    assert "mean" not in set(drawn.data["part"])
    assert not drawn.figures[0].axes[1].patches


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("forrest", {}, r"unknown kind 'forrest' \(did you mean 'forest'\?\)"),
        ("funnel", {"layout": "jama"}, "funnel has no option 'layout'; it takes: transform"),
        ("forest", {"layuot": "jama"}, r"no option 'layuot' \(did you mean 'layout'\?\)"),
        ("taus", {"rows": 5}, "taus has no option 'rows'; it takes none"),
        ("forest", {"layout": "jamma"}, r"unknown layout 'jamma' \(did you mean 'jama'\?\)"),
        (
            "forest",
            {"size": "8"},
            "size is '8'; it should be width x height in inches, such as 8x6",
        ),
        ("forest", {"size": (8, "wide")}, "it should be width x height"),
        ("forest", {"favours": "drug"}, r"favours is 'drug'; .* such as 'drug\|placebo'"),
        ("forest", {"rows": 2}, "rows is 2; it should be a whole number of at least 5"),
        ("forest", {"transform": "log"}, "unknown transform 'log'"),
        ("bubble", {}, "a number, and this model has none: use forest"),
    ],
)
def test_what_cannot_be_drawn_is_said(
    tree: xr.DataTree, kind: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        draw_picture(tree, kind, "", **options)
