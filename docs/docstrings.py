"""Docstrings, which are plain words with `code`, to what napoleon and docutils expect.

In `name : what it is.` the words are a description, no type; a line `Source: ...` is a section of its own; indented
lines are displayed as they are; bars, stars and trailing underscores outside of `code` are mathematics, no markup.
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
    """A docstring's lines as napoleon reads them."""
    made: list[str] = []
    section, shown = "", False
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
    """A line in which bars, stars and trailing underscores stand for themselves."""
    return MARKUP.sub(lambda found: found[0] if found[1] else "\\" + found[0], line)


def _described(names: str, words: str, following: str) -> list[str]:
    """Names, and what they are below; a type, a short line before its description, ends in a colon."""
    is_type = following.startswith("    ") and len(words) < SHORT and not words.endswith(ENDS)
    colon = ":" if is_type else ""
    return [names.replace(", ", ","), f"    {without_markup(words)}{colon}"]


def setup(app: Sphinx) -> dict[str, Any]:
    """Before napoleon reads a docstring."""
    app.connect("autodoc-process-docstring", _process, priority=400)
    return {"parallel_read_safe": True}


def _process(
    app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]
) -> None:
    lines[:] = for_napoleon(lines)
