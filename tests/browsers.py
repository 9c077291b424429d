"""A browser for tests of pages, if this machine has one, and what makes a page accessible."""

import shutil
from collections.abc import Iterator

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from promised import unavailable

NAMES = ("chromium", "chromium-browser", "google-chrome")
# the contrast of a text refers to the nearest opaque background behind it
CONTRASTS = """() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => numbers(colour).slice(0, 3).map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const opaque = (colour) => (numbers(colour)[3] ?? 1) > 0;
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      if (opaque(getComputedStyle(at).backgroundColor)) return getComputedStyle(at).backgroundColor;
    }
    return "rgb(255, 255, 255)";
  };
  const hasText = (element) => [...element.childNodes].some(
    (node) => node.nodeType === 3 && node.textContent.trim());
  return [...document.querySelectorAll("body *")].filter(
    (element) => hasText(element) && element.checkVisibility()).map((element) => {
    const style = getComputedStyle(element);
    const lights = [light(style.color), light(behind(element))].sort((a, b) => b - a);
    const contrast = (lights[0] + 0.05) / (lights[1] + 0.05);
    const text = element.textContent.slice(0, 40);
    return [contrast, Number(style.opacity), element.tagName, text];
  });
}"""


def launched() -> Iterator[Browser]:
    """Yield a browser; say so where there is none."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        unavailable(f"a browser ({', '.join(NAMES)})")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


def unfold(page: Page) -> None:
    """Open all that is folded."""
    page.evaluate("document.querySelectorAll('details').forEach((e) => { e.open = true; })")


def violations(page: Page) -> list[str]:
    """Return the rules of axe-core that a page breaks, each with an element that breaks it."""
    found = Axe().run(page).response["violations"]
    return [f"{rule['id']}: {rule['help']}: {rule['nodes'][0]['html']}" for rule in found]


def widest(page: Page) -> int:
    """Return the width in px to which the page can be scrolled."""
    return int(page.evaluate("document.documentElement.scrollWidth"))
