"""A job, and what an attempt to do it gives."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bayesmeta.infrastructure.code import code_fingerprint
from bayesmeta.infrastructure.errors import BadInput

CONTINUE = "what is done is kept, and the same command continues"

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


def attempt(key: str, job: Job) -> Attempt:
    """Return the key and the table of a job, or its BadInput."""
    try:
        return key, job.function(*job.arguments)
    except BadInput as refusal:
        return key, refusal
    except Exception as error:
        error.add_note(f"in the job '{job.name}'")
        raise


def attempt_elsewhere(key: str, job: Job, code: str) -> Attempt:
    """Return an `attempt` in another process; raise BadInput if that has other `code`."""
    if code != code_fingerprint():
        raise BadInput(
            "a worker has other source of bayesmeta, or other versions of numerical packages, than "
            "this process; install the same there, and change nothing during a run"
        )
    return attempt(key, job)
