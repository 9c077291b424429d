"""The report: every number from a cell, no other files, commands for missing parts."""

import base64
import gzip
import io
import re
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
from test_pages import Structure

from bayesmeta.estimates.text import number_text
from bayesmeta.output.pages import facts, read_results, report_page
from bayesmeta.output.pages.sections import CONTENTS
from bayesmeta.output.pages.tables import csv_link
from report_folder import make_folder

pytestmark = pytest.mark.wide

CELL = re.compile(
    r'<data value="([^"]*)" data-cell="([^"|]*)\|([^"|]*)\|([^"]*)" title="[^"]*">([^<]*)</data>'
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "toy")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return a folder that no test changes, and its page."""
    folder = make_folder(tmp_path_factory.mktemp("report") / "toy")
    return folder, page(folder)


def page(folder: Path) -> str:
    return report_page(read_results(folder))


def change(folder: Path, name: str, column: str, value: object) -> None:
    path = folder / "tables" / f"{name}.csv"
    table = pd.read_csv(path)
    table.loc[0, column] = value
    table.to_csv(path, index=False)


def test_the_page_is_sound_in_order_and_needs_nothing_else(report: tuple[Path, str]) -> None:
    _, text = report
    structure = Structure(text)
    assert len(structure.ids) == len(set(structure.ids))
    inner = [link for link in structure.links if link.startswith("#")]
    assert {link.removeprefix("#") for link in inner} <= set(structure.ids)
    contents = {key: title for key, title in CONTENTS.items() if key != "discrepancy"}
    assert inner[: len(contents)] == [f"#{key}" for key in contents]
    assert [title for title in structure.titles if title.strip()] == list(contents.values())
    assert {link.split("/")[2] for link in structure.links if link.startswith("http")} <= {
        "doi.org"
    }
    assert all(source.startswith("data:") for source in re.findall(r'\bsrc="([^"]*)"', text))
    assert not re.search(r"@import|url\(\s*[\"']?http|<link|<iframe", text)
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text


def test_every_number_in_prose_is_that_of_its_cell(report: tuple[Path, str]) -> None:
    folder, text = report
    tables = facts.with_facts(read_results(folder))
    structure = CELL.findall(text)
    assert len(structure) > 60
    pairs = [column for _, table, _, column, _ in structure if table == "bias_cells"]
    assert pairs[:6] == ["mean", "ci_lb", "ci_ub"] * 2
    for value, table, place, column, shown in structure:
        rows = tables[table]
        for part in unescaped(place).split(","):
            name, _, wanted = part.partition("=")
            rows = rows[rows[name].astype(str) == wanted]
        assert len(rows) == 1, place
        content = rows[column].iloc[0]
        assert unescaped(value) == str(content)
        if not isinstance(content, str):
            digits = len(shown.partition(".")[2])
            assert shown == number_text(float(content), digits)


def unescaped(text: str) -> str:
    for sign, code in (
        ("<", "&lt;"),
        (">", "&gt;"),
        ('"', "&#34;"),
        ("'", "&#39;"),
        ("&", "&amp;"),
    ):
        text = text.replace(code, sign)
    return text


def test_table_cells_carry_full_values_in_their_columns(report: tuple[Path, str]) -> None:
    folder, text = report
    shown = re.search(r'<table data-table="terms".*?</table>', text, re.DOTALL)
    assert shown is not None
    columns = re.findall(r'data-column="([^"]*)"', shown[0])
    table = pd.read_csv(folder / "tables" / "terms.csv")
    assert columns == list(table)
    rows = re.findall(r"<tr>(<td.*?)</tr>", shown[0])
    values = [re.findall(r'data-value="([^"]*)"', row) for row in rows]
    np.testing.assert_allclose(np.array(values, float), table[columns[1:]], rtol=5e-7)
    assert 'class="text label">neutral, learning<' in rows[0]


def test_a_changed_table_changes_the_page_and_is_marked(
    folder: Path, report: tuple[Path, str]
) -> None:
    assert "changed since it was written" not in report[1]
    assert "none is." in report[1]
    change(folder, "terms", "mean", 7.257)
    change(folder, "comparison", "estimate", 8.134)
    after = page(folder)
    assert 'data-value="7.257">7.257<' in after
    assert 'value="8.134" data-cell="comparison|term=neutral:learning|estimate"' in after
    assert re.search(
        r'data-table="terms"><caption>Terms <strong class="changed">changed since', after
    )
    assert after.count("changed since it was written") == 2
    (folder / "figures" / "forest.csv").write_text("x\n1\n")
    assert page(folder).count("changed since it was written") == 3


def test_missing_parts_say_which_command_makes_them(folder: Path, report: tuple[Path, str]) -> None:
    text = report[1]
    for verb in ("screen", "multiverse", "lint", "report"):
        assert f"<code>bayesmeta {verb} --dataset toy</code>" in text
    assert "bayesmeta compare --dataset toy</code> makes it" not in text
    for name in ("comparison", "check", "convergence", "bias_cells", "influence_changes"):
        (folder / "tables" / f"{name}.csv").unlink()
    bare = page(folder)
    for verb in ("compare", "check"):
        assert f"<code>bayesmeta {verb} --dataset toy</code> makes it" in bare
    sections = re.findall(r"<section.*?</section>", bare, re.DOTALL)
    assert len(sections) == len(CONTENTS) - 1
    assert all(re.search(r"<(p|table|li)\b", section.split("</h2>")[1]) for section in sections)
    assert not re.search(r"</h3>\s*(<h3|</section)", bare)


def test_only_a_model_with_sides_has_a_section_on_them(folder: Path) -> None:
    row = {"contrast": "fear: x - y", "first": "x", "second": "y", "exploratory": False}
    row |= {
        "mean": -0.7,
        "ci_lb": -1.2,
        "ci_ub": -0.3,
        "p_positive": 0.01,
        "conclusion": "x is lower",
    }
    assert 'id="discrepancy"' not in page(folder)
    pd.DataFrame([row]).to_csv(folder / "tables" / "discrepancies.csv", index=False)
    text = page(folder)
    section = text[text.index('id="discrepancy"') : text.index('id="bias"')]
    assert "<strong>fear: x − y</strong>" in section
    assert ">x is lower</data>" in section


def test_verdicts_stand_in_their_sections(report: tuple[Path, str]) -> None:
    _, text = report
    bias = text[text.index('id="bias"') : text.index('id="influence"')]
    assert 'class="verdict review">review<' in bias
    assert ">5 % of &lt; them &amp; more</data>" in bias
    assert (
        'class="verdict passed"'
        in text[text.index('id="diagnostics"') : text.index('id="methods"')]
    )
    assert "few draws" in text


def test_the_moderator_analysis_of_risk_of_bias_is_no_assessment(folder: Path) -> None:
    path = folder / "tables" / "risk_of_bias.csv"
    pd.DataFrame({"analysis": ["risk of bias"], "term": ["slope"], "estimate": [-1.0]}).to_csv(
        path, index=False
    )
    text = page(folder)
    data = text[: text.index('id="estimates"')]
    rest = text[text.index('id="frequentist"') :]
    assert "Risk of bias by item: not in this folder" in data
    assert 'data-table="risk_of_bias"' in rest
    pd.DataFrame({"item": ["blinding"], "yes": [3]}).to_csv(
        path.with_name("risk_of_bias_items.csv"), index=False
    )
    text = page(folder)
    data = text[: text.index('id="estimates"')]
    rest = text[text.index('id="frequentist"') :]
    assert 'data-table="risk_of_bias_items"' in data
    assert 'data-table="risk_of_bias_items"' not in rest


def test_long_tables_are_cut_and_their_files_are_not(report: tuple[Path, str]) -> None:
    folder, text = report
    start = text.index('data-table="influence_changes"')
    shown = text[start : text.index("</div>", text.index('class="download"', start))]
    assert shown.count("<tr>") == 41
    assert "The first 40 of 3000 rows" in shown
    address_of = re.search(
        r'download="influence_changes.csv.gz" href="data:application/gzip;base64,([^"]*)"', shown
    )
    assert address_of is not None
    written = (folder / "tables" / "influence_changes.csv").read_bytes()
    assert gzip.decompress(base64.b64decode(address_of[1])) == written


def test_small_files_are_links_as_they_are(report: tuple[Path, str]) -> None:
    folder, text = report
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


def test_simulated_data_are_marked(tmp_path: Path, report: tuple[Path, str]) -> None:
    assert "SYNTHETIC</span> simulated data" not in report[1]
    assert "SYNTHETIC</span> simulated data" in page(make_folder(tmp_path / "twin", synthetic=True))
