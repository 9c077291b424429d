"""Measure every command as a whole process: `python benchmarks/commands.py` rewrites commands.md.

Commands run one after the other, with an empty and with a filled compilation cache, on the
preclinical studies and on simulated tables of 13 to a million effects. Seconds depend on the
machine. `--quick` leaves out what takes minutes: check, screen, report, and a million effects;
`--large` measures large tables alone.
"""

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
SIZES = (1_000, 10_000, 100_000, 1_000_000)
LONG = ("check", "screen", "report")
INTRODUCTION = """\
# Commands

`make bench` rewrites this page: whole processes on {cores} cores, from the start of Python to the
last file; an empty compilation cache, then a filled one. Memory is that of the largest process.

"""


class Run(NamedTuple):
    """A command on a table."""

    table: str
    arguments: tuple[str, ...]

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
    """Run a command; return seconds, memory in GB and the size of its files in MB."""
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
    return {"seconds": seconds, "GB": usage.ru_maxrss / 1e6, "MB": size / 1e6}


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
            found.append(Run(f"{k:,} effects", ("fit", table, *options)))
    return found


def main() -> None:
    """Measure all commands, and write page and picture."""
    quick = "--quick" in sys.argv
    large = "--large" in sys.argv
    rows = []
    with tempfile.TemporaryDirectory() as path:
        folder = Path(path)
        chosen = [run for run in runs(folder, quick=quick) if "," in run.table or not large]
        for number, run in enumerate(chosen):
            cache = folder / f"cache{number}"
            measured = {}
            for state in ("empty", "filled"):
                print(run.table, run.command, state, flush=True)
                measured[state] = measure(run, folder / f"{number}-{state}", cache)
                print(measured[state], flush=True)
            shown = run.command.replace(f"{folder}/", "")
            row = {"table": run.table, "command": f"`bayesmeta {shown}`"}
            row |= {f"{state}, s": f"{found['seconds']:.1f}" for state, found in measured.items()}
            last = measured["filled"]
            rows.append(row | {"GB": f"{last['GB']:.2f}", "files, MB": f"{last['MB']:.0f}"})
    text = INTRODUCTION.format(cores=os.cpu_count()) + in_markdown(pd.DataFrame(rows))
    PAGE.write_text(text + "\n![Seconds against the number of effects](commands.png)\n", "utf-8")
    draw(pd.DataFrame(rows)).savefig(PICTURE, dpi=110)


def in_markdown(table: pd.DataFrame) -> str:
    """Return a table in Markdown."""
    rows: list[list[str]] = table.astype(str).to_numpy().tolist()
    lines = [[str(name) for name in table], ["---"] * len(table.columns), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def draw(table: pd.DataFrame) -> Figure:
    """Draw seconds with a filled cache against the number of effects, on logarithmic axes."""
    large = table[table["table"].str.contains(",")]
    figure = Figure((6, 4), layout="constrained")
    ax = figure.add_subplot(xlabel="effects", ylabel="seconds, whole process")
    for sampler in ("auto", "quadrature"):
        rows = large[large["command"].str.contains(f"--sampler {sampler}")]
        k = rows["table"].str.replace(",", "").str.split().str[0].astype(float)
        ax.plot(k, rows["filled, s"].astype(float), "o-", label=f"--sampler {sampler}")
    ax.set(xscale="log", yscale="log")
    ax.legend()
    return figure


if __name__ == "__main__":
    main()
