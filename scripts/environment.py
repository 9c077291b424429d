"""Run a command of the package in the environment that `make fit` sets up, whichever Python started the script."""

import os
import sys
from pathlib import Path


def run(command: str) -> None:
    """`bayesmeta <command>` with this process's arguments."""
    try:
        from bayesmeta.cli import main
    except ImportError:
        python = Path(__file__).resolve().parents[1] / ".venv" / "bin" / "python"
        if not python.exists() or Path(sys.prefix) == python.parents[1]:
            print(
                "error: bayesmeta is not installed for this Python; run `make fit` once, it sets up .venv",
                file=sys.stderr,
            )
            sys.exit(2)
        os.execv(python, [str(python), *sys.argv])
    main([command, *sys.argv[1:]])
