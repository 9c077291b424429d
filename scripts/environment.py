"""Run a command of the package in the environment of `make fit`, whichever Python starts it."""

import os
import sys
from pathlib import Path


def run(command: str) -> None:
    """Run `bayesmeta <command>` with the arguments of this process."""
    try:
        from bayesmeta.cli import main
    except ImportError:
        python = Path(__file__).resolve().parents[1] / ".venv" / "bin" / "python"
        if not python.exists() or Path(sys.prefix) == python.parents[1]:
            print(
                "error: bayesmeta is not installed for this Python; run `make fit` once to set up "
                ".venv",
                file=sys.stderr,
            )
            sys.exit(2)
        os.execv(python, [str(python), *sys.argv])
    main([command, *sys.argv[1:]])
