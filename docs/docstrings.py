"""Translate docstrings, which are plain words with `code`, to the input of napoleon and docutils.

In `name : content.` the words are a description, not a type. A line `Source: ...` is a section.
Indented lines are displayed as they are. Bars, stars and trailing underscores outside of `code` are
mathematics, not markup.
"""

import re
from itertools import zip_longest
from typing import Any

from sphinx.application import Sphinx

MARKUP = re.compile(r"(`+[^`]+`+)|([|*])|(?<=\w)_(?!\w)")
ENTRY = re.compile(r"^(\w[\w, ]*) : (.+)$")
ENDS = (".", ",", ";", ":")
SHORT = 60  # characters: a longer line is words that go on in the next line
DESCRIBED = ("Parameters", "Attributes")


def for_napoleon(lines: list[str]) -> list[str]:
    """Return the lines of a docstring as napoleon reads them."""
    made: list[str] = []
    section = ""
    shown = False
    for line, following in zip_longest(lines, lines[1:], fillvalue=""):
        if following and set(following) == {"-"}:
            section = line
        if line.startswith("Source: "):
            section = "Source"
            made += [section, "-" * len(section), without_markup(line.removeprefix("Source: "))]
        elif section in DESCRIBED and (entry := ENTRY.match(line)):
            made += _described(entry[1], entry[2], following)
        elif not section and not shown and line.startswith("    ") and made[-1:] == [""]:
            made += [line] if made[-2:-1] == ["::"] else ["::", "", line]
            shown = True
        else:
            shown = shown and (not line or line.startswith("    "))
            made.append(line if shown else without_markup(line))
    return made


def without_markup(line: str) -> str:
    """Escape bars, stars and trailing underscores of a line, so that they are not markup."""
    return MARKUP.sub(lambda match: match[0] if match[1] else "\\" + match[0], line)


def _described(names: str, words: str, following: str) -> list[str]:
    """Return names, and below them their description; a type before it ends in a colon."""
    is_type = following.startswith("    ") and len(words) < SHORT and not words.endswith(ENDS)
    colon = ":" if is_type else ""
    return [names.replace(", ", ","), f"    {without_markup(words)}{colon}"]


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the translation, so that it runs before napoleon."""
    app.connect("autodoc-process-docstring", _process, priority=400)
    return {"parallel_read_safe": True}


def _process(
    app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]
) -> None:
    lines[:] = for_napoleon(lines)
