"""The funnel of the live page, and the correction of standard errors, in a browser."""

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from bayesmeta.estimates.text import number_text
from browsers import unfold, violations, widest
from live_pages import HOSTILE, answer, frame_of, opened, settle, written
from raw_tables import MODEL, simulate, with_sems

pytestmark = pytest.mark.wide
POINTS = "#funnel circle[role=checkbox]"


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a page of a table in which a study typed SEMs as SDs."""
    made = tmp_path_factory.mktemp("typed")
    written(made, with_sems(simulate(3), "s05"), MODEL)
    return made


def titles(page: Page) -> list[str]:
    return page.locator(f"{POINTS} title").all_text_contents()


def numbers(page: Page) -> list[str]:
    """Return the numbers of the answer and the tables."""
    cells = page.locator("#means td, #heterogeneity td").all_text_contents()
    return [page.inner_text("#strip"), *cells]


def press(page: Page, at: int) -> None:
    """Click a point at its place, as a mouse does."""
    point = page.locator(POINTS).nth(at)
    point.scroll_into_view_if_needed()
    box = point.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    settle(page)


def test_every_effect_is_a_point_at_its_standard_error(browser: Browser, folder: Path) -> None:
    frame = frame_of(60).sort_values("yi")
    for page in opened(browser, folder):
        expected = [
            f"{study}: {number_text(yi)}, standard error {number_text(np.sqrt(vi))}"
            for study, yi, vi in frame[["study", "yi", "vi"]].itertuples(index=False)
        ]
        assert titles(page) == expected
        places = page.evaluate(
            f"[...document.querySelectorAll('{POINTS}')].map((e) => [e.cx, e.cy]"
            ".map((at) => at.baseVal.value))"
        )
        x, y = np.array(places).T
        for place, values in ((x, frame["yi"]), (y, np.sqrt(frame["vi"]))):
            slope, start = np.polyfit(values, place, 1)
            assert slope > 0  # the standard error grows downwards
            np.testing.assert_allclose(place, start + slope * values, atol=1e-6)
        assert "60 of 60 effects are drawn; 0 of these" in page.inner_text("#funnel-note")
        lines = page.locator("#funnel line.report")
        means = [float(line.get_attribute("x1") or "nan") for line in lines.all()]
        slope, start = np.polyfit(frame["yi"], x, 1)
        cells = page.locator("#means-table tbody td:first-of-type").all_text_contents()
        shown = sorted(float(cell.replace("−", "-")) for cell in cells[:2])
        np.testing.assert_allclose(means, start + slope * np.array(shown), atol=0.3)


def test_a_click_on_a_point_does_what_a_click_in_the_forest_does(
    browser: Browser, folder: Path
) -> None:
    frame = frame_of(60).sort_values("yi", ignore_index=True)
    at = int(frame.index[frame["study"] == "study 005"][0])
    of_study = int((frame["study"] == "study 005").sum())
    results = []
    for page in opened(browser, folder):
        before = numbers(page)
        press(page, at)
        assert "a study is left out (study 005)" in answer(page)
        assert page.locator("#funnel .dot.out").count() == of_study
        assert page.locator(f"{POINTS}[aria-checked=false]").count() == of_study
        assert page.locator("#funnel line.yours").count() == 2
        assert page.locator(f"{POINTS}[tabindex='0']").count() == 1
        results.append(numbers(page))
        press(page, at)
        assert numbers(page) == before
        names = page.locator("#studies-forest .row title").all_text_contents()
        row = next(i for i, name in enumerate(names) if name.startswith("study 005"))
        page.locator("#studies-forest .row").nth(row).click()
        settle(page)
        results.append(numbers(page))
        assert page.locator("#funnel .dot.out").count() == of_study
        page.get_by_role("button", name="Reset").click()
        settle(page)
        assert page.locator("#funnel .dot.out").count() == 0
    assert results[0] == results[1] != before


def test_the_keyboard_goes_from_point_to_point(browser: Browser, folder: Path) -> None:
    for page in opened(browser, folder):
        assert page.locator(f"{POINTS}[tabindex='0']").count() == 1  # a single stop of Tab
        page.locator("#studies-forest").focus()
        page.keyboard.press("Tab")
        for key in ("ArrowRight", "ArrowDown", "ArrowRight", "ArrowLeft"):
            page.keyboard.press(key)
        focused = page.evaluate("document.activeElement.querySelector('title').textContent")
        assert focused == titles(page)[2]
        assert page.locator(f"{POINTS}[tabindex='0']").count() == 1
        study = focused.partition(":")[0]
        for key, out in (("Enter", True), ("Space", False)):
            page.keyboard.press(key)
            settle(page)
            assert (f"a study is left out ({study})" in answer(page)) is out
            focus = page.evaluate("document.activeElement.querySelector('title').textContent")
            assert focus == focused


def test_points_that_do_not_inform_the_conclusion_are_faint(browser: Browser, folder: Path) -> None:
    frame = frame_of(60)
    for page in opened(browser, folder):
        assert page.locator("#funnel .dot.other").count() == 0  # b - a concerns both
        assert page.locator("#funnel .region").count() == 2
        lines = page.inner_text("#funnel-lines")
        assert re.sub(r"[^ab]", "", lines) == "ba"  # the mean of b is the smaller one
        page.get_by_role("combobox", name="Conclusion", exact=True).select_option("a")
        settle(page)
        assert page.locator("#funnel .dot.other").count() == (frame["kind"] == "b").sum()
        assert page.locator("#funnel .region").count() == 1
        assert page.inner_text("#funnel-lines").startswith("a (0.")


def test_the_funnel_follows_the_list_the_filters_and_added_studies(
    browser: Browser, folder: Path
) -> None:
    frame = frame_of(60)
    for page in opened(browser, folder):
        page.get_by_label("Search studies").fill("<img")
        expected = [title for title in titles(page) if title.startswith(HOSTILE)]
        assert titles(page) == expected
        assert len(expected) == 5
        assert page.title() == "toy, toy: live"
        page.get_by_label("Search studies").fill("")
        page.get_by_label("Moderator to filter by").select_option("place")
        page.get_by_label("there").uncheck()
        page.get_by_role("spinbutton", name="Standard error").fill("0.1")
        page.get_by_role("spinbutton", name="Effect yi").fill("0.5")
        page.get_by_role("button", name="Add the study").click()
        settle(page)
        assert page.locator("#funnel .dot.out").count() == (frame["place"] == "there").sum()
        assert "new study 1: 0.50, standard error 0.10" in page.inner_html("#funnel")


def test_the_list_of_studies_states_what_the_funnel_shows(browser: Browser, folder: Path) -> None:
    frame = frame_of(60)
    rows = frame[frame["study"] == "study 005"]
    for page in opened(browser, folder):
        unfold(page)
        row = page.locator("#studies-table tr", has_text="study 005")
        ends = [
            f"{values.min():.2f} to {values.max():.2f}"
            for values in (rows["yi"], rows["vi"] ** 0.5)
        ]
        assert row.locator("td").all_text_contents()[2:] == [end.replace("-", "−") for end in ends]


def test_effects_beyond_the_axes_are_counted(browser: Browser, tmp_path: Path) -> None:
    frame = frame_of(400)
    frame.loc[0, ["yi", "vi"]] = [30.0, 0.04]
    frame.loc[1, ["yi", "vi"]] = [0.1, 25.0]
    written(tmp_path, frame)
    for page in opened(browser, tmp_path):
        note = page.inner_text("#funnel-note")
        beyond = int(note.partition("drawn; ")[2].partition(" ")[0])
        assert 2 <= beyond <= 20  # at most a hundredth at either end of both axes
        x, y = (
            page.locator(POINTS).evaluate_all(
                f"(dots) => dots.map((e) => Number(e.{at}.baseVal.value))"
            )
            for at in ("cx", "cy")
        )
        box = page.locator("#funnel svg").bounding_box()
        assert box is not None
        assert max(x) < box["width"]
        assert max(y) < box["height"]


def test_the_switch_corrects_the_numbers_and_the_link_carries_it(
    browser: Browser, typed: Path
) -> None:
    switch = "Standard errors that were entered as standard deviations"
    for page in opened(browser, typed):
        before, points = numbers(page), titles(page)
        assert "4 effects are almost certainly standard errors: s05." in page.inner_text("#panel")
        page.get_by_label(switch).select_option("corrected")
        settle(page)
        corrected = numbers(page)
        assert corrected != before
        assert "entered as standard deviations: corrected" in answer(page)
        moved = [title for title in titles(page) if title not in points]
        assert len(moved) == 4
        assert all(title.startswith("s05:") for title in moved)
        link = page.get_by_label("Link that carries the settings").input_value()
        for again in opened(browser, typed, "#" + link.partition("#")[2]):
            assert numbers(again) == corrected
            assert again.get_by_label(switch).input_value() == "true"
            assert titles(again) == titles(page)
        page.get_by_role("button", name="Undo").click()
        settle(page)
        assert numbers(page) == before
        assert page.get_by_label(switch).input_value() == "false"
        page.get_by_label(switch).select_option("corrected")
        page.get_by_role("button", name="Reset").click()
        settle(page)
        assert numbers(page) == before
        assert titles(page) == points


@pytest.mark.parametrize(("scheme", "width"), [("light", 1200), ("dark", 390)])
def test_funnel_and_switch_break_no_rule_of_accessibility(
    browser: Browser, typed: Path, scheme: str, width: int
) -> None:
    viewport = {"width": width, "height": 844}
    for page in opened(browser, typed, viewport=viewport, color_scheme=scheme):
        unfold(page)
        assert page.locator(POINTS).first.is_visible()
        assert page.locator("#errors").is_visible()
        assert widest(page) <= width
        assert violations(page) == []


def test_the_funnel_is_printed(browser: Browser, folder: Path) -> None:
    for page in opened(browser, folder):
        page.emulate_media(media="print")
        page.evaluate("document.body.style.width = '640px'")  # paper is narrower than the screen
        box = page.locator("#funnel svg").bounding_box()
        assert box is not None
        assert 300 < box["width"] <= 640
