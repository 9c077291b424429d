"""Faults of the cache of refits and of its workers: no wrong number, nothing left."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bayesmeta.infrastructure import files
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.jobs import Job, run_jobs
from bayesmeta.infrastructure.stamps import find_stamp, keep_stamp


def numbers(seed: int) -> pd.DataFrame:
    """Return a table of text and numbers."""
    values = np.random.default_rng(seed).normal(size=12)
    return pd.DataFrame({"name": list("abc") * 4, "value": values, "rank": range(12)})


def test_a_bit_that_has_changed_in_the_cache_changes_no_number(tmp_path: Path) -> None:
    jobs = [Job("numbers", numbers, (1,))]
    run_jobs(jobs, workers=1, cache=tmp_path)
    (path,) = tmp_path.iterdir()
    content = path.read_bytes()
    rng = random.Random(1)
    for _ in range(100):
        damaged = bytearray(content)
        damaged[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        tables, _ = run_jobs(jobs, workers=1, cache=tmp_path)
        pd.testing.assert_frame_equal(tables["numbers"], numbers(1))


@pytest.mark.parametrize("content", [b"", b"PAR1", b"[]", b"\x00" * 5000])
def test_a_torn_or_foreign_file_in_the_cache_is_made_again(content: bytes, tmp_path: Path) -> None:
    jobs = [Job("numbers", numbers, (1,))]
    run_jobs(jobs, workers=1, cache=tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_bytes(content)
    tables, _ = run_jobs(jobs, workers=1, cache=tmp_path)
    pd.testing.assert_frame_equal(tables["numbers"], numbers(1))
    assert path.stat().st_size > 1000


def test_a_cache_that_cannot_be_written_keeps_nothing_and_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    tables, _ = run_jobs([Job("numbers", numbers, (1,))], workers=1, cache=tmp_path / "file" / "x")
    pd.testing.assert_frame_equal(tables["numbers"], numbers(1))

    def full(path: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    tables, _ = run_jobs([Job("numbers", numbers, (1,))], workers=1, cache=tmp_path / "full")
    pd.testing.assert_frame_equal(tables["numbers"], numbers(1))
    assert list((tmp_path / "full").iterdir()) == []


def test_what_killed_writers_left_in_the_cache_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".abc.parquet.123").touch()
    run_jobs([Job("numbers", numbers, (1,))], workers=1, cache=tmp_path)
    assert (tmp_path / ".abc.parquet.123").exists()  # it may be written at this moment
    monkeypatch.setattr(files, "LEFT_AFTER", -1)
    run_jobs([Job("numbers", numbers, (1,))], workers=1, cache=tmp_path)
    assert [path.suffix for path in tmp_path.iterdir()] == [".parquet"]


@pytest.mark.parametrize("content", ["", "[]", "null", '"x"', '{"files": 3}', "[" * 100_000, "{}"])
def test_a_damaged_stamp_is_none(
    content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BAYESMETA_CACHE", str(tmp_path))
    keep_stamp("choices", [tmp_path / "absent"], "content")
    assert find_stamp("choices") == "content"
    (path,) = (tmp_path / "stamps").iterdir()
    path.write_text(content)
    assert find_stamp("choices") is None


SLEEPERS = """
import signal
import sys
import time
from pathlib import Path
import pandas as pd
from bayesmeta.infrastructure.jobs import Job, run_jobs

def sleep(number):
    time.sleep(60)
    return pd.DataFrame({"number": [number]})

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
    run_jobs([Job(f"{n}", sleep, (n,)) for n in range(2)], workers=2, cache=Path(sys.argv[1]))
"""


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="children are read from /proc")
def test_workers_end_with_a_parent_that_was_killed_while_they_started(tmp_path: Path) -> None:
    (tmp_path / "sleepers.py").write_text(SLEEPERS)
    command = [sys.executable, str(tmp_path / "sleepers.py"), str(tmp_path / "kept")]
    with subprocess.Popen(command, start_new_session=True) as running:
        limit = time.monotonic() + 60
        while not (workers := _workers(running.pid)) and time.monotonic() < limit:
            time.sleep(0.02)
        os.kill(running.pid, signal.SIGKILL)
    assert workers
    limit = time.monotonic() + 60
    while _workers(running.pid) and time.monotonic() < limit:
        time.sleep(0.1)
    assert _workers(running.pid) == []


def _workers(session: int) -> list[int]:
    """Return the worker processes of a session."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            is_worker = b"popen_loky" in (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if int(fields[3]) == session and is_worker and fields[0] != "Z":
            found.append(int(folder.name))
    return found


def die(number: int) -> pd.DataFrame:
    """Return a table; the process of the job 3 is killed, as by a system without memory."""
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return pd.DataFrame({"number": [number]})


def test_a_worker_that_is_killed_ends_the_run_with_a_message(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="perhaps for lack of memory; what is done is kept"):
        run_jobs([Job(f"{n}", die, (n,)) for n in range(4)], workers=2, cache=tmp_path)
    jobs = [Job(f"{n}", die, (n,)) for n in range(3)]
    tables, _ = run_jobs(jobs, workers=2, cache=tmp_path)  # a new pool
    assert [table["number"].item() for table in tables.values()] == [0, 1, 2]


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="children are read from /proc")
def test_workers_print_no_traceback_at_ctrl_c(tmp_path: Path) -> None:
    (tmp_path / "sleepers.py").write_text(SLEEPERS)
    command = [sys.executable, str(tmp_path / "sleepers.py"), str(tmp_path / "kept")]
    started = {"start_new_session": True, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **started) as running:  # type: ignore[call-overload]
        while not _workers(running.pid) and running.poll() is None:
            time.sleep(0.02)
        time.sleep(1)
        os.killpg(running.pid, signal.SIGINT)
        _, errors = running.communicate(timeout=60)
    assert "LokyProcess" not in errors
    assert errors.count("Traceback") <= 1  # of this script, which does not catch the interrupt
