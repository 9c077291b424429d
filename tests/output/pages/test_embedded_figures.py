"""Figures and tables inside a page."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bayesmeta.output.pages.embedded_figures import embedded_figure, svg_address, trimmed
from bayesmeta.output.pages.sections import caption_of
from bayesmeta.output.pages.tables import shown_table
from report_folder import make_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "toy")


def test_a_picture_is_inside_the_page_and_says_what_it_shows(folder: Path) -> None:
    shown = embedded_figure("forest", folder / "figures" / "forest.svg")
    assert shown["src"].startswith("data:image/svg+xml,<svg ")
    assert not set('"#&') & set(shown["src"])
    assert [link["file"] for link in shown["data"]] == ["forest.csv"]
    assert caption_of("funnel_fear-memory").startswith("Fear, memory. Residuals of the effects")
    assert (
        embedded_figure("funnel_fear-memory", folder / "figures" / "funnel_fear-memory.svg")["data"]
        == []
    )


def test_heavy_pictures_are_shown_as_png(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bayesmeta.output.pages.embedded_figures.MAX_SVG", 10)
    shown = embedded_figure("forest", folder / "figures" / "forest.svg")
    assert (shown["kind"], shown["src"][:22]) == ("png", "data:image/png;base64,")


def test_an_svg_keeps_its_picture_but_not_its_last_digits() -> None:
    start = '<svg a="1"><g transform="scale(0.015625)"/>'
    svg = f'<?xml?>\n{start}\n<path d="M 1.23456 -7.5 \nL 2 3"/></svg>'
    assert trimmed(svg) == f'{start}<path d="M 1.23 -7.5 L 2 3"/></svg>'
    assert svg_address('<a b="#50%&amp;"/>') == "data:image/svg+xml,<a b='%2350%25%26amp;'/>"
    assert svg_address('<a b="it\'s"/>') == "data:image/svg+xml,<a b=%22it's%22/>"


def test_elements_with_the_same_style_share_a_class() -> None:
    marks = [(1.234, "red"), (2, "red"), (3, "blue"), (4, "red")]
    uses = [f'<use xlink:href="#m" x="{x}" style="fill: {fill}"/>' for x, fill in marks]
    svg = f'<svg a="1"><!-- marks --> <g id="use_1"><path id="m"/> {" ".join(uses)}</g></svg>'
    red = '<use xlink:href="#m" x="{}" class="s0"/>'
    expected = (
        '<svg a="1"><style>.s0{fill: red}</style><g><path id="m"/>'
        + red.format(1.23) + red.format(2)
        + '<use xlink:href="#m" x="3" style="fill: blue"/>' + red.format(4) + "</g></svg>"
    )  # fmt: skip
    assert trimmed(svg) == expected


def test_large_data_are_a_file_beside_the_page(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = folder / "figures" / "forest.csv"
    rows = np.random.default_rng(1).normal(size=(20_000, 2))
    pd.DataFrame(rows).to_csv(table, index=False)
    (link,) = embedded_figure("forest", folder / "figures" / "forest.svg")["data"]
    assert link == {"file": "forest.csv", "href": "figures/forest.csv"}
    assert (folder / link["href"]).read_bytes() == table.read_bytes()
    monkeypatch.setattr("bayesmeta.output.pages.tables.LARGEST", 10_000_000)
    (link,) = embedded_figure("forest", folder / "figures" / "forest.svg")["data"]
    assert link["href"].startswith("data:application/gzip")


def test_counts_with_missing_ones_among_them_stay_counts() -> None:
    table = pd.DataFrame(
        {"study": ["a", "b"], "k": [3.0, None], "p": [1.0, 0.0], "note": ["x", None]}
    )
    rows = shown_table("any", "Any", table)["rows"]
    assert [cell["shown"] for cell in rows[0]] == ["a", "3", "1.000", "x"]
    assert [(cell["shown"], cell["value"], cell["text"]) for cell in rows[1]][1:4:2] == [
        ("–", None, False),
        ("–", None, True),
    ]
