"""`bayesmeta plot` draws a fitted folder; other options are refused and nothing is written."""

import json
from pathlib import Path

import pandas as pd
import pytest

from bayesmeta.cli import main
from moderated import effects, tree_of


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plot") / "fitted"
    folder.mkdir()
    frame = effects(14).assign(n1i=12, n2i=14)
    tree = tree_of(frame, "~ dose", draws=50)
    tree["constant_data"].attrs["scale"] = "log odds ratio"
    tree.to_netcdf(folder / "posterior.nc", engine="h5netcdf")
    return folder


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["plot", *arguments])
    return int(ended.value.code or 0)


def test_one_call_writes_a_forest_as_asked(fitted: Path, tmp_path: Path) -> None:
    choices = ["--layout", "jama", "--sort", "effect", "--columns", "n1i,n2i", "--size", "8x6"]
    choices += ["--favours", "drug|placebo", "--format", "pdf", "--transform", "exp"]
    assert run("forest", str(fitted), *choices, "--nested", "--out", str(tmp_path)) == 0
    names = {"forest.pdf", "forest.csv", "provenance-plot-forest.json"}
    assert {path.name for path in tmp_path.iterdir()} == names
    content = (tmp_path / "forest.pdf").read_bytes()
    assert content.startswith(b"%PDF")
    assert content.count(b"/Type /Page ") > 1  # 56 rows do not fit on a page of this size
    table = pd.read_csv(tmp_path / "forest.csv")
    studies = table[table["part"] == "study"]
    assert studies["estimate"].is_monotonic_increasing
    assert studies["n1i"].eq(12).all()
    written = json.loads((tmp_path / "provenance-plot-forest.json").read_text())
    assert (written["layout"], written["favours"]) == ("jama", "drug|placebo")


def test_pages_and_other_kinds_lie_in_the_folder_of_results(fitted: Path) -> None:
    small = ["--rows", "10", "--no-nested", "--format", "png", "--dpi", "50"]
    assert run("forest", str(fitted), *small) == 0
    assert run("bubble", str(fitted), "--moderator", "dose", "--format", "svg") == 0
    names = {path.name for path in (fitted / "plots").iterdir()}
    assert {"forest.png", "forest_page_2.png", "forest.csv", "bubble.svg"} <= names


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["forest", "--sort", "yaer"], "there is no order 'yaer'"),
        (["forest", "--columns", "n3i"], "'n3i' names no column of the table"),
        (["forest", "--moderator", "dose"], "forest has no option 'moderator'"),
        (["bubble", "--moderator", "year"], "unknown moderator 'year'"),
        (["radial"], "a radial plot shows effects around means"),
    ],
)
def test_what_cannot_be_drawn_ends_with_2_and_writes_nothing(
    fitted: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    kind, *others = arguments
    out = tmp_path / "out"
    assert run(kind, str(fitted), *others, "--out", str(out)) == 2
    assert message in " ".join(capsys.readouterr().err.split())
    assert not out.exists()


def test_a_folder_without_a_posterior_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("forest", str(tmp_path)) == 2
    assert "name a folder that bayesmeta fit wrote" in " ".join(capsys.readouterr().err.split())
