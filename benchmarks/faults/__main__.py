"""Faults on purpose: `make faults` tries them, and rewrites docs/reliability.md.

What was tried is kept in reports/faults/, by the hash of the source; a stopped campaign continues.
`--only kills` (or another part; may be repeated) tries a part alone.
"""

import argparse
import signal
from pathlib import Path

import kills
from journal import Journal

from bayesmeta.infrastructure.code import code_fingerprint

ROOT = Path(__file__).parents[2]
PARTS = {"kills": kills.run_kills}


def main() -> None:
    """Try every fault that was not tried, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", choices=PARTS)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # commands heed it, as in a terminal
    folder = ROOT / "reports" / "faults" / code_fingerprint(with_templates=True)[:12]
    journal = Journal(folder / f"tries-{given.seed}.jsonl")
    for name in given.only or PARTS:
        PARTS[name](folder, journal, given.seed)


if __name__ == "__main__":
    main()
