"""Concordance of signs: crosses draw the table, quadrants and cells have names."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from test_figures import legend_words, overlaps, segments
from test_figures_sides import check_texts, named, points, words_of

from bayesmeta.estimates.text import words
from bayesmeta.output import figures

pytestmark = pytest.mark.wide


def concordance(cells: int, spread: float = 1, width: float = 1) -> pd.DataFrame:
    x = spread * np.sin(np.arange(cells) + 1.0)
    y = np.cos(2.0 * np.arange(cells))
    table = pd.DataFrame(
        {"cell": named(cells), "x_mean": x, "x_ci_lb": x - 0.5 * width, "x_ci_ub": x + 0.4 * width}
    )
    table = table.assign(y_mean=y, y_ci_lb=y - 0.3 * width, y_ci_ub=y + 0.2 * width)
    return table.assign(p_same=0.625, studies_x=4, studies_y=9)


def quadrants(table: pd.DataFrame) -> Figure:
    return figures.draw_quadrants(table, xlabel="human", ylabel="animal", title="signs")


def test_quadrants_draw_crosses_on_one_scale() -> None:
    table = concordance(6)
    (ax,) = quadrants(table).axes
    np.testing.assert_allclose(points(ax, hollow=False), table[["x_mean", "y_mean"]])
    np.testing.assert_allclose(
        segments(ax, "95 % intervals"), table[["x_ci_lb", "x_ci_ub", "y_mean"]]
    )
    upright = [line for artist in ax.collections[-1:] for line in artist.get_segments()]
    np.testing.assert_allclose(
        [(*line[:, 1], line[0, 0]) for line in upright], table[["y_ci_lb", "y_ci_ub", "x_mean"]]
    )
    assert ax.get_xlim() == ax.get_ylim()
    assert ax.get_aspect() == 1
    (diagonal,) = (line for line in ax.lines if line.get_linestyle() == "--")
    assert (diagonal.get_xy1(), diagonal.get_slope()) == ((0, 0), 1)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("human", "animal")


@pytest.mark.parametrize("shift", [-3, 0, 3])
def test_quadrants_are_tinted_and_named_by_their_signs(shift: float) -> None:
    table = concordance(4)
    figure = quadrants(table.assign(**(table.filter(regex="^[xy]_") + shift)))
    figure.draw_without_rendering()
    (ax,) = figure.axes
    low, high = ax.get_xlim()
    assert 0.25 < -high / low < 4  # there is room for the words, whatever the data
    tints = [
        artist.get_paths()[0].get_extents().extents
        for artist in ax.collections
        if artist.get_zorder() == 0
    ]
    np.testing.assert_allclose(tints, [[low, low, 0, 0], [0, 0, high, high]])
    signs = {}
    for text in ax.texts[:4]:
        x, y = ax.transData.inverted().transform(text.get_window_extent().get_points().mean(axis=0))
        signs[(x > 0, y > 0)] = text.get_text()
    assert signs[(False, False)] == "both negative"
    assert signs[(True, True)] == "both positive"
    assert signs[(False, True)] == signs[(True, False)] == "opposite"


def test_quadrants_draw_few_studies_on_either_side_hollow() -> None:
    table = concordance(4)
    assert not any("hollow" in label for label in legend_words(quadrants(table)))
    table.loc[1, "studies_x"] = 3
    table.loc[2, "studies_y"] = 1
    figure = quadrants(table)
    (ax,) = figure.axes
    np.testing.assert_allclose(points(ax, hollow=True), table.loc[[1, 2], ["x_mean", "y_mean"]])
    np.testing.assert_allclose(points(ax, hollow=False), table.loc[[0, 3], ["x_mean", "y_mean"]])
    assert "hollow: fewer than 4 studies on a side" in legend_words(figure)


def test_quadrants_name_each_cell_and_leave_out_those_of_one_side() -> None:
    table = concordance(4).assign(p_same=[0.625, 1.0, 0.5, 0.9])
    table.loc[2, ["y_mean", "y_ci_lb", "y_ci_ub", "p_same"]] = np.nan
    (ax,) = quadrants(table).axes
    kept = {0: ".62", 1: "> .999", 3: ".90"}
    assert words_of(ax.texts[4:]) == [
        f"{words(named(4)[row])} ({share})" for row, share in kept.items()
    ]
    np.testing.assert_allclose(
        points(ax, hollow=False), table.loc[list(kept), ["x_mean", "y_mean"]]
    )


def test_names_of_cells_at_one_point_cover_no_name() -> None:
    table = concordance(24).assign(x_mean=0.1, y_mean=-0.1)
    check_texts(quadrants(table))


@pytest.mark.parametrize("cells", [4, 8, 15])
@pytest.mark.parametrize(
    ("spread", "width"), [(1, 1), (1, 0.01), (0.02, 0.01), (0.02, 1), (0.2, 0.5)]
)
def test_quadrant_names_cover_no_name_and_no_point(cells: int, spread: float, width: float) -> None:
    table = concordance(cells, spread, width)
    table.loc[0, "studies_x"] = 1
    figure = quadrants(table)
    check_texts(figure)
    (ax,) = figure.axes
    circles = ax.transData.transform(table[["x_mean", "y_mean"]])
    boxes = np.array([text.get_window_extent().extents for text in ax.texts])
    inside = (boxes[:, None, :2] < circles + 4) & (circles - 4 < boxes[:, None, 2:])
    assert not inside.all(axis=-1).any()
    assert (boxes[:, :2] >= ax.bbox.min).all()
    assert (boxes[:, 2:] <= ax.bbox.max).all()


def test_a_far_name_has_a_line_to_its_own_point() -> None:
    table = concordance(15, 0.02).assign(y_mean=lambda rows: rows["y_mean"] / 50)
    (ax,) = quadrants(table).axes
    leaders = [line.get_xydata() for line in ax.lines if line.get_color() == "black"]
    assert leaders
    boxes = [text.get_window_extent().padded(2.1) for text in ax.texts[4:]]
    for start, end in leaders:
        cell = np.isclose(table[["x_mean", "y_mean"]], start).all(axis=1)
        assert boxes[cell.argmax()].contains(*ax.transData.transform(end))
        assert cell.any()


def test_a_lone_name_is_not_struck_through() -> None:
    (ax,) = quadrants(concordance(1)).axes
    box = ax.texts[4].get_window_extent()
    height = ax.transData.transform((0, 1))[1]
    assert not box.y0 <= height <= box.y1


def test_saving_moves_no_name(tmp_path: Path) -> None:
    table = concordance(15)
    figure = quadrants(table)
    files = figures.save(figure, tmp_path / "quadrants", table, synthetic=True, source="seed 1")
    assert [file.name for file in files] == ["quadrants.csv", "quadrants.png", "quadrants.svg"]
    assert not overlaps(figure.axes[0].texts)
