"""Who runs the jobs: this process, processes on this machine, or a Dask cluster."""

import os
import socket
import threading
import time
import warnings
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import joblib
import pandas as pd

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.jobs.fingerprint import code_fingerprint

if TYPE_CHECKING:
    from distributed import Client

PATIENCE = 10  # seconds that a Dask cluster has to answer

Attempts = Generator[tuple[str, pd.DataFrame | BadInput], None, None]


@dataclass(frozen=True)
class Job:
    """One refit: `function(*arguments)` gives a table.

    Attributes
    ----------
    name : str
        For the progress bar, messages and the result.
    function : callable
        At the top level of a module; the same arguments give the same table. One that uses JAX calls
        `sampling.start_jax(devices=1)` first. BadInput refuses this job alone.
    arguments : tuple
        What `fingerprint` takes; of a file the content, for its name does not tell that it changed.
    """

    name: str
    function: Callable[..., pd.DataFrame]
    arguments: tuple[Any, ...]


def attempts(jobs: Mapping[str, Job], *, dask: str | None = None, workers: int | None = None) -> Attempts:
    """Key and table, or the BadInput that refused it, of each job as it is done; see `run_jobs`."""
    workers = min(workers or joblib.cpu_count(), len(jobs))
    if dask and jobs:
        yield from _on_cluster(jobs, dask)
    elif workers > 1:
        # a worker that compiled much is started anew; nothing is lost
        warnings.filterwarnings("ignore", message="A worker stopped while some jobs were given to the executor")
        as_done = {"return_as": "generator_unordered", "batch_size": 1, "max_nbytes": None}
        pool = joblib.Parallel(workers, backend="loky", initializer=_set_up, **as_done)
        yield from pool(joblib.delayed(_attempt_there)(*each, code_fingerprint()) for each in jobs.items())
    else:
        yield from (_attempt(key, job) for key, job in jobs.items())


def _attempt(key: str, job: Job) -> tuple[str, pd.DataFrame | BadInput]:
    try:
        return key, job.function(*job.arguments)
    except BadInput as refusal:
        return key, refusal
    except Exception as error:
        error.add_note(f"in the job '{job.name}'")
        raise


def _attempt_there(key: str, job: Job, code: str) -> tuple[str, pd.DataFrame | BadInput]:
    if code != code_fingerprint():
        raise BadInput(
            "a worker has other source of bayesmeta, or other versions of what it computes with, than this process; "
            "install the same there, and change nothing during a run"
        )
    return _attempt(key, job)


def _set_up() -> None:
    """One core and no accelerator's memory per process (JAX reads this when it starts), none after its parent."""
    os.environ.setdefault("NPROC", "1")
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    threading.Thread(target=_end_after, args=(os.getppid(),), daemon=True).start()


def _end_after(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _on_cluster(jobs: Mapping[str, Job], address: str) -> Attempts:
    """Through the client itself: joblib's Dask backend waits for ever for a job that the scheduler gives up."""
    with _connect(address) as client:
        from distributed import as_completed

        waiting, running = iter(jobs.items()), as_completed([])

        def submit(count: int) -> None:
            for key, job in islice(waiting, count):
                running.add(client.submit(_attempt_there, key, job, code_fingerprint(), key=key))

        submit(2 * sum(client.ncores().values()))  # two per core wait there, the rest here, where memory is ours
        for future in running:
            yield future.result()
            submit(max(1, 2 * sum(client.ncores().values()) - running.count()))


def _connect(address: str) -> "Client":
    try:
        from distributed import Client
        from distributed.comm import get_address_host_port
    except ImportError as error:
        raise BadInput("Dask is not installed; install it with: pip install 'bayesmeta[dask]'") from error
    try:
        # first by a socket: a Client that finds nobody may lock up the next one when it is collected
        socket.create_connection(get_address_host_port(address), timeout=PATIENCE).close()
        client = Client(address, timeout=PATIENCE)
    except (OSError, ValueError) as error:
        raise BadInput(
            f"no Dask scheduler answers at '{address}'; "
            "start one with `dask scheduler` and give the address that it prints, tcp://host:8786"
        ) from error
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError as error:
        client.close()
        raise BadInput(f"the Dask scheduler has no workers; start some with `dask worker {address}`") from error
    return client
