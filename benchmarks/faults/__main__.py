"""Faults on purpose: `make faults` tries them, and rewrites docs/reliability.md.

What was tried is kept in reports/faults/, with the hash of the source; a stopped campaign
continues. `--only kills` (or another part; may be repeated) tries a part alone, `--anew` again.
"""

import argparse
import signal
from pathlib import Path

from benchmarks.faults import kills, models, places, results, tables
from benchmarks.faults.journal import Journal
from benchmarks.faults.page import page_of

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reliability.md"
PARTS = {
    "kills": kills.run_kills,
    "models": models.run_models,
    "tables": tables.run_tables,
    "results": results.run_results,
    "places": places.run_places,
}


def main() -> None:
    """Try every fault that was not tried, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", choices=PARTS)
    parser.add_argument("--command", action="append", choices=kills.NUMBERS, help="to kill")
    parser.add_argument("--anew", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # commands heed it, as in a terminal
    folder = ROOT / "reports" / "faults"
    journal = Journal(folder / f"tries-{given.seed}.jsonl")
    for name in given.only or PARTS:
        if given.anew:
            journal.forget(name)
        if name == "kills":
            kills.run_kills(folder / name, journal, given.seed, given.command or ())
        else:
            PARTS[name](folder / name, journal, given.seed)
    PAGE.write_text(page_of(journal, given.seed), "utf-8")


if __name__ == "__main__":
    main()
