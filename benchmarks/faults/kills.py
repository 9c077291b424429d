"""Kills at random moments: what the folder holds afterwards, and after the same command again."""

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.faults.commands import COMMANDS, TABLE, Command, Place, wait_for_end
from benchmarks.faults.content import Content, content_of, damaged_records
from benchmarks.faults.journal import Journal, Try, counted

PART = "kills"
RERUNS = "kills: reruns"
SIGNALS = (signal.SIGKILL, signal.SIGINT, signal.SIGTERM)
NUMBERS = {
    "fit": 90,
    "live": 40,
    "multiverse": 15,
    "screen": 15,
    "calibrate": 15,
    "report": 15,
    "fit, NUTS": 10,
}
RERUN = 5  # kills before the command is left to finish
AFTER = 0.15  # seconds at most from the first file that is written to a kill that waits for it
PAGE = "provenance-report.json"
ROOTS = {TABLE, "cache", "tmp", "out"}


class Undisturbed(NamedTuple):
    """Results of a command that nothing disturbed: the older ones, the newer ones, its seconds.

    renewed : the newer ones in a folder of the older ones, of which a report keeps parts.
    """

    older: Content
    newer: Content
    renewed: Content
    seconds: float
    cached: set[str]


class Kill(NamedTuple):
    """A signal and its moment."""

    signal: signal.Signals
    fraction: float  # of the time that the command takes
    waits: bool  # from then on for the first file that is written

    @property
    def text(self) -> str:
        """Return it in words."""
        return f"{self.signal.name} at {self.fraction:.2f}{' while writing' * self.waits}"


