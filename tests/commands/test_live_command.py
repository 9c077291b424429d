"""`bayesmeta live` as a user meets it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

import bayesmeta
from bayesmeta.cli import main
from bayesmeta.commands.live import live_content
from bayesmeta.commands.options import Options, Output, Reporting, Request, Sampling
from bayesmeta.commands.report import LIVE, parts_of
from bayesmeta.commands.request import read_inputs
from bayesmeta.commands.run import run as run_command
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.output.pages import read_results, report_page
from raw_tables import simulate
from report_folder import make_folder

pytestmark = pytest.mark.wide

JSON = '<script type="application/json" id="data">'


def run(*arguments: str) -> int:
    """Exit code of the command line."""
    with pytest.raises(SystemExit) as ended:
        main(["live", *arguments])
    return int(ended.value.code or 0)


def content_of(page: str) -> dict:
    return json.loads(page[page.index(JSON) + len(JSON) :].partition("</script>")[0])


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("own") / "mine.csv"
    simulate(1).to_csv(path, index=False)
    return path


def test_writes_the_page_and_its_provenance(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run(str(table), "--moderators", "valence", "--out", str(out)) == 0
    assert sorted(path.name for path in out.iterdir()) == ["live.html", "provenance-live.json"]
    provenance = json.loads((out / "provenance-live.json").read_text())
    assert list(provenance["outputs"]) == ["live.html"]
    assert provenance["dataset"] == "mine"
    content = content_of((out / "live.html").read_text(encoding="utf-8"))
    assert content["names"] == ["fear", "neutral"]
    assert "moderators of its table" in content["warning"]
    names = [moderator["name"] for moderator in content["moderators"]]
    assert {"task", "valence"} <= set(names)
    assert not {"yi", "vi", "m1i", "n1i", "study"} & set(names)


def test_bad_input_writes_nothing(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run(str(table), "--moderators", "valance", "--out", str(out)) == 2
    assert "valance" in capsys.readouterr().err
    assert run("--dataset", "ketamine-extinction", "--out", str(out)) == 2
    assert "needs effect sizes" in capsys.readouterr().err
    assert not out.exists()


def test_a_synthetic_table_is_marked_and_has_no_warning(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run("--dataset", "clinical-twin", "--out", str(out), "--quiet") == 0
    page = (out / "live.html").read_text(encoding="utf-8")
    assert '<p class="synthetic">' in page or 'class="synthetic"' in page
    content = content_of(page)
    assert content["warning"] == ""
    assert content["published"] == []


def test_neither_samplers_nor_forests_are_loaded(table: Path, tmp_path: Path) -> None:
    code = (
        "import sys\nfrom bayesmeta.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit as ended:\n    assert not ended.code\n"
        "print(*{'jax', 'pymc', 'numpyro', 'sklearn'} & set(sys.modules), sep=',', file=sys.stderr)"
    )
    arguments = ["live", str(table), "--out", str(tmp_path / "out"), "--quiet"]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == ""


def test_published_numbers_and_a_warning_of_a_named_dataset(trace_data: object) -> None:
    del trace_data
    inputs = read_inputs(Request(dataset="preclinical"))
    content = live_content(inputs)
    assert "others have collected" in content.payload["warning"]
    published = dict(zip(content.payload["names"], content.payload["published"], strict=False))
    assert published["fear, memory"] == {"estimate": 0.8118, "ci_lb": 0.5449, "ci_ub": 1.0787}
    assert content.payload["labels"][0] != content.payload["table"]["studies"][0]
    assert len(set(content.payload["labels"])) == inputs.design.sizes["study"]
    assert len(json.dumps(content.payload)) < 250_000


def test_a_table_in_python_gives_the_same_page(table: Path) -> None:
    frame = pd.read_csv(table)
    page = bayesmeta.live(frame, moderators="valence", priors={"tau": "HalfNormal(0.5)"})
    content = content_of(page)
    assert content["model"]["tau"] == {"family": "HalfNormal", "parameters": [0.5]}
    tree = bayesmeta.fit(
        frame,
        moderators="valence",
        priors={"tau": "HalfNormal(0.5)"},
        sampler="quadrature",
        draws=1000,
        progress=False,
    )
    sampled = bayesmeta.terms(tree)["mean"]
    np.testing.assert_allclose(content["reference"]["mean"], sampled, atol=0.02)
    with pytest.raises(BadInput, match="valance"):
        bayesmeta.live(frame, moderators="valance")


def test_the_report_has_the_page_as_a_part_and_links_to_it(table: Path, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "report")
    assert "live.html" not in report_page(read_results(folder))
    request = Request(dataset=str(table), moderators="valence")
    quiet = Console(quiet=True)
    assert run_command(LIVE, request, Options(), folder, quiet, output=Output(overwrite=True)) == 0
    assert 'href="live.html"' in report_page(read_results(folder))


def test_a_report_can_leave_the_page_out() -> None:
    options = Reporting(draws=50, live=False)
    assert options.sampling == Sampling(draws=50)
    request = Request(dataset="clinical-twin")
    parts = parts_of(request, options.sampling, Path("out"), None, None)  # type: ignore[arg-type]
    assert [part.name for part in parts if part.name == LIVE] == [LIVE]
