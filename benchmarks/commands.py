"""Measure commands as whole processes: `python benchmarks/commands.py` rewrites commands.md.

Commands run one after the other, with an empty and with a filled compilation cache, on the
preclinical studies and on simulated tables of 13 to a million effects. Seconds depend on the
machine and on what else it does; CPU seconds less so. `--quick` leaves out what takes minutes:
check, screen, report, and a million effects; `--table "13 effects"` measures a table alone, and may
be repeated: the rows of other tables stay as they are in commands.csv, from which the page is made.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

HERE = Path(__file__).parent
PAGE = HERE / "commands.md"
PICTURE = HERE / "commands.png"
MEASURED = HERE / "commands.csv"
SIZES = (1_000, 10_000, 100_000, 1_000_000)
LONG = ("check", "screen", "report")
INTRODUCTION = """\
# Commands

`make bench` rewrites this page: whole processes on {cores} cores, from the start of Python to the
last file; an empty compilation cache, then a filled one. CPU seconds, with a filled cache, are of
all processes together. Memory is that of the largest process.

"""


class Run(NamedTuple):
    """A command on a table."""

    table: str
    arguments: tuple[str, ...]
    effects: int | None = None  # of a table on which the number of effects is the point

    @property
    def command(self) -> str:
        """Return the command as it is shown."""
        return " ".join(self.arguments)


def simulated(path: Path, k: int) -> Path:
    """Write a table of k effects in k / 5 studies with a factor of four levels."""
    rng = np.random.default_rng(1)
    studies = max(k // 5, 5)
    study = np.sort(rng.integers(0, studies, k))
    group = 2 * study + rng.integers(0, 2, k)
    cell = rng.choice(["a", "b", "c", "d"], k)
    v = rng.lognormal(-1.5, 0.5, k)
    u, w = 0.5 * rng.standard_normal(studies), 0.3 * rng.standard_normal(2 * studies)
    y = 0.3 * (cell == "a") + u[study] + w[group] + np.sqrt(v) * rng.standard_normal(k)
    labels = {"study": [f"s{at}" for at in study], "group": [f"g{at}" for at in group]}
    table = pd.DataFrame({**labels, "cell": cell, "yi": y.round(4), "vi": v.round(5)})
    table.to_csv(path, index=False)
    return path


def measure(run: Run, folder: Path, cache: Path) -> dict[str, Any]:
    """Run a command; return seconds, CPU seconds, memory in GB, the size of its files in MB."""
    command = [sys.executable, "-m", "bayesmeta", *run.arguments, "--out", str(folder)]
    started = time.perf_counter()
    with subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=os.environ | {"BAYESMETA_CACHE": str(cache)},
    ) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - started
        if process.returncode not in (0, 1):
            problem = process.stderr.read() if process.stderr else b""
            raise SystemExit(f"{run.command}: {problem.decode()}")
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    cpu = usage.ru_utime + usage.ru_stime
    return {"seconds": seconds, "cpu": cpu, "GB": usage.ru_maxrss / 1e6, "MB": size / 1e6}


def runs(folder: Path, *, quick: bool) -> list[Run]:
    """Return every command that is measured; tables are written to the folder."""
    kinds: list[tuple[str, ...]] = [("fit",), ("fit", "--sampler", "quadrature")]
    kinds += [(verb,) for verb in ("compare", "lint", "multiverse", *LONG)]
    found = []
    tables = {"preclinical": "preclinical"}
    for k in (13, 66):
        tables[f"{k} effects"] = str(simulated(folder / f"table{k}.csv", k))
    for name, table in tables.items():
        for kind in kinds:
            if not (quick and kind[0] in LONG):
                found.append(Run(name, (kind[0], table, *kind[1:])))
    for k in SIZES[: 3 if quick else 4]:
        table = str(simulated(folder / f"k{k}.csv", k))
        for sampler in ("auto", "quadrature") if k < 50_000 else ("auto",):
            options = ("--moderators", "cell", "--sampler", sampler)
            found.append(Run(f"{k:,} effects", ("fit", table, *options), k))
    return found


def main() -> None:
    """Measure commands, add their rows to commands.csv, and write page and picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--table", action="append", default=[])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as path:
        folder = Path(path)
        chosen = [
            run
            for run in runs(folder, quick=given.quick)
            if not given.table or run.table in given.table
        ]
        if not chosen:
            parser.error(f"no table {given.table}; see commands.md for their names")
        for number, run in enumerate(chosen):
            row = measured_twice(run, folder, number)
            keep(row)
            write_page()


def measured_twice(run: Run, folder: Path, number: int) -> dict[str, Any]:
    """Return the row of a command, run with an empty and then with a filled cache."""
    seconds = {}
    for state in ("empty", "filled"):
        print(run.table, run.command, state, flush=True)
        last = measure(run, folder / f"{number}-{state}", folder / f"cache{number}")
        print(last, flush=True)
        seconds[f"{state}, s"] = round(last["seconds"], 1)
    command = f"`bayesmeta {run.command.replace(f'{folder}/', '')}`"
    row = {"table": run.table, "effects": run.effects, "command": command} | seconds
    row |= {"CPU, s": round(last["cpu"], 1), "GB": round(last["GB"], 2)}
    return row | {"files, MB": round(last["MB"])}


def keep(row: dict[str, Any]) -> None:
    """Put a row into commands.csv in place of that of the same table and command."""
    table = pd.DataFrame([row])
    if MEASURED.exists():
        before = pd.read_csv(MEASURED)
        same = (before["table"] == row["table"]) & (before["command"] == row["command"])
        table = pd.concat([before[~same], table]) if (~same).any() else table
    table.to_csv(MEASURED, index=False)


def write_page() -> None:
    """Write page and picture from commands.csv, the tables in the order of their size."""
    rows = pd.read_csv(MEASURED)
    size = rows["table"].str.replace(",", "").str.extract(r"^(\d+)", expand=False).astype(float)
    rows = rows.iloc[size.fillna(-1).argsort(kind="stable")]
    text = INTRODUCTION.format(cores=os.cpu_count()) + in_markdown(rows.drop(columns="effects"))
    picture = "![Seconds against the number of effects](commands.png)"
    large = rows[rows["effects"].notna()]
    if len(large):
        draw(large).savefig(PICTURE, dpi=110)
        text += f"\n{picture}\n"
    PAGE.write_text(text, "utf-8")


def in_markdown(table: pd.DataFrame) -> str:
    """Return a table in Markdown."""
    shown = table.astype(object).where(table.notna(), "")
    rows: list[list[str]] = shown.astype(str).to_numpy().tolist()
    lines = [[str(name) for name in table], ["---"] * len(table.columns), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def draw(table: pd.DataFrame) -> Figure:
    """Draw seconds with a filled cache against the number of effects, on logarithmic axes."""
    figure = Figure((6, 4), layout="constrained")
    ax = figure.add_subplot(xlabel="effects", ylabel="seconds, whole process")
    for sampler in ("auto", "quadrature"):
        rows = table[table["command"].str.contains(f"--sampler {sampler}")]
        ax.plot(rows["effects"], rows["filled, s"], "o-", label=f"--sampler {sampler}")
    ax.set(xscale="log", yscale="log")
    ax.legend()
    return figure


if __name__ == "__main__":
    main()
