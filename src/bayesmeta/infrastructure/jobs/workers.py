"""Processes that run the jobs: this process, processes on this machine, or a Dask cluster."""

import logging
import os
import signal
import socket
import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import joblib
import pandas as pd
from joblib.externals.loky.process_executor import BrokenProcessPool

from bayesmeta.infrastructure.code import code_fingerprint
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.interrupts import uninterrupted

if TYPE_CHECKING:
    from distributed import Client

PATIENCE = 10  # seconds that a Dask cluster has to answer
PERIODS = 2  # of PATIENCE without workers, after which they are lost
POLL = 0.5  # seconds between two looks at the parent process

CONTINUE = "what is done is kept, and the same command continues"
LOST = f"the Dask cluster has no workers any more, or no scheduler; {CONTINUE}"

Attempt = tuple[str, pd.DataFrame | BadInput]
Attempts = Generator[Attempt, None, None]


@dataclass(frozen=True)
class Job:
    """A refit: `function(*arguments)` returns a table.

    Attributes
    ----------
    name : for the progress bar, messages and the result.
    function : at the top level of a module; the same arguments give the same table.
        BadInput refuses this job alone.
    arguments : values that `fingerprint` takes; the content of a file rather than its name, which
        stays the same when the file changes.
    """

    name: str
    function: Callable[..., pd.DataFrame]
    arguments: tuple[Any, ...]


def attempts(
    jobs: Mapping[str, Job], *, dask: str | None = None, workers: int | None = None
) -> Attempts:
    """Yield key and table of every job when it is done, or the BadInput that refused it."""
    workers = min(workers or joblib.cpu_count(), len(jobs))
    if dask and jobs:
        yield from _on_cluster(jobs, dask)
    elif workers > 1:
        # a worker that has compiled a lot is replaced by a new process; no job is lost
        message = "A worker stopped while some jobs were given to the executor"
        warnings.filterwarnings("ignore", message=message)
        options = {"return_as": "generator_unordered", "batch_size": 1, "max_nbytes": None}
        options |= {"initializer": _set_up, "initargs": (os.getpid(),)}
        pool = joblib.Parallel(workers, backend="loky", **options)
        code = code_fingerprint()
        calls = (joblib.delayed(_attempt_there)(key, job, code) for key, job in jobs.items())
        with uninterrupted([signal.SIGINT]):  # Ctrl-C is for this process, which ends the others
            results = pool(calls)
        yield from _unless_killed(results)
    else:
        yield from (_attempt(key, job) for key, job in jobs.items())


def _unless_killed(results: Attempts) -> Attempts:
    """Yield the attempts of a pool; raise BadInput if the system has ended one of its processes."""
    try:
        yield from results
    except BrokenProcessPool as error:
        reason = "a process that refits has ended, perhaps for lack of memory"
        raise BadInput(f"{reason}; {CONTINUE}, with fewer of them by --workers") from error


def _attempt(key: str, job: Job) -> Attempt:
    """Return the key and the table of a job, or its BadInput."""
    try:
        return key, job.function(*job.arguments)
    except BadInput as refusal:
        return key, refusal
    except Exception as error:
        error.add_note(f"in the job '{job.name}'")
        raise


def _attempt_there(key: str, job: Job, code: str) -> Attempt:
    """Return an `_attempt` in another process; raise BadInput if that has other `code`."""
    if code != code_fingerprint():
        raise BadInput(
            "a worker has other source of bayesmeta, or other versions of numerical packages, than "
            "this process; install the same there, and change nothing during a run"
        )
    return _attempt(key, job)


def _set_up(parent: int) -> None:
    """Give a new process a core and no accelerator, and end it with its parent.

    JAX reads both variables when it starts. The parent may have been killed before. Ctrl-C, which a
    terminal sends to all processes, is for the parent.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.setdefault("NPROC", "1")
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    threading.Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: int) -> None:
    """End this process as soon as its parent is gone."""
    while os.getppid() == parent:
        time.sleep(POLL)
    os._exit(1)


def _on_cluster(jobs: Mapping[str, Job], address: str) -> Attempts:
    """Yield the attempts of a Dask cluster, through its client.

    joblib's Dask backend waits for ever for a job that the scheduler gives up.
    """
    with _connect(address) as client:
        from distributed import as_completed

        waiting = iter(jobs.items())
        running = as_completed([])
        code = code_fingerprint()

        def submit(count: int) -> None:
            for key, job in islice(waiting, count):
                running.add(client.submit(_attempt_there, key, job, code, key=key))

        # two per core wait on the cluster, the others here, where memory is ours
        submit(2 * sum(client.ncores().values()))
        with _ended_without(client, running.clear) as is_lost:
            for future in running:
                yield _result(future, client)
                submit(max(1, 2 * sum(client.ncores().values()) - running.count()))
        if is_lost.is_set():
            raise BadInput(LOST)


@contextmanager
def _ended_without(client: "Client", end: Callable[[], None]) -> Iterator[threading.Event]:
    """Call a function if scheduler or workers are lost: a client would wait for ever."""
    is_over, is_lost = threading.Event(), threading.Event()

    def watch() -> None:
        without = 0
        while not is_over.wait(PATIENCE):
            without = 0 if _has_workers(client) else without + 1
            if without == PERIODS:
                is_lost.set()
                end()
                return

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield is_lost
    finally:
        is_over.set()


def _has_workers(client: "Client") -> bool:
    try:
        return client.status == "running" and bool(client.ncores())
    except Exception:  # of a scheduler that is closing, of many kinds
        return False


def _result(future: Any, client: "Client") -> Attempt:
    """Return the result of a job that is done, which a lost worker may have to do again.

    Raise BadInput if no worker is left that could, or if the scheduler is gone.
    """
    from distributed import KilledWorker
    from distributed.client import FutureCancelledError

    while True:
        try:
            attempt: Attempt = future.result(timeout=PATIENCE)
        except TimeoutError:
            if client.status == "running" and client.ncores():
                continue
            raise BadInput(f"the Dask cluster has lost all its workers; {CONTINUE}") from None
        except KilledWorker as error:
            reason = "a refit has ended every worker of the cluster that tried it"
            advice = f"perhaps for lack of memory; {CONTINUE}"
            raise BadInput(f"{reason}, {advice}") from error
        except (FutureCancelledError, OSError) as error:
            raise BadInput(LOST) from error
        return attempt


def _connect(address: str) -> "Client":
    """Return a client of a Dask cluster that has workers; raise BadInput if there is none."""
    try:
        from distributed import Client
        from distributed.comm import get_address_host_port
    except ImportError as error:
        advice = "install it with: pip install 'bayesmeta[dask]'"
        raise BadInput(f"Dask is not installed; {advice}") from error
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # it prints tracebacks
    try:
        # a socket first: a Client without a scheduler may block the next when it is collected
        socket.create_connection(get_address_host_port(address), timeout=PATIENCE).close()
        client = Client(address, timeout=PATIENCE)
    except (OSError, ValueError) as error:
        advice = "start it with `dask scheduler` and give the address it prints, tcp://host:8786"
        raise BadInput(f"no Dask scheduler answers at '{address}'; {advice}") from error
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError as error:
        client.close()
        advice = f"start some with `dask worker {address}`"
        raise BadInput(f"the Dask scheduler has no workers; {advice}") from error
    return client
