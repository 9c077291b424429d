"""Commands in copies of this process, which has loaded the libraries."""

import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

LIBRARIES = ["h5netcdf", "matplotlib.figure", "bayesmeta.inference.quadrature"]
LIBRARIES += [f"bayesmeta.commands.{name}" for name in ("fit", "outcome", "plot", "predict")]
MEMORY = 8 << 30  # bytes that a copy may address


class Outcome(NamedTuple):
    """How a copy ended: its code, 124 if it was still running, and what it printed."""

    code: int
    text: str
    seconds: float

    @property
    def failure(self) -> str:
        """Return what should not have happened, or ""."""
        if self.code == 124:
            return f"it still ran after {self.seconds:.0f} s"
        if "Traceback" in self.text or self.code not in (0, 1, 2):
            return f"code {self.code}: {self.text[-1500:]}"
        if self.code == 2 and "rror: " not in self.text:
            return f"no message: {self.text[-500:]}"
        return ""


def load() -> None:
    """Load what commands need, before the first copy; not JAX, whose threads would hang."""
    for name in LIBRARIES:
        import_module(name)


def in_copy(action: Callable[[], object], folder: Path, seconds: float = 60) -> Outcome:
    """Call a function in a copy of this process that works in a folder."""
    log = folder.with_name(f"{folder.name}.log")
    begun = time.monotonic()
    child = os.fork()
    if child == 0:
        _become(action, folder, log)
    while time.monotonic() - begun < seconds:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            return Outcome(code, _read(log), time.monotonic() - begun)
        time.sleep(0.005)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return Outcome(124, _read(log), time.monotonic() - begun)


def command(*arguments: str) -> Callable[[], None]:
    """Return a call of the command line."""

    def call() -> None:
        from bayesmeta.cli import main

        main(list(arguments))

    return call


def _become(action: Callable[[], object], folder: Path, log: Path) -> None:
    """Do the action in this process, a copy, and end it."""
    code = 0
    try:
        os.setsid()
        os.chdir(folder)
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, 1)
        os.dup2(file, 2)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        action()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:
        import traceback

        traceback.print_exc()
        code = 99
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _read(log: Path) -> str:
    return log.read_text(errors="replace") if log.exists() else ""
