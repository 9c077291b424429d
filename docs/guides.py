"""Run the commands of the guides again, and write what they print: `make guides`.

Every block of kind `console` in docs/guides is a command after "$ " and what it printed. The
commands of a page run in its order, in an empty folder with sleep.csv, each as a process.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

FOLDER = Path(__file__).parent / "guides"
TABLE = FOLDER / "sleep.csv"
BLOCK = re.compile(
    r"^```console\n\$ (bayesmeta [^\n#]*?)( +# [^\n]*)?\n(.*?)^```", re.DOTALL | re.MULTILINE
)
RULES = re.compile(r"^[┏┡└][━─┳╇┴┓┩┘]+$\n?", re.MULTILINE)  # of tables


def blocks_of(page: Path) -> list[tuple[str, str]]:
    """Return the commands of a page in order, each with what the page shows of its output."""
    return [(match[1], match[3]) for match in BLOCK.finditer(page.read_text(encoding="utf-8"))]


def plain(text: str) -> str:
    """Return what a command prints without rules of tables and without spaces at ends of lines."""
    return "".join(line.rstrip() + "\n" for line in RULES.sub("", text).splitlines() if line)


def renewed(text: str, run: Callable[[list[str]], str]) -> str:
    """Return a page with the outputs and the seconds of its commands as they are now."""

    def renew(match: re.Match[str]) -> str:
        started = time.perf_counter()
        output = plain(run(shlex.split(match[1])[1:]))
        seconds = time.perf_counter() - started
        return f"```console\n$ {match[1]}  # {seconds:.0f} s\n{output}```"

    return BLOCK.sub(renew, text)


def main() -> None:
    """Rewrite the pages that have commands; a command that fails stops the run."""
    for page in sorted(FOLDER.glob("*.md")):
        if not blocks_of(page):
            continue
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(TABLE, folder)

            def run(arguments: list[str], folder: str = folder) -> str:
                command = [sys.executable, "-m", "bayesmeta", *arguments]
                quiet = os.environ | {"NO_COLOR": "1"}
                done = subprocess.run(
                    command, cwd=folder, env=quiet, text=True, capture_output=True, check=True
                )
                return done.stdout

            page.write_text(renewed(page.read_text(encoding="utf-8"), run), encoding="utf-8")


if __name__ == "__main__":
    main()
