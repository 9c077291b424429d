"""The text of `--at`: values of moderators, `dose=1,2,5; species=rat`.

Names and levels are those of the table and may hold any sign: pieces that make a known level are
one value, and double quotes or backticks show where a name or a level begins and ends.
"""

import re

from bayesmeta.estimates.margins.moderators import Moderators
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design.combinations import unquoted

FORM = '"dose=1,2,5; species=rat"'
QUOTED = r"\"[^\"]*\"|`[^`]*`"
_NAMED = re.compile(rf"({QUOTED})\s*=(.*)", re.DOTALL)


def parse_at(text: str, moderators: Moderators) -> dict[str, list[str]]:
    """Return the values by moderator of `dose=1,2,5; species=rat`; BadInput for another form."""
    parts: list[str] = []
    for piece in _split(text, ";"):
        if parts and "=" not in piece:  # a level with a semicolon
            parts[-1] += f";{piece}"
        elif piece.strip():
            parts.append(piece.strip())
    values_by_name: dict[str, list[str]] = {}
    for part in parts:
        name, rest = _name(part, moderators)
        values = _values(rest, list(map(str, moderators.levels.get(name, ()))))
        if not name or "" in values or name in values_by_name:
            form = f"write every moderator once: {FORM}"
            raise BadInput(f"--at cannot be read at '{part}'; {form}")
        values_by_name[name] = values
    return values_by_name


def _name(part: str, moderators: Moderators) -> tuple[str, str]:
    """Return the name before an = and the rest; both empty without one."""
    if match := _NAMED.fullmatch(part):
        return unquoted(match[1]), match[2]
    for name in sorted(moderators.names, key=len, reverse=True):
        rest = part.removeprefix(name).lstrip()
        if part.startswith(name) and rest.startswith("="):
            return name, rest[1:]
    name, equals, rest = part.partition("=")
    return (name.strip(), rest) if equals else ("", "")


def _values(text: str, levels: list[str]) -> list[str]:
    """Return the values between commas; pieces that make a level together are one value."""
    pieces = _split(text, ",")
    longest = 1 + max((level.count(",") for level in levels), default=0)
    values: list[str] = []
    start = 0
    while start < len(pieces):
        sizes = range(1, min(longest, len(pieces) - start) + 1)
        joined = {size: ",".join(pieces[start : start + size]).strip() for size in sizes}
        size = max((size for size, value in joined.items() if value in levels), default=1)
        value = joined[size]
        values.append(value if value in levels else unquoted(value))
        start += size
    return values


def _split(text: str, separator: str) -> list[str]:
    """Return the pieces between separators that do not stand in quotes."""
    marks = re.finditer(rf"{QUOTED}|{separator}", text)
    pieces = [""]
    end = 0
    for mark in marks:
        pieces[-1] += text[end : mark.start()]
        if mark[0] == separator:
            pieces.append("")
        else:
            pieces[-1] += mark[0]
        end = mark.end()
    pieces[-1] += text[end:]
    return pieces
