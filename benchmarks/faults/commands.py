"""The commands that faults meet: small tables, one process each, the clock of provenance held."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

TABLE = "table.csv"
PATIENCE = 600  # seconds after which a command counts as one that never ends
ENDING = 30  # seconds that the processes of a killed command have to end


@dataclass(frozen=True)
class Command:
    """A command, with the options by which its older results differ."""

    name: str
    arguments: tuple[str, ...]
    before: tuple[str, ...]

    def line(self, out: Path, *, older: bool = False) -> list[str]:
        """Return the arguments of a run into a folder."""
        return [*self.arguments, *(self.before if older else ()), "--overwrite", "--out", str(out)]


QUICK = ("--sampler", "quadrature", "--draws", "200")
COMMANDS = {
    "fit": Command("fit", ("fit", TABLE, *QUICK), ("--seed", "2")),
    "fit, NUTS": Command(
        "fit, NUTS", ("fit", TABLE, "--draws", "100", "--tune", "100"), ("--seed", "2")
    ),
    "live": Command("live", ("live", TABLE), ("--moderators", "sex")),
    "multiverse": Command("multiverse", ("multiverse", TABLE), ("--moderators", "sex")),
    "screen": Command(
        "screen", ("screen", TABLE, "--resamples", "5", "--workers", "2"), ("--seed", "2")
    ),
    "calibrate": Command(
        "calibrate",
        ("calibrate", TABLE, "--sets", "20", "--draws", "50", "--workers", "2"),
        ("--seed", "2"),
    ),
    "report": Command("report", ("report", TABLE, *QUICK), ("--seed", "2")),
}


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    stderr: str
    seconds: float

    @property
    def has_traceback(self) -> bool:
        """Return whether Python printed a traceback."""
        return "Traceback (most recent call last)" in self.stderr


@dataclass
class Place:
    """A folder with a table, a cache and temporary files of its own, in which commands run."""

    path: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Write the table, and set up the environment."""
        self.temporary.mkdir(parents=True, exist_ok=True)
        write_table(self.path / TABLE)
        own = {"BAYESMETA_CACHE": str(self.cache), "TMPDIR": str(self.temporary)}
        held = {"SOURCE_DATE_EPOCH": "1700000000", "OMP_NUM_THREADS": "1", "TERM": "dumb"}
        self.environment = {**os.environ, **own, **held, **self.environment}

    @property
    def cache(self) -> Path:
        """Return the cache of the package."""
        return self.path / "cache"

    @property
    def temporary(self) -> Path:
        """Return the folder of temporary files."""
        return self.path / "tmp"

    def start(self, arguments: Sequence[str], **more: str) -> subprocess.Popen[str]:
        """Start a command in a session of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "bayesmeta", *arguments],
            cwd=self.path,
            env={**self.environment, **more},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )

    def run(self, arguments: Sequence[str], seconds: float = PATIENCE, **more: str) -> Ended:
        """Run a command to its end; one that never ends has the code 124."""
        begun = time.monotonic()
        with self.start(arguments, **more) as process:
            try:
                _, stderr = process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                return Ended(124, "it never ended", time.monotonic() - begun)
        return Ended(process.returncode, stderr, time.monotonic() - begun)


def write_table(path: Path, rows: int = 30) -> None:
    """Write a made-up table: 3 effects in each study, a category and a number."""
    rng = np.random.default_rng(1)
    study = np.arange(rows) // 3
    yi = 0.3 + rng.normal(0, 0.3, study.max() + 1)[study] + rng.normal(0, 0.3, rows)
    columns = {
        "study": [f"s{at}" for at in study],
        "sex": [("male", "female")[at % 2] for at in range(rows)],
        "dose": 1 + np.arange(rows) % 4,
        "yi": yi.round(4),
        "vi": rng.uniform(0.03, 0.2, rows).round(4),
    }
    pd.DataFrame(columns).to_csv(path, index=False)


def processes_of(session: int) -> list[int]:
    """Return the processes of a session that still run."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(int(status.parent.name))
    return found


def wait_for_end(session: int) -> bool:
    """Return whether all processes of a session end by themselves; end them otherwise."""
    limit = time.monotonic() + ENDING
    while left := processes_of(session):
        if time.monotonic() > limit:
            for process in left:
                os.kill(process, signal.SIGKILL)
            return False
        time.sleep(0.1)
    return True
