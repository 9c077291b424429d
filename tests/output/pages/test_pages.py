"""The page of a check shows its tables, leaves out missing ones, and is accessible."""

import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from bayesmeta.output import figures, pages
from bayesmeta.output.pages.check import CHECKS
from bayesmeta.output.pages.tables import side_by_side

NAMES = ("funnel", "bias", "baujat", "gosh", "sensitivity")
VERDICTS = [
    ("convergence", "passed", "0 divergences"),
    ("funnel", "review", "small studies report larger effects"),
    ("influence", "passed", "no single study changes a conclusion"),
    ("bias models", "failed", "PET < 0 & PEESE > 0"),
]
ABOUT = {
    **{
        "dataset": "toy",
        "model": "three-level",
        "title": "A toy",
        "synthetic": False,
        "notes": ["a note"],
    },
    **{"k": 12, "studies": 5, "source": "bayesmeta 0, seed 1", "verdicts": VERDICTS},
}


class Structure(HTMLParser):
    """Tags open and close in order; collects ids, links, headings and what pictures say."""

    VOID = ("meta", "link", "br", "img", "hr")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: Counter[str] = Counter()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.pictures: list[dict[str, str | None]] = []
        self.titles: list[str] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        structure = dict(attrs)
        self.seen[tag] += 1
        self.ids += [str(structure["id"])] if "id" in structure else []
        self.links += [str(structure["href"])] if tag == "a" else []
        self.pictures += [structure] if tag == "svg" else []
        self.open += [] if tag in self.VOID else [tag]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [str(value) for name, value in attrs if name == "id"]

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "h2":
            self.titles.append(data)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("figures")
    for name in NAMES:
        figure = Figure()
        figure.add_subplot().plot([0, 1], [0, 1], "o")
        figures.save(figure, folder / name, pd.DataFrame(), synthetic=False, source="s")
    return {name: folder / f"{name}.svg" for name in NAMES}


def intervals(across: str, values: list[str]) -> pd.DataFrame:
    pairs = pd.MultiIndex.from_product(
        [["z:memory", "fear - neutral"], values], names=["contrast", across]
    )
    table = pairs.to_frame(index=False)
    return table.assign(mean=np.arange(len(table)) - 1.25, ci_lb=-2.0, ci_ub=7.5)


def tables(rows: int = 3) -> dict[str, pd.DataFrame]:
    changes = {
        "contrast": "fear - neutral",
        "study": [f"s{i}" for i in range(rows)],
        "k": 2,
        "p_without": 0.00001,
    }
    psense = {
        "contrast": ["a <b>"],
        "prior": [0.071],
        "likelihood": [np.nan],
        "diagnosis": ["prior-data conflict"],
    }
    return {
        "convergence": pd.DataFrame({"diagnostic": ["R-hat"], "value": [1.004], "passed": [True]}),
        "funnel": pd.DataFrame({"statistic": ["egger"], "p": [0.031]}),
        "bias_cells": intervals("model", ["unadjusted", "PET", "PEESE", "selection"]),
        "bias_models": pd.DataFrame({"model": ["PET"], "elpd": [-197.09], "difference": [-19.709]}),
        "influence_changes": pd.DataFrame(changes),
        "varying_tau": pd.DataFrame({"moderator": ["dose"], "p": [0.4]}),
        "psense": pd.DataFrame(psense),
        "prior_refits": intervals("label", ["base analysis", "terms: tight, sd .71"]),
    }


def page(drawn: dict[str, Path], rows: int = 3, **about: Any) -> str:
    return pages.check_page(tables(rows), drawn, ABOUT | about)


def test_the_whole_page_is_sound_and_in_order(drawn: dict[str, Path]) -> None:
    text = page(drawn)
    structure = Structure(text)
    assert structure.titles == ["Verdict", *(section.heading for section in CHECKS)]
    assert len(structure.ids) == len(set(structure.ids))
    assert {link.removeprefix("#") for link in structure.links} <= set(structure.ids)
    assert structure.links == ["#convergence", "#funnel", "#influence", "#bias-models"]
    references = set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', text))
    assert {first or second for first, second in references} <= set(structure.ids)
    assert [picture["role"] for picture in structure.pictures] == ["img"] * len(NAMES)
    assert all(len(str(picture["aria-label"])) > 40 for picture in structure.pictures)
    assert not re.search(r'(src|href)="(https?:)?//', text)
    assert "prefers-color-scheme: dark" in text
    assert 'name="viewport"' in text


def test_the_verdicts_come_first_and_are_counted(drawn: dict[str, Path]) -> None:
    text = page(drawn)
    assert "Failed: 1, review: 1, passed: 2" in text
    assert 'class="verdict failed">failed<' in text
    assert "PET &lt; 0 &amp; PEESE &gt; 0" in text
    assert text.index("PET &lt; 0") < text.index("<section")
    with pytest.raises(KeyError):
        page(drawn, verdicts=[("funnel", "fine", "s")])


def test_tables_are_shown_as_they_are(drawn: dict[str, Path]) -> None:
    text = page(drawn)
    for shown in (
        "a &lt;b&gt;",
        "0.071",
        "<td>–</td>",
        "1.0e−05",
        "−197.1<",
        "−19.709",
        "<td>2</td>",
        ">yes<",
        '<th scope="col">p without<',
    ):
        assert shown in text
    assert "SYNTHETIC" not in text
    assert "SYNTHETIC" in page(drawn, synthetic=True)


def test_intervals_stand_side_by_side_in_their_order() -> None:
    wide = side_by_side(tables()["bias_cells"], "model")
    assert wide.columns.tolist() == ["contrast", "unadjusted", "PET", "PEESE", "selection"]
    assert wide["contrast"].tolist() == ["z:memory", "fear - neutral"]
    assert wide.loc[1, "PET"] == "3.75\N{NO-BREAK SPACE}[−2.00,\N{NO-BREAK SPACE}7.50]"
    uneven = side_by_side(
        tables()["bias_cells"].iloc[:-1].rename(columns={"contrast": "term"}), "model"
    )
    assert uneven["selection"].isna().tolist() == [False, True]


@pytest.mark.parametrize(
    ("rows", "folded", "shown", "note"), [(12, 0, 12, 0), (13, 1, 13, 0), (130, 1, 40, 90)]
)
def test_long_tables_are_folded_and_very_long_ones_cut(
    drawn: dict[str, Path], rows: int, folded: int, shown: int, note: int
) -> None:
    text = page(drawn, rows)
    structure = Structure(text)
    assert structure.seen["details"] == folded
    assert len(set(re.findall(r">(s\d+)<", text))) == shown
    assert (f"{note} more rows are in tables/influence_changes.csv" in text) == (note > 0)
    assert (f"({rows} rows)" in text) == (folded > 0)


@pytest.mark.parametrize("left_out", range(len(CHECKS)))
def test_sections_without_tables_and_figures_are_left_out(
    drawn: dict[str, Path], left_out: int
) -> None:
    gone = CHECKS[left_out]
    some = {name: table for name, table in tables().items() if name not in gone.tables}
    kept = {name: path for name, path in drawn.items() if name not in gone.figures}
    text = pages.check_page(some, kept, ABOUT)
    assert Structure(text).titles[1:] == [
        section.heading for section in CHECKS if section is not gone
    ]
    assert f'href="#{gone.name.replace(" ", "-")}"' not in text
    only = pages.check_page({}, kept, ABOUT)
    assert Structure(only).titles[1:] == [
        section.heading for section in CHECKS if set(section.figures) & set(kept)
    ]
