"""The command line: `bayesmeta <command>`; scripts/<command>.py call the same functions."""

import sys
from typing import Any

import typer

from bayesmeta.cli import commands  # adds the commands to the application
from bayesmeta.cli.app import app
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.interrupts import CODE, end

LONGEST = 4_000  # characters of a message
WIDE = 1_000  # columns of help that is read by no terminal


def main(arguments: list[str] | None = None) -> None:
    """Run a command; bad input ends with a message and exit code 2, never a traceback.

    Ctrl-C ends it with a message and exit code 130, another signal alike
    (`infrastructure.interrupts`).
    """
    try:
        start(arguments)
    except BadInput as error:
        print(f"error: {readable(str(error))}", file=sys.stderr)
        sys.exit(2)
    except SystemExit as ended:
        if ended.code == CODE:
            end()
        raise


def readable(message: str) -> str:
    """Return a message without its middle if it is long, and control characters as their codes."""
    if len(message) > LONGEST:
        message = f"{message[: LONGEST // 2]} ... {message[-LONGEST // 2 :]}"
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in message)


def start(arguments: list[str] | None) -> None:
    """Call the application; help and usage errors have no frames and folds outside a terminal."""
    application: Any = typer.main.get_command(app)
    if sys.stdout.isatty() and sys.stderr.isatty():
        application(arguments, prog_name="bayesmeta")
        return
    for shown in (application, *application.commands.values()):
        shown.rich_markup_mode = None
    application(arguments, prog_name="bayesmeta", terminal_width=WIDE, max_content_width=WIDE)
