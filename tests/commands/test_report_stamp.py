"""A report that would be the same is not made again."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from bayesmeta.commands.options import Output, Reporting, Request
from bayesmeta.commands.report_stamp import RECORD, keep_report, repeat_report
from bayesmeta.data import sources


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a report, made from mine.csv beside it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BAYESMETA_CACHE", str(tmp_path / "cache"))
    (tmp_path / "mine.csv").write_text("study,yi,vi\na,1,1\nb,2,1\n")
    folder = tmp_path / "out"
    (folder / "screening").mkdir(parents=True)
    record = {"created": "2026-01-02", "outputs": {"index.html": ""}, "dataset": "mine"}
    (folder / RECORD).write_text(json.dumps(record))
    (folder / "index.html").write_text("page")
    (folder / "screening" / "tree.csv").write_text("1")
    return folder


REQUEST = Request("mine.csv")
OPTIONS = Reporting()


def again(out: Path | None, **changes: object) -> int | None:
    request = Request(**{"dataset": "mine.csv", **changes})
    return repeat_report(request, OPTIONS, out, Output(), Console(quiet=True))


def test_the_same_command_is_answered_with_its_exit_code(out: Path) -> None:
    assert again(out) is None
    keep_report(REQUEST, OPTIONS, out, 1, is_default=False)
    assert again(out) == 1
    assert again(Path("out")) == 1
    assert again(None) is None
    assert again(out, where="yi > 0") is None
    assert again(out / "screening") is None
    keep_report(REQUEST, OPTIONS, out, 0, is_default=True)
    assert again(None) == 0


@pytest.mark.parametrize("name", ["mine.csv", "out/index.html", "out/screening/tree.csv"])
def test_changed_files_are_seen(out: Path, tmp_path: Path, name: str) -> None:
    keep_report(REQUEST, OPTIONS, out, 0, is_default=False)
    assert again(out) == 0
    (tmp_path / name).write_text("changed")
    assert again(out) is None


def test_a_changed_matrix_of_the_model_is_seen(out: Path, tmp_path: Path) -> None:
    matrix = tmp_path / "R.csv"
    matrix.write_text("1")
    keep_report(REQUEST, OPTIONS, out, 0, is_default=False, matrices=[matrix])
    assert again(out) == 0
    matrix.write_text("2")
    assert again(out) is None


def test_a_raw_file_that_comes_into_a_search_folder_is_seen(
    out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BAYESMETA_DATA", str(tmp_path / "raw"))
    request = Request("preclinical")
    keep_report(request, OPTIONS, out, 0, is_default=False)
    assert again(out, dataset="preclinical") == 0
    name = next(iter(sources.register()["files"].values()))["name"]
    assert tmp_path / "raw" / name in sources.candidates()
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / name).write_text("another version")
    assert again(out, dataset="preclinical") is None


def test_json_is_printed_of_what_is_there(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keep_report(REQUEST, OPTIONS, out, 1, is_default=False)
    repeat_report(REQUEST, OPTIONS, out, Output(as_json=True), Console(quiet=True))
    printed = json.loads(capsys.readouterr().out)
    assert printed["exit_code"] == 1
    assert printed["files"] == ["index.html", RECORD]


def test_the_answer_loads_nothing_heavy(out: Path, tmp_path: Path) -> None:
    keep_report(REQUEST, OPTIONS, out, 0, is_default=False)
    script = (
        "import sys\n"
        "from bayesmeta.cli import main\n"
        "try:\n    main(['report', 'mine.csv', '--out', 'out'])\n"
        "except SystemExit as ended:\n    assert ended.code == 0, ended.code\n"
        "heavy = {'numpy', 'pandas', 'matplotlib', 'jax', 'pymc'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "nothing has changed since 2026-01-02" in done.stdout
