import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import distributed
import pandas as pd
import pytest
from distributed import Client
from distributed.client import ClosedClientError
from distributed.comm.core import CommClosedError

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.jobs import Job, run_jobs, workers
from bayesmeta.infrastructure.jobs import cluster as dask_jobs

pytestmark = pytest.mark.wide


def halve(number: float, dying: str = "", always: bool = False) -> pd.DataFrame:
    """Return half of a number; kill the process of the job before, the first time or always."""
    if dying and (always or not Path(dying).exists()):
        Path(dying).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if number < 0:
        raise BadInput(f"{number} is negative")
    time.sleep(0.1)
    return pd.DataFrame({"half": [number / 2], "text": ["x"], "by": [os.getpid()]})


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Yield the address of a cluster of two worker processes."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=50
    ) as cluster:
        yield cluster.scheduler_address


def test_nothing_is_lost_when_a_worker_is_killed(address: str, tmp_path: Path) -> None:
    dying = tmp_path / "dying"
    jobs = [
        Job(f"{number}", halve, (number, str(dying) if number == 7 else "")) for number in range(16)
    ]
    there, refused = run_jobs(jobs, dask=address, cache=tmp_path / "there")
    assert dying.exists()
    assert refused == {}
    here, _ = run_jobs(jobs, workers=1, cache=tmp_path / "here")
    assert list(there) == list(here)
    for name in here:
        pd.testing.assert_frame_equal(there[name].drop(columns="by"), here[name].drop(columns="by"))
    by = {table["by"].item() for table in there.values()}
    assert os.getpid() not in by
    assert len(by) >= 2


def test_a_job_that_kills_every_worker_ends_the_run_and_the_others_are_kept(
    address: str, tmp_path: Path
) -> None:
    jobs = [
        Job(f"{number}", halve, (number, str(tmp_path / "dying"), number == 3))
        for number in range(6)
    ]
    (tmp_path / "dying").touch()
    with pytest.raises(BadInput, match="ended every worker of the cluster that tried it"):
        run_jobs(jobs, dask=address, cache=tmp_path / "kept")
    assert 1 <= len(list((tmp_path / "kept").iterdir())) <= 5


CLUSTER = """
import sys, time, distributed
if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    options = {"protocol": "tcp://", "dashboard_address": ":0", "silence_logs": 50}
    with distributed.LocalCluster(1, threads_per_worker=1, processes=False, **options) as cluster:
        print(cluster.scheduler_address, flush=True)
        time.sleep(600)
"""


def test_a_cluster_that_is_killed_ends_the_run_with_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask_jobs, "PATIENCE", 3)
    command = [sys.executable, "-c", CLUSTER, str(Path(__file__).parent)]
    jobs = [Job(f"{n}", halve, (n,)) for n in range(1000)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as cluster:
        assert cluster.stdout is not None
        address = cluster.stdout.readline().strip()
        killing = threading.Timer(3, cluster.kill)
        killing.start()
        with pytest.raises(BadInput, match="what is done is kept, and the same command continues"):
            run_jobs(jobs, dask=address, cache=tmp_path)
        killing.join()


@pytest.mark.parametrize("error", [CommClosedError, ClosedClientError])
def test_a_scheduler_lost_between_two_results_ends_the_run_with_a_message(
    error: type[Exception], address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([{"worker": 1}])

    def ncores(_: Client) -> dict[str, int]:
        for answer in answers:
            return answer
        raise error("Stream is closed")

    monkeypatch.setattr(Client, "ncores", ncores)
    with pytest.raises(BadInput, match="no scheduler; what is done is kept"):
        run_jobs([Job(f"{n}", halve, (n,)) for n in range(5)], dask=address, cache=tmp_path)


def test_bad_input_there_refuses_its_job_alone(address: str, tmp_path: Path) -> None:
    tables, refused = run_jobs(
        [Job(f"{n}", halve, (n,)) for n in (1, -1, 2)], dask=address, cache=tmp_path
    )
    assert list(tables) == ["1", "2"]
    assert refused == {"-1": "-1 is negative"}


def test_workers_with_other_code_are_refused(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (dask_jobs, workers):
        monkeypatch.setattr(module, "code_fingerprint", lambda: "the code here")
    for dask in (address, None):
        with pytest.raises(BadInput, match="other source of bayesmeta"):
            run_jobs(
                [Job(f"{n}", halve, (n,)) for n in (1, 2)], dask=dask, workers=2, cache=tmp_path
            )
    assert list(tmp_path.iterdir()) == []


def test_no_scheduler_no_workers_no_dask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_jobs, "PATIENCE", 0.5)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = f"tcp://127.0.0.1:{closed.getsockname()[1]}"
    for address in (
        nobody,
        "nonsense",
        "tcp://nonsense",
        "tcp://nonsense.invalid:8786",
        "udp://127.0.0.1:1",
    ):
        with pytest.raises(BadInput, match=f"no Dask scheduler answers at '{address}'; start it"):
            run_jobs([Job("1", halve, (1,))], dask=address, cache=tmp_path)
    with (
        distributed.LocalCluster(n_workers=0, dashboard_address=":0", silence_logs=50) as empty,
        pytest.raises(BadInput, match="has no workers; start some with `dask worker tcp://"),
    ):
        run_jobs([Job("1", halve, (1,))], dask=empty.scheduler_address, cache=tmp_path)
    monkeypatch.delitem(sys.modules, dask_jobs.__name__)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(BadInput, match=r"pip install 'bayesmeta\[dask\]'"):
        run_jobs([Job("1", halve, (1,))], dask=nobody, cache=tmp_path)
