"""Fit a model: the same as `bayesmeta fit`, in the environment that `make fit` sets up."""

import os
import sys
from pathlib import Path

try:
    from bayesmeta.cli import main
except ImportError:
    python = Path(__file__).resolve().parents[1] / ".venv" / "bin" / "python"
    if not python.exists() or Path(sys.prefix) == python.parents[1]:
        print(
            "error: bayesmeta is not installed for this Python; run `make fit` once, it sets up .venv", file=sys.stderr
        )
        sys.exit(2)
    os.execv(python, [str(python), *sys.argv])

if __name__ == "__main__":
    main(["fit", *sys.argv[1:]])
