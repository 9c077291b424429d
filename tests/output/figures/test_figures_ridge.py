"""Ridges of differences between sides draw their table over the region of equivalence."""

import numpy as np
import pytest
from test_figures import legend_words, segments
from test_figures_sides import discrepancies, named, points, ridge, words_of

from bayesmeta.estimates.text import words
from bayesmeta.output import figures


def test_ridges_stand_on_their_rows_over_mean_and_interval() -> None:
    densities, table = discrepancies(4)
    (ax,) = ridge(4).axes
    curves = [line.get_xydata() for line in ax.lines if len(line.get_xdata()) == 41]
    height = 0.65 / densities["density"].max()
    for y, (contrast, drawn) in enumerate(zip(table["contrast"], curves, strict=True)):
        rows = densities[densities["contrast"] == contrast]
        np.testing.assert_allclose(drawn, np.c_[rows["value"], y - height * rows["density"]])
    below = np.arange(4) + 0.13
    np.testing.assert_allclose(
        segments(ax, "95 % interval"), np.c_[table[["ci_lb", "ci_ub"]], below]
    )
    np.testing.assert_allclose(points(ax, hollow=False), np.c_[table["mean"], below])
    assert ax.yaxis_inverted()
    assert words_of(ax.get_yticklabels()) == [f"human − animal: {words(name)}" for name in named(4)]


def test_ridges_show_rope_and_zero_and_lighten_what_is_exploratory() -> None:
    figure = ridge(4)
    (ax,) = figure.axes
    (band,) = ax.patches
    assert (band.get_x(), band.get_width()) == pytest.approx((-0.2, 0.4))
    assert any(list(line.get_xdata()) == [0, 0] for line in ax.lines)
    kinds = [
        (artist.get_label(), artist.get_alpha())
        for artist in ax.collections
        if artist.get_label().startswith("post")
    ]
    assert [kind for kind, _ in kinds] == ["posterior", "posterior, exploratory"] * 2
    shades = dict(kinds)
    assert shades["posterior, exploratory"] < shades["posterior"]
    assert legend_words(figure)[:3] == [
        "practically zero (ROPE ± 0.2)",
        "posterior",
        "posterior, exploratory",
    ]
    assert legend_words(ridge(1))[1:] == ["posterior", "95 % interval", "mean"]


def test_ridges_say_probabilities_without_rounding_to_certainty() -> None:
    densities, table = discrepancies(5)
    table["p_positive"] = [0.97349, 0.99951, 0.0002, 0.5, 0.001]
    (ax,) = figures.draw_ridge(densities, table, rope=0.1, xlabel="g", title="t").axes
    texts = {text.get_position()[1]: text.get_text() for text in ax.texts}
    expected = ["= .973", "> .999", "< .001", "= .50", "= .001"]
    assert [texts[y] for y in range(5)] == [f"P(> 0) {text}" for text in expected]


def test_a_contrast_without_a_density_is_an_error() -> None:
    densities, table = discrepancies(2)
    with pytest.raises(KeyError, match="missing"):
        figures.draw_ridge(
            densities,
            table.replace(table["contrast"][0], "missing"),
            rope=0.1,
            xlabel="g",
            title="t",
        )
