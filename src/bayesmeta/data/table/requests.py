"""Commands that run as they stand: what a user may ask for in place of a reading."""

import shlex
from collections.abc import Mapping, Sequence

from bayesmeta.data.table.names import EFFECT, INTERVAL, RAW
from bayesmeta.data.table.reading import Reading
from bayesmeta.infrastructure.errors import BadInput

UNSAFE = frozenset('"$`\\!')  # characters that a shell reads within double quotes


def columns_option(reading: Reading, changes: Mapping[str, str]) -> str:
    """Return `--columns "..."` with what the user asks for, and changes to it."""
    asked = {**reading.asked, **changes}
    parts = [f"{name}={_quoted(source)}" for name, source in asked.items()]
    return f"--columns {quoted_for_shell(', '.join(parts))}"


def command(reading: Reading, changes: Mapping[str, str]) -> str:
    """Return a complete command with changed columns; of a table of Python only the option."""
    option = columns_option(reading, changes)
    if not reading.file:
        return option
    path = reading.file if _is_plain(reading.file) else shlex.quote(reading.file)
    return f"bayesmeta fit --dataset {path} {option}"


def names_columns(reading: Reading) -> bool:
    """Return whether the user names columns of effects that the table has before it is turned."""
    asked = {name: reading.asked.get(name, "") for name in (*EFFECT, *INTERVAL, *RAW)}
    return any(source in reading.text.columns for source in asked.values())


def quoted_for_shell(text: str) -> str:
    """Return a text as one word of a shell: in double quotes, or single ones if it must."""
    return shlex.quote(text) if UNSAFE & {*text} else f'"{text}"'


def choose(
    reading: Reading, problem: str, options: Sequence[tuple[Mapping[str, str], str]]
) -> tuple[Mapping[str, str], str]:
    """Return the first option and a message that it is taken, if the reading is to propose.

    `options` are changes to the columns, each with its meaning in words. Raise BadInput with a
    command for every option if the user is to choose.
    """
    if reading.propose:
        taken, meaning = options[0]
        others = "; or ".join(columns_option(reading, changes) for changes, _ in options[1:])
        return taken, f"{problem}; taken as {meaning}, change it by {others}"
    lines = [f"  {command(reading, changes)}   ({meaning})" for changes, meaning in options]
    raise BadInput("\n".join([f"{problem}; choose one:", *lines]))


def _quoted(source: str) -> str:
    return f'"{source}"' if {*",='`"} & {*source} and '"' not in source else source


def _is_plain(path: str) -> bool:
    return shlex.quote(path) == path
