"""Damaged results: posterior.nc, provenance, tables; what reads them refuses, or is right."""

import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.faults.commands import TABLE, Place
from benchmarks.faults.forked import command, in_copy, load
from benchmarks.faults.journal import Journal, Try, counted

PART = "results"
TIMES = 150  # damages of posterior.nc
READERS = {
    "predict": ("predict", "results", "--out", "read"),
    "plot": ("plot", "forest", "results", "--format", "svg", "--out", "read"),
    "interpret": ("interpret", "results", "--out", "read"),
}
Damage = Callable[[bytes, random.Random], bytes]


def _flipped(content: bytes, rng: random.Random) -> bytes:
    damaged = bytearray(content)
    for _ in range(rng.choice([1, 1, 8])):
        damaged[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


DAMAGES: dict[str, Damage] = {
    "flipped": _flipped,
    "cut": lambda content, rng: content[: rng.randrange(len(content))],
    "zeros": lambda content, rng: content[: rng.randrange(len(content))].ljust(len(content), b"\0"),
    "foreign": lambda content, rng: rng.choice([b"", b"PK\x03\x04", b"CDF\x01", b"{}", b"[]" * 99]),
}
RECORDS = ["", "null", "[]", "3", '"x"', "{}", '{"outputs": 3}', '{"outputs": {"../a": 1}}']
RECORDS += ['{"outputs": {}, "analysis_sha256": ["x"]}', "[" * 100_000, '{"a": ' * 50_000]
RECORDS += ['{"outputs": {"posterior.nc": null}}', "\0", '{"created": {}, "outputs": ["x"]}']
RECORDS += ['{"outputs": {}, "versions": {"bayesmeta": "99.0"}, "command": "=1+1", "new": 1}']


def run_results(folder: Path, journal: Journal, seed: int) -> None:
    """Damage files of a fit, and give them to the commands that read them."""
    load()
    place = Place(folder / "place")
    out = folder / "fit"
    if not out.exists():
        line = ["fit", TABLE, "--moderators", "~ sex + dose", "--sampler", "quadrature"]
        fitted = place.run([*line, "--draws", "100", "--out", "../fit"])
        if fitted.code not in (0, 1):
            raise SystemExit(fitted.stderr)
    right = {name: outputs_of(name, out, folder / "undisturbed") for name in READERS}
    waiting = [entry for entry in damages(out, seed) if (PART, entry[1]) not in journal]
    for kind, name, reader, change in counted("damaged results", waiting):
        work = folder / "work"
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(out, work / "results")
        change(work / "results")
        outcome = in_copy(command(*READERS[reader]), work)
        failures = [outcome.failure] if outcome.failure else []
        if outcome.code == 0 and tables_of(work / "read") != right[reader]:
            failures.append("it reads other numbers, without a word")
        if {path.name for path in work.iterdir()} - {"results", "read"}:
            failures.append("written elsewhere")
        ended = "refused" if outcome.code == 2 else "read"
        journal.keep(Try(PART, kind, name, tuple(failures), ended))


def damages(out: Path, seed: int) -> Iterator[tuple[str, str, str, Callable[[Path], None]]]:
    """Yield kind, name, reader and change of every damage."""
    for number in range(TIMES):
        rng = random.Random(f"{seed} {number}")
        how = list(DAMAGES)[number % len(DAMAGES)]
        content = DAMAGES[how]((out / "posterior.nc").read_bytes(), rng)
        alone = number % 3 == 0

        def change(folder: Path, content: bytes = content, alone: bool = alone) -> None:
            (folder / "posterior.nc").write_bytes(content)
            if alone:
                (folder / "provenance.json").unlink()

        reader = "plot" if number % 5 == 0 else "predict"
        beside = ", without provenance" if alone else ""
        yield f"posterior.nc, {how}{beside}", f"posterior {number}, {how}", reader, change
    for number, text in enumerate(RECORDS):
        for reader in READERS:

            def record(folder: Path, text: str = text) -> None:
                (folder / "provenance.json").write_text(text)

            yield "provenance.json", f"record {number}, {reader}", reader, record
    for number, text in enumerate(["", "a,b\n1", "\0", "term\n" * 9, "<script>", "x" * 10_000_000]):

        def table(folder: Path, text: str = text) -> None:
            (folder / "tables" / "terms.csv").write_text(text)

        yield "tables", f"table {number}", "interpret", table


def outputs_of(reader: str, out: Path, work: Path) -> dict[str, str]:
    """Return the tables that a command writes of undamaged results."""
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(out, work / "results")
    outcome = in_copy(command(*READERS[reader]), work)
    if outcome.code:
        raise SystemExit(f"{reader}: {outcome.text}")
    return tables_of(work / "read")


def tables_of(folder: Path) -> dict[str, str]:
    """Return the tables of a folder by name."""
    return {path.name: path.read_text() for path in sorted(folder.rglob("*.csv"))}
