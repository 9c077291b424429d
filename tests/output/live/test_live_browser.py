"""The live page in a browser: leave a study out, move a prior, read, copy the link, reopen."""

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from browsers import CONTRASTS, unfold, violations, widest
from live_pages import HOSTILE, MODEL, frame_of, opened, settle, written

pytestmark = pytest.mark.wide


def numbers(page: Page) -> list[str]:
    """Return all numbers of the answer, and of the tables of means and heterogeneity."""
    shown = [page.inner_text("#answer"), page.inner_text("#strip")]
    for cells in ("#means td", "#heterogeneity td"):
        shown += page.locator(cells).all_text_contents()
    return re.findall(r"−?\d*\.?\d+", "\n".join(shown))


def test_the_page_begins_with_the_numbers_of_python(browser: Browser, folder: Path) -> None:
    content = written(folder, frame_of(60))
    for page in opened(browser, folder):
        means = page.locator("#means tbody td:nth-child(2)").all_text_contents()
        expected = [f"{mean:.3f}".replace("-", "−") for mean in content.summaries["mean"]]
        assert means == expected
        largest = page.locator("#reproduced").get_attribute("data-largest")
        assert float(str(largest)) < 1e-6
        assert page.title() == "toy, toy: live"
        for picture in ("#means svg", "#heterogeneity svg", "#studies svg"):
            box = page.locator(picture).first.bounding_box()
            assert box is not None
            assert box["width"] > 700, picture  # of a window of 1200 px


def test_untick_move_the_prior_copy_the_link_and_reopen(browser: Browser, folder: Path) -> None:
    for page in opened(browser, folder):
        before = numbers(page)
        page.locator("summary", has_text="Tick boxes").click()
        page.locator('[data-study="5"]').uncheck()
        settle(page)
        assert "a study is left out (study 005)" in page.inner_text("#answer")
        assert "55 of 60 effects and 11 of 12 studies are counted." in page.inner_text("#answer")
        assert page.evaluate("document.activeElement.dataset.study") == "5"
        page.get_by_label("Terms: prior sd").fill("0.2")
        page.keyboard.press("Enter")
        settle(page)
        assert "prior sd of the terms 0.2 in place of 1.5" in page.inner_text("#answer")
        after = numbers(page)
        assert after != before
        page.get_by_role("button", name="Copy link").click()
        page.locator("#copied", has_text="link").wait_for()
        link = page.get_by_label("Link that carries the settings").input_value()
        fragment = "#" + link.partition("#")[2]
        for again in opened(browser, folder, fragment):
            assert numbers(again) == after
            assert not again.locator('[data-study="5"]').is_checked()
        page.get_by_role("button", name="Undo").click()
        page.get_by_role("button", name="Undo").click()
        settle(page)
        assert numbers(page) == before
        assert page.get_by_role("button", name="Undo").is_disabled()


def test_a_click_in_the_forest_leaves_a_study_out_and_reset_brings_it_back(
    browser: Browser, folder: Path
) -> None:
    for page in opened(browser, folder):
        row = page.locator("#studies svg .row").nth(2)
        row.click()
        settle(page)
        assert "a study is left out" in page.inner_text("#answer")
        assert page.locator("#studies svg .row.out").count() == 1
        page.get_by_role("button", name="Reset").click()
        settle(page)
        assert page.locator("#studies svg .row.out").count() == 0


def test_a_map_a_ranking_and_a_study_of_the_reader(browser: Browser, folder: Path) -> None:
    for page in opened(browser, folder):
        page.get_by_role("button", name="Draw the map").click()
        page.get_by_text("of 25 combinations").wait_for()
        page.get_by_role("button", name="Who changes this conclusion?").click()
        page.locator("#deletion tbody tr").first.wait_for()
        assert page.locator("#deletion tbody tr").count() == 12
        informs = page.get_by_label("It informs").locator("option").all_text_contents()
        assert informs == ["a", "b"]
        page.get_by_role("spinbutton", name="Standard error").fill("0.1")
        page.locator("#prediction svg").wait_for()
        assert "95 % prediction interval" in page.inner_text("#prediction")
        page.get_by_role("spinbutton", name="Effect yi").fill("4")
        page.get_by_text("is outside it").wait_for()
        page.get_by_label("Name").fill(HOSTILE)
        page.get_by_role("button", name="Add the study").click()
        settle(page)
        assert "1 that you added" in page.inner_text("#answer")
        page.get_by_role("button", name="remove <img").click()
        settle(page)
        assert "added" not in page.inner_text("#answer")
        assert page.title() == "toy, toy: live"


