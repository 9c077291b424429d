"""The figure of the bias models draws its tables: intervals, slopes, weights and elpd."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import same_color
from matplotlib.figure import Figure
from test_figures import legend_words, overlaps, segments

from bayesmeta.output import figures
from bayesmeta.output.figures.bias import COLOURS

MODELS = ["unadjusted", "PET", "PEESE", "selection"]


def tables(rows: int, strata: tuple[str, ...] = ("",), models: int = 4) -> tuple[pd.DataFrame, ...]:
    names = [f"emotion x organism, phase {row}: a_state - an_other_state" for row in range(rows)]
    pairs = pd.MultiIndex.from_product([names, MODELS[:models]])
    mean = np.sin(np.arange(len(pairs)))
    cells = pairs.to_frame(index=False, name=["contrast", "model"]).assign(
        mean=mean, ci_lb=mean - 0.4, ci_ub=mean + 0.5
    )
    named = [
        ("PET", "pet"),
        ("PEESE", "peese"),
        ("selection", ".025 < p < .5"),
        ("selection", "p > .5"),
    ]
    parameters = pd.DataFrame(
        [
            (model, f"{stratum}{name}")
            for model, name in named
            if model in MODELS[:models]
            for stratum in strata
        ],
        columns=["model", "parameter"],
    )
    mean = 0.3 + 0.1 * np.arange(len(parameters))
    parameters = parameters.assign(mean=mean, ci_lb=mean - 0.2, ci_ub=mean + 0.25)
    fits = pd.DataFrame(
        {
            "model": MODELS,
            "difference": [0.0, -3.0, 4.0, 9.0],
            "difference_se": [0.0, 2.0, 3.0, 4.0],
        }
    )
    return cells, parameters, fits[:models]


def drawn(rows: int, strata: tuple[str, ...] = ("",), models: int = 4) -> Figure:
    return figures.draw_bias(*tables(rows, strata, models), title="Bias models", xlabel="Hedges' g")


def dots(ax: Axes) -> np.ndarray:
    return np.vstack(
        [np.asarray(line.get_xydata()) for line in ax.lines if line.get_marker() == "o"]
    )


@pytest.mark.parametrize(("rows", "models"), [(2, 4), (14, 4), (3, 2)])
def test_every_interval_is_in_the_row_of_its_contrast(rows: int, models: int) -> None:
    cells = tables(rows, models=models)[0]
    figure = drawn(rows, models=models)
    left = figure.axes[0]
    heights = []
    names = cells["contrast"].unique().tolist()
    for model in MODELS[:models]:
        expected = cells[cells["model"] == model]
        intervals = segments(left, model)
        np.testing.assert_allclose(intervals[:, :2], expected[["ci_lb", "ci_ub"]])
        assert np.round(intervals[:, 2]).tolist() == expected["contrast"].map(names.index).tolist()
        heights.append(intervals[:, 2])
        (line,) = (artist for artist in left.collections if artist.get_label() == model)
        assert same_color(line.get_colors()[0], COLOURS[model])
    assert np.diff(np.sort(np.concatenate(heights))).min() > 0.15
    assert (np.diff(heights, axis=0) > 0).all()  # the unadjusted on top
    np.testing.assert_allclose(np.sort(dots(left)[:, 0]), np.sort(cells["mean"]))
    assert left.yaxis_inverted()
    assert left.get_xlabel() == "Hedges' g"
    assert legend_words(figure) == MODELS[:models]


@pytest.mark.parametrize("strata", [("",), ("human:", "animal:")])
def test_slopes_weights_and_prediction_have_panels_with_their_null(strata: tuple[str, ...]) -> None:
    _, parameters, models = tables(4, strata)
    _, slopes, weights, elpd = drawn(4, strata).axes
    for ax, rows, null in (
        (slopes, parameters[parameters["model"] != "selection"], 0),
        (weights, parameters[parameters["model"] == "selection"], 1),
    ):
        y = np.arange(len(rows))
        (line,) = (artist for artist in ax.lines if artist.get_linestyle() == "--")
        assert list(line.get_xdata()) == [null, null]
        np.testing.assert_allclose(segments(ax, "_child"), np.c_[rows[["ci_lb", "ci_ub"]], y])
        np.testing.assert_allclose(dots(ax), np.c_[rows["mean"], y])
        texts = [text.get_text().replace("\n", " ") for text in ax.get_yticklabels()]
        assert texts == rows["parameter"].str.replace(":", ", ").tolist()
        colours = [line.get_color() for line in ax.lines if line.get_marker() == "o"]
        assert colours == rows["model"].map(COLOURS).tolist()
        assert ax.yaxis_inverted()
    np.testing.assert_allclose(segments(elpd, "_child"), [[-7, 1, 0], [-2, 10, 1], [1, 17, 2]])
    assert [text.get_text() for text in elpd.get_yticklabels()] == MODELS[1:]
    assert models["difference"].tolist()[1:] == dots(elpd)[:, 0].tolist()


def test_panels_without_rows_are_left_out() -> None:
    only_selection = tables(3)
    cells, parameters, models = (
        table[table["model"].isin(["unadjusted", "selection"])] for table in only_selection
    )
    axes = figures.draw_bias(cells, parameters, models, title="t", xlabel="x").axes
    assert [ax.get_xlabel() for ax in axes] == [
        "x",
        "relative weight (1: no selection)",
        "elpd − unadjusted, ± 2 se",
    ]
    assert len(drawn(3, models=1).axes) == 1


@pytest.mark.parametrize(
    ("rows", "strata"), [(1, ("",)), (2, ("human:", "animal:")), (14, ("human:", "animal:"))]
)
def test_texts_do_not_overlap_and_lie_inside(rows: int, strata: tuple[str, ...]) -> None:
    figure = drawn(rows, strata)
    figure.draw_without_rendering()
    shown = []
    for ax in figure.axes:
        low, high = ax.get_xlim()
        within = [text for text in ax.get_xticklabels() if low <= text.get_position()[0] <= high]
        shown += [ax.xaxis.label, *ax.get_yticklabels(), *within]
    width, height = figure.bbox.size
    assert overlaps([*shown, *figure.legends[0].get_texts()]) == []
    for text in shown:
        box = text.get_window_extent()
        assert -1 <= box.x0 <= box.x1 <= width + 1, text.get_text()
        assert -1 <= box.y0 <= box.y1 <= height + 1, text.get_text()
    assert figure.axes[0].get_position().width > 0.3
    assert min(ax.get_position().width for ax in figure.axes[1:]) > 0.15
    assert height < 1100  # at 100 dots per inch
