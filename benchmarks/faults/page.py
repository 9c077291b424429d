"""The page: what was tried, how it ended, and what should not have happened."""

import os
import platform
from collections import Counter
from collections.abc import Sequence

from benchmarks.faults.journal import Journal, Try

INTRODUCTION = """\
# Reliability

What happens if a command is killed, a disk is full, or a file is damaged? `make faults` tries it, and rewrites this page; a
stopped campaign continues. The tables are made up: 30 effects of 10 studies, and 100,000 effects where memory is short. Every
number on this page is a count of what was tried, on {system} with {cores} cores that other work shared; seed {seed}.
Source of bayesmeta (the first digits of its hash): {codes}.

| part | tried | failures |
|---|---:|---:|
{summary}
A failure is a mix of old and new results, a lost result, a traceback, a command that does not end, a program that a file
executes, a number that differs from what the file means, a result that differs from an undisturbed run, or a file that is left.
{failed}
"""
TEXTS = {
    "kills": """\
## Kills

Signals at random moments of a run (SIGKILL, SIGINT as from Ctrl-C, SIGTERM), half of them as soon as the next file is written. The
folder holds older results or nothing before the run. After every kill it is compared file by file with the older results and with
those of an undisturbed run: it is one of them or absent. Of a report, which consists of the results of commands, every file is an
old or a new one, the page is only beside the results that it shows, and hashes are those of the records.

After {rerun} kills the same command runs to its end. Its files have the bytes of an undisturbed run, times and dates excepted, and
nothing else is left: no staged folder, no temporary file, no process.

How it works: a command fills a hidden folder beside its folder of results, adds what stays of the old results, and exchanges both
in a single step of the system (Linux, macOS). What SIGKILL leaves beside the results is removed by the next run into that folder.
Where a system cannot exchange folders (Windows, some network disks), or if a shell works in the folder, files are moved one by one:
records of provenance go first and come last, so that half of results never has a record.
""",
    "places": """\
## Places

Disks that are full or read-only are file systems in memory of the size that is tried, from none of the space that a command
needs to enough. A command into a folder that fails ends with a message and exit code 2, and older results stay as they were.
Memory is limited by `ulimit -v`.
""",
    "results": """\
## Damaged results

A fit's posterior.nc with bits that have changed, cut, filled with zeros or replaced; other records of provenance; other tables.
They are given to `predict`, `plot` and `interpret`. A posterior.nc whose hash differs from its record is refused. Without a record
a changed bit can be found only if the file cannot be read any more.
""",
    "models": """\
## Hostile models

Model files with formulas that would execute programs, with files elsewhere (devices, addresses), with markup and commands of other
programs in names, strings of 10 MB, and entries changed at random. They are read with a table; every eighth is fitted.
""",
    "tables": """\
## Malformed tables

Tables of 14 measures and four forms of given effects, wide and long, a row per effect or per group; CSV, TSV, semicolons with
decimal commas, Excel, Parquet; UTF-8, UTF-16, Windows-1252; with damaged cells, names, rows and bytes; matrices of correlations and
Newick trees. What is read is compared with effects that plain Python computes from the cells as they were written.
""",
}


def page_of(journal: Journal, seed: int) -> str:
    """Return the page in Markdown."""
    tries = list(journal.tries.values())
    codes = ", ".join(f"`{code}`" for code in sorted({tried.code for tried in tries}))
    parts = {
        part: [tried for tried in tries if tried.part.partition(":")[0] == part] for part in TEXTS
    }
    rows = [f"| {part} | {len(of):,} | {_failures(of)} |" for part, of in parts.items()]
    failed = [
        f"- {tried.part}, {tried.name}: {' '.join(tried.failures)[:300]}"
        for tried in tries
        if tried.failures
    ]
    text = INTRODUCTION.format(
        system=platform.system(),
        cores=os.cpu_count(),
        seed=seed,
        codes=codes,
        summary="\n".join(rows) + "\n",
        failed="\nFailures:\n\n" + "\n".join(failed) + "\n" if failed else "",
    )
    for part, of in parts.items():
        text += f"\n{TEXTS[part].format(rerun=5)}\n{_table(of)}"
    return text


def _failures(tries: Sequence[Try]) -> int:
    return sum(bool(tried.failures) for tried in tries)


def _table(tries: Sequence[Try]) -> str:
    """Return a table with a row per kind."""
    lines = ["| what | tried | how it ended | failures |", "|---|---:|---|---:|"]
    kinds = dict.fromkeys((tried.part, tried.kind) for tried in tries)
    for part, kind in kinds:
        of = [tried for tried in tries if (tried.part, tried.kind) == (part, kind)]
        ended = Counter(tried.ended for tried in of)
        how = ", ".join(f"{name} {count:,}" for name, count in ended.most_common())
        again = ", the same command again" if ":" in part else ""
        lines.append(f"| {kind}{again} | {len(of):,} | {how} | {_failures(of)} |")
    return "\n".join(lines) + "\n"
