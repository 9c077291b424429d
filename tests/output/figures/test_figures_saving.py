"""A saved figure is complete, labelled and the same at every time."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from test_figures import cells, chains, studies

from bayesmeta.output import figures


def written(folder: Path, *, synthetic: bool) -> list[Path]:
    folder.mkdir()
    table = cells(3)
    figure = figures.draw_means(table, xlabel="g", title="cells")
    return figures.save(
        figure, folder / "forest.1", table, synthetic=synthetic, source="bayesmeta, seed 1"
    )


def test_save_writes_the_same_bytes_again(tmp_path: Path) -> None:
    first = written(tmp_path / "a", synthetic=True)
    second = written(tmp_path / "b", synthetic=True)
    assert [path.name for path in first] == ["forest.1.csv", "forest.1.png", "forest.1.svg"]
    assert sorted((tmp_path / "a").iterdir()) == first
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_one_figure_saved_twice_is_labelled_once(tmp_path: Path) -> None:
    figure = figures.draw_caterpillar(studies(3), xlabel="g", title="studies")
    for stem, synthetic in (("a", True), ("b", False), ("c", True)):
        figures.save(figure, tmp_path / stem, studies(3), synthetic=synthetic, source="seed 1")
    drawings = [tmp_path.joinpath(f"{stem}.svg").read_text() for stem in "abc"]
    assert [drawing.count(">SYNTHETIC</text>") for drawing in drawings] == [2, 0, 2]
    with Image.open(tmp_path / "a.png") as first, Image.open(tmp_path / "c.png") as other:
        assert first.tobytes() == other.tobytes()


@pytest.mark.parametrize("synthetic", [True, False])
def test_save_labels_synthetic_figures_and_their_source(tmp_path: Path, synthetic: bool) -> None:
    _, png, svg = written(tmp_path / "out", synthetic=synthetic)
    drawing = svg.read_text()
    assert drawing.count(">SYNTHETIC</text>") == 2 * synthetic
    assert ">bayesmeta, seed 1</text>" in drawing
    description = "SYNTHETIC: bayesmeta, seed 1" if synthetic else "bayesmeta, seed 1"
    assert f"<dc:description>{description}</dc:description>" in drawing
    assert "<dc:date>" not in drawing
    with Image.open(png) as image:
        assert image.info["Description"] == description
        assert image.info["dpi"] == pytest.approx((150, 150), abs=0.1)
        strong = np.all(np.asarray(image.convert("RGB")) == (0xD5, 0x5E, 0x00), axis=-1)
    assert (strong.sum() > 1000) == synthetic


def test_the_legend_stays_above_the_source(tmp_path: Path) -> None:
    figure = figures.draw_caterpillar(studies(3), xlabel="g", title="studies")
    _, png, _ = figures.save(
        figure, tmp_path / "figure", studies(3), synthetic=False, source="seed 1"
    )
    with Image.open(png) as image:
        margin = np.asarray(image.convert("RGB"))[-30:].astype(int)
    assert margin.min() < 200
    assert np.ptp(margin, axis=-1).max() < 10


def test_a_label_is_not_read_as_mathematics(tmp_path: Path) -> None:
    table = cells(1).assign(term=r"$\frac$")
    figure = figures.draw_means(table, xlabel="$", title=r"$\sqrt$")
    assert len(figures.save(figure, tmp_path / "figure", table, synthetic=False, source="$^$")) == 3


def test_the_table_comes_back_to_nine_digits(tmp_path: Path) -> None:
    csv, *_ = written(tmp_path / "out", synthetic=False)
    pd.testing.assert_frame_equal(pd.read_csv(csv), cells(3), rtol=1e-8, atol=0)


def test_several_tables_are_named(tmp_path: Path) -> None:
    values = chains(1, "draw", 4)
    counts = chains(1, "bin", 2)
    figure = figures.draw_trace(values, counts, title="chains")
    files = figures.save(
        figure, tmp_path / "c", {"trace": values, "ranks": counts}, synthetic=False, source="seed 1"
    )
    assert [path.name for path in files] == ["c-ranks.csv", "c-trace.csv", "c.png", "c.svg"]


def test_a_failed_save_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = cells(2)
    figure = figures.draw_means(table, xlabel="g", title="cells")
    with pytest.raises(FileNotFoundError):
        figures.save(
            figure, tmp_path / "nowhere" / "forest", table, synthetic=True, source="seed 1"
        )

    def full(*_: object, **__: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    with pytest.raises(OSError, match="No space"):
        figures.save(figure, tmp_path / "forest", table, synthetic=True, source="seed 1")
    assert not list(tmp_path.iterdir())
    assert [text.get_text() for text in figure.texts] == ["cells"]
