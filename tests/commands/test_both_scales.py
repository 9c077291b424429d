"""fit, interpret and their texts of a table of events: log odds ratios and odds ratios."""

import shutil
from io import StringIO
from pathlib import Path

import h5py  # type: ignore[import-untyped]
import pandas as pd
import pytest
from rich.console import Console

from bayesmeta import fit, read
from bayesmeta.cli import main
from bayesmeta.commands.console.estimates import print_estimates
from bayesmeta.commands.console.printer import Printer
from bayesmeta.infrastructure.provenance import write_json
from bayesmeta.output.folders.fit import fit_tables, write_tree
from bayesmeta.output.pages.methods import methods_text
from bayesmeta.output.pages.results import read_results
from results_by_hand import ABOUT

EVENTS = "study,ai,n1i,ci,n2i\nAbel,12,60,20,58\nBond,0,41,9,40\nCray,25,110,31,108\n"
EVENTS += "Dunn,9,75,15,78\nEpps,40,200,61,205\n"


def run(*arguments: object) -> int:
    """Exit code of the command line."""
    with pytest.raises(SystemExit) as ended:
        main([*map(str, arguments)])
    return int(ended.value.code or 0)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What fit writes of a table of events, without its figures."""
    out = tmp_path_factory.mktemp("events")
    (out / "mine.csv").write_text(EVENTS, encoding="utf-8")
    frame = read(out / "mine.csv", measure="OR")
    tree = fit(frame, sampler="quadrature", draws=250, progress=False)
    (out / "tables").mkdir()
    for name, table in fit_tables(tree).items():
        table.to_csv(out / "tables" / f"{name}.csv", index=False)
    about = ABOUT | {"label": "", "notes": frame.attrs["notes"], "synthetic": False}
    write_tree(out / "posterior.nc", tree, about)
    write_json(out / "provenance.json", about)
    return out


@pytest.fixture
def printed(fitted: Path) -> str:
    """The odds ratio with its interval as the texts write it."""
    row = pd.read_csv(fitted / "tables" / "terms.csv").iloc[0]
    numbers = [row[f"{name}_transformed"] for name in ("median", "ci_lb", "ci_ub")]
    return "{:.2f} [{:.2f}, {:.2f}]".format(*numbers)


def test_the_answer_gives_the_mean_and_a_new_study_on_both_scales(
    fitted: Path, printed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("interpret", fitted) == 0
    text = capsys.readouterr().out
    assert f"odds ratio {printed} (95 % interval), clearly below zero" in text
    row = pd.read_csv(fitted / "tables" / "prediction.csv").iloc[0]
    ends = f"from {row['pi_lb_transformed']:.2f} to {row['pi_ub_transformed']:.2f}"
    assert f"(95 % prediction interval; odds ratio {ends})" in text


def test_the_scale_can_be_left_out(fitted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("interpret", fitted, "--transform", "none") == 0
    text = capsys.readouterr().out
    assert "odds ratio " not in text.replace("log odds ratio", "")
    assert run("interpret", fitted, "--transform", "log") == 2


def test_methods_name_the_measure_and_the_cells_that_were_changed(fitted: Path) -> None:
    text = methods_text(read_results(fitted), html=False)
    assert "on the scale log odds ratio (metafor's OR), computed with their sampling" in text
    assert "also shown transformed back, as odds ratio: the median" in text
    assert "1/2 is added to every cell at row 3" in text


def test_a_proportion_is_not_below_or_above_zero(
    fitted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(fitted, tmp_path / "out")
    with h5py.File(tmp_path / "out" / "posterior.nc", "r+") as file:
        file["constant_data"].attrs["measure"] = "PLO"
    for name in ("terms", "prediction"):
        path = tmp_path / "out" / "tables" / f"{name}.csv"
        pd.read_csv(path).assign(scale="proportion").to_csv(path, index=False)
    assert run("interpret", tmp_path / "out") == 0
    _, answer, varies, *_ = capsys.readouterr().out.splitlines()
    assert "zero" not in answer
    assert "zero" not in varies
    assert ", proportion 0." in answer


def test_the_supplement_prints_both_scales(fitted: Path, printed: str, tmp_path: Path) -> None:
    assert run("interpret", fitted, "--out", tmp_path / "supplement") == 0
    table = pd.read_csv(tmp_path / "supplement" / "terms.csv").iloc[0]
    assert table["transformed"] == "odds ratio"
    assert table["median [95 % interval]"] == printed
    text = (tmp_path / "supplement" / "supplement.md").read_text(encoding="utf-8")
    assert "95 % prediction interval, transformed" in text


def test_the_console_has_no_probability_above_zero_of_a_proportion() -> None:
    numbers = {"sd": 0.2, "ci_lb": -1.4, "ci_ub": -0.6, "p_positive": 0.0}
    shown = {"median_transformed": 0.27, "ci_lb_transformed": 0.2, "ci_ub_transformed": 0.35}
    rows = [{"term": "intercept", "mean": -1.0, **numbers, "scale": "proportion", **shown}]

    def printed(rows: list[dict[str, object]]) -> str:
        out = StringIO()
        printer = Printer(Console(file=out, width=150))
        print_estimates(printer, "Means", "term", pd.DataFrame(rows))
        return out.getvalue()

    assert "P(> 0)" not in printed(rows)
    both = printed([*rows, rows[0] | {"term": "a - b", "scale": "odds ratio"}])
    assert "P(> 0)" in both
    assert "\N{EN DASH}" in both