def test_nothing_of_the_table_is_run(browser: Browser, tmp_path: Path) -> None:
    """Markup in studies, terms, moderators, their levels, title and notes is shown as text."""
    texts = [
        HOSTILE,
        "</script><script>document.title='run'</script>",
        "</option></select></template><b onclick=document.title='run'>",
        '"><iframe srcdoc="<script>parent.document.title=\'run\'</script>">',
    ]
    rng = np.random.default_rng(3)
    frame = frame_of(60).drop(columns=["place", "dose"])
    frame["kind"] = rng.choice(texts[:2], 60)
    frame["study"] = [texts[i % 4] + str(i % 12) for i in range(60)]
    frame[texts[2]] = rng.choice(texts, 60)
    frame[texts[3]] = rng.uniform(0, 10, 60)
    toml = MODEL.partition("[contrasts]")[0]
    about = {"dataset": texts[0], "model": texts[1], "title": texts[2], "notes": texts}
    written(tmp_path, frame, toml, **about, source=texts[3])
    elements = (
        "document.querySelectorAll('img, iframe, b, body script, [onclick], [onerror]').length"
    )
    for page in opened(browser, tmp_path):
        assert page.evaluate(elements) == 2  # the scripts of the page itself
        for at in range(3):
            page.get_by_label("Moderator to filter by").select_option(index=at + 1)
            settle(page)
        page.locator("summary", has_text="Tick boxes").click()
        page.locator('[data-study="5"]').uncheck()
        settle(page)
        page.get_by_label("Name").fill(texts[3])
        page.get_by_role("spinbutton", name="Standard error").fill("0.1")
        page.get_by_role("spinbutton", name="Effect yi").fill("1")
        page.locator("#prediction svg").wait_for()
        page.get_by_role("button", name="Add the study").click()
        settle(page)
        page.get_by_role("button", name="Draw the map").click()
        page.get_by_text("of 25 combinations").wait_for()
        page.get_by_role("button", name="Who changes this conclusion?").click()
        page.locator("#deletion tbody tr").first.wait_for()
        unfold(page)
        assert page.evaluate(elements) == 2
        assert page.title() == f"{texts[0]}, {texts[1]}: live"
        assert page.inner_text("h1") == texts[2]
        for name in texts[:2]:
            assert name in page.inner_text("#means-table")
            assert name in page.locator("#conclusion option").all_text_contents()
        assert f"{texts[3]}7" in page.inner_text("#studies-table")
        assert f"{texts[3]}: 1.000" in page.inner_text("#added")


def test_a_cell_of_the_map_gives_its_settings(browser: Browser, folder: Path) -> None:
    for page in opened(browser, folder):
        page.get_by_role("button", name="Draw the map").click()
        page.get_by_text("of 25 combinations").wait_for()
        page.locator("#map svg .cell").nth(8).click()  # rho .2, prior of the means times 2
        settle(page)
        assert "rho 0.2 in place of 0" in page.inner_text("#answer")
        assert "prior sd of the terms 3 in place of 1.5" in page.inner_text("#answer")


def test_a_large_table_is_computed_in_a_worker(browser: Browser, tmp_path: Path) -> None:
    written(tmp_path, frame_of(6000))
    for page in opened(browser, tmp_path):
        assert len(page.workers) == 1
        assert "6000 of 6000 effects" in page.inner_text("#answer")
        largest = page.locator("#reproduced").get_attribute("data-largest")
        assert float(str(largest)) < 1e-6


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_is_legible(browser: Browser, folder: Path, scheme: str) -> None:
    for page in opened(browser, folder, color_scheme=scheme):
        unfold(page)
        texts = [text for text in page.evaluate(CONTRASTS) if text[2] != "text"]
        assert len(texts) > 100
        assert [text for text in texts if text[0] < 4.5] == []


def test_nothing_is_wider_than_a_phone(browser: Browser, folder: Path) -> None:
    for page in opened(browser, folder, viewport={"width": 390, "height": 844}):
        unfold(page)
        assert widest(page) <= 390


@pytest.mark.parametrize(("scheme", "width"), [("light", 1200), ("dark", 390)])
def test_no_rule_of_accessibility_is_broken(
    browser: Browser, folder: Path, scheme: str, width: int
) -> None:
    viewport = {"width": width, "height": 844}
    for page in opened(browser, folder, viewport=viewport, color_scheme=scheme):
        unfold(page)
        page.get_by_label("Moderator to filter by").select_option("place")
        page.get_by_role("button", name="Draw the map").click()
        page.get_by_text("of 25 combinations").wait_for()
        page.get_by_role("button", name="Who changes this conclusion?").click()
        page.locator("#deletion tbody tr").first.wait_for()
        unfold(page)
        assert violations(page) == []


def test_on_a_phone_the_answer_is_on_the_first_screen(browser: Browser, folder: Path) -> None:
    for page in opened(browser, folder, viewport={"width": 390, "height": 844}):
        assert not page.get_by_label("rho, correlation").is_visible()
        box = page.locator("#answer").bounding_box()
        assert box is not None
        assert box["y"] < 844


def test_every_control_has_a_name(browser: Browser, folder: Path) -> None:
    for page in opened(browser, folder):
        unfold(page)
        page.get_by_label("Moderator to filter by").select_option("place")
        unnamed = page.evaluate(
            "[...document.querySelectorAll('input, select')].filter((e) => !e.labels.length "
            "&& !e.getAttribute('aria-label')).map((e) => e.outerHTML)"
        )
        assert unnamed == []
        pictures = page.evaluate(
            "[...document.querySelectorAll('svg')].map((e) => e.getAttribute('aria-label'))"
        )
        assert len(pictures) >= 4
        assert all(pictures)


def test_print_leaves_out_what_cannot_be_pressed(browser: Browser, folder: Path) -> None:
    for page in opened(browser, folder):
        page.emulate_media(media="print")
        assert not page.locator("#panel").is_visible()
        assert not page.get_by_role("button", name="Draw the map").is_visible()
        assert page.locator("#means svg").first.is_visible()
        page.evaluate("document.body.style.width = '640px'")  # paper is narrower than the screen
        box = page.locator("#means svg").first.bounding_box()
        assert box is not None
        assert box["width"] <= 640


def test_it_can_be_read_without_its_script(browser: Browser, folder: Path) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.goto((folder / "live.html").as_uri())
    assert page.locator("[data-static] tbody tr").count() == 3
    assert not page.locator(".board").is_visible()
    page.close()
