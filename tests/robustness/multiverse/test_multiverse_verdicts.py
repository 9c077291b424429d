"""What becomes of each conclusion: tables, sentences and the figure of hand-made refits."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from bayesmeta.estimates.text import probability_text
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.spec import read_spec
from bayesmeta.output import figures
from bayesmeta.output.figures.multiverse import COLOURS, EMPTY, draw_multiverse, multiverse_map
from bayesmeta.robustness import multiverse
from bayesmeta.robustness.multiverse import BASE, Alternative, Version
from bayesmeta.robustness.multiverse.verdicts import state

LONG = "contrast alternative label mean sd ci_lb ci_ub p_positive p_conclusion note"
ALTERNATIVES = "alternative label reason k studies changed log_bayes_factor"


def other(name: str, kind: str = "model") -> Alternative:
    """An alternative that is a name alone."""
    label = f"{name} in words"
    return Alternative(name, kind, label, "why", lambda analysis: None)  # type: ignore[arg-type]


def version(
    alternative: Alternative, data: str = "", missing: dict[str, str] | None = None
) -> Version:
    """A version that is a name alone."""
    weights = xr.DataArray(
        np.eye(2), {"contrast": ["up", "down"], "term": ["a", "b"]}, ("contrast", "term")
    )
    weights = weights.sel(contrast=[name for name in ("up", "down") if name not in (missing or {})])
    return Version(
        alternative, data, "", 10, 5, read_spec("intercept"), None, weights, missing or {}
    )


def refit(up: float, down: float, **others: object) -> pd.DataFrame:
    """A refit's table from the two probabilities; means differ where they do."""
    numbers = {"mean": [up, -down], "sd": 1.0, "ci_lb": 0.0, "ci_ub": 1.0, "p_positive": [up, down]}
    return pd.DataFrame({"contrast": ["up", "down"]} | numbers | others)


@pytest.fixture(scope="module")
def told() -> tuple[list[Version], dict[str, pd.DataFrame]]:
    """up is settled above zero and down below; the alternatives do this and that to them."""
    versions = [
        version(BASE),
        version(other("same")),
        version(other("weaker"), data="2 effects left out"),
        version(other("contrary")),
        version(other("empty"), missing={"up": "no data: a", "down": "no data: b"}),
        version(other("half"), missing={"up": "no data: a"}),
        version(other("worst", "deletion")),
    ]
    refitted = {
        "base": refit(0.99, 0.004, log_evidence=-10.0),
        "same": refit(0.99, 0.004, log_evidence=-12.5),
        "weaker": refit(0.9, 0.02, log_evidence=-3.0),
        "contrary": refit(0.3, 0.99, log_evidence=-9.0),
        "half": refit(0.5, 0.01).iloc[1:],
        "worst": refit(0.98, 0.2, note=["without s1", "without s2, the only study of b"]),
    }
    return versions, refitted


def test_the_long_table(told: tuple[list[Version], dict[str, pd.DataFrame]]) -> None:
    rows = multiverse.long_table(*told)
    assert " ".join(rows.columns) == LONG
    assert len(rows) == 14
    by = rows.set_index(["alternative", "contrast"])
    assert by.loc[("weaker", "up"), "p_conclusion"] == 0.9
    assert by.loc[("weaker", "down"), "p_conclusion"] == pytest.approx(0.98)
    assert by.loc["same", "note"].tolist() == ["as the base"] * 2
    assert by.loc["base", "note"].tolist() == ["", ""]
    assert by.loc["empty", "note"].tolist() == ["no data: a", "no data: b"]
    assert by.loc["empty", ["mean", "p_conclusion"]].isna().all(axis=None)
    assert by.loc["half", "note"].tolist() == ["no data: a", ""]
    assert by.loc["worst", "note"].tolist() == ["without s1", "without s2, the only study of b"]
    assert by.loc[("worst", "up"), "label"] == "worst in words"


