"""Columns and settings that a user asks for."""

from collections.abc import Mapping

from bayesmeta.infrastructure.errors import BadInput

OMIT = "omit"


def parse_columns(text: str) -> dict[str, str]:
    """Return `study=district, group=school, yi=es` as a dictionary from our names to the file's.

    `group=` sets a column of that name aside.

    Raises
    ------
    BadInput
        The text is of another form, or gives a name twice.
    """
    columns: dict[str, str] = {}
    for part in filter(str.strip, text.split(",")):
        target, equals, source = (piece.strip() for piece in part.partition("="))
        if not equals or not target:
            raise BadInput(
                f"--columns has {part.strip()!r}; it should read 'study=district, yi=es, sei=se'"
            )
        if target in columns:
            raise BadInput(f"--columns gives {target} twice, {columns[target]!r} and {source!r}")
        columns[target] = source
    return columns


def omits_incomplete(asked: Mapping[str, str]) -> bool:
    """Return True if rows with an incomplete effect are to be left out.

    Raises
    ------
    BadInput
        The choice is neither "omit" nor "".
    """
    choice = asked.get("incomplete", "")
    if choice not in ("", OMIT):
        raise BadInput(
            f"columns give incomplete={choice!r}; it should be {OMIT!r}, or not be given"
        )
    return choice == OMIT
