"""Figures of two sides draw their tables, mark few and missing studies; no text overlaps."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text
from test_figures import legend_words, overlaps, segments

from bayesmeta.estimates.text import words
from bayesmeta.output import figures

NAMES = [
    "fear:memory",
    "social:recognition_memory",
    "a_rather_long_name_of:a_phase_that_lasts_for_a_week",
    "x:y",
]


def named(rows: int) -> list[str]:
    return [f"{NAMES[row % 4]}_{row}" for row in range(rows)]


def two_sides(cells: int) -> pd.DataFrame:
    """Return the same cells twice with 4 studies; animals in the opposite order."""
    mean = np.linspace(-1.2, 0.9, cells)
    human = pd.DataFrame(
        {
            "cell": named(cells),
            "side": "human",
            "mean": mean,
            "k": np.arange(cells) + 10,
            "studies": 4,
        }
    )
    animal = human.assign(side="animal", mean=1.5 * mean**2, k=human["k"] + 90)[::-1]
    table = pd.concat([human, animal], ignore_index=True)
    ends = {"ci_lb": -0.3, "ci_ub": 0.2, "pi_lb": -1.5, "pi_ub": 1.4}
    return table.assign(**{end: table["mean"] + shift for end, shift in ends.items()})


def discrepancies(contrasts: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return normal curves of growing width, in the opposite order of the table."""
    names = [f"human - animal: {name}" for name in named(contrasts)]
    mean = np.linspace(-1, 1, contrasts)
    sd = np.linspace(0.2, 0.8, contrasts)
    value = np.linspace(-4, 4, 41)
    curves = [
        pd.DataFrame(
            {"contrast": name, "value": m + s * value, "density": np.exp(-(value**2) / 2) / s}
        )
        for name, m, s in zip(names, mean, sd, strict=True)
    ]
    table = pd.DataFrame(
        {"contrast": names, "mean": mean, "ci_lb": mean - 2 * sd, "ci_ub": mean + 1.9 * sd}
    )
    table = table.assign(
        p_positive=np.linspace(0.04, 0.9, contrasts), exploratory=np.arange(contrasts) % 2 == 1
    )
    return pd.concat(curves[::-1]), table


def mirrored(table: pd.DataFrame) -> Figure:
    return figures.draw_mirrored(table, xlabel="Hedges' g", title="cells")


def ridge(contrasts: int) -> Figure:
    return figures.draw_ridge(
        *discrepancies(contrasts), rope=0.2, xlabel="Hedges' g", title="discrepancies"
    )


def points(ax: Axes, *, hollow: bool) -> np.ndarray:
    circles = [line for line in ax.lines if line.get_marker() == "o"]
    drawn = [
        line.get_xydata()
        for line in circles
        if (to_hex(line.get_markerfacecolor()) == "#ffffff") == hollow
    ]
    return np.vstack([np.empty((0, 2)), *drawn])


def words_of(texts: list[Text]) -> list[str]:
    return [text.get_text().replace("\n", " ") for text in texts]


def within(axis: Axis, low: float, high: float) -> list[Text]:
    """Return the tick labels that are drawn; matplotlib keeps others beyond the limits."""
    ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
    return [
        label
        for tick in ticks
        if low <= tick.get_loc() <= high
        for label in (tick.label1, tick.label2)
    ]


def check_texts(figure: Figure) -> None:
    """No text covers another, none leaves the page."""
    figure.draw_without_rendering()
    legend = figure.legends[0]
    texts = [*figure.texts, *legend.get_texts(), legend.get_title()]
    for ax in figure.axes:
        texts += ax.texts
        if ax.axison:
            texts += [
                *within(ax.xaxis, *ax.get_xlim()),
                *within(ax.yaxis, *sorted(ax.get_ylim())),
                ax.title,
            ]
            texts += [ax.xaxis.label, ax.yaxis.label]
    assert not overlaps(texts)
    extents = np.array([text.get_window_extent().extents for text in texts if text.get_text()])
    assert extents.min() >= 0
    assert (extents[:, 2:] <= figure.bbox.size).all()


