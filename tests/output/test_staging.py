"""A folder of results is the old one or the new one at every moment, and nothing is left."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.exchange import exchange
from bayesmeta.output.folders import staging as module
from bayesmeta.output.folders.protection import KEY, outdated_files, page_files
from bayesmeta.output.folders.staging import staging

POINTS = ["staged", "link 1", "link 2", "exchange", "exchanged", "removal"]
KILLED = """
import os, shutil, signal, sys
from pathlib import Path
from bayesmeta.output.folders import staging as module

point, out = sys.argv[1], Path(sys.argv[2])
seen = 0

def die_at(name, function, after=False):
    def called(*arguments, **options):
        global seen
        seen += 1
        here = point in (name, f"{name} {seen}")
        if here and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = function(*arguments, **options)
        if here:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    return called

module.os.link = die_at("link", os.link)
module.exchange = die_at("exchanged", die_at("exchange", module.exchange), after=True)
module.shutil.rmtree = die_at("removal", shutil.rmtree)
with module.staging(out) as staged:
    for name in ("provenance.json", "a.txt", "new.txt"):
        (staged / name).write_text('{"outputs": {"a.txt": "", "new.txt": ""}}')
    if point == "staged":
        os.kill(os.getpid(), signal.SIGKILL)
"""
OLD = {"provenance.json", "a.txt", "old.txt", "notes.txt", "more/notes.txt"}
NEW = {"provenance.json", "a.txt", "new.txt", "notes.txt", "more/notes.txt"}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAYESMETA_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Results with files of their user."""
    out = tmp_path / "results" / "out"
    for name in OLD:
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text('{"outputs": {"a.txt": "", "old.txt": ""}}')
    return out


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.skipif(sys.platform == "win32", reason="folders are exchanged by Linux and macOS")
@pytest.mark.parametrize("point", POINTS)
def test_killed_at_any_step_the_folder_is_the_old_or_the_new_one(point: str, out: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, point, str(out)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert files(out) == (NEW if point in ("exchanged", "removal") else OLD)
    assert len(list(out.parent.iterdir())) == 2  # what the next run removes
    with staging(out) as staged:
        (staged / "more.txt").touch()
    assert [path.name for path in out.parent.iterdir()] == ["out"]


def test_where_folders_are_not_exchanged_half_of_results_has_no_record(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "exchange", lambda first, second: False)
    record = (out / "provenance.json").read_text()
    replace = Path.replace
    moved = []

    def fail_at_the_second(path: Path, target: Path) -> Path:
        moved.append(target.name)
        if len(moved) == 2:
            raise OSError(28, "No space left on device")
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", fail_at_the_second)
    with pytest.raises(BadInput, match="No space left on device"):
        write_new(out, record)
    assert "provenance.json" not in files(out)
    monkeypatch.setattr(Path, "replace", replace)
    write_new(out, record)
    assert moved == ["a.txt", "new.txt"]
    assert files(out) == NEW
    assert [path.name for path in out.parent.iterdir()] == ["out"]


def write_new(out: Path, record: str) -> None:
    with staging(out) as staged:
        for name in ("a.txt", "new.txt", "provenance.json"):
            (staged / name).write_text(record)


def test_a_folder_in_which_the_user_works_stays_that_folder(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(out)
    before = out.stat().st_ino
    with staging(Path(".")) as staged:
        (staged / "b.txt").write_text("b")
    assert Path("b.txt").read_text() == "b"
    assert out.stat().st_ino == before


def test_links_permissions_and_folders_of_the_user_stay(out: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "precious.txt").write_text("precious")
    (out / "link").symlink_to(tmp_path / "elsewhere")
    (out / "dangling").symlink_to("nowhere")
    (out / "empty").mkdir()
    out.chmod(0o750)
    with staging(out) as staged:
        (staged / "more").mkdir()
        (staged / "more" / "b.txt").write_text("b")
    assert (out / "link").is_symlink()
    assert (out / "link" / "precious.txt").read_text() == "precious"
    assert (out / "dangling").is_symlink()
    assert (out / "empty").is_dir()
    assert files(out / "more") == {"notes.txt", "b.txt"}
    assert out.stat().st_mode & 0o777 == 0o750


def test_what_other_runs_stage_is_left_alone(out: Path) -> None:
    theirs = [out.parent / ".out-2.bayesmeta-00", out.parent / ".outer.bayesmeta-00"]
    inside = out / ".screening.bayesmeta-00"
    for folder in (*theirs, inside):
        folder.mkdir()
    with staging(out), staging(out) as inner:
        (inner / "b.txt").touch()
    assert all(folder.is_dir() for folder in theirs)
    assert not inside.exists()  # of a run into a folder of it that was killed
    assert len(list(out.parent.iterdir())) == 3


def write_record(folder: Path, name: str, key: object, outputs: object) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps({KEY: key, "outputs": outputs}))


def test_the_page_of_a_report_goes_with_the_results_that_it_shows(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    write_record(old, "provenance.json", "k", {"terms.csv": ""})
    write_record(old, "provenance-report.json", "k", {"index.html": "", "terms.csv": ""})
    write_record(new, "provenance-check.json", "k", {"check.html": ""})
    assert outdated_files(old, new) == []
    write_record(new, "provenance.json", "k", {"terms.csv": ""})
    names = {path.name for path in outdated_files(old, new)}
    assert names == {"index.html", "provenance.json", "provenance-report.json", "terms.csv"}
    assert {path.name for path in page_files(old)} == {"index.html", "provenance-report.json"}


@pytest.mark.parametrize("outputs", [None, 5, "ab", ["x"], {"../out.txt": ""}, {"a": {"b": 1}}])
@pytest.mark.parametrize("key", [["list"], {"a": 1}, None, 3])
def test_damaged_records_remove_nothing_outside(
    tmp_path: Path, outputs: object, key: object
) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    write_record(old, "provenance.json", key, outputs)
    (tmp_path / "out.txt").write_text("precious")
    write_record(new, "provenance.json", "k", {})
    with staging(old) as staged:
        write_record(staged, "provenance.json", "k", {})
    assert files(tmp_path) >= {"old/provenance.json", "out.txt"}


def test_exchange_says_whether_it_was_possible(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / "x").touch()
    if exchange(tmp_path / "a", tmp_path / "b"):
        assert files(tmp_path) == {"b/x"}
        with pytest.raises(FileNotFoundError):
            exchange(tmp_path / "a", tmp_path / "absent")
    else:
        assert sys.platform == "win32"
        assert files(tmp_path) == {"a/x"}


STOPPED = """
import os, signal, sys, time
from pathlib import Path
from bayesmeta.infrastructure.interrupts import stopped_by_interrupt
from bayesmeta.output.folders.staging import staging

signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
signal.signal(signal.SIGHUP, signal.SIG_DFL)
with stopped_by_interrupt(), staging(Path(sys.argv[1])) as staged:
    (staged / "half.txt").touch()
    print("ready", flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_leaves_nothing_and_says_what_it_was(name: str, tmp_path: Path) -> None:
    number = signal.Signals[name]
    command = [sys.executable, "-c", STOPPED, str(tmp_path / "deep" / "out")]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        os.kill(running.pid, number)
        os.kill(running.pid, number)  # as a person who presses Ctrl-C twice
        _, errors = running.communicate(timeout=30)
    assert running.returncode == 128 + number
    of = {"SIGINT": "Ctrl-C", "SIGTERM": "the signal SIGTERM", "SIGHUP": "the end of its terminal"}
    assert errors.strip() == f"stopped by {of[name]}: unfinished results were not written"
    assert {path.name for path in tmp_path.iterdir()} <= {"cache"}