def test_the_wide_table(told: tuple[list[Version], dict[str, pd.DataFrame]]) -> None:
    table = multiverse.wide_table(multiverse.long_table(*told))
    assert list(table.columns) == [
        "contrast",
        "direction",
        *(each.alternative.name for each in told[0]),
    ]
    assert table["contrast"].tolist() == ["up", "down"]
    assert table["direction"].tolist() == ["positive", "negative"]
    expected = [
        [0.99, 0.99, 0.9, 0.3, np.nan, np.nan, 0.98],
        [0.996, 0.996, 0.98, 0.01, np.nan, 0.99, 0.8],
    ]
    np.testing.assert_allclose(table.iloc[:, 2:].to_numpy(float), expected)


def test_what_each_alternative_is(told: tuple[list[Version], dict[str, pd.DataFrame]]) -> None:
    table = multiverse.alternatives_table(*told).set_index("alternative")
    assert " ".join(table.reset_index().columns) == ALTERNATIVES
    assert table.loc["base", ["changed", "log_bayes_factor", "k", "studies"]].tolist() == [
        "nothing",
        0.0,
        10,
        5,
    ]
    assert table.loc["same", "log_bayes_factor"] == -2.5
    # other data have evidence that says nothing beside the base's
    assert np.isnan(table.loc["weaker", "log_bayes_factor"])
    assert np.isnan(table.loc["half", "log_bayes_factor"])
    assert table.loc["weaker", "changed"] == "2 effects left out"


def test_sentences(told: tuple[list[Version], dict[str, pd.DataFrame]]) -> None:
    versions, refitted = told

    def verdicts(*names: str) -> pd.DataFrame:
        chosen = [each for each in versions if each.alternative.name in ("base", *names)]
        return multiverse.verdicts_table(multiverse.long_table(chosen, refitted)).set_index(
            "contrast"
        )

    every = verdicts(*refitted, "empty")
    up, down = every.loc["up"], every.loc["down"]
    assert up["sentence"] == (
        "up is above zero (P .990): changes sign under contrary (.30), weakens under weaker (.90), "
        "holds under the other 1"
        "; 2 without data for it."
    )
    assert up[["p_base", "asked", "least", "under", "verdict"]].tolist() == [
        0.99,
        3,
        0.3,
        "contrary",
        "changes sign",
    ]
    assert down["sentence"] == (
        "down is below zero (P .996): is overturned by contrary (.010), weakens under worst: "
        "without s2, the only study "
        "of b (.80), holds under the other 2; 1 without data for it."
    )
    assert down[["verdict", "under"]].tolist() == ["overturned", "contrary"]
    calm = verdicts("same", "half")
    assert (
        calm.loc["down", "sentence"]
        == "down is below zero (P .996): holds under its only alternative, half (.990)."
    )
    assert (
        calm.loc["up", "sentence"]
        == "up is above zero (P .990): no alternative applies to it; 1 without data for it."
    )
    assert calm["verdict"].tolist() == ["holds", "holds"]
    assert verdicts("weaker")["verdict"].tolist() == ["weakens", "holds"]


def test_sentences_on_what_the_base_leaves_open() -> None:
    versions = [version(BASE), version(other("one")), version(other("two"))]
    refitted = {"base": refit(0.8, 0.4), "one": refit(0.99, 0.6), "two": refit(0.3, 0.41)}
    found = multiverse.verdicts_table(multiverse.long_table(versions, refitted))
    assert found["verdict"].tolist() == ["open", "open"]
    assert found["sentence"].tolist() == [
        "up is probably above zero (P .80): not settled; "
        "from two (.30) to one (.990) over 2 alternatives.",
        "down is probably below zero (P .60): not settled; "
        "from one (.40) to two (.59) over 2 alternatives.",
    ]
    few = multiverse.verdicts_table(multiverse.long_table(versions[:2], refitted))["sentence"]
    assert (
        few[0]
        == "up is probably above zero (P .80): not settled; one (.990) under the only alternative."
    )
    none = multiverse.verdicts_table(multiverse.long_table(versions[:1], refitted))["sentence"]
    assert (
        none[0]
        == "up is probably above zero (P .80): not settled, and no alternative applies to it."
    )


