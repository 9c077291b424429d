"""Places that fail: full, read-only and vanished folders, two processes, clocks, caches, memory."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from benchmarks.faults.commands import COMMANDS, Ended, Place
from benchmarks.faults.content import Content, content_of, damaged_records
from benchmarks.faults.journal import Journal, Try, counted
from benchmarks.faults.kills import differences

PART = "places"
FULL = 20  # sizes of a disk, from none to enough
EFFECTS = 100_000
GIGABYTES = (2, 3, 4)
CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>
int clock_gettime(clockid_t id, struct timespec *at) {
  static int calls = 0;
  int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
  int result = real(id, at);
  if (id == CLOCK_REALTIME) at->tv_sec += (++calls % 3 - 1) * 86400;
  return result;
}
"""
Case = tuple[str, str, Callable[[Path], tuple[str, list[str]]]]


def run_places(folder: Path, journal: Journal, seed: int) -> None:
    """Try every place."""
    waiting = [case for case in cases() if (PART, case[1]) not in journal]
    for kind, name, attempt in counted("places", waiting):
        ended, failures = attempt(folder)
        journal.keep(Try(PART, kind, name, tuple(failures), ended))


def cases() -> Iterator[Case]:
    """Yield kind, name and attempt."""
    for at in range(FULL):
        verb = ("live", "fit")[at % 2]
        yield "disk full", f"disk {at}", partial(on_full_disk, verb=verb, share=at / (FULL - 1))
    for verb in ("live", "fit"):
        yield "read-only folder", f"read-only {verb}", partial(in_read_only, verb=verb)
        yield "read-only cache", f"cache {verb}", partial(with_read_only_cache, verb=verb)
        yield "folder that vanishes", f"vanished {verb}", partial(while_it_vanishes, verb=verb)
        for count in (2, 4):
            name = f"{count} processes, {verb}"
            yield "processes into one folder", name, partial(at_once, verb=verb, count=count)
        yield "clock that jumps", f"clock {verb}", partial(with_jumping_clock, verb=verb)
    for damage in ("cut", "flipped", "zeros", "emptied"):
        name = f"compiled {damage}"
        yield "damaged compilation cache", name, partial(with_damaged_cache, damage=damage)
    for verb in COMMANDS:
        yield "twice the same command", f"twice {verb}", partial(twice, verb=verb)
    for gigabytes in GIGABYTES:
        name = f"{gigabytes} GB for {EFFECTS:,} effects"
        yield "little memory", name, partial(with_memory, gigabytes=gigabytes)


def expected(folder: Path, verb: str) -> tuple[Place, Content]:
    """Return a place, and what a command writes there if nothing disturbs it."""
    place = Place(folder / verb.replace(", ", "-"))
    kept = folder / f"{place.path.name}-kept"
    if not kept.exists():
        shutil.rmtree(place.path / "out", ignore_errors=True)
        ended = place.run(COMMANDS[verb].line(Path("out")))
        if ended.code not in (0, 1):
            raise SystemExit(ended.stderr)
        (place.path / "out").rename(kept)
    return place, content_of(kept)


def judged(ended: Ended, now: Content, before: Content, new: Content) -> tuple[str, list[str]]:
    """Return how a command ended, and what is wrong: it is complete, or refused with a message."""
    failures = []
    if ended.code == 124 or ended.has_traceback:
        failures.append(f"code {ended.code}: {ended.stderr[-1500:]}")
    if ended.code in (0, 1):
        return "finished", [*failures, *differences(now, new)]
    if ended.code != 2 or "error: " not in ended.stderr:
        failures.append(f"code {ended.code} without a message: {ended.stderr[-500:]}")
    if now != before:
        failures.append(f"the folder has changed: {differences(now, before)[:5]}")
    return "refused", failures


@contextmanager
def mounted(path: Path, options: str) -> Iterator[None]:
    """Mount a file system in memory; SystemExit without the permission."""
    path.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)]
    if subprocess.run(mount, check=False).returncode:
        raise SystemExit("disks that are full or read-only need the permission to mount")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


