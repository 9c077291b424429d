"""Pages in a browser: no rule of axe-core is broken, and nothing is wider than a phone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from playwright.sync_api import Browser

from bayesmeta.output import figures, pages
from browsers import unfold, violations, widest
from report_folder import make_folder

pytestmark = pytest.mark.wide

ABOUT = {
    **{"dataset": "toy", "model": "three-level", "title": "A toy", "synthetic": True},
    **{"notes": ["a note"], "k": 12, "studies": 5, "source": "bayesmeta 0, seed 1"},
}


def drawn(folder: Path, *names: str) -> dict[str, Path]:
    for name in names:
        figure = Figure()
        figure.add_subplot().plot([0, 1], [0, 1], "o")
        figures.save(figure, folder / name, pd.DataFrame(), synthetic=False, source="s")
    return {name: folder / f"{name}.svg" for name in names}


def report(folder: Path) -> str:
    return pages.report_page(pages.read_results(make_folder(folder / "toy")))


def check(folder: Path) -> str:
    wide = {f"column_{i}": np.arange(4) / 7 for i in range(20)}
    changes = {"contrast": "a - b", "study": ["s1", "s2", "s3", "s4"], "p_without": 0.1, **wide}
    tables = {
        "convergence": pd.DataFrame({"diagnostic": ["R-hat"], "value": [1.004], "passed": [True]}),
        "influence_changes": pd.DataFrame(changes),
    }
    verdicts = [
        ("convergence", "passed", "0 divergences"),
        ("funnel", "review", "small studies report larger effects"),
        ("bias models", "failed", "PET < 0 & PEESE > 0"),
    ]
    return pages.check_page(tables, drawn(folder, "funnel", "gosh"), ABOUT | {"verdicts": verdicts})


def comparison(folder: Path) -> str:
    terms = pd.DataFrame(
        {
            **{"term": ["fear", "neutral", "tau_study"], "estimate": [0.5, -0.1, 0.3]},
            **{"ci_lb": 0.2, "ci_ub": 0.7, "mean": 0.4, "cri_lb": 0.2, "cri_ub": 0.6},
            **{"shift": 0.3, "shift_prior": 0.2, "shift_integration": 0.1, "why": "the prior"},
            **{"side_frequentist": "above", "side_posterior": ["above", "open", "above"]},
        }
    )
    fit = pd.DataFrame({f"statistic_{i}": [i / 3, i / 7] for i in range(25)})
    paths = drawn(folder, "paired", "profiles")
    return pages.comparison_page({"comparison": terms, "frequentist_fit": fit}, paths, ABOUT)


@pytest.mark.parametrize("page_of", [report, check, comparison])
@pytest.mark.parametrize(("scheme", "width"), [("light", 1200), ("dark", 390)])
def test_a_page_is_accessible(
    browser: Browser,
    tmp_path: Path,
    page_of: Callable[[Path], str],
    scheme: Any,
    width: int,
) -> None:
    (tmp_path / "page.html").write_text(page_of(tmp_path), encoding="utf-8")
    page = browser.new_page(viewport={"width": width, "height": 844}, color_scheme=scheme)
    page.goto((tmp_path / "page.html").as_uri())
    unfold(page)
    assert violations(page) == []
    assert widest(page) <= width
    page.close()