def run_kills(folder: Path, journal: Journal, seed: int, names: Sequence[str] = ()) -> None:
    """Kill every command as often as NUMBERS says, or only those with these names."""
    for command in (COMMANDS[name] for name in names or NUMBERS):
        chains = [
            (number, kills_of(command, number, seed))
            for number in range(NUMBERS[command.name] // RERUN)
            if (RERUNS, f"{command.name} {number}, rerun") not in journal
        ]
        if chains:
            place = Place(folder / command.name.replace(", ", "-"))
            undisturbed = run_undisturbed(command, place)
            for number, kills in counted(f"kills of {command.name}", chains):
                try_kills(command, place, undisturbed, number, kills, journal)


def kills_of(command: Command, number: int, seed: int) -> list[Kill]:
    """Return the kills before a rerun, the same for the same seed."""
    rng = random.Random(f"{seed} {command.name} {number}")
    return [
        Kill(SIGNALS[(RERUN * number + at) % 3], rng.random(), rng.random() < 0.5)
        for at in range(RERUN)
    ]


def run_undisturbed(command: Command, place: Place) -> Undisturbed:
    """Run a command for its older and its newer results, which are kept beside."""
    for name in ("older", "newer"):
        out = place.path / "out"
        shutil.rmtree(out, ignore_errors=True)
        line = command.line(Path("out"), older=name == "older")
        ended = place.run(line)
        if ended.code not in (0, 1):
            raise SystemExit(f"{command.name}: {ended.stderr}")
        shutil.rmtree(place.path.with_name(f"{place.path.name}-{name}"), ignore_errors=True)
        out.rename(place.path.with_name(f"{place.path.name}-{name}"))
    again = place.run(command.line(Path("out")))
    older, newer = (
        content_of(place.path.with_name(f"{place.path.name}-{name}")) for name in ("older", "newer")
    )
    if older == newer or content_of(place.path / "out") != newer:
        raise SystemExit(f"{command.name}: two undisturbed runs differ, or other options do not")
    shutil.rmtree(place.path / "out")
    shutil.copytree(place.path.with_name(f"{place.path.name}-older"), place.path / "out")
    place.run(command.line(Path("out")))
    renewed = content_of(place.path / "out")
    shutil.rmtree(place.path / "out")
    return Undisturbed(older, newer, renewed, again.seconds, cached_files(place))


def try_kills(
    command: Command,
    place: Place,
    undisturbed: Undisturbed,
    number: int,
    kills: list[Kill],
    journal: Journal,
) -> None:
    """Kill a command over older results or over nothing, then let it finish."""
    out = place.path / "out"
    shutil.rmtree(out, ignore_errors=True)
    if number % 2:
        shutil.copytree(place.path.with_name(f"{place.path.name}-older"), out)
    if number % 3 == 0:  # nothing that would shorten the run
        shutil.rmtree(place.cache / "refits", ignore_errors=True)
    for at, kill in enumerate(kills):
        shutil.rmtree(place.cache / "stamps", ignore_errors=True)
        begun = content_of(out)
        ended, failures = killed(command, place, undisturbed, kill)
        failures += wrong_state(content_of(out), out, begun, undisturbed)
        name = f"{command.name} {number}.{at}, {kill.text}"
        journal.keep(Try(PART, command.name, name, tuple(failures), ended))
    finished = place.run(command.line(Path("out")))
    failures = [] if finished.code in (0, 1) else [f"ended with {finished.code}: {finished.stderr}"]
    expected = undisturbed.renewed if number % 2 else undisturbed.newer
    failures += differences(content_of(out), expected)
    failures += left_behind(place, undisturbed)
    name = f"{command.name} {number}, rerun"
    journal.keep(Try(RERUNS, command.name, name, tuple(failures), "finished"))


def killed(
    command: Command, place: Place, undisturbed: Undisturbed, kill: Kill
) -> tuple[str, list[str]]:
    """Kill a command; return how it ended, and what should not have happened."""
    failures = []
    with place.start(command.line(Path("out"))) as process:
        moment = time.monotonic() + kill.fraction * undisturbed.seconds
        while time.monotonic() < moment and process.poll() is None:
            time.sleep(0.01)
        if kill.waits:
            wait_for_files(place, process)
            time.sleep(kill.fraction * AFTER)
        was_running = process.poll() is None
        if was_running and kill.signal == signal.SIGINT:  # a terminal sends it to all
            os.killpg(process.pid, kill.signal)
        elif was_running:
            process.send_signal(kill.signal)
        try:
            _, stderr = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            failures.append("it did not end within a minute")
            os.killpg(process.pid, signal.SIGKILL)
            _, stderr = process.communicate()
        if not wait_for_end(process.pid):
            failures.append("a process was left running")
    if not was_running or process.returncode in (0, 1):
        return "it had finished", failures
    if "Traceback" in stderr:
        failures.append(f"a traceback: {stderr[-2000:]}")
    return ("by the signal" if process.returncode < 0 else "with a message"), failures


def wait_for_files(place: Place, process: subprocess.Popen[str]) -> None:
    """Wait until a staged folder holds a file, or the process has ended."""
    while process.poll() is None:
        try:
            if any(any(path.iterdir()) for path in place.path.rglob(".*.bayesmeta-*")):
                return
        except OSError:
            continue  # it was moved while it was read
        time.sleep(0.002)


def wrong_state(now: Content, out: Path, begun: Content, undisturbed: Undisturbed) -> list[str]:
    """Return why a folder is neither as it was nor complete; a report consists of parts."""
    failures = [f"damaged: {file}" for file in (damaged_records(out) if out.exists() else [])]
    generations = (undisturbed.older, undisturbed.newer, undisturbed.renewed)
    if now in ({}, begun, *generations):
        return failures + (["the results are lost"] if begun and not now else [])
    if PAGE not in undisturbed.newer:
        return [*failures, f"a mix: {sorted(differences(now, undisturbed.newer))[:5]}"]
    for file, digest in now.items():
        if digest not in {content.get(file) for content in generations} and not is_hidden(file):
            failures.append(f"neither old nor new: {file}")
    of_page = [content for content in generations if now.get("index.html") == content["index.html"]]
    wrong = [differences(now, content) for content in of_page]
    if wrong and all(wrong):
        failures.append(f"the page is not that of the files beside it: {wrong[0][:5]}")
    if begun and not now:
        failures.append("the results are lost")
    return failures


def is_hidden(file: str) -> bool:
    """Return whether a file lies in a staged folder."""
    return file.startswith(".") or "/." in file


def differences(now: Content, expected: Content) -> list[str]:
    """Return the files that differ, are missing, or are too many."""
    files = sorted(now.keys() | expected.keys())
    return [f"differs: {file}" for file in files if now.get(file) != expected.get(file)]


def left_behind(place: Place, undisturbed: Undisturbed) -> list[str]:
    """Return files that a finished command should not leave."""
    beside = {path.name for path in place.path.iterdir()} - ROOTS
    temporary = {f"tmp/{path.name}" for path in place.temporary.iterdir()}
    cached = {name for name in cached_files(place) - undisturbed.cached if is_unfinished(name)}
    return [f"left behind: {name}" for name in sorted(beside | temporary | cached)]


def cached_files(place: Place) -> set[str]:
    """Return the files of the cache."""
    paths = place.cache.rglob("*")
    return {path.relative_to(place.path).as_posix() for path in paths if path.is_file()}


def is_unfinished(name: str) -> bool:
    """Return whether a file of the cache is none that a finished run keeps."""
    kept = (".parquet", ".json", ".lock", "-cache", "-atime", ".lockfile", ".py")
    return not name.endswith(kept)
