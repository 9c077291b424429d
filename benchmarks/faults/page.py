"""The page: what was tried, how it ended, and what should not have happened."""

import os
import platform
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmarks.faults.journal import Journal, Try

TEMPLATE = Path(__file__).with_name("template.md")
PARTS = ("kills", "places", "results", "models", "tables")
LONGEST = 300  # characters of a failure on the page


def page_of(journal: Journal, seed: int) -> str:
    """Return the page in Markdown."""
    tries = list(journal.tries.values())
    codes = ", ".join(f"`{code}`" for code in sorted({tried.code for tried in tries}))
    parts = {
        part: [tried for tried in tries if tried.part.partition(":")[0] == part] for part in PARTS
    }
    rows = [f"| {part} | {len(of):,} | {_failures(of)} |\n" for part, of in parts.items()]
    failed = [
        f"- {tried.part}, {tried.name}: {' '.join(tried.failures)[:LONGEST]}\n"
        for tried in tries
        if tried.failures
    ]
    return TEMPLATE.read_text("utf-8").format(
        system=platform.system(),
        cores=os.cpu_count(),
        seed=seed,
        codes=codes,
        summary="".join(rows),
        failed="\nFailures:\n\n" + "".join(failed) if failed else "",
        **{part: _table(of) for part, of in parts.items()},
    )


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
