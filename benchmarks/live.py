"""Measure the live page in a browser: `python benchmarks/live.py` rewrites live.md.

A browser opens the page of a dataset and leaves out a study after another, each by its tick box.
Times are those of the page: from the click until the answer, means, contrasts and taus are on the
screen, and until everything is drawn. They depend on the machine, and on what else it computes.
"""

import argparse
import gzip
import os
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from bayesmeta.commands.live import live_content
from bayesmeta.commands.request import Request, read_inputs
from bayesmeta.output.live import live_page
from bayesmeta.output.live.page import MODULES, minified, script_text

HERE = Path(__file__).parent
DATASETS = ("preclinical", "clinical")
CHANGES = 30
FIRST = 5  # changes that warm the script up, as a reader's first ones do; they are not counted
CHANGE = """async (at) => {
  const box = document.querySelectorAll("[data-study]")[at];
  const busy = () => document.getElementById("results").getAttribute("aria-busy") === "true";
  return await new Promise((resolve) => {
    const begun = performance.now();
    let shown = 0;
    const observer = new MutationObserver(() => {
      observer.disconnect();
      requestAnimationFrame(() => setTimeout(() => { shown = performance.now() - begun; }, 0));
    });
    observer.observe(document.getElementById("heterogeneity"), { childList: true, subtree: true });
    const wait = () => {
      if (shown && !busy()) resolve([shown, performance.now() - begun]);
      else setTimeout(wait, 2);
    };
    box.click();
    wait();
  });
}"""


def main() -> None:
    """Measure every dataset, and write the page of results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=HERE / "live.md")
    parser.add_argument("datasets", nargs="*", default=DATASETS)
    options = parser.parse_args()
    chromium = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))))
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        rows = [measured(browser, name, Path(folder)) for name in options.datasets]
    options.out.write_text(text_of(rows), encoding="utf-8")


def measured(browser: Browser, dataset: str, folder: Path) -> dict[str, Any]:
    """Return sizes and times of the page of a dataset."""
    inputs = read_inputs(Request(dataset=dataset))
    content = live_content(inputs)
    about = {"dataset": dataset, "model": inputs.spec.name, "title": "", "synthetic": False}
    counts = {"k": inputs.design.sizes["effect"], "studies": inputs.design.sizes["study"]}
    html = live_page(content.payload, about | counts | {"notes": [], "source": ""})
    path = folder / f"{dataset}.html"
    path.write_text(html, encoding="utf-8")
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.goto(path.as_uri())
    page.locator('#results[aria-busy="false"]').wait_for()
    opened = page.evaluate("performance.now()")
    load = os.getloadavg()[0]
    times = [changed(page, at) for at in range(FIRST + CHANGES)][FIRST:]
    page.close()
    answer, everything = ([time[part] for time in times] for part in (0, 1))
    deciles = statistics.quantiles(answer, n=10)
    return {
        "data": dataset,
        "effects": counts["k"],
        "page, kB": round(len(html.encode()) / 1000),
        "opened, ms": round(opened),
        "answer, ms": round(statistics.median(answer)),
        "of 10 % to 90 %": f"{deciles[0]:.0f} to {deciles[-1]:.0f}",
        "everything, ms": round(statistics.median(everything)),
        "load": f"{load:.1f}",
    }


def changed(page: Page, at: int) -> list[float]:
    """Leave a study out; return ms until the answer is on the screen, and until all is."""
    page.wait_for_timeout(50)
    times: list[float] = page.evaluate(CHANGE, at)
    return times


def text_of(rows: list[dict[str, Any]]) -> str:
    """Return the page of results."""
    source = script_text()
    short = minified(source).encode()
    sizes = [len(part) / 1000 for part in (source.encode(), short, gzip.compress(short))]
    lines = [
        "# The live page",
        "",
        f"`python benchmarks/live.py` rewrites this page. {os.cpu_count()} cores; load: processes",
        "that waited for them when the changes began, the browser among them. Times are medians of",
        f"{CHANGES} changes, each a study left out by its tick box; answer: until sentences,",
        "means, contrasts and taus are on the screen; everything: until the studies are, too.",
        "",
        "| " + " | ".join(rows[0]) + " |",
        "|---" * len(rows[0]) + "|",
        *("| " + " | ".join(map(str, row.values())) + " |" for row in rows),
        "",
        f"- script in the source tree: {sizes[0]:.1f} kB, with comments, in {len(MODULES)} modules",
        f"- script in a page: {sizes[1]:.1f} kB, and {sizes[2]:.1f} kB compressed by gzip",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
