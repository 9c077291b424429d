"""Figures of estimates, chains and comparisons draw their tables; no text covers another."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.text import Text

from bayesmeta.output import figures


def cells(rows: int) -> pd.DataFrame:
    mean = np.linspace(-1.2, 0.4, rows)
    return pd.DataFrame(
        {
            "term": [f"fear {row}:long_memory" for row in range(rows)],
            "mean": mean,
            "ci_lb": mean - 0.3,
            "ci_ub": mean + 0.2,
            "pi_lb": mean - 1.5,
            "pi_ub": mean + 1.4,
            "pi_level": "group",
            "k": np.arange(rows) + 10,
            "studies": np.arange(rows) + 3,
        }
    )


def studies(*sizes: int) -> pd.DataFrame:
    """Means within a cell go up and down, so that their order is not the table's."""
    return pd.concat(
        [
            pd.DataFrame(
                {"term": f"fear:phase {size}", "study": [f"Author {row}" for row in range(size)]}
            ).assign(
                mean=np.sin(np.arange(size)),
                ci_lb=lambda rows: rows["mean"] - 0.5,
                ci_ub=lambda rows: rows["mean"] + 0.4,
                k=2,
                term_mean=0.1,
                term_ci_lb=-0.2,
                term_ci_ub=0.3,
            )
            for size in sizes
        ],
        ignore_index=True,
    )


def chains(parameters: int, column: str, points: int) -> pd.DataFrame:
    rows = pd.MultiIndex.from_product(
        [[f"tau_{at}" for at in range(parameters)], range(4), range(points)],
        names=["parameter", "chain", column],
    ).to_frame(index=False)
    return rows.assign(value=np.cos(rows.index), count=rows.index % 7 + 1, expected=4.0)


def densities(*levels: str) -> pd.DataFrame:
    tau = np.linspace(0, 2, 5)
    curves = [(level, which) for level in levels for which in ("prior", "posterior")]
    return pd.concat(
        pd.DataFrame({"level": level, "which": which, "tau": tau, "density": np.exp(-tau) + row})
        for row, (level, which) in enumerate(curves)
    )


def segments(ax: Axes, label: str) -> np.ndarray:
    """Return the horizontal lines with a label (lines, 3): left, right, height."""
    (lines,) = (artist for artist in ax.collections if artist.get_label().startswith(label))
    assert isinstance(lines, LineCollection)
    return np.array(
        [(line[0, 0], line[1, 0], line[0, 1]) for line in lines.get_segments() if len(line)]
    )


