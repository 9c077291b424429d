"""A report runs what is missing and keeps what is there; stopped, it continues."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from rich.console import Console

from bayesmeta.cli import main
from bayesmeta.commands import fit as fitting
from bayesmeta.commands import report as reporting
from bayesmeta.commands.options import Machine, Sampling
from bayesmeta.commands.report import Part, parts_of, run_parts
from bayesmeta.commands.request import Request, read_inputs
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.infrastructure.provenance import provenance_of, write_json
from bayesmeta.output import pages
from bayesmeta.output.folders.folder import Folder
from bayesmeta.output.folders.page import write_report
from bayesmeta.output.folders.staging import staging
from bayesmeta.output.pages import Results, read_results
from report_folder import make_folder

pytestmark = pytest.mark.wide


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {"study": [f"s{i}" for i in range(12)], "yi": rng.normal(0.3, 0.4, 12), "vi": 0.05}
    )
    frame.to_csv(tmp_path / "own.csv", index=False)
    return tmp_path / "own.csv"


def _part(
    folder: Path,
    request: Request,
    ran: list[str],
    name: str,
    files: tuple[str, ...] = (),
    **options: int,
) -> Part:
    """A command that writes its files and its provenance."""

    def run(console: Console) -> int:
        ran.append(name)
        console.print(f"{name} says much")
        said = {
            "inputs_sha256": read_inputs(request).sha256,
            **options,
            "outputs": dict.fromkeys(files, ""),
        }
        with staging(folder) as staged:
            for file in files:
                (staged / file).write_text("x")
            write_json(staged / f"provenance-{name}.json", said)
        return 0

    return Part(name, request, folder / f"provenance-{name}.json", options, run)


def _run(parts: list[Part], folder: Path) -> pd.Series:
    done = run_parts(parts, read_inputs(parts[0].request), folder, Console(quiet=True))
    return done.set_index("part")["state"]


def test_what_is_there_is_kept_and_what_is_not_is_run(table: Path, tmp_path: Path) -> None:
    out, ran, request = tmp_path / "out", [], Request(str(table))
    parts = [
        _part(out, request, ran, "fit", ("a",), draws=10),
        _part(out, request, ran, "check", ("b",)),
    ]
    assert _run(parts, out).tolist() == ["done", "done"]
    assert "check says much" in (out / "report.log").read_text()
    assert _run(parts, out).tolist() == ["kept", "kept"]
    (out / "b").unlink()
    assert _run(parts, out).to_dict() == {"fit": "kept", "check": "done"}
    more = [_part(out, request, ran, "fit", ("a",), draws=20), parts[1]]
    assert _run(more, out).to_dict() == {"fit": "done", "check": "kept"}
    assert ran == ["fit", "check", "check", "fit"]


def test_another_table_runs_all_anew_and_leaves_nothing_old(table: Path, tmp_path: Path) -> None:
    out, ran, request = tmp_path / "out", [], Request(str(table))
    _run([_part(out, request, ran, "fit", ("a", "old"))], out)
    frame = pd.read_csv(table)
    frame.assign(yi=frame["yi"] + 1e-9).to_csv(table, index=False)
    assert _run([_part(out, request, ran, "fit", ("a",))], out).tolist() == ["done"]
    assert not (out / "old").exists()
    assert (out / "a").exists()


def test_stopped_it_continues(table: Path, tmp_path: Path) -> None:
    out, ran, request = tmp_path / "out", [], Request(str(table))

    def stop(_: Console) -> int:
        raise KeyboardInterrupt

    first = _part(out, request, ran, "fit", ("a",))
    halted = Part("check", request, out / "provenance-check.json", {}, stop)
    with pytest.raises(KeyboardInterrupt):
        _run([first, halted], out)
    assert _run([first, _part(out, request, ran, "check")], out).tolist() == ["kept", "done"]


def test_a_part_that_cannot_be_done_says_why_and_leaves_nothing_old(
    table: Path, tmp_path: Path
) -> None:
    out, ran, request = tmp_path / "out", [], Request(str(table))
    _run([_part(out, request, ran, "fit"), _part(out, request, ran, "screen", ("old",))], out)

    def refuse(_: Console) -> int:
        raise BadInput("no moderators")

    refused = Part("screen", request, out / "provenance-screen.json", {"seed": 2}, refuse)
    done = run_parts(
        [_part(out, request, ran, "fit"), refused], read_inputs(request), out, Console(quiet=True)
    )
    assert done["state"].tolist() == ["kept", "not done"]
    assert done["reason"].tolist() == ["", "no moderators"]
    assert not (out / "old").exists()
    assert not (out / "provenance-screen.json").exists()
    with pytest.raises(BadInput, match="no moderators"):
        run_parts(
            [Part("fit", request, out / "f.json", {}, refuse)],
            read_inputs(request),
            out,
            Console(quiet=True),
        )


def test_every_command_of_the_report_writes_the_provenance_that_it_is_known_by(
    table: Path, tmp_path: Path
) -> None:
    """Files and options of the parts are those that the quick commands write."""
    parts = {
        part.name: part
        for part in parts_of(
            Request(str(table)), Sampling(draws=20, tune=50), tmp_path / "o", Machine(1), None
        )
    }
    assert next(iter(parts)) == reporting.INDISPENSABLE
    for name in ("fit", "compare", "lint"):
        part = parts[name]
        part.run(Console(quiet=True))
        assert part.is_fresh(read_inputs(part.request).sha256)
        assert len(part.outputs()) > 2
        said = json.loads(part.provenance.read_text())
        write_json(part.provenance, said | {"seed": 5, "test": "t"})
        assert part.is_fresh(read_inputs(part.request).sha256) == (name == "lint")


def test_the_supported_model_is_fitted_beside_the_requested_one(tmp_path: Path) -> None:
    request = Request("a.csv")
    supported = Request("a.csv", likelihood="t", levels="study,group,effect")
    parts = parts_of(request, Sampling(draws=20), tmp_path, Machine(1), supported)
    beside = parts[1]
    assert (beside.name, beside.request) == ("supported", supported)
    assert beside.provenance == tmp_path / "supported" / "provenance.json"
    assert beside.options["sampler"] == "quadrature"
    alone = parts_of(request, Sampling(draws=20), tmp_path, Machine(1), None)
    assert "supported" not in [part.name for part in alone]


def test_the_page_is_written_with_what_was_counted_and_why_a_part_is_missing(
    tmp_path: Path,
) -> None:
    made = make_folder(tmp_path / "made")
    parts = pd.DataFrame(
        {
            "part": ["fit", "screen"],
            "seconds": 1.0,
            "state": ["kept", "not done"],
            "reason": ["", "no moderators"],
        }
    )
    (tmp_path / "page").mkdir()
    provenance = provenance_of({"dataset": "toy", "model": "m", "seed": 1}, {})
    folder = Folder(tmp_path / "page", provenance, Steps())
    write_report(folder, read_results(made), parts)
    folder.write_provenance("provenance-report.json")
    page = (tmp_path / "page" / "index.html").read_text(encoding="utf-8")
    assert "cannot be made: no moderators" in page
    for name in ("parts", "facts", "checklist"):
        assert len(pd.read_csv(tmp_path / "page" / "tables" / f"{name}.csv"))
    said = json.loads((tmp_path / "page" / "provenance-report.json").read_text())
    assert "index.html" in said["outputs"]


def test_the_report_is_the_last_of_its_parts_also_where_an_earlier_page_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page would differ from the first one otherwise, in the order of its lists."""
    made = make_folder(tmp_path / "made")
    for name in ("provenance-report.json", "provenance-screen.json"):
        shutil.copy(made / "provenance.json", made / name)
    shown: list[Results] = []
    monkeypatch.setattr(pages, "report_page", lambda results: shown.append(results) or "")
    (tmp_path / "page").mkdir()
    folder = Folder(tmp_path / "page", provenance_of({"dataset": "toy"}, {}), Steps())
    write_report(folder, read_results(made), pd.DataFrame({"part": ["fit"], "state": ["kept"]}))
    assert sorted(shown[0].provenance) == ["fit", "report", "screen"]
    assert list(shown[0].provenance)[-1] == "report"