@pytest.mark.parametrize(
    ("p", "text", "name"),
    [
        (0.9749, ".975", "open"),
        (0.975, ".975", "settled"),
        (0.9995, "> .999", "settled"),
        (0.5, ".50", "open"),
        (0.4999, ".50", "opposite"),
        (0.0004, "< .001", "opposite"),
        (np.nan, "–", "no data"),
    ],
)
def test_numbers_as_they_are_read(p: float, text: str, name: str) -> None:
    assert probability_text(p) == text
    assert state(p) == name


def test_a_refusal_is_told(told: tuple[list[Version], dict[str, pd.DataFrame]]) -> None:
    versions, refitted = told
    why = "it does not converge"
    heard = multiverse.with_refusals(versions, {"contrary": why, "half": why})
    rows = multiverse.long_table(heard, {name: refitted[name] for name in ("base", "worst")})
    notes = rows.groupby("alternative")["note"].agg(list)
    assert notes["contrary"] == [f"cannot be fitted: {why}"] * 2
    assert notes["half"] == ["no data: a", f"cannot be fitted: {why}"]
    with pytest.raises(BadInput, match="the base analysis cannot be fitted: no"):
        multiverse.with_refusals(versions, {"base": "no"})


def test_the_figure_shows_the_table(
    told: tuple[list[Version], dict[str, pd.DataFrame]], tmp_path: Path
) -> None:
    cells = multiverse.cells_table(multiverse.long_table(*told), told[0])
    ax = multiverse_map(cells, Figure().add_subplot())
    texts = [text.get_text() for text in ax.texts]
    assert texts[:14] == cells["text"].tolist()
    assert texts[14:] == ["model"]
    squares = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    corners = {
        (square.get_x() + 0.5, square.get_y() + 0.5): square.get_facecolor() for square in squares
    }
    assert set(corners) == {(x, y) for x in range(7) for y in range(2)}

    def rgb(colour: str) -> tuple[float, ...]:
        return tuple(int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))

    assert corners[0, 0] == pytest.approx((*rgb(COLOURS[-1]), 1))
    assert corners[2, 0] == pytest.approx((*rgb(COLOURS[-2]), 1))
    assert corners[3, 0] == pytest.approx((*rgb(COLOURS[3]), 1))
    assert corners[3, 1] == pytest.approx((*rgb(COLOURS[0]), 1))
    assert corners[4, 1] == pytest.approx((*rgb(EMPTY), 1))
    assert corners[1, 0][3] < 0.5  # as the base: pale
    marks = {line.get_marker(): [] for line in ax.lines if line.get_marker() != "None"}
    for line in ax.lines:
        if line.get_marker() in marks:
            marks[line.get_marker()].append(
                (round(line.get_xdata()[0] - 0.32), round(line.get_ydata()[0] + 0.3))
            )
    assert marks == {"o": [(2, 0), (6, 1)], "X": [(3, 0), (3, 1)]}
    assert [label.get_text() for label in ax.get_yticklabels()] == ["up  > 0", "down  < 0"]
    figure = draw_multiverse(cells, title="t")
    named = [text.get_text() for text in figure.legends[0].get_texts()]
    assert len(named) == 4
    assert [
        text.get_text()
        for text in draw_multiverse(cells[cells["alternative"] == "base"], title="t")
        .legends[0]
        .get_texts()
    ] == []
    written = figures.save(figure, tmp_path / "multiverse", cells, synthetic=False, source="here")
    assert [path.suffix for path in written] == [".csv", ".png", ".svg"]