def legend_words(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def overlaps(texts: list[Text]) -> list[tuple[str, str]]:
    texts = [text for text in texts if text.get_text() and text.get_visible()]
    left, bottom, right, top = np.array([text.get_window_extent().extents for text in texts]).T[
        :, :, None
    ]
    before = (left < right.T) & (bottom < top.T)
    return [
        (texts[i].get_text(), texts[j].get_text())
        for i, j in np.argwhere(np.triu(before & before.T, 1))
    ]


def test_forest_draws_the_table_from_the_top() -> None:
    table = cells(4).sample(frac=1, random_state=1)
    (ax,) = figures.draw_means(table, xlabel="Hedges' g", title="cells").axes
    y = np.arange(4)
    np.testing.assert_allclose(segments(ax, "95 % credible"), np.c_[table[["ci_lb", "ci_ub"]], y])
    np.testing.assert_allclose(segments(ax, "95 % prediction"), np.c_[table[["pi_lb", "pi_ub"]], y])
    (points,) = (line for line in ax.lines if line.get_marker() == "o")
    np.testing.assert_allclose(points.get_xydata(), np.c_[table["mean"], y])
    assert ax.yaxis_inverted()
    assert [label.get_text() for label in ax.get_yticklabels()] == [
        term.replace(":", ", ").replace("_", " ") for term in table["term"]
    ]
    assert ax.get_xlabel() == "Hedges' g"


def test_forest_says_the_numbers_and_what_is_thick_and_thin() -> None:
    table = cells(1).assign(
        mean=-0.9444, ci_lb=-1.2351, ci_ub=-0.0001, k=12, studies=7, pi_level="study"
    )
    (ax,) = figures.draw_means(table, xlabel="g", title="cells").axes
    texts = [text.get_text() for text in ax.texts]
    assert texts == ["mean [95 % interval]", "−0.94 [−1.24, 0.00]", "effects", "12", "studies", "7"]
    legend = ax.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == [
        "95 % credible interval",
        "95 % prediction interval, new study",
    ]
    thick, thin = (line.get_linewidth() for line in legend.get_lines())
    assert thick > thin


def test_forest_leaves_out_a_missing_prediction_interval() -> None:
    table = cells(3)
    table.loc[1, ["pi_lb", "pi_ub"]] = np.nan
    (ax,) = figures.draw_means(table, xlabel="g", title="cells").axes
    np.testing.assert_allclose(segments(ax, "95 % prediction")[:, 2], [0, 2])
    assert np.isfinite(ax.get_xlim()).all()


def test_caterpillar_sorts_within_panels_and_shows_the_cell() -> None:
    table = studies(5, 30)
    figure = figures.draw_caterpillar(table, xlabel="g", title="studies")
    for size, ax in zip((5, 30), figure.axes, strict=True):
        rows = table[table["term"] == f"fear:phase {size}"].sort_values("mean")
        y = np.arange(size)
        np.testing.assert_allclose(segments(ax, "study, 95 %"), np.c_[rows[["ci_lb", "ci_ub"]], y])
        (points,) = (artist for artist in ax.collections if artist.get_label() == "study, mean")
        np.testing.assert_allclose(points.get_offsets(), np.c_[rows["mean"], y])
        (band,) = ax.patches
        assert (band.get_x(), band.get_x() + band.get_width()) == pytest.approx((-0.2, 0.3))
        assert ax.get_title(loc="left") == f"fear, phase {size} (studies: {size})"
    labels = [[label.get_text() for label in ax.get_yticklabels()] for ax in figure.axes]
    assert labels == [table[:5].sort_values("mean")["study"].tolist(), []]
    assert figure.legends[0].get_title().get_text() == "g"


def test_trace_and_ranks_draw_every_chain() -> None:
    values = chains(2, "draw", 6)
    counts = chains(2, "bin", 3)
    figure = figures.draw_trace(values, counts, title="chains")
    (left, right, *below) = figure.axes
    assert len(below) == 2
    for chain, line in enumerate(left.lines):
        rows = values[(values["parameter"] == "tau_0") & (values["chain"] == chain)]
        np.testing.assert_array_equal(line.get_xydata(), rows[["draw", "value"]])
    expected, *steps = right.lines
    assert set(expected.get_ydata()) == {4.0}
    assert len(steps) == 4
    for chain, line in enumerate(steps):
        rows = counts[(counts["parameter"] == "tau_0") & (counts["chain"] == chain)]
        np.testing.assert_array_equal(line.get_xydata()[:-1], rows[["bin", "count"]])
        assert line.get_drawstyle() == "steps-post"
    assert len({line.get_color() for line in steps}) == 4
    assert [line.get_color() for line in left.lines] == [line.get_color() for line in steps]
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["tau 0", "tau 0", "tau 1", "tau 1"]
    assert legend_words(figure) == ["expected", "chain 0", "chain 1", "chain 2", "chain 3"]


def test_prior_and_posterior_start_at_zero() -> None:
    table = densities("study", "group")
    figure = figures.draw_prior_posterior(table, title="tau")
    assert [ax.get_xlabel() for ax in figure.axes] == ["tau, study", "tau, group"]
    for level, ax in zip(("study", "group"), figure.axes, strict=True):
        assert ax.get_xlim()[0] == ax.get_ylim()[0] == 0
        for which, line in zip(("prior", "posterior"), ax.lines, strict=True):
            rows = table[(table["level"] == level) & (table["which"] == which)]
            assert line.get_label() == which
            np.testing.assert_array_equal(line.get_xydata(), rows[["tau", "density"]])


def test_a_panel_too_few_is_an_error() -> None:
    with pytest.raises(ValueError, match="zip"):
        figures.caterpillar(studies(3, 4), [Figure().add_subplot()])


@pytest.mark.parametrize("rows", [1, 3, 100])
def test_no_text_overlaps_in_a_forest(rows: int) -> None:
    figure = figures.draw_means(cells(rows), xlabel="g", title="cells")
    figure.draw_without_rendering()
    (ax,) = figure.axes
    legend = ax.get_legend()
    assert legend is not None
    assert not overlaps(
        [*ax.texts, *ax.get_yticklabels(), *legend.get_texts(), *figure.texts, ax.xaxis.label]
    )
    page = figure.bbox
    for text in (*ax.texts, *ax.get_yticklabels()):
        box = text.get_window_extent()
        assert page.x0 <= box.x0
        assert box.x1 <= page.x1


@pytest.mark.parametrize("sizes", [(3,), (12, 12, 100, 7), (100,)])
def test_no_text_overlaps_among_panels(sizes: tuple[int, ...]) -> None:
    figure = figures.draw_caterpillar(
        studies(*sizes), xlabel="a label of some length", title="studies"
    )
    figure.draw_without_rendering()
    legend = figure.legends[0]
    texts = [*figure.texts, *legend.get_texts(), legend.get_title()]
    for ax in figure.axes:
        low, high = ax.get_xlim()
        texts += [label for label in ax.get_xticklabels() if low <= label.get_position()[0] <= high]
        texts += [ax._left_title, *ax.get_yticklabels()]
    assert not overlaps(texts)


def test_twelve_parameters_are_readable() -> None:
    figure = figures.draw_trace(chains(12, "draw", 5), chains(12, "bin", 5), title="chains")
    figure.draw_without_rendering()
    for upper, lower in pairwise(figure.axes[::2]):
        assert upper.get_window_extent().y0 > lower._left_title.get_window_extent().y1
    assert min(ax.get_window_extent().height for ax in figure.axes) > 0.5 * figure.dpi


def test_the_style_stays_inside() -> None:
    before = dict(rcParams)
    figures.draw_means(cells(2), xlabel="g", title="cells")
    assert dict(rcParams) == before
