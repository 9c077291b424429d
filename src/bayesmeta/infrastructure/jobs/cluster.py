"""Jobs on a Dask cluster, which needs the extra `bayesmeta[dask]`."""

import logging
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Any

from distributed import Client, KilledWorker, as_completed
from distributed.client import ClosedClientError, FutureCancelledError
from distributed.comm import get_address_host_port

from bayesmeta.infrastructure.code import code_fingerprint
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.jobs.job import CONTINUE, Attempt, Attempts, Job, attempt_elsewhere

PATIENCE = 10  # seconds that a cluster has to answer
PERIODS = 2  # of PATIENCE without workers, after which they are lost
GONE = (FutureCancelledError, ClosedClientError, OSError)  # what a lost scheduler raises
LOST = f"the Dask cluster has no workers any more, or no scheduler; {CONTINUE}"


def on_cluster(jobs: Mapping[str, Job], address: str) -> Attempts:
    """Yield the attempts of a Dask cluster, through its client.

    joblib's Dask backend waits for ever for a job that the scheduler gives up.
    """
    with _connect(address) as client:
        waiting = iter(jobs.items())
        running = as_completed([])
        code = code_fingerprint()

        def submit(count: int) -> None:
            for key, job in islice(waiting, count):
                running.add(client.submit(attempt_elsewhere, key, job, code, key=key))

        # two per core wait on the cluster, the others here, where memory is ours
        submit(2 * sum(client.ncores().values()))
        with _ended_without(client, running.clear) as is_lost:
            try:
                for future in running:
                    yield _result(future, client)
                    submit(max(1, 2 * sum(client.ncores().values()) - running.count()))
            except GONE as error:
                raise BadInput(LOST) from error
        if is_lost.is_set():
            raise BadInput(LOST)


@contextmanager
def _ended_without(client: Client, end: Callable[[], None]) -> Iterator[threading.Event]:
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


def _has_workers(client: Client) -> bool:
    try:
        return client.status == "running" and bool(client.ncores())
    except Exception:  # of a scheduler that is closing, of many kinds
        return False


def _result(future: Any, client: Client) -> Attempt:
    """Return the result of a job that is done, which a lost worker may have to do again.

    Raise BadInput if no worker is left that could.
    """
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
        return attempt


def _connect(address: str) -> Client:
    """Return a client of a Dask cluster that has workers; raise BadInput if there is none."""
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
