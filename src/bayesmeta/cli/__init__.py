"""The command line: `bayesmeta <command>`; scripts/<command>.py call the same functions."""

import sys

from bayesmeta.cli import commands  # adds the commands to the application
from bayesmeta.cli.app import app
from bayesmeta.infrastructure.errors import BadInput


def main(arguments: list[str] | None = None) -> None:
    """Run a command; bad input ends with a message and exit code 2, never a traceback."""
    try:
        app(arguments, prog_name="bayesmeta")
    except BadInput as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
