"""The forest of studies draws its table, in every layout; no text is cut or covered."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.output.figures import LAYOUTS, SCALES, Page, draw_forest
from drawings_of_studies import study_rows
from overlaps import faults, recorded

WORDS: dict[str, Any] = {"title": "clinical, three-level", "xlabel": "Hedges' g"}
MORE = {"columns": ["n1"], "domains": ["randomisation"], "note": "tau 0.41 [0.20, 0.73]"}
FAVOURS = ("the treatment of the patients", "placebo")
SHAPES = [
    *((5, layout, effects) for layout in LAYOUTS for effects in (1, 3)),
    *((60, layout, 1 + 2 * (layout in ("jama", "plain"))) for layout in LAYOUTS),
    (600, "revman", 1),
    pytest.param(600, "bmj", 3, marks=pytest.mark.slow),
]


def texts_of(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def lines_of(ax: Axes, width: float) -> np.ndarray:
    """Return the horizontal lines of a width: left, right, height."""
    chosen = [
        artist
        for artist in ax.collections
        if isinstance(artist, LineCollection) and artist.get_linewidth()[0] == width
    ]
    segments = [line for artist in chosen for line in artist.get_segments()]
    return np.array([(*sorted(line[:, 0]), line[0, 1]) for line in segments])


@pytest.mark.parametrize(("studies", "layout", "effects"), SHAPES)
def test_no_text_is_cut_or_covered_and_no_label_is_left_out(
    studies: int, layout: str, effects: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = study_rows(studies, effects=effects, cells=1 if effects == 1 else 2)
    page = Page(LAYOUTS[layout], favours=FAVOURS)
    pages = draw_forest(table, page=page, **MORE, **WORDS)
    written = " ".join(text for figure in pages for text in texts_of(figure)).replace("\n", " ")
    for label, count in table[table["part"] == "study"]["label"].value_counts().items():
        assert written.count(str(label)) == count
    for figure in {pages[0], pages[-1]}:
        with recorded(monkeypatch) as texts:
            figure.draw_without_rendering()
        assert len(texts) > 15
        assert faults(texts, figure.bbox.size) == []


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_page_of_a_size_keeps_its_size(layout: str, monkeypatch: pytest.MonkeyPatch) -> None:
    table = study_rows(14, names=["A name of an author that is so long that it needs lines 2019"])
    page = Page(LAYOUTS[layout], size=(8, 6), favours=("drug", "placebo"))
    for figure in draw_forest(table, page=page, **MORE, **WORDS):
        assert figure.get_size_inches().tolist() == [8, 6]
        with recorded(monkeypatch) as texts:
            figure.draw_without_rendering()
        assert faults(texts, figure.bbox.size) == []


def test_estimates_intervals_and_diamonds_are_those_of_the_table() -> None:
    table = study_rows(4)
    (figure,) = draw_forest(table, **WORDS)
    _, ax = figure.axes
    rows = table[table["part"] == "study"]
    observed = lines_of(ax, 1.0)
    np.testing.assert_allclose(observed[:, :2], rows[["ci_lb", "ci_ub"]])
    shrunken = lines_of(ax, 0.8)
    np.testing.assert_allclose(shrunken[:4, :2], rows[["shrunken_lb", "shrunken_ub"]])
    assert (shrunken[:4, 2] > observed[:, 2]).all()  # below, on the same row
    assert (shrunken[:4, 2] - observed[:, 2] < np.diff(observed[:, 2]).min() / 2).all()
    (points, *_) = (artist for artist in ax.collections if isinstance(artist, PathCollection))
    np.testing.assert_allclose(points.get_offsets()[:, 0], rows["estimate"])
    (diamond,) = ax.patches
    mean = table.iloc[-1]
    corners = diamond.get_xy()[:4, 0]
    assert corners.tolist() == mean[["ci_lb", "estimate", "ci_ub", "estimate"]].tolist()
    assert lines_of(ax, 3.0)[:, :2].tolist() == [mean[["pi_lb", "pi_ub"]].tolist()]


def test_the_area_of_a_mark_is_its_weight() -> None:
    table = study_rows(3).assign(weight=[10.0, 40.0, 20.0, 100.0])
    (figure,) = draw_forest(table, **WORDS)
    marks = next(c for c in figure.axes[1].collections if isinstance(c, PathCollection))
    areas = marks.get_sizes()
    np.testing.assert_allclose(areas / areas.max(), [0.25, 1, 0.5])


def test_an_interval_beyond_the_axis_is_an_arrow_and_keeps_its_numbers() -> None:
    table = study_rows(4)
    table.loc[1, ["ci_lb", "ci_ub"]] = [-90.0, 1.0]
    (figure,) = draw_forest(table, **WORDS)
    _, ax = figure.axes
    low, high = ax.get_xlim()
    assert low > -5
    assert lines_of(ax, 1.0)[1, 0] == pytest.approx(low)
    assert any(
        offset[0] == low
        for artist in ax.collections
        if isinstance(artist, PathCollection)
        for offset in artist.get_offsets()
    )
    assert any("[−90.00, 1.00]" in text for text in texts_of(figure))
    assert high < 5


def test_a_ratio_is_written_and_ticked_as_one() -> None:
    table = study_rows(1)
    table.loc[0, ["estimate", "ci_lb", "ci_ub"]] = np.log([0.5, 0.25, 1.0])
    (figure,) = draw_forest(table, page=Page(scale=SCALES["exp"]), **WORDS)
    assert "0.50 [0.25, 1.00]" in texts_of(figure)
    _, ax = figure.axes
    labels = [label.get_text() for label in ax.get_xticklabels()]
    assert "1" in labels
    np.testing.assert_allclose(ax.get_xticks(), np.log([float(label) for label in labels]))


def test_layouts_write_intervals_and_headings_of_their_publisher() -> None:
    table = study_rows(2)
    heads = {}
    for name, layout in LAYOUTS.items():
        (figure,) = draw_forest(table, page=Page(layout, favours=("drug", "placebo")), **WORDS)
        texts = texts_of(figure)
        number = next(text for text in texts if text.startswith("0.30"))
        heads[name] = (texts[0], number)
        assert {"← favours drug", "favours placebo →", "Weight (%)"} <= set(texts)
    assert heads == {
        "plain": ("Study", "0.30 [0.10, 0.50]"),
        "revman": ("Study or subgroup", "0.30 [0.10, 0.50]"),
        "jama": ("Source", "0.30 (0.10 to 0.50)"),
        "bmj": ("Study", "0.30 (0.10 to 0.50)"),
    }


def test_pages_repeat_the_heading_of_a_cell_and_end_with_no_heading() -> None:
    table = study_rows(40, cells=2)
    pages = draw_forest(table, page=Page(rows=12), note="tau 0.4", **WORDS)
    titles = [figure.get_suptitle() for figure in pages]
    count = len(pages)
    assert count > 3
    assert titles[1] == f"{WORDS['title']} (page 2 of {count})"
    assert any("(continued)" in text for text in texts_of(pages[1]))
    noted = ["tau 0.4" in texts_of(figure) for figure in pages]
    assert noted == [False] * (count - 1) + [True]
    for figure in pages:
        rows = {text.get_text(): text.get_position()[1] for text in figure.axes[0].texts}
        headings = [y for text, y in rows.items() if text.startswith("species")]
        assert max(headings) < max(y for text, y in rows.items() if text == "12–140" or "[" in text)
    limits = {figure.axes[1].get_xlim() for figure in pages}
    assert len(limits) == 1


def test_risk_of_bias_is_a_dot_of_the_worst_judgement() -> None:
    (figure,) = draw_forest(study_rows(3), domains=["randomisation"], **WORDS)
    texts = texts_of(figure)
    assert [texts.count(sign) for sign in "+–?"] == [1, 1, 1]
    assert "Risk of bias: A randomisation; + low, ? unclear, – high" in texts


def test_a_page_without_room_is_refused() -> None:
    with pytest.raises(BadInput, match=r"a width of 3 inches is too narrow .* greater width"):
        draw_forest(study_rows(3), page=Page(size=(3, 6)), **MORE, **WORDS)
    with pytest.raises(BadInput, match=r"a height of 1 inches has no room .* at least 2\.\d"):
        draw_forest(study_rows(3), page=Page(size=(9, 1)), **MORE, **WORDS)


def test_without_weights_and_means_there_are_none() -> None:
    table = study_rows(2)[["part", "cell", "study", "label", "estimate", "ci_lb", "ci_ub"]]
    (figure,) = draw_forest(table[table["part"] == "study"], marks="so far", **WORDS)
    texts = texts_of(figure)
    assert "so far" in texts
    assert not any("Weight" in text or "mean" in text for text in texts)


@pytest.mark.parametrize(
    ("name", "low", "high", "labels"),
    [
        ("none", -1.1, 1.1, ["−1.0", "−0.5", "0.0", "0.5", "1.0"]),
        ("exp", np.log(0.09), np.log(11), ["0.1", "0.2", "0.5", "1", "2", "5", "10"]),
        ("exp", np.log(1e-5), np.log(1e3), ["1e-05", "0.0001", "0.001", "0.01", "0.1", "1", "10"]),
        ("exp", np.log(0.93), np.log(1.08), ["0.95", "1.00", "1.05"]),
        ("tanh", -0.6, 0.6, ["−0.4", "−0.2", "0.0", "0.2", "0.4"]),
        ("plogis", -2.0, 0.1, ["20", "30", "40", "50"]),
    ],
)
def test_ticks_are_round_for_readers(name: str, low: float, high: float, labels: list[str]) -> None:
    positions, found = SCALES[name].ticks(low, high)
    assert found[: len(labels)] == labels
    seen = [float(label.replace("−", "-")) for label in found]
    np.testing.assert_allclose(SCALES[name].function(np.array(positions)), seen, rtol=1e-4)
    assert pd.Series(positions).between(low, high).all()