def test_mirrored_draws_each_side_on_the_shared_rows() -> None:
    table = two_sides(5)
    figure = mirrored(table)
    left, between, right = figure.axes
    for side, ax in (("human", left), ("animal", right)):
        rows = table[table["side"] == side].set_index("cell").loc[named(5)]
        y = np.arange(5)
        np.testing.assert_allclose(
            segments(ax, "95 % credible"), np.c_[rows[["ci_lb", "ci_ub"]], y]
        )
        np.testing.assert_allclose(
            segments(ax, "95 % prediction"), np.c_[rows[["pi_lb", "pi_ub"]], y]
        )
        np.testing.assert_allclose(points(ax, hollow=False), np.c_[rows["mean"], y])
        assert words_of(ax.get_yticklabels()) == [f"{k} / 4" for k in rows["k"]]
        assert words_of(ax.get_yticklabels(minor=True)) == ["effects / studies"]
        assert (ax.get_title(), ax.yaxis_inverted(), ax.xaxis_inverted()) == (side, True, False)
        assert any(set(line.get_xdata()) == {0} for line in ax.lines)
    thick, thin = (line.get_linewidth() for line in figure.legends[0].get_lines()[:2])
    assert thick > thin
    assert left.get_xlim() == right.get_xlim()
    assert left.get_ylim() == right.get_ylim() == between.get_ylim()
    assert words_of(between.texts) == [words(cell) for cell in named(5)]
    assert [text.get_position()[1] for text in between.texts] == [0, 1, 2, 3, 4]
    assert figure.legends[0].get_title().get_text() == "Hedges' g"


def test_mirrored_puts_the_numbers_outside_and_the_names_between() -> None:
    figure = mirrored(two_sides(3))
    figure.draw_without_rendering()
    left, between, right = figure.axes
    assert all(label.get_window_extent().x1 < left.bbox.x0 for label in left.get_yticklabels())
    assert all(label.get_window_extent().x0 > right.bbox.x1 for label in right.get_yticklabels())
    boxes = [text.get_window_extent() for text in between.texts]
    assert left.bbox.x1 < min(box.x0 for box in boxes)
    assert max(box.x1 for box in boxes) < right.bbox.x0
    for y, box in enumerate(boxes):
        assert left.transData.transform((0, y))[1] == pytest.approx((box.y0 + box.y1) / 2, abs=3)


def test_mirrored_draws_few_studies_hollow_and_says_so() -> None:
    table = two_sides(3)
    assert "hollow: fewer than 4 studies" not in legend_words(mirrored(table))
    table.loc[1, "studies"] = 3
    figure = mirrored(table)
    np.testing.assert_allclose(points(figure.axes[0], hollow=True), [[table["mean"][1], 1]])
    np.testing.assert_allclose(points(figure.axes[0], hollow=False)[:, 1], [0, 2])
    assert not len(points(figure.axes[2], hollow=True))
    assert legend_words(figure)[-1] == "hollow: fewer than 4 studies"


@pytest.mark.parametrize("absent", ["row", "mean"])
def test_mirrored_says_where_a_side_has_no_data(absent: str) -> None:
    table = two_sides(3)
    if absent == "row":
        table = table.drop(index=4)
    else:
        table.loc[4, table.columns.difference(["cell", "side", "studies"])] = np.nan
        table.loc[4, "studies"] = 0
    left, _, right = mirrored(table).axes
    assert not left.texts
    assert [(text.get_text(), text.get_position()[1]) for text in right.texts] == [("no data", 1)]
    assert words_of(right.get_yticklabels())[1] == ""
    np.testing.assert_allclose(points(right, hollow=False)[:, 1], [0, 2])
    assert not len(points(right, hollow=True))


def test_mirrored_names_what_is_predicted_and_leaves_out_a_missing_interval() -> None:
    table = two_sides(2).assign(pi_level="group")
    table.loc[0, ["pi_lb", "pi_ub"]] = np.nan
    figure = mirrored(table)
    assert "95 % prediction interval, new group" in legend_words(figure)
    np.testing.assert_allclose(segments(figure.axes[0], "95 % prediction")[:, 2], [1])


def test_mirrored_needs_two_sides() -> None:
    with pytest.raises(ValueError, match="zip"):
        mirrored(two_sides(2).query("side == 'human'"))


@pytest.mark.parametrize("rows", [1, 4, 15])
def test_no_text_overlaps_in_mirrored_and_ridge(rows: int) -> None:
    table = two_sides(rows).assign(pi_level="study")
    table.loc[rows:, "studies"] = 3
    check_texts(mirrored(table))
    check_texts(ridge(rows))
