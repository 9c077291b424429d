"""The funnel draws its tables, precise effects on top, and counts the effects outside."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from test_figures import legend_words

from bayesmeta.estimates.text import probability_statement
from bayesmeta.output import figures

NAMES = ["egger", "egger_size", "skewness", "significant", "step"]


def tables(names: list[str] = NAMES) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(2)
    seen = pd.DataFrame(
        {
            "which": "observed",
            "cell": np.where(np.arange(400) < 100, "fear:memory", "neutral:memory"),
        }
    ).assign(residual=rng.normal(0.5, 1, 400), se=rng.uniform(0.2, 1, 400))
    seen.loc[0, ["residual", "se"]] = 60.0, 9.0
    cloud = seen.assign(
        which="replicate", residual=rng.normal(0, 1, 400), se=rng.uniform(0.2, 1, 400)
    )
    rows = pd.MultiIndex.from_product(
        [["all", "fear:memory"], names], names=["cell", "statistic"]
    ).to_frame(index=False)
    statistics = rows.assign(observed=np.arange(len(rows)) / 4, p=np.linspace(0, 0.9, len(rows)))
    draws = rows.merge(pd.DataFrame({"draw": range(200)}), how="cross")
    draws = draws.assign(replicate=rng.normal(0, 1, len(draws)), naive=rng.normal(1, 1, len(draws)))
    return pd.concat([seen, cloud]), statistics, draws


def lines(ax: Axes, style: str) -> list[np.ndarray]:
    return [np.asarray(line.get_xydata()) for line in ax.lines if line.get_linestyle() == style]


def drawn(**choices: object) -> Figure:
    return figures.draw_funnel(*tables(), title="a funnel", **choices)  # type: ignore[arg-type]


def test_funnel_draws_the_observed_effects_over_the_cloud_with_precise_ones_on_top() -> None:
    points = tables()[0]
    ax = drawn().axes[0]
    (seen,) = (line for line in ax.lines if line.get_marker() == "o")
    assert seen.get_xydata() == pytest.approx(
        points.query("which == 'observed'")[["residual", "se"]].to_numpy()
    )
    bottom, top = ax.get_ylim()
    assert (bottom > 1, top) == (True, 0)
    (cloud,) = (artist for artist in ax.collections if isinstance(artist, PolyCollection))
    left, right = ax.get_xlim()
    within = points["residual"].between(left, right) & (points["se"] < bottom)
    inside = points[within & (points["which"] == "replicate")]
    assert np.asarray(cloud.get_array()).sum() == len(inside)
    out = points[~within & (points["which"] == "observed")]
    assert [text.get_text() for text in ax.texts] == [f"effects beyond the axes: {len(out)}"]
    assert right < 60


@pytest.mark.parametrize(("zero", "start"), [(None, 0.0), (-1.5, -1.5)])
def test_lines_of_significance_start_where_there_is_no_effect(
    zero: float | None, start: float
) -> None:
    ax = drawn(zero=zero).axes[0]
    for style, z in (("--", 1.959964), (":", 2.575829)):
        ends = lines(ax, style)
        assert [line[0].tolist() for line in ends] == [[start, 0]] * 2
        assert [(line[1, 0] - start) / line[1, 1] for line in ends] == pytest.approx([-z, z])


@pytest.mark.parametrize("cell", ["all", "fear:memory"])
def test_panels_hold_the_replicates_and_the_observed_value_of_their_cell(cell: str) -> None:
    points, statistics, draws = tables()
    ax, *panels = drawn(cell=cell).axes
    cell_statistics = statistics.query("cell == @cell")
    assert [panel.lines[0].get_xdata()[0] for panel in panels] == cell_statistics[
        "observed"
    ].tolist()
    assert [panel.get_title("left").split("\n")[1] for panel in panels] == [
        probability_statement("p", p, draws=200) for p in cell_statistics["p"]
    ]
    for panel, name in zip(panels, NAMES, strict=True):
        steps = panel.patches[0].get_xy()
        values = draws[(draws["cell"] == cell) & (draws["statistic"] == name)]["replicate"]
        edges = np.unique(steps[:, 0])
        heights = steps[1 : 2 * len(edges) - 1 : 2, 1]
        assert len(heights) == 24
        assert heights == pytest.approx(np.histogram(values, edges)[0], abs=1)
    (seen,) = (line for line in ax.lines if line.get_marker() == "o")
    shown = points.query("which == 'observed'")
    assert len(seen.get_xdata()) == (400 if cell == "all" else (shown["cell"] == cell).sum())


def test_legend_names_everything_and_a_missing_statistic_has_no_panel() -> None:
    figure = figures.draw_funnel(*tables([NAMES[0], NAMES[2]]), title="a funnel")
    assert len(figure.axes) == 3
    assert legend_words(figure) == [
        "observed effects",
        "p = .05 of the residual",
        "p = .01 of the residual",
        "replicates without selection",
        "the same, variances held fixed",
        "observed",
    ]


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.0, "p < .003"),
        (0.0123, "p = .012"),
        (0.5, "p = .50"),
        (1.0, "p > .997"),
        (0.99, "p = .990"),
    ],
)
def test_p_values_are_no_finer_than_the_draws(p: float, text: str) -> None:
    assert probability_statement("p", p, draws=300) == text
