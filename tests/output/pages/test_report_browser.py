"""The report in a browser: without errors and requests, sortable, legible, fit for a phone."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from playwright.sync_api import Browser, Download, Page

from bayesmeta.output.pages import read_results, report_page
from browsers import CONTRASTS
from report_folder import make_folder

pytestmark = pytest.mark.wide


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = make_folder(tmp_path_factory.mktemp("report") / "toy")
    (made / "tables" / "prediction.csv").write_text(
        "term,level,pi_lb,pi_ub\nx,study,1,2\n"
    )  # so that it is marked
    (made / "index.html").write_text(report_page(read_results(made)), encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def wide(browser: Browser, folder: Path) -> Iterator[Page]:
    yield from opened(browser, folder)


def opened(browser: Browser, folder: Path, **options: Any) -> Iterator[Page]:
    """Yield the page; fail on an error on the console or a request for another address."""
    page = browser.new_page(
        **{"viewport": {"width": 1200, "height": 900}, "accept_downloads": True} | options
    )
    page.set_default_timeout(5000)
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on(
        "request",
        lambda request: messages.append(request.url) if asked_elsewhere(request.url) else None,
    )
    page.goto((folder / "index.html").as_uri())
    yield page
    page.close()
    assert messages == []


def asked_elsewhere(url: str) -> bool:
    return not url.startswith(("data:", "blob:")) and not url.endswith("/index.html")


def column(page: Page, table: str, name: str) -> list[float]:
    cells = f'table[data-table="{table}"] td:nth-child({position(page, table, name)})'
    return page.eval_on_selector_all(
        cells, "all => all.filter(e => e.checkVisibility()).map(e => +e.dataset.value)"
    )


def position(page: Page, table: str, name: str) -> int:
    heads = page.eval_on_selector_all(
        f'table[data-table="{table}"] th', "all => all.map(e => e.dataset.column)"
    )
    return 1 + heads.index(name)


def content_of(download: Download) -> bytes:
    return Path(download.path()).read_bytes()


def test_a_table_sorts_both_ways_by_its_full_values(wide: Page) -> None:
    before = column(wide, "contrasts", "mean")
    head = wide.locator('table[data-table="contrasts"] th').nth(1)
    assert before != sorted(before)
    head.locator("button").click()
    assert column(wide, "contrasts", "mean") == sorted(before)
    assert head.get_attribute("aria-sort") == "ascending"
    head.locator("button").press("Enter")
    assert column(wide, "contrasts", "mean") == sorted(before, reverse=True)
    assert head.get_attribute("aria-sort") == "descending"
    first = wide.locator('table[data-table="contrasts"] th').first
    first.locator("button").click()
    names = wide.locator('table[data-table="contrasts"] tbody td:first-child').all_inner_texts()
    assert names == sorted(names, key=str.lower)
    assert head.get_attribute("aria-sort") is None


def test_a_filter_leaves_the_rows_that_hold_its_words(wide: Page) -> None:
    box = wide.get_by_label("Filter: Contrasts")
    every = len(column(wide, "contrasts", "mean"))
    box.fill("FEAR, memory")
    assert len(column(wide, "contrasts", "mean")) == 3 < every
    box.fill("")
    assert len(column(wide, "contrasts", "mean")) == every
    assert wide.get_by_label("Filter: Terms").count() == 0


@pytest.mark.parametrize(
    "name", ["contrasts", "influence_changes"]
)  # a small table, and a compressed table
def test_the_download_has_the_numbers_of_the_table(wide: Page, folder: Path, name: str) -> None:
    wide.evaluate("document.querySelectorAll('details').forEach((e) => { e.open = true; })")
    link = wide.locator(f'.table:has(table[data-table="{name}"]) a.download')
    assert link.inner_text() == f"{name}.csv"
    with wide.expect_download() as caught:
        link.click()
    assert caught.value.suggested_filename == f"{name}.csv"
    kept = pd.read_csv(io.BytesIO(content_of(caught.value)))
    pd.testing.assert_frame_equal(kept, pd.read_csv(folder / "tables" / f"{name}.csv"))


def test_a_figure_is_enlarged_and_closed_again(wide: Page) -> None:
    dialog = wide.locator("dialog")
    zoom = wide.locator("#figure-forest button.zoom")
    assert wide.locator("#figure-forest img").evaluate("picture => picture.naturalWidth") > 100
    zoom.click()
    assert dialog.is_visible()
    assert dialog.locator("img").get_attribute("src") == zoom.locator("img").get_attribute("src")
    wide.keyboard.press("Escape")
    assert not dialog.is_visible()
    zoom.press("Enter")
    assert dialog.is_visible()
    dialog.get_by_text("Close").click()
    assert not dialog.is_visible()


def test_figures_are_kept_as_svg_png_and_data(wide: Page, folder: Path) -> None:
    figure = wide.locator("#figure-forest")
    kept = {}
    for words in ("SVG", "PNG", "data: forest.csv"):
        with wide.expect_download() as caught:
            figure.get_by_text(words).click()
        kept[caught.value.suggested_filename] = content_of(caught.value)
    assert kept["forest.svg"].startswith(b"<svg ")
    assert kept["forest.png"].startswith(b"\x89PNG\r\n")
    assert len(kept["forest.png"]) > 5000
    assert kept["forest.csv"] == (folder / "figures" / "forest.csv").read_bytes()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_is_legible(browser: Browser, folder: Path, scheme: str) -> None:
    for page in opened(browser, folder, color_scheme=scheme):
        page.evaluate("document.querySelectorAll('details').forEach((e) => { e.open = true; })")
        texts = page.evaluate(CONTRASTS)
        assert len(texts) > 400
        assert [text for text in texts if text[0] < 4.5 or text[1] < 1] == []
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (paper == "rgb(255, 255, 255)") == (scheme == "light")
        card = page.locator("figure").first.evaluate(
            "figure => getComputedStyle(figure).backgroundColor"
        )
        assert card == "rgb(255, 255, 255)"


def test_nothing_is_wider_than_a_phone(browser: Browser, folder: Path) -> None:
    for page in opened(browser, folder, viewport={"width": 390, "height": 844}):
        assert not page.locator("nav ol").is_visible()
        page.evaluate("document.querySelectorAll('details').forEach((e) => { e.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.locator("nav summary").click()
        page.locator("nav summary").click()
        page.locator('nav a[href="#bias"]').click()
        assert not page.locator("nav ol").is_visible()


def test_the_contents_stay_in_sight_on_wide_screens(wide: Page) -> None:
    wide.locator('nav a[href="#provenance"]').click()
    assert wide.locator("nav ol").bounding_box()["y"] >= 0  # type: ignore[index]
    assert wide.locator("#provenance").bounding_box()["y"] < 900  # type: ignore[index]


def test_print_opens_what_is_folded_and_leaves_out_what_cannot_be_pressed(
    browser: Browser, folder: Path
) -> None:
    for page in opened(browser, folder):
        page.emulate_media(media="print")
        assert not page.locator("nav").is_visible()
        assert not page.locator("#figure-forest .downloads").is_visible()
        assert page.locator('table[data-table="provenance_files"]').is_visible()
        assert len(column(page, "influence_changes", "shift")) == 40
        assert page.get_by_text("The first 40 of 3000 rows are printed").is_visible()
        assert (
            page.evaluate("getComputedStyle(document.querySelector('figure')).breakInside")
            == "avoid"
        )


def test_it_can_be_read_without_its_script(browser: Browser, folder: Path) -> None:
    for page in opened(browser, folder, java_script_enabled=False):
        assert page.locator("#figure-forest img").is_visible()
        assert page.locator('table[data-table="terms"]').is_visible()
        assert page.locator("nav ol").is_visible()
