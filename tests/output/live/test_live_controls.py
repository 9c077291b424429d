"""The fields and buttons of the live page in a browser: each changes what it is about."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from live_pages import answer, frame_of, opened, settle

pytestmark = pytest.mark.wide


def test_a_filter_and_levels(browser: Browser, folder: Path) -> None:
    frame = frame_of(60)
    for page in opened(browser, folder):
        page.get_by_label("Moderator to filter by").select_option("place")
        page.get_by_label("there").uncheck()
        page.get_by_label("Moderator to filter by").select_option("dose")
        page.get_by_label("to", exact=True).fill("5")
        page.keyboard.press("Enter")
        page.get_by_label("effect", exact=True).check()
        settle(page)
        counted = int(((frame["place"] == "here") & (frame["dose"] <= 5)).sum())
        assert f"{counted} of 60 effects" in page.inner_text("#answer")
        assert len(page.workers) == 1  # three taus take longer than a page may stand still
        levels = page.locator("#heterogeneity tbody th").all_text_contents()
        assert levels == ["study", "group", "effect", "total"]


def test_priors_and_dependence(browser: Browser, folder: Path) -> None:
    for page in opened(browser, folder):
        page.get_by_label("Taus: family").select_option("HalfStudentT")
        settle(page)
        assert "prior of the taus HalfStudentT(4, 1) in place of HalfNormal(1)" in answer(page)
        for text, parameters in (("0.5", "4, 0.5"), ("-1", "4, 0.5")):  # a scale is positive
            page.get_by_label("scale of the taus' prior").fill(text)
            page.keyboard.press("Enter")
            settle(page)
            assert f"HalfStudentT({parameters})" in answer(page)
        page.get_by_label("Means: prior mean").fill("-0.25")
        page.keyboard.press("Enter")
        settle(page)
        assert "prior mean of the means −0.25 in place of 0" in answer(page)
        for text in ("0.4", "2", ""):  # a correlation is below 1
            page.get_by_label("rho, if it is fixed").fill(text)
            page.keyboard.press("Enter")
            settle(page)
            assert "rho 0.4 in place of 0" in answer(page)
        assert page.get_by_label("rho, if it is fixed").input_value() == "0.4"
        page.get_by_label("rho, correlation of errors in a group").select_option("estimated")
        settle(page)
        assert "rho estimated, prior Beta(1, 1) in place of 0" in answer(page)


def test_a_conclusion_within_a_region(browser: Browser, folder: Path) -> None:
    for page in opened(browser, folder):
        page.get_by_role("combobox", name="Conclusion", exact=True).select_option("a")
        page.get_by_label("which").select_option("inside")
        page.get_by_role("spinbutton", name="Region of practical").fill("0.6")
        page.keyboard.press("Enter")
        settle(page)
        assert "a; P(a within 0.6 of 0):" in page.inner_text("#strip")
        columns = page.locator("#means-table th[scope=col]").all_text_contents()
        shown = page.locator("#means-table tbody tr").first.locator("td").all_text_contents()
        chance = dict(zip(columns[1:], shown, strict=True))["P(within 0.60 of 0)"]
        assert f"P = {chance}" in page.inner_text("#strip .as-you-set-it")


def test_studies_that_are_listed(browser: Browser, folder: Path) -> None:
    for page in opened(browser, folder):
        page.get_by_label("Search studies").fill("STUDY 00")
        assert page.locator("#studies svg .row").count() == 9
        page.get_by_role("button", name="leave the listed out").click()
        settle(page)
        assert "15 of 60 effects and 3 of 12 studies" in answer(page)
        page.get_by_role("button", name="only the listed").click()
        settle(page)
        assert "45 of 60 effects and 9 of 12 studies" in answer(page)
        page.get_by_role("button", name="all in").click()
        settle(page)
        assert "60 of 60 effects" in answer(page)
        page.get_by_label("Search studies").fill("")
        page.get_by_label("Order of the studies").select_option("effect")
        means = page.locator("#studies-table td:nth-child(3)").all_text_contents()
        numbers_of = [float(mean.replace("−", "-")) for mean in means]
        assert numbers_of == sorted(numbers_of)
        assert len(numbers_of) == 12


def test_a_new_study_by_means_and_sds(browser: Browser, folder: Path) -> None:
    given = {"Mean 1": 1, "SD 1": 1, "n 1": 20, "Mean 2": 0, "SD 2": 1, "n 2": 20}
    for page in opened(browser, folder):
        page.get_by_label("Given").select_option("raw")
        page.get_by_role("spinbutton", name="SD 1").wait_for()
        assert not page.get_by_role("spinbutton", name="Effect yi").is_visible()
        for name, value in given.items():
            page.get_by_role("spinbutton", name=name, exact=True).fill(str(value))
        page.get_by_text("the observed effect 0.98 is").wait_for()
        page.get_by_role("button", name="Add the study").click()
        settle(page)
        # g = (1 - 3 / (4 x 38 - 1)) x 1, its variance 1/20 + 1/20 + g^2 / 80
        added = "new study 1: 0.980, standard error 0.335, a remove new study 1"
        assert page.locator("#added li").all_text_contents() == [added]
        assert page.get_by_role("spinbutton", name="SD 1").input_value() == ""
