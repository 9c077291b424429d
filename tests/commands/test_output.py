"""What all commands share: one table, other results kept, one run per folder, JSON, pipes."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from filelock import FileLock

from bayesmeta.cli import main
from bayesmeta.cli.commands import console
from bayesmeta.commands.console.summary import print_summary
from bayesmeta.commands.options import Shown
from bayesmeta.data.prisma import EXAMPLE
from bayesmeta.infrastructure import interrupts
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.files import cache_folder
from bayesmeta.output.folders import protection
from bayesmeta.output.folders.staging import remove_unfinished, staging


def code_of(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0)


def test_a_table_may_stand_without_dataset_but_not_beside_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert code_of("fit", "no-such.csv") == 2
    assert "no-such.csv" in capsys.readouterr().err
    assert code_of("fit", "a.csv", "--dataset", "b.csv") == 2
    assert "two tables are named, a.csv and --dataset b.csv" in capsys.readouterr().err


def test_outside_a_terminal_nothing_is_folded_or_framed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert code_of("fit", "-h") == 0
    assert "Default: preclinical, or its twin if the raw data are missing.\n" in (
        capsys.readouterr().out
    )
    assert code_of("fit", "a.csv", "--sampler", "stan") == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("Error: Invalid value for")
    console(Shown()).print("[bold]word[/bold] " * 40)
    assert capsys.readouterr().out == "word " * 40 + "\n"


def test_quiet_prints_nothing_and_json_leaves_the_output_to_the_summary(
    capsys: pytest.CaptureFixture[str],
) -> None:
    console(Shown(quiet=True)).print("text")
    assert capsys.readouterr() == ("", "")
    console(Shown(as_json=True)).print("text")
    assert capsys.readouterr() == ("", "text\n")


@pytest.mark.parametrize("verb", ["init", "flow"])
def test_commands_without_a_model_are_quiet_or_give_json(
    verb: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.csv").write_text("study,yi,vi\na,.1,.1\nb,.3,.1\nc,.2,.2\n", encoding="utf-8")
    Path("search.toml").write_text(EXAMPLE, encoding="utf-8")
    arguments = {"init": ["init", "mine.csv", "--force"], "flow": ["flow", "search.toml"]}[verb]
    assert code_of(*arguments, "--quiet") == 0
    assert capsys.readouterr().out == ""
    assert code_of(*arguments, "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    assert {"init": "file", "flow": "folder"}[verb] in summary


def test_the_summary_has_files_tables_and_diagnostics(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tables").mkdir()
    table = pd.DataFrame({"term": ["NA", "a"], "mean": [0.5, None]})
    table.to_csv(tmp_path / "tables" / "terms.csv", index=False)
    (tmp_path / "diagnostics.json").write_text('{"passed": false}')
    record = {"outputs": {"tables/terms.csv": "", "diagnostics.json": ""}, "dataset": "mine"}
    (tmp_path / "provenance.json").write_text(json.dumps(record))
    print_summary(tmp_path, "provenance.json", 1)
    summary = json.loads(capsys.readouterr().out)
    assert summary["exit_code"] == 1
    assert summary["folder"] == str(tmp_path)
    assert summary["files"] == ["tables/terms.csv", "diagnostics.json", "provenance.json"]
    assert summary["terms"] == [{"term": "NA", "mean": 0.5}, {"term": "a", "mean": None}]
    assert summary["diagnostics"] == {"passed": False}
    assert summary["dataset"] == "mine"


def test_results_of_other_inputs_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/bin/bayesmeta", "fit", "my table.csv"])
    choices: dict[str, Any] = {protection.KEY: "new"}
    protection.refuse_other_results(tmp_path / "absent", choices)
    (tmp_path / "provenance.json").write_text('{"analysis_sha256": "new"}')
    (tmp_path / "provenance-check.json").write_text("no JSON")
    protection.refuse_other_results(tmp_path, choices)
    (tmp_path / "provenance.json").write_text('{"analysis_sha256": "old", "dataset": "t"}')
    with pytest.raises(BadInput, match=r"bayesmeta fit 'my table.csv' --overwrite$"):
        protection.refuse_other_results(tmp_path, choices)


def write_results(folder: Path, record: str, key: str, *names: str) -> None:
    """Write files, and the record that lists them."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(record)
    content = {protection.KEY: key, "outputs": dict.fromkeys(names, "sha")}
    (folder / record).write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("key", "left"),
    [
        ("old", ["check.html", "notes.txt", "provenance-check.json", "provenance.json"]),
        ("new", ["notes.txt", "provenance.json"]),  # the check was of another model
    ],
)
def test_results_are_replaced_as_a_whole(tmp_path: Path, key: str, left: list[str]) -> None:
    out = tmp_path / "out"
    write_results(out, "provenance.json", "old", "figures/sides.svg", "tables/terms.csv")
    write_results(out, "provenance-check.json", "old", "check.html", "tables/terms.csv")
    (out / "notes.txt").write_text("of the user")
    (tmp_path / "precious.txt").write_text("outside")
    record = json.loads((out / "provenance.json").read_text())
    record["outputs"]["../precious.txt"] = "sha"
    (out / "provenance.json").write_text(json.dumps(record))
    with staging(out) as staged:
        write_results(staged, "provenance.json", key, "tables/terms.csv")
    files = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    assert files == [*left, "tables/terms.csv"]
    assert not (out / "figures").exists()
    assert (out / "tables/terms.csv").read_text() == "provenance.json"
    assert (tmp_path / "precious.txt").exists()


