"""The numbers of the tutorial and of the first page: those of the commands, within the draws.

The pages show fits by NUTS. Here the posterior is exact, so that a number may differ by the
Monte-Carlo error of the draws of a page and by its last digit.
"""

import re

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import bayesmeta
from bayesmeta.infrastructure.files import root

README = (root() / "README.md").read_text(encoding="utf-8")
TUTORIAL = (root() / "docs" / "tutorial.md").read_text(encoding="utf-8")
NUMBER = re.compile(r"[−-]?\d[\d,]*\.?\d*")
EXTREME = re.compile(r"[<>] \.\d+")  # probabilities
END, PERCENT = 0.04, 1.5  # of means and ends of intervals; of I^2
COLUMNS = ["mean", "sd", "ci_lb", "ci_ub"]
LEVELS = ["tau_mean", "tau_ci_lb", "tau_ci_ub", "i2_mean", "i2_ci_lb", "i2_ci_ub"]

pytestmark = pytest.mark.usefixtures("trace_data")


def rows_of(page: str, bar: str) -> dict[str, list[float]]:
    """Return the numbers of every row of the tables with a kind of bar, by the first cell."""
    lines = [[cell.strip() for cell in line.split(bar)[1:-1]] for line in page.splitlines()]
    return {
        cells[0]: [float(n.replace("−", "-").replace(",", "")) for n in NUMBER.findall(numbers)]
        for cells in lines
        if (numbers := EXTREME.sub("", " ".join(cells[1:])))
    }


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return bayesmeta.read("preclinical")


@pytest.fixture(scope="module")
def tree(frame: pd.DataFrame) -> xr.DataTree:
    return bayesmeta.fit(frame, model="three-level", sampler="quadrature")


@pytest.mark.parametrize(
    ("page", "tables"), [(README, ["term"]), (TUTORIAL, ["term", "contrast"])], ids=["1", "2"]
)
def test_means_contrasts_and_heterogeneity(page: str, tables: list[str], tree: xr.DataTree) -> None:
    shown = rows_of(page, "│")
    results = {"term": bayesmeta.terms(tree), "contrast": bayesmeta.contrasts(tree)}
    for key in tables:
        for name, exact in results[key].set_index(key)[COLUMNS].iterrows():
            assert shown[str(name)] == pytest.approx(list(exact), abs=END), name
    for name, exact in bayesmeta.heterogeneity(tree).set_index("level")[LEVELS].iterrows():
        assert shown[str(name)][:3] == pytest.approx(list(exact)[:3], abs=END)
        assert shown[str(name)][3:] == pytest.approx(list(exact)[3:], abs=PERCENT)


def test_cells_and_predictions_of_the_tutorial(frame: pd.DataFrame, tree: xr.DataTree) -> None:
    before, after = TUTORIAL.split("### What a new study would find")
    cells = rows_of(before, "|")
    cell = frame["valence"].astype(str) + ":" + frame["phase"].astype(str)
    for name, part in [*frame.groupby(cell), ("all", frame)]:
        assert cells[str(name)] == [len(part), part["group"].nunique(), part["study"].nunique()]
    intervals = bayesmeta.prediction(tree).set_index(["term", "level"])[["pi_lb", "pi_ub"]]
    predicted = {name: row for name, row in rows_of(after, "|").items() if ":" in name}
    assert len(predicted) == 3
    for term, ends in predicted.items():
        want = np.ravel([intervals.loc[(term, level)] for level in ("study", "group")])
        assert ends == pytest.approx(want, abs=END)
