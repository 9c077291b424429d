import os
import signal
import subprocess
import sys
import time
from collections import Counter
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from rich.console import Console

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.jobs import Job, run_jobs
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.model.design import build_design
from bayesmeta.model.spec import ModelSpec, read_spec


def square(number: int, log: str = "", seconds: float = 0.0) -> pd.DataFrame:
    """Return the square of a number, and write a file for every call."""
    if log:
        (Path(log) / f"{number}.{time.time_ns()}").touch()
    time.sleep(seconds)
    if number < 0:
        raise BadInput(f"{number} is negative")
    return pd.DataFrame({"text": [f"{number}"], "square": [number**2], "root": [1 / number]})


def refit(design: xr.Dataset, spec: ModelSpec, add: float) -> pd.DataFrame:
    from bayesmeta.inference.quadrature import integrate_posterior, terms_table

    return terms_table(integrate_posterior(design.assign(yi=design["yi"] + add), spec))


def squares(numbers: object, log: Path | str = "", seconds: float = 0.0) -> list[Job]:
    return [
        Job(f"the square of {number}", square, (number, str(log), seconds)) for number in numbers
    ]


def calls(log: Path) -> Counter[str]:
    return Counter(path.name.split(".")[0] for path in log.iterdir())


@pytest.fixture
def log(tmp_path: Path) -> Path:
    (tmp_path / "log").mkdir()
    return tmp_path / "log"


@pytest.mark.parametrize("workers", [1, 2])
def test_every_table_comes_in_order(workers: int, tmp_path: Path) -> None:
    tables, refused = run_jobs(squares([3, 1, 2]), workers=workers, cache=tmp_path)
    assert list(tables) == ["the square of 3", "the square of 1", "the square of 2"]
    assert refused == {}
    for number in (3, 1, 2):
        pd.testing.assert_frame_equal(tables[f"the square of {number}"], square(number))


def test_refits_by_processes_are_those_of_this_process(
    simulated: pd.DataFrame, tmp_path: Path
) -> None:
    spec = read_spec("three-level")
    arguments = build_design(simulated, spec), spec
    tables, _ = run_jobs(
        [Job(f"{add}", refit, (*arguments, add)) for add in (0.0, 1.0)], workers=2, cache=tmp_path
    )
    for add in (0.0, 1.0):
        pd.testing.assert_frame_equal(tables[f"{add}"], refit(*arguments, add), rtol=1e-10)


def test_what_is_kept_is_not_run_again_and_what_is_damaged_is(log: Path, tmp_path: Path) -> None:
    first = run_jobs(squares([1, 2, 3], log), workers=1, cache=tmp_path / "kept").tables
    damaged, emptied, _ = sorted((tmp_path / "kept").iterdir())
    damaged.write_bytes(damaged.read_bytes()[:-40])
    emptied.write_bytes(b"")
    again = run_jobs(squares([1, 2, 3, 4], log), workers=1, cache=tmp_path / "kept").tables
    assert sorted(calls(log).values()) == [1, 1, 2, 2]
    assert calls(log)["4"] == 1
    assert len(list((tmp_path / "kept").iterdir())) == 4
    for name, table in first.items():
        pd.testing.assert_frame_equal(again[name], table)


def test_equal_jobs_run_once(log: Path, tmp_path: Path) -> None:
    jobs = [Job(name, square, (5, str(log), 0.0)) for name in "ab"]
    tables, _ = run_jobs(jobs, workers=1, cache=tmp_path)
    assert calls(log) == {"5": 1}
    assert tables["a"]["square"].item() == tables["b"]["square"].item() == 25


@pytest.mark.parametrize("workers", [1, 2])
def test_bad_input_refuses_its_job_alone(workers: int, tmp_path: Path) -> None:
    for _ in range(2):
        tables, refused = run_jobs(squares([1, -2, 3]), workers=workers, cache=tmp_path)
        assert list(tables) == ["the square of 1", "the square of 3"]
        assert refused == {"the square of -2": "-2 is negative"}