def test_a_second_run_into_a_folder_is_refused_while_the_first_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BAYESMETA_CACHE", str(tmp_path / "cache"))
    out = tmp_path / "out"
    with protection.only_run(out), protection.only_run(out):  # a report and its parts
        (lock,) = (cache_folder() / "locks").iterdir()
    with (
        FileLock(lock),
        pytest.raises(BadInput, match="another run of bayesmeta is writing"),
        protection.only_run(out),
    ):
        pass
    with protection.only_run(out):
        pass


def test_ended_by_force_nothing_unfinished_stays(tmp_path: Path) -> None:
    with staging(tmp_path / "deep" / "out") as path:
        (path / "half.txt").write_text("half")
        remove_unfinished()
        assert list(tmp_path.iterdir()) == []
        path.mkdir(parents=True)


SWALLOWS = """
import time
from bayesmeta.infrastructure.interrupts import stopped_by_interrupt
with stopped_by_interrupt():
    print("ready", flush=True)
    while {swallows}:
        try:
            time.sleep(60)
        except KeyboardInterrupt:
            if not {swallows}:
                raise
    time.sleep(60)
"""


@pytest.mark.parametrize("swallows", [True, False])
def test_ctrl_c_ends_the_process_even_if_a_library_swallows_it(swallows: bool) -> None:
    heeded = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    code = heeded + SWALLOWS.format(swallows=swallows)
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        begun = time.monotonic()
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=30)
    assert running.returncode == interrupts.CODE == 130
    assert errors.strip() == interrupts.message()
    assert time.monotonic() - begun < 10


def test_ctrl_c_in_a_command_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("bayesmeta.commands.run.run", interrupted)
    assert code_of("fit", "a.csv") == 130
    assert capsys.readouterr().err.strip() == interrupts.message()


def test_an_interrupt_that_compiled_code_swallows_prints_no_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown: list[BaseException] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda what: shown.append(what.exc_value))
    swallowed = SimpleNamespace(exc_type=KeyboardInterrupt, exc_value=KeyboardInterrupt())
    other = SimpleNamespace(exc_type=ValueError, exc_value=ValueError())
    with interrupts.stopped_by_interrupt():
        sys.unraisablehook(swallowed)
        sys.unraisablehook(other)
    sys.unraisablehook(swallowed)
    assert shown == [other.exc_value, swallowed.exc_value]
