"""The figure of the priors draws its tables: every interval, both sensitivities, the threshold."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from test_figures import legend_words, overlaps, segments

from bayesmeta.output import figures
from bayesmeta.output.figures.sensitivity import COLOURS

PRIORS = ["base analysis", *(f"tau: prior {at}" for at in range(4)), "terms: tight, sd .71"]


def tables(rows: int, priors: int = 6) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return contrasts with long names and two taus; the refits have another order and contrast."""
    names = [
        f"emotion x organism, phase {row}: a_state - an_other_state" for row in range(rows - 2)
    ]
    psense = pd.DataFrame({"contrast": [*names, "tau_human:study", "tau_group"]})
    psense = psense.assign(prior=np.linspace(0, 0.3, rows), likelihood=np.linspace(0.2, 0.01, rows))
    psense["diagnosis"] = ["neither", *["prior-data conflict"] * (rows - 2), "prior dominates"]
    pairs = pd.MultiIndex.from_product([PRIORS[:priors], [*psense["contrast"][::-1], "elsewhere"]])
    refits = pairs.to_frame(index=False, name=["label", "contrast"])
    mean = np.sin(np.arange(len(refits)))
    return psense, refits.assign(mean=mean, ci_lb=mean - 0.4, ci_ub=mean + 0.5)


def drawn(rows: int, priors: int = 6) -> Figure:
    psense, refits = tables(rows, priors)
    return figures.draw_sensitivity(
        psense, refits, title="Do the priors decide?", xlabel="Hedges' g"
    )


def marks(ax: Axes, marker: str) -> np.ndarray:
    return np.vstack(
        [np.asarray(line.get_xydata()) for line in ax.lines if line.get_marker() == marker]
    )


@pytest.mark.parametrize(("rows", "priors"), [(3, 1), (14, 6)])
def test_every_interval_is_in_the_row_of_its_contrast(rows: int, priors: int) -> None:
    psense, refits = tables(rows, priors)
    left = drawn(rows, priors).axes[0]
    heights = []
    for label in PRIORS[:priors]:
        expected = refits[(refits["label"] == label) & (refits["contrast"] != "elsewhere")]
        intervals = segments(left, label)
        np.testing.assert_allclose(intervals[:, :2], expected[["ci_lb", "ci_ub"]])
        assert (
            np.round(intervals[:, 2]).tolist()
            == expected["contrast"].map(psense["contrast"].tolist().index).tolist()
        )
        heights.append(intervals[:, 2])
    gaps = np.diff(np.sort(np.concatenate(heights)))
    assert gaps.min() > 0.1
    middle = marks(left, "o")
    np.testing.assert_allclose(
        np.sort(middle[:, 0]), np.sort(refits.query("contrast != 'elsewhere'")["mean"])
    )
    bottom, top = left.get_ylim()
    assert bottom > top


def test_both_sensitivities_and_the_threshold() -> None:
    psense, _ = tables(5)
    right = drawn(5).axes[1]
    np.testing.assert_allclose(marks(right, "o"), np.c_[psense["prior"], np.arange(5)])
    np.testing.assert_allclose(marks(right, "D"), np.c_[psense["likelihood"], np.arange(5)])
    (threshold,) = (line for line in right.lines if line.get_linestyle() == "--")
    assert list(threshold.get_xdata()) == [0.05, 0.05]
    diagnoses = {text.get_position()[1]: text.get_text().replace("\n", " ") for text in right.texts}
    assert diagnoses == {
        at: text for at, text in enumerate(psense["diagnosis"]) if text != "neither"
    }
    low, high = right.get_xlim()
    assert low < 0
    assert high > 0.3


def test_without_refits_the_sensitivities_stand_alone() -> None:
    psense, refits = tables(4)
    figure = figures.draw_sensitivity(psense, refits.iloc[:0], title="t", xlabel="x")
    (ax,) = figure.axes
    assert len(ax.get_yticklabels()) == 4
    assert legend_words(figure) == ["sensitivity to the prior", "sensitivity to the likelihood"]


@pytest.mark.parametrize("rows", [3, 14])
def test_texts_do_not_overlap_and_lie_inside(rows: int) -> None:
    figure = drawn(rows)
    figure.draw_without_rendering()
    texts = [text for ax in figure.axes for text in [*ax.texts, ax.xaxis.label]]
    texts += [
        *figure.axes[0].get_yticklabels(),
        *figure.axes[1].get_xticklabels(),
        *figure.legends[0].get_texts(),
    ]
    assert overlaps([text for text in texts if text.get_window_extent().width]) == []
    width, height = figure.bbox.size
    for text in texts:
        box = text.get_window_extent()
        assert -1 <= box.x0 <= box.x1 <= width + 1, text.get_text()
        assert -1 <= box.y0 <= box.y1 <= height + 1, text.get_text()
    left, right = (ax.get_position().width for ax in figure.axes)
    assert left > 0.4  # names and diagnoses are wrapped, and leave the panels their room
    assert right > 0.17
    assert legend_words(figure)[:6] == PRIORS
    assert len(set(COLOURS)) == len(COLOURS)