@pytest.mark.parametrize("workers", [1, 2])
def test_other_exceptions_end_the_run_and_keep_what_is_done(
    workers: int, log: Path, tmp_path: Path
) -> None:
    console = Console(file=StringIO(), width=200)
    jobs = squares([1, 2], log) + squares([0], log, 1.0) + squares(range(3, 9), log, 1.0)
    with pytest.raises(ZeroDivisionError) as caught:
        run_jobs(
            jobs, steps=Steps(console), title="squaring", workers=workers, cache=tmp_path / "kept"
        )
    assert "in the job 'the square of 0'" in caught.value.__notes__
    kept = len(list((tmp_path / "kept").iterdir()))
    assert (
        f"squaring stopped: {kept} of 9 are kept; the same command continues"
        in console.file.getvalue()
    )
    assert 1 <= kept < 9
    if workers == 1:
        assert (kept, len(calls(log))) == (2, 3)


def test_bad_calls_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="workers is 0; it should be 1 or more"):
        run_jobs(squares([1]), workers=0, cache=tmp_path)
    with pytest.raises(ValueError, match="two jobs have the same name"):
        run_jobs(squares([1]) + squares([1]), cache=tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert run_jobs([], cache=tmp_path) == ({}, {})


def test_the_default_cache_follows_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BAYESMETA_CACHE", str(tmp_path))
    run_jobs(squares([1]))
    assert len(list((tmp_path / "refits").glob("*.parquet"))) == 1


LONG = 0.9  # seconds of a job, so that a slow machine interrupts the run before its end


def in_another_process(log: Path, kept: Path) -> subprocess.Popen[str]:
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"  # as below nohup
        "from pathlib import Path; from rich.console import Console; import test_jobs as t;"
        f"t.run_jobs(t.squares(range(1, 13), {str(log)!r}, {LONG}), workers=2,"
        f" steps=t.Steps(t.Console(width=200)), cache=Path({str(kept)!r}))"
    )
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])
    }
    command = [sys.executable, "-c", code]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    )


def wait_for_tables(kept: Path, count: int) -> None:
    begun = time.monotonic()
    while len(list(kept.glob("*.parquet"))) < count:
        assert time.monotonic() - begun < 60
        time.sleep(0.02)


@pytest.mark.wide
def test_a_run_continues_where_it_was_killed(log: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    with in_another_process(log, kept) as running:
        wait_for_tables(kept, 4)
        running.kill()
        running.communicate(
            timeout=20
        )  # ends when the last worker has closed its end: none is left behind
    assert running.returncode == -signal.SIGKILL
    done = [pd.read_parquet(path)["text"].item() for path in kept.glob("*.parquet")]
    assert 4 <= len(done) < 12
    tables, _ = run_jobs(squares(range(1, 13), log, LONG), workers=2, cache=kept)
    assert [table["square"].item() for table in tables.values()] == [
        number**2 for number in range(1, 13)
    ]
    assert {calls(log)[number] for number in done} == {1}


@pytest.mark.wide
def test_ctrl_c_keeps_what_is_done_and_says_how_to_continue(log: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    with in_another_process(log, kept) as running:
        wait_for_tables(kept, 4)
        os.killpg(running.pid, signal.SIGINT)
        output, _ = running.communicate(timeout=20)
    assert running.returncode != 0
    count = len(list(kept.glob("*.parquet")))
    assert f"refitting stopped: {count} of 12 are kept; the same command continues" in output
    assert 4 <= count < 12


def test_the_bar_counts_on_a_terminal_and_is_silent_elsewhere() -> None:
    terminal = Console(file=StringIO(), force_terminal=True, width=100)
    page = Console(file=StringIO())
    for console in (terminal, page, None):
        steps = Steps(console)
        with steps.counted("refitting", 4, done=2) as count:
            count("tight priors")
            count("without [bold] 2010")
        assert steps.seconds["refitting"] > 0
    shown = terminal.file.getvalue()
    assert "4/4" in shown
    assert "without [bold] 2010" in shown
    assert page.file.getvalue() == ""


def test_arrays_of_a_job_can_be_written(tmp_path: Path) -> None:
    jobs = [Job(f"{value}", overwrite, (np.full(300_000, value),)) for value in (1.0, 2.0)]
    tables, _ = run_jobs(jobs, workers=2, cache=tmp_path)
    assert [table["sum"].item() for table in tables.values()] == [299_999.0, 599_998.0]


def overwrite(values: np.ndarray) -> pd.DataFrame:
    values[0] = 0.0
    return pd.DataFrame({"sum": [values.sum()]})
