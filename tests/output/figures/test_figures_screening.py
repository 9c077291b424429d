"""What the pictures of a screening show is in their tables."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from test_figures import legend_words

from bayesmeta.output.figures import screening


def lines(ax: Axes) -> np.ndarray:
    """Both ends of every interval that an axes shows, (n, 2, 2)."""
    (intervals,) = (artist for artist in ax.collections if isinstance(artist, LineCollection))
    return np.array(intervals.get_segments())


@pytest.fixture
def importance() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "moderator": ["phase", "information_type", "sex"],
            "mean": [2.0, 0.5, 0.0],
            "ci_lb": [1.0, 0.2, -0.1],
            "ci_ub": [3.0, 1.0, 0.1],
            "held_out": [1.8, 0.6, 0.02],
            "mean_rank": [1.0, 2.0, 3.0],
            "p_rank_1": [0.95, 0.05, 0.0],
            "p_rank_2": [0.05, 0.75, 0.2],
            "p_rank_3": [0.0, 0.2, 0.8],
        }
    )


def test_importance_and_ranks_are_those_of_the_table(importance: pd.DataFrame) -> None:
    figure = screening.draw_importance(importance, title="importance, posterior means")
    left, right = figure.axes
    np.testing.assert_allclose(lines(left)[:, :, 0], importance[["ci_lb", "ci_ub"]])
    mean, held = left.lines[1:]
    np.testing.assert_allclose(
        np.c_[mean.get_xdata(), held.get_xdata()], importance[["mean", "held_out"]]
    )
    assert [text.get_text() for text in left.get_yticklabels()] == [
        "phase",
        "information type",
        "sex",
    ]
    assert left.get_ylim()[0] > left.get_ylim()[1]  # the first on top
    np.testing.assert_allclose(right.images[0].get_array(), importance.filter(like="p_rank"))
    written = {tuple(map(int, text.get_position()[::-1])): text.get_text() for text in right.texts}
    assert written == {(0, 0): "95", (1, 1): "75", (1, 2): "20", (2, 1): "20", (2, 2): "80"}
    assert legend_words(figure) == ["95 % interval", "mean over resamples", "all studies"]
    assert figure.get_suptitle() == "importance, posterior means"


def test_dependence_draws_levels_as_points_and_numbers_as_lines() -> None:
    table = pd.DataFrame(
        {
            "moderator": ["phase"] * 2 + ["time"] * 3,
            "level": ["learning", "memory", "1", "5", "9"],
            "at": [0.0, 1.0, 1.0, 5.0, 9.0],
            "k": [7, 3, 4, 4, 2],
            "category": [True, True, False, False, False],
            "effect": [0.5, -0.5, 0.1, 0.2, 0.4],
            "ci_lb": [0.3, -0.8, 0.0, 0.1, 0.2],
            "ci_ub": [0.7, -0.2, 0.2, 0.3, 0.7],
        }
    )
    first, second = screening.draw_dependence(table, title="dependence", ylabel="g").axes
    np.testing.assert_allclose(lines(first)[:, :, 1], [[0.3, 0.7], [-0.8, -0.2]])
    assert first.lines[0].get_ydata().tolist() == [0.5, -0.5]  # type: ignore[union-attr]
    assert [text.get_text() for text in first.get_xticklabels()] == ["learning (7)", "memory (3)"]
    np.testing.assert_allclose(second.lines[0].get_xydata(), [[1, 0.1], [5, 0.2], [9, 0.4]])
    band = second.collections[0].get_paths()[0].vertices
    for at, low, high in table.loc[2:, ["at", "ci_lb", "ci_ub"]].to_numpy():
        assert {(at, low), (at, high)} <= set(map(tuple, band))
    assert [ax.get_title("left") for ax in (first, second)] == ["phase", "time"]
    assert first.get_ylim() == second.get_ylim()


def test_pairs_show_every_cell_that_has_effects() -> None:
    table = pd.DataFrame(
        {
            "first": "phase",
            "second": "valence",
            "level_1": ["learning", "learning", "memory", "memory"],
            "at_1": [0.0, 0.0, 1.0, 1.0],
            "level_2": ["fear", "neutral"] * 2,
            "at_2": [0.0, 1.0] * 2,
            "k": [3, 0, 2, 9],
            "effect": [-1.0, 9.0, 0.5, 2.0],
        }
    )
    other = table.assign(second="sex", effect=table["effect"] / 4).sample(frac=1, random_state=1)
    figure = screening.draw_pairs(pd.concat([table, other]), title="pairs", label="g")
    first, second, scale = figure.axes
    np.testing.assert_array_equal(
        np.ma.filled(first.images[0].get_array(), np.nan), [[-1, np.nan], [0.5, 2]]
    )
    np.testing.assert_array_equal(
        np.ma.filled(second.images[0].get_array(), np.nan), [[-0.25, np.nan], [0.125, 0.5]]
    )
    assert first.images[0].get_clim() == second.images[0].get_clim() == (-2, 2)
    assert {text.get_text() for text in first.texts} == {"−1.0", "0.5", "2.0"}
    assert [text.get_text() for text in first.get_xticklabels()] == ["fear", "neutral"]
    assert [text.get_text() for text in second.get_yticklabels()] == ["learning", "memory"]
    assert (second.get_xlabel(), second.get_ylabel(), scale.get_ylabel()) == ("sex", "phase", "g")


def test_convergence_draws_both_errors_from_zero() -> None:
    table = pd.DataFrame(
        {"trees": [20, 40, 60], "out_of_bag": [3.0, 2.5, 2.4], "held_out": [4.0, 3.8, 3.7]}
    )
    figure = screening.draw_convergence(table, title="trees")
    (ax,) = figure.axes
    drawn = {line.get_label(): np.asarray(line.get_ydata()).tolist() for line in ax.lines}
    assert drawn == {
        "held-out folds": [4.0, 3.8, 3.7],
        "out-of-bag effects": [3.0, 2.5, 2.4],
    }
    assert ax.get_ylim()[0] == 0
