"""Live pages of made-up tables in a browser."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from playwright.sync_api import Browser, Page

from bayesmeta.commands.live import LiveContent, live_content
from bayesmeta.commands.request import select
from bayesmeta.model.spec import parse_spec
from bayesmeta.output.live import live_page

MODEL = """
terms = "0 + kind"
levels = ["study", "group"]
[priors.terms]
prior = "Normal(0, 1.5)"
[priors.tau]
prior = "HalfNormal(1)"
[contrasts]
"b - a" = "b - a"
"""
HOSTILE = "<img src=x onerror=document.title='run'>"


def frame_of(effects: int) -> pd.DataFrame:
    """Return effects of two kinds in studies, the name of one of which is markup."""
    rng = np.random.default_rng(11)
    study = np.arange(effects) % max(12, effects // 10)
    kind = rng.choice(["a", "b"], effects)
    return pd.DataFrame(
        {
            "study": [HOSTILE if i == 3 else f"study {i:03}" for i in study],
            "group": [f"g{i}" for i in range(effects)],
            "effect": [f"e{i}" for i in range(effects)],
            "yi": rng.normal(np.where(kind == "a", 0.5, -0.2), 0.4),
            "vi": rng.uniform(0.02, 0.2, effects),
            "kind": kind,
            "place": rng.choice(["here", "there"], effects),
            "dose": rng.uniform(0, 10, effects),
        }
    )


def written(folder: Path, frame: pd.DataFrame, toml: str = MODEL, **changes: Any) -> LiveContent:
    """Write live.html of a table and a model into a folder; return its content."""
    frame.attrs = {"dataset": "toy"}
    inputs = select(frame, frame, parse_spec(toml, "toy"))
    content = live_content(inputs)
    about = {"dataset": "toy", "model": "toy", "title": "", "synthetic": False, "notes": []}
    about |= {"source": "bayesmeta", "k": len(frame), "studies": frame["study"].nunique()}
    about |= changes
    (folder / "live.html").write_text(live_page(content.payload, about), encoding="utf-8")
    return content


def opened(browser: Browser, folder: Path, fragment: str = "", **options: Any) -> Iterator[Page]:
    """Yield the page when it has computed; fail on an error, or on a request of the page."""
    page = browser.new_page(**{"viewport": {"width": 1200, "height": 900}} | options)
    page.set_default_timeout(20_000)
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on(
        "request",
        lambda request: messages.append(request.url) if asked_elsewhere(request.url) else None,
    )
    page.goto((folder / "live.html").as_uri() + fragment)
    settle(page)
    yield page
    page.close()
    assert messages == []


def asked_elsewhere(url: str) -> bool:
    """Return whether a request leaves the page."""
    return not url.startswith(("data:", "blob:")) and not url.split("#")[0].endswith("/live.html")


def settle(page: Page) -> None:
    """Wait until the last change is computed."""
    page.wait_for_timeout(200)
    page.locator('#results[aria-busy="false"]').wait_for()


def answer(page: Page) -> str:
    """Return the text of the answer."""
    return page.inner_text("#answer")