def on_full_disk(folder: Path, verb: str, share: float) -> tuple[str, list[str]]:
    """Run a command over older results on a disk with a share of the space that it needs."""
    place, new = expected(folder, verb)
    kept = folder / f"{place.path.name}-kept"
    needed = sum(-(-path.stat().st_size // 4096) * 4096 for path in kept.rglob("*"))
    disk = place.path / "disk"
    size = int(needed * (1 + 1.3 * share)) + 65536
    with mounted(disk, f"size={size}"):
        out = disk / "out"
        shutil.copytree(kept, out)
        (out / "notes.txt").write_text("of the user")
        before = content_of(out)
        ended = place.run(COMMANDS[verb].line(Path("disk/out")))
        now = content_of(out)
        how, failures = judged(ended, *map(without_command, (now, before, new)))
        failures += [f"left behind: {path.name}" for path in disk.iterdir() if path != out]
        failures += damaged_records(out)
    return how, failures


def without_command(content: Content) -> Content:
    """Return the content without the user's file, and without records, which name the folder."""
    named = ("notes.txt", ".nc", ".json", ".html")
    return {name: digest for name, digest in content.items() if not name.endswith(named)}


def in_read_only(folder: Path, verb: str) -> tuple[str, list[str]]:
    """Run a command on a disk that cannot be written."""
    place, _ = expected(folder, verb)
    disk = place.path / "disk"
    with mounted(disk, "size=4m"):
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        ended = place.run(COMMANDS[verb].line(Path("disk/out")))
        return judged(ended, content_of(disk), {}, {"what cannot be": "written"})


def with_read_only_cache(folder: Path, verb: str) -> tuple[str, list[str]]:
    """Run a command whose cache cannot be written."""
    place, new = expected(folder, verb)
    disk = place.path / "disk"
    out = place.path / "out"
    shutil.rmtree(out, ignore_errors=True)
    with mounted(disk, "size=4m"):
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        ended = place.run(COMMANDS[verb].line(Path("out")), BAYESMETA_CACHE=str(disk / "cache"))
    return judged(ended, content_of(out), {}, new)


def while_it_vanishes(folder: Path, verb: str) -> tuple[str, list[str]]:
    """Remove the folder around the results while a command runs."""
    place, _ = expected(folder, verb)
    around = place.path / "around"
    shutil.rmtree(around, ignore_errors=True)
    around.mkdir()

    def remove() -> None:
        while not any(around.iterdir()):
            time.sleep(0.01)
        shutil.rmtree(around, ignore_errors=True)

    threading.Thread(target=remove, daemon=True).start()
    ended = place.run(COMMANDS[verb].line(Path("around/out")))
    left = content_of(around) if around.exists() else {}
    shutil.rmtree(around, ignore_errors=True)
    return judged(ended, left, {}, {"what cannot be": "written"})


def at_once(folder: Path, verb: str, count: int) -> tuple[str, list[str]]:
    """Run a command several times at once into one folder."""
    place, new = expected(folder, verb)
    out = place.path / "out"
    shutil.rmtree(out, ignore_errors=True)
    running = [place.start(COMMANDS[verb].line(Path("out"))) for _ in range(count)]
    codes, failures = [], list[str]()
    for process in running:
        _, stderr = process.communicate(timeout=600)
        codes.append(process.returncode)
        refused = process.returncode == 2 and "another run of bayesmeta is writing" in stderr
        if process.returncode not in (0, 1) and not refused:
            failures.append(f"code {process.returncode}: {stderr[-800:]}")
    if not {0, 1} & {*codes}:
        failures.append("none has finished")
    hidden = [path.name for path in place.path.glob(".*")]
    failures += [*differences(content_of(out), new), *hidden]
    return f"{codes.count(2)} of {count} refused", failures


def with_jumping_clock(folder: Path, verb: str) -> tuple[str, list[str]]:
    """Run a command under a clock that jumps by a day, back and forth."""
    place, new = expected(folder, verb)
    out = place.path / "out"
    shutil.rmtree(out, ignore_errors=True)
    library = folder / "clock.so"
    (folder / "clock.c").write_text(CLOCK)
    compiled = ["cc", "-shared", "-fPIC", "-o", str(library), str(folder / "clock.c"), "-ldl"]
    subprocess.run(compiled, check=True)
    ended = place.run(COMMANDS[verb].line(Path("out")), LD_PRELOAD=str(library))
    return judged(ended, content_of(out), {}, new)


def with_damaged_cache(folder: Path, damage: str) -> tuple[str, list[str]]:
    """Run NUTS with a damaged cache of compiled programs."""
    place, new = expected(folder, "fit, NUTS")
    out = place.path / "out"
    shutil.rmtree(out, ignore_errors=True)
    for path in (place.cache / "jax").glob("*-cache"):
        if not (content := path.read_bytes()):
            continue  # an earlier damage
        middle = len(content) // 2
        path.write_bytes(
            {
                "cut": content[:middle],
                "flipped": content[:middle] + bytes([content[middle] ^ 4]) + content[middle + 1 :],
                "zeros": bytes(len(content)),
                "emptied": b"",
            }[damage]
        )
    ended = place.run(COMMANDS["fit, NUTS"].line(Path("out")))
    return judged(ended, content_of(out), {}, new)


def twice(folder: Path, verb: str) -> tuple[str, list[str]]:
    """Run a command again, with an empty cache, and compare file by file."""
    place, new = expected(folder, verb)
    out = place.path / "out"
    shutil.rmtree(out, ignore_errors=True)
    cache = place.path / "cache-anew"
    shutil.rmtree(cache, ignore_errors=True)
    ended = place.run(COMMANDS[verb].line(Path("out")), BAYESMETA_CACHE=str(cache))
    return judged(ended, content_of(out), {}, new)


def with_memory(folder: Path, gigabytes: int) -> tuple[str, list[str]]:
    """Fit a large table within a limit of memory that may be addressed (ulimit -v)."""
    place = Place(folder / "large")
    table = place.path / "large.csv"
    if not table.exists():
        rng = np.random.default_rng(1)
        study = np.sort(rng.integers(0, EFFECTS // 5, EFFECTS))
        yi = rng.normal(0.3, 0.5, EFFECTS).round(3)
        vi = rng.uniform(0.05, 0.3, EFFECTS).round(3)
        pd.DataFrame({"study": study, "yi": yi, "vi": vi}).to_csv(table, index=False)
    shutil.rmtree(place.path / "out", ignore_errors=True)
    line = ["python", "-m", "bayesmeta", "fit", "large.csv", "--draws", "100", "--out", "out"]
    limited = f"ulimit -v {gigabytes * 1024 * 1024}; exec {' '.join(line)}"
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.Popen(
        ["bash", "-c", limited],
        cwd=place.path,
        env=place.environment | {"PATH": path},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        _, stderr = done.communicate(timeout=600)
    except subprocess.TimeoutExpired:
        os.killpg(done.pid, signal.SIGKILL)
        return "never ended", ["it never ended"]
    out = place.path / "out"
    failures = [f"left: {path.name}" for path in place.path.glob(".*")]
    if done.returncode in (0, 1):
        return "finished", failures + damaged_records(out)
    if done.returncode != 2 or "Traceback" in stderr or out.exists():
        failures.append(f"code {done.returncode}: {stderr[-1500:]}")
    return "refused", failures
