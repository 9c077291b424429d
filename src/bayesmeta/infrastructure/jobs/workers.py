"""Processes that run the jobs: this process, processes on this machine, or a Dask cluster."""

import os
import signal
import threading
import time
import warnings
from collections.abc import Mapping

import joblib
from joblib.externals.loky.process_executor import BrokenProcessPool

from bayesmeta.infrastructure.code import code_fingerprint
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.interrupts import uninterrupted
from bayesmeta.infrastructure.jobs.job import CONTINUE, Attempts, Job, attempt, attempt_elsewhere

POLL = 0.5  # seconds between two looks at the parent process


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
        calls = (joblib.delayed(attempt_elsewhere)(key, job, code) for key, job in jobs.items())
        with uninterrupted([signal.SIGINT]):  # Ctrl-C is for this process, which ends the others
            results = pool(calls)
        yield from _unless_killed(results)
    else:
        yield from (attempt(key, job) for key, job in jobs.items())


def _unless_killed(results: Attempts) -> Attempts:
    """Yield the attempts of a pool; raise BadInput if the system has ended one of its processes."""
    try:
        yield from results
    except BrokenProcessPool as error:
        reason = "a process that refits has ended, perhaps for lack of memory"
        raise BadInput(f"{reason}; {CONTINUE}, with fewer of them by --workers") from error


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
    """Return the attempts of a Dask cluster; raise BadInput if Dask is not installed."""
    try:
        from bayesmeta.infrastructure.jobs.cluster import on_cluster
    except ImportError as error:
        advice = "install it with: pip install 'bayesmeta[dask]'"
        raise BadInput(f"Dask is not installed; {advice}") from error
    return on_cluster(jobs, address)
