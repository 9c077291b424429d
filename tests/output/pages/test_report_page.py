"""The report: every number from a cell, nothing from elsewhere, the command that makes what is missing."""

import base64
import gzip
import io
import re
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pytest
from test_pages import Structure

from bayesmeta.output.pages import facts, number, read_results, report_page
from bayesmeta.output.pages.pictures import address, described, shown_picture, trimmed
from bayesmeta.output.pages.sections import CONTENTS
from bayesmeta.output.pages.tables import csv_link, shown_table
from report_folder import make_folder

CELL = re.compile(r'<data value="([^"]*)" data-cell="([^"|]*)\|([^"|]*)\|([^"]*)" title="[^"]*">([^<]*)</data>')


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "toy")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder that no test changes, and its page."""
    made = make_folder(tmp_path_factory.mktemp("report") / "toy")
    return made, page(made)


def page(folder: Path) -> str:
    return report_page(read_results(folder))


def change(folder: Path, name: str, column: str, value: object) -> None:
    path = folder / "tables" / f"{name}.csv"
    table = pd.read_csv(path)
    table.loc[0, column] = value
    table.to_csv(path, index=False)


def test_the_page_is_sound_in_order_and_needs_nothing_else(whole: tuple[Path, str]) -> None:
    _, text = whole
    found = Structure(text)
    assert len(found.ids) == len(set(found.ids))
    inner = [link for link in found.links if link.startswith("#")]
    assert {link.removeprefix("#") for link in inner} <= set(found.ids)
    contents = {key: title for key, title in CONTENTS.items() if key != "discrepancy"}  # a table of one's own has none
    assert inner[: len(contents)] == [f"#{key}" for key in contents]
    assert [title for title in found.titles if title.strip()] == list(contents.values())
    assert {link.split("/")[2] for link in found.links if link.startswith("http")} <= {"doi.org"}
    assert all(source.startswith("data:") for source in re.findall(r'\bsrc="([^"]*)"', text))
    assert not re.search(r"@import|url\(\s*[\"']?http|<link|<iframe", text)
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text


def test_every_number_in_prose_is_that_of_its_cell(whole: tuple[Path, str]) -> None:
    folder, text = whole
    tables = facts.with_facts(read_results(folder))
    found = CELL.findall(text)
    assert len(found) > 60
    pairs = [column for _, table, _, column, _ in found if table == "bias_cells"]
    assert pairs[:6] == ["mean", "ci_lb", "ci_ub"] * 2
    for value, table, place, column, shown in found:
        rows = tables[table]
        for part in unescaped(place).split(","):
            name, _, wanted = part.partition("=")
            rows = rows[rows[name].astype(str) == wanted]
        assert len(rows) == 1, place
        whole = rows[column].iloc[0]
        assert unescaped(value) == str(whole)
        if not isinstance(whole, str):
            digits = len(shown.partition(".")[2])
            assert shown.lstrip("+") in {number(float(whole) * scale, digits) for scale in (1, 100)}


def unescaped(text: str) -> str:
    for sign, code in (("<", "&lt;"), (">", "&gt;"), ('"', "&#34;"), ("'", "&#39;"), ("&", "&amp;")):
        text = text.replace(code, sign)
    return text


def test_table_cells_carry_whole_values_in_their_columns(whole: tuple[Path, str]) -> None:
    folder, text = whole
    shown = re.search(r'<table data-table="terms".*?</table>', text, re.DOTALL)
    assert shown is not None
    columns = re.findall(r'data-column="([^"]*)"', shown[0])
    table = pd.read_csv(folder / "tables" / "terms.csv")
    assert columns == list(table)
    rows = re.findall(r"<tr>(<td.*?)</tr>", shown[0])
    values = [re.findall(r'data-value="([^"]*)"', row) for row in rows]
    assert [[float(value) for value in row] for row in values] == table[columns[1:]].to_numpy().tolist()
    assert 'class="text label">neutral, learning<' in rows[0]


def test_a_changed_table_changes_the_page_and_is_marked(folder: Path, whole: tuple[Path, str]) -> None:
    assert "changed since it was written" not in whole[1]
    assert "none is." in whole[1]
    change(folder, "terms", "mean", 7.257)
    change(folder, "comparison", "estimate", 8.134)
    after = page(folder)
    assert 'data-value="7.257">7.257<' in after
    assert 'value="8.134" data-cell="comparison|term=neutral:learning|estimate"' in after
    assert re.search(r'data-table="terms"><caption>Terms <strong class="changed">changed since', after)
    assert after.count("changed since it was written") == 2
    (folder / "figures" / "forest.csv").write_text("x\n1\n")
    assert page(folder).count("changed since it was written") == 3


def test_missing_parts_say_which_command_makes_them(folder: Path, whole: tuple[Path, str]) -> None:
    text = whole[1]
    for verb in ("screen", "multiverse", "lint", "report"):
        assert f"<code>bayesmeta {verb} --dataset toy</code>" in text
    assert "bayesmeta compare --dataset toy</code> makes it" not in text
    assert "bayesmeta fit --dataset translational" not in text
    row = {"part": "public sheets", "step": "set", "kept": True, "count": 3, "unit": "effects", "what": "effects"}
    flow = pd.DataFrame([row])
    flow.to_csv(folder / "tables" / "flow.csv", index=False)  # of the record of persons and animals
    assert "bayesmeta fit --dataset translational" in page(folder)
    for name in ("comparison", "check", "convergence", "bias_cells", "influence_changes"):
        (folder / "tables" / f"{name}.csv").unlink()
    bare = page(folder)
    for verb in ("compare", "check"):
        assert f"<code>bayesmeta {verb} --dataset toy</code> makes it" in bare
    sections = re.findall(r"<section.*?</section>", bare, re.DOTALL)
    assert len(sections) == len(CONTENTS)
    assert all(re.search(r"<(p|table|li)\b", section.split("</h2>")[1]) for section in sections)
    assert not re.search(r"</h3>\s*(<h3|</section)", bare)


def test_verdicts_stand_in_their_sections(whole: tuple[Path, str]) -> None:
    _, text = whole
    bias = text[text.index('id="bias"') : text.index('id="influence"')]
    assert 'class="verdict review">review<' in bias
    assert ">5 % of &lt; them &amp; more</data>" in bias
    assert 'class="verdict passed"' in text[text.index('id="diagnostics"') : text.index('id="methods"')]
    assert "few draws" in text


def test_the_moderator_analysis_of_risk_of_bias_is_no_assessment(folder: Path) -> None:
    path = folder / "tables" / "risk_of_bias.csv"
    pd.DataFrame({"analysis": ["risk of bias"], "term": ["slope"], "estimate": [-1.0]}).to_csv(path, index=False)
    text = page(folder)
    data, rest = text[: text.index('id="estimates"')], text[text.index('id="schools"') :]
    assert "Risk of bias of each item: not in this folder" in data
    assert 'data-table="risk_of_bias"' in rest
    pd.DataFrame({"item": ["blinding"], "yes": [3]}).to_csv(path.with_name("risk_of_bias_items.csv"), index=False)
    text = page(folder)
    data, rest = text[: text.index('id="estimates"')], text[text.index('id="schools"') :]
    assert 'data-table="risk_of_bias_items"' in data
    assert 'data-table="risk_of_bias_items"' not in rest


def test_long_tables_are_cut_and_their_files_are_not(whole: tuple[Path, str]) -> None:
    folder, text = whole
    start = text.index('data-table="influence_changes"')
    shown = text[start : text.index("</div>", text.index('class="keep"', start))]
    assert shown.count("<tr>") == 201
    assert "The first 200 of 3000 rows" in shown
    address_of = re.search(r'download="influence_changes.csv.gz" href="data:application/gzip;base64,([^"]*)"', shown)
    assert address_of is not None
    written = (folder / "tables" / "influence_changes.csv").read_bytes()
    assert gzip.decompress(base64.b64decode(address_of[1])) == written


def test_small_files_are_links_as_they_are(whole: tuple[Path, str]) -> None:
    folder, text = whole
    content = (folder / "tables" / "contrasts.csv").read_bytes()
    link = csv_link("screening/contrasts", content)
    assert link["file"] == "screening-contrasts.csv"
    kept = unquote(link["href"].partition(",")[2])
    pd.testing.assert_frame_equal(pd.read_csv(io.StringIO(kept)), pd.read_csv(io.BytesIO(content)))
    assert f'download="contrasts.csv" href="{csv_link("contrasts", content)["href"]}"' in text


def test_tables_that_no_section_shows_can_be_kept_all_the_same(folder: Path) -> None:
    pd.DataFrame({"x": [1]}).to_csv(folder / "tables" / "curious.csv", index=False)
    before, after = page(folder).split('id="provenance"')
    assert 'download="curious.csv"' in after
    assert 'download="contrasts.csv"' in before
    assert 'download="contrasts.csv"' not in after


def test_simulated_data_are_marked(tmp_path: Path, whole: tuple[Path, str]) -> None:
    assert "SYNTHETIC</span> simulated data" not in whole[1]
    assert "SYNTHETIC</span> simulated data" in page(make_folder(tmp_path / "twin", synthetic=True))


def test_a_picture_is_inside_the_page_and_says_what_it_shows(folder: Path) -> None:
    shown = shown_picture("forest", folder / "figures" / "forest.svg")
    assert shown["src"].startswith("data:image/svg+xml,<svg ")
    assert not set('"#&') & set(shown["src"])
    assert [link["file"] for link in shown["data"]] == ["forest.csv"]
    assert described("funnel_fear-memory").startswith("Fear, memory. Residuals of the effects")
    assert shown_picture("funnel_fear-memory", folder / "figures" / "funnel_fear-memory.svg")["data"] == []


def test_heavy_pictures_are_shown_as_png(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bayesmeta.output.pages.pictures.HEAVY", 10)
    shown = shown_picture("forest", folder / "figures" / "forest.svg")
    assert (shown["kind"], shown["src"][:22]) == ("png", "data:image/png;base64,")


def test_an_svg_keeps_its_picture_but_not_its_last_digits() -> None:
    svg = '<?xml?>\n<svg a="1"><g id="p" transform="scale(0.015625)"/>\n<path d="M 1.23456 -7.5 \nL 2 3"/></svg>'
    assert trimmed(svg) == '<svg a="1"><g id="p" transform="scale(0.015625)"/> <path d="M 1.23 -7.5 L 2 3"/></svg>'
    assert address('<a b="#50%&amp;"/>') == "data:image/svg+xml,<a b='%2350%25%26amp;'/>"
    assert address('<a b="it\'s"/>') == "data:image/svg+xml,<a b=%22it's%22/>"


def test_counts_with_missing_ones_among_them_stay_counts() -> None:
    table = pd.DataFrame({"study": ["a", "b"], "k": [3.0, None], "p": [1.0, 0.0], "note": ["x", None]})
    rows = shown_table("any", "Any", table)["rows"]
    assert [cell["shown"] for cell in rows[0]] == ["a", "3", "1.000", "x"]
    assert [(cell["shown"], cell["value"], cell["text"]) for cell in rows[1]][1:4:2] == [
        ("–", None, False),
        ("–", None, True),
    ]
