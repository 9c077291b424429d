"""Paired intervals draw their table row by row."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bayesmeta.output import figures


def paired_table() -> pd.DataFrame:
    rows = [
        {"term": term, "source": source, "estimate": i + j / 10, "ci_lb": i - 0.5, "ci_ub": i + 0.5}
        for i, term in enumerate(["fear:memory", "neutral:memory"])
        for j, source in enumerate(["paper", "REML", "Bayes"])
    ]
    return pd.DataFrame(rows)


def test_paired_intervals_are_the_table_row_by_row() -> None:
    table = paired_table()
    ax = figures.paired(table, Figure().add_subplot())
    points = {line.get_label(): line for line in ax.lines if line.get_marker() == "o"}
    for source, rows in table.groupby("source"):
        np.testing.assert_array_equal(points[source].get_xdata(), rows["estimate"])
        np.testing.assert_array_equal(np.round(points[source].get_ydata()), [0, 1])
    spans = [segment[:, 0].tolist() for lines in ax.collections for segment in lines.get_segments()]
    assert sorted(spans) == sorted(table[["ci_lb", "ci_ub"]].to_numpy().tolist())
    assert [label.get_text() for label in ax.get_yticklabels()] == [
        "fear, memory",
        "neutral, memory",
    ]
    # the paper's interval stands above ours
    assert points["paper"].get_ydata()[0] < points["Bayes"].get_ydata()[0]


def test_a_matrix_shows_direction_and_size_by_type() -> None:
    rows = [("A", "fear:memory", 0.4, 0.01, 9, 3), ("A", "all", -0.4, 0.2, 5, 2)]
    rows += [("B", "fear:memory", -1.5, 0.049, 7, 6)]
    names = ["analysis", "term", "estimate", "pval", "k", "studies"]
    table = pd.DataFrame(rows, columns=names)
    (ax,) = figures.draw_comparison_types(table, xlabel="g", title="t").axes
    texts = {text.get_position(): text.get_text() for text in ax.texts}
    assert texts == {
        (0, -0.03): "▲ 0.40",
        (0, 0.07): "k = 9 in 3",
        (0, 0.97): "○ −0.40",
        (0, 1.07): "k = 5 in 2",
        (1, -0.03): "▼ −1.50",
        (1, 0.07): "k = 7 in 6",
    }
    assert [label.get_text() for label in ax.get_xticklabels()] == ["A", "B"]


def test_profiles_draw_one_curve_of_each_kind_per_level() -> None:
    table = pd.DataFrame(
        {
            "level": ["study"] * 4 + ["group"] * 4,
            "which": ["profile likelihood", "profile likelihood", "posterior", "posterior"] * 2,
            "tau": [0.0, 1.0] * 4,
            "height": [0.1, 1.0, 0.2, 1.0] * 2,
        }
    )
    figure = figures.draw_profiles(table, title="t")
    assert [ax.get_xlabel() for ax in figure.axes] == ["tau, study", "tau, group"]
    assert [line.get_label() for line in figure.axes[0].lines] == [
        "profile likelihood",
        "posterior",
    ]
    np.testing.assert_array_equal(figure.axes[1].lines[0].get_ydata(), [0.1, 1.0])
