"""What the pictures of influence show is in their tables; names stand where they can be read."""

import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from test_figures import legend_words

from bayesmeta.estimates.text import words
from bayesmeta.output import figures
from bayesmeta.output.figures.influence import MIN_INFLUENCE, NAMED
from bayesmeta.output.figures.style import BLUE, MAX_SHAPES, VERMILLION


def points(ax: Axes) -> np.ndarray:
    """Every scattered point of an axes, sorted."""
    parts = [
        np.asarray(artist.get_offsets())
        for artist in ax.collections
        if isinstance(artist, PathCollection)
    ]
    return np.array(sorted(np.vstack(parts).tolist()))


@pytest.fixture
def studies() -> pd.DataFrame:
    """Sixty studies; the most influential lie close together."""
    rng = np.random.default_rng(1)
    table = pd.DataFrame(
        {
            "study": [f"1234{i:04d}" for i in range(60)],
            "k": rng.integers(1, 40, 60),
            "misfit": np.exp(rng.normal(0, 1, 60)),
            "influence": np.exp(rng.normal(-6, 2, 60)),
            "cell": rng.choice(["fear:memory", "neutral:learning"], 60),
        }
    )
    table.loc[:3, ["misfit", "influence"]] = [[3.0, 5.0], [3.05, 5.1], [3.1, 4.9], [3.0, 4.8]]
    table.loc[59, "influence"] = 1e-12
    return table


def test_baujat_draws_every_study_and_names_the_highest(studies: pd.DataFrame) -> None:
    figure = figures.draw_baujat(studies, title="influence")
    (ax,) = figure.axes
    want = studies.assign(influence=studies["influence"].clip(lower=MIN_INFLUENCE))[
        ["misfit", "influence"]
    ]
    assert points(ax) == pytest.approx(np.array(sorted(want.to_numpy().tolist())))
    named = set(studies.nlargest(NAMED, "misfit")["study"]) | set(
        studies.nlargest(NAMED, "influence")["study"]
    )
    assert {text.get_text() for text in ax.texts} == named
    assert legend_words(figure) == ["fear, memory", "neutral, learning", "as predicted"]
    areas = {artist.get_label(): artist.get_sizes() for artist in ax.collections}
    fear = studies[studies["cell"] == "fear:memory"]
    assert np.argsort(areas["fear, memory"]).tolist() == np.argsort(fear["k"]).tolist()


def test_names_cover_neither_each_other_nor_the_edge(studies: pd.DataFrame) -> None:
    figure = figures.draw_baujat(studies, title="influence")
    (ax,) = figure.axes
    figure.draw_without_rendering()
    page = ax.get_window_extent()
    boxes = [text.get_window_extent() for text in ax.texts]
    assert not any(box.overlaps(other) for box, other in itertools.combinations(boxes, 2))
    assert all(
        page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1
        for box in boxes
    )
    for text, box in zip(ax.texts, boxes, strict=True):
        row = studies.set_index("study").loc[text.get_text()]
        at = ax.transData.transform((row["misfit"], max(row["influence"], MIN_INFLUENCE)))
        gap = np.hypot(*(at - at.clip((box.x0, box.y0), (box.x1, box.y1))))
        assert gap < 25 or any(
            np.allclose(ax.transData.transform(line.get_xydata())[0], at) for line in ax.lines[1:]
        )


def subsets() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    parts = [
        pd.DataFrame(
            {
                "contrast": name,
                "mean": rng.normal(place, 1, 200),
                "heterogeneity": rng.uniform(0, 1, 200),
            }
        )
        for place, name in enumerate(["fear:memory", "memory: fear - neutral", "c", "d"])
    ]
    table = pd.concat(parts, ignore_index=True)
    return table.assign(study="s1", includes=rng.random(800) < 0.3)


def test_gosh_draws_each_subset_in_the_colour_of_the_study_being_in() -> None:
    table = subsets()
    figure = figures.draw_gosh(table, title="subsets", xlabel="g")
    assert len(figure.axes) == 8
    for (contrast, rows), above, below in zip(
        table.groupby("contrast", sort=False), figure.axes[::2], figure.axes[1::2], strict=True
    ):
        (cloud,) = (artist for artist in below.collections if isinstance(artist, PathCollection))
        np.testing.assert_allclose(cloud.get_offsets(), rows[["mean", "heterogeneity"]])
        colours = [to_hex(colour).upper() for colour in cloud.get_facecolors()]  # type: ignore[attr-defined]
        assert colours == [VERMILLION if inside else BLUE for inside in rows["includes"]]
        assert cloud.get_rasterized() == (len(rows) > MAX_SHAPES)
        heights = [patch.get_xy()[1:81:2, 1] for patch in above.patches]  # type: ignore[attr-defined]
        assert [part.sum() for part in heights] == [
            rows["includes"].sum(),
            (~rows["includes"]).sum(),
        ]
        assert above.get_xlim() == below.get_xlim()
        title = words(contrast)
        assert above.get_title("left") == f"{title}\ns1"
    assert legend_words(figure) == ["with the study named above", "without it"]
    assert figure.legends[0].get_title().get_text() == "mean on a subset of studies, g"


def test_leave_one_out_puts_the_worst_first_and_names_where_sampling_fails() -> None:
    table = pd.DataFrame(
        {
            "study": list("abcd"),
            "k": [1, 2, 4, 1],
            "elpd": [-1.0, -40.0, -2.0, 0.5],
            "k_hat": [0.1, 0.9, 0.75, -0.1],
        }
    ).assign(how=["PSIS", "refitted", "refitted", "PSIS"])
    figure = figures.draw_leave_one_out(table, title="elpd")
    upper, lower = figure.axes
    assert points(upper).tolist() == [[1, 0.9], [2, 0.1], [3, 0.75], [4, -0.1]]
    assert points(lower).tolist() == [[1, -20], [2, -1], [3, -0.5], [4, 0.5]]
    assert {text.get_text() for text in upper.texts} == {"b", "c"}
    assert {text.get_text() for text in lower.texts} == {"b", "a", "c"}
    assert legend_words(figure) == [
        "elpd PSIS",
        "elpd refitted",
        "above: importance sampling fails",
    ]
    low, high = lower.get_ylim()
    assert low < -20
    assert high > 0.5


def test_without_names_nothing_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    table = pd.DataFrame({"study": ["a", "b"], "k": 1, "elpd": -1.0, "k_hat": 0.1, "how": "exact"})
    upper, _ = figures.draw_leave_one_out(table, title="elpd").axes
    assert not upper.texts
    assert capsys.readouterr().out == ""