@pytest.mark.slow
def test_the_whole_report_of_a_users_own_table_and_again_from_what_is_there(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    study = np.repeat(np.arange(25), 3)
    dose, vi = rng.choice(["low", "high"], 75), rng.uniform(0.02, 0.1, 75)
    yi = 0.4 * (dose == "high") + rng.normal(0, 0.3, 25)[study] + rng.normal(0, np.sqrt(vi + 0.02))
    frame = pd.DataFrame({"study": [f"s{i}" for i in study], "yi": yi, "vi": vi, "dose": dose})
    frame.to_csv(tmp_path / "own.csv", index=False)
    out, arguments = (
        tmp_path / "out",
        ["report", "--dataset", str(tmp_path / "own.csv"), "--out", str(tmp_path / "out")],
    )
    for state in ("done", "done", "kept"):  # as it would be; without its page
        if state == "kept":
            (out / "index.html").unlink()
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 0
        assert set(pd.read_csv(out / "tables" / "parts.csv")["state"]) == {state}
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "cannot be obtained" not in page


def test_the_parts_of_a_report_share_their_draws(
    table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = read_inputs(Request(str(table)))
    counted = []
    draw = fitting._draw
    monkeypatch.setattr(fitting, "_draw", lambda *given: counted.append(1) or draw(*given))
    few = Sampling(sampler="quadrature", draws=20, chains=2)

    def drawn(sampling: Sampling) -> xr.DataTree:
        return fitting.draw_posterior(inputs.design, inputs.spec, sampling, Steps())

    with fitting.keeping_posteriors():
        first, again, other = drawn(few), drawn(few), drawn(replace(few, seed=2))
    assert len(counted) == 2
    beta = first["posterior"]["beta"]
    xr.testing.assert_identical(again["posterior"]["beta"], beta)
    assert not other["posterior"]["beta"].equals(beta)
    first["added"] = xr.DataTree()  # what one part adds, another does not see
    assert "added" not in again.children
    drawn(few)
    assert len(counted) == 3
