"""Orchard, flow and risk of bias draw their tables; of many points a sample is drawn."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from test_figures import legend_words, segments

from bayesmeta.output import figures
from bayesmeta.output.figures.orchard import SIZES


def effects(count: int) -> pd.DataFrame:
    """Two terms, and effects of both in turn; the first is the most precise."""
    terms = pd.DataFrame(
        {"part": "term", "term": ["fear:memory", "fear:learning"], "estimate": [0.5, -0.5]}
    )
    terms = terms.assign(ci_lb=[0.2, -0.9], ci_ub=[0.8, -0.1], pi_lb=[-1.0, -2.0], pi_ub=[2.0, 1.0])
    terms = terms.assign(pi_level="group", k=[12, 1234], studies=[5, 300])
    rows = pd.DataFrame({"part": "effect", "term": np.resize(terms["term"], count)})
    rows = rows.assign(estimate=np.sin(np.arange(count)), se=np.linspace(0.1, 1, count))
    return pd.concat([terms, rows], ignore_index=True)


def points(ax: Axes) -> np.ndarray:
    """Columns: place, height, diameter of every effect."""
    drawn = [line for line in ax.lines if line.get_marker() == "o" and line.get_color() != "white"]
    return np.vstack(
        [
            np.c_[line.get_xydata(), np.full(len(line.get_xdata()), line.get_markersize())]
            for line in drawn
        ]
    )


def test_orchard_draws_every_effect_by_its_precision_around_its_term() -> None:
    table = effects(40)
    (ax,) = figures.draw_orchard(table, xlabel="g", title="effects").axes
    rows = table[table["part"] == "effect"]
    seen = points(ax)
    seen = seen[np.argsort(seen[:, 0])]
    rows = rows.sort_values("estimate")
    np.testing.assert_allclose(seen[:, 0], rows["estimate"])
    assert (np.abs(seen[:, 1] - rows["term"].eq("fear:learning")) < 0.4).all()
    wanted = SIZES[-1] * np.sqrt(0.1 / rows["se"])
    assert np.abs(seen[:, 2] - wanted).max() <= (SIZES[1] - SIZES[0]) / 2 + 1e-9
    np.testing.assert_allclose(segments(ax, "95 % credible"), [[0.2, 0.8, 0], [-0.9, -0.1, 1]])
    np.testing.assert_allclose(segments(ax, "95 % prediction"), [[-1, 2, 0], [-2, 1, 1]])
    assert [text.get_text() for text in ax.texts] == [
        "effects",
        "12",
        "1234",
        "studies",
        "5",
        "300",
    ]
    assert [label.get_text() for label in ax.get_yticklabels()] == [
        "fear, memory",
        "fear, learning",
    ]
    again = points(figures.draw_orchard(table, xlabel="g", title="effects").axes[0])
    np.testing.assert_array_equal(np.sort(again[:, 1]), np.sort(seen[:, 1]))


def test_orchard_thins_many_effects_and_says_so(tmp_path: Path) -> None:
    figure = figures.draw_orchard(effects(100_000), xlabel="g", title="effects")
    assert len(points(figure.axes[0])) == 3000
    assert legend_words(figure)[0] == "effect, 3,000 of 100,000 drawn (area: precision)"
    figures.save(figure, tmp_path / "orchard", effects(2), synthetic=False, source="test")
    svg = (tmp_path / "orchard.svg").read_text()
    assert len(svg) < 600_000
    assert "<image" not in svg


def test_orchard_counts_the_effects_beyond_its_axis() -> None:
    table = effects(2000)
    table.loc[table.index[-3:], "estimate"] = [50.0, -60.0, 70.0]
    (ax,) = figures.draw_orchard(table, xlabel="g", title="effects").axes
    assert ax.texts[-1].get_text() == "effects beyond the axis: 3"
    assert max(ax.get_xlim()) < 3


def flow() -> pd.DataFrame:
    rows = [
        ("screening", "screened", True, 1653, "records screened"),
        ("screening", "included", True, 92, "clinical studies"),
        ("screening", "included", True, 182, "preclinical studies"),
        ("effects", "read", True, 1200, "rows"),
        ("effects", "set", False, 150, "without numbers"),
        ("effects", "set", False, 50, "of other species"),
        ("effects", "set", True, 1000, "effects"),
    ]
    return pd.DataFrame(rows, columns=["part", "step", "kept", "count", "what"])


def test_flow_has_a_box_per_count_and_the_reasons_beside_the_arrow() -> None:
    (ax,) = figures.draw_flow(flow(), title="flow").axes
    places = {text.get_text(): text.get_position() for text in ax.texts if text.get_text()}
    assert list(places) == [
        "screening", "1,653 records screened", "92 clinical studies", "182 preclinical studies",
        "effects", "1,200 rows", "150 without numbers\n50 of other species", "1,000 effects",
    ]  # fmt: skip
    screened, clinical, preclinical = list(places.values())[1:4]
    assert clinical[1] == preclinical[1] > screened[1]
    assert clinical[0] < screened[0] < preclinical[0]
    rows, out, kept = list(places.values())[5:]
    assert rows[1] < out[1] < kept[1]
    assert rows[0] == kept[0] < out[0]
    boxes = [patch.get_path().get_extents() for patch in ax.patches]
    assert len(boxes) == 6
    beside, last = (next(box for box in boxes if box.contains(*place)) for place in (out, kept))
    assert beside.y1 < last.y0


def test_bars_share_out_the_studies_with_their_numbers() -> None:
    table = pd.DataFrame(
        {"form": ["a", "a", "b"], "item": ["blinded", "random", "same"], "yes": [30, 300, 0]}
    )
    table = table.assign(
        unclear=[20, 0, 4],
        no=[50, 1, 0],
        assessed=[100, 301, 4],
        studies=400,
        basis="search 1 only",
    )
    figure = figures.draw_risk_of_bias(table, title="bias")
    first, second = figure.axes
    widths = np.array([[bar.get_width() for bar in bars] for bars in first.containers])
    np.testing.assert_allclose(widths.sum(axis=0), 100)
    np.testing.assert_allclose(widths[:, 0], [30, 20, 50])
    np.testing.assert_allclose([bars[0].get_x() for bars in first.containers], [0, 30, 50])
    assert [text.get_text() for text in first.texts] == ["30", "300", "20", "50"]
    assert [text.get_text() for text in second.texts] == ["4"]
    assert second.get_title(loc="left") == "b: 4 of 400 studies assessed"
    assert re.search("search 1 only", second.get_xlabel())
    assert legend_words(figure) == ["yes: low risk", "unclear", "no: high risk"]


@pytest.mark.parametrize("levels", [1, 7])
def test_flow_is_as_high_as_it_is_long(levels: int) -> None:
    table = pd.concat([flow()[3:4].assign(step=f"step {at}") for at in range(levels)])
    figure = figures.draw_flow(table, title="flow")
    low, high = figure.axes[0].get_ylim()
    assert (low, high) == (figure.get_size_inches()[1], 0)
    assert low > 0.5 * levels
