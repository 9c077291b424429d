"""Paragraphs from a template: HTML for a page, Markdown for a console or a supplement."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from markupsafe import Markup

from bayesmeta.estimates.text import words
from bayesmeta.output.pages.rendering import PLAIN, TEMPLATES

MARKS = {"heading": "### ", "bullet": "- ", "paragraph": ""}
TAGS = {"heading": "h3", "bullet": "li", "paragraph": "p"}


class Block(NamedTuple):
    """A block of text: its kind (`heading`, `bullet` or `paragraph`) and its content."""

    kind: str
    text: str


def blocks(template: str, *, html: bool, **context: Any) -> list[Block]:
    """Render a template and return its blocks.

    A heading begins with ###, a bullet with -; blank lines divide paragraphs.
    """
    environment = TEMPLATES if html else PLAIN
    text = environment.get_template(template).render(context | {"phrase": phrase, "html": html})
    parts = re.split(r"\n\s*\n|\n(?=###|- )", text.strip())
    texts = [re.sub(r"\s+", " ", part).strip() for part in parts if part.strip()]
    kinds = [next(kind for kind in MARKS if text.startswith(MARKS[kind])) for text in texts]
    pairs = zip(kinds, texts, strict=True)
    return [Block(kind, text.removeprefix(MARKS[kind])) for kind, text in pairs]


def joined(parts: Sequence[Block], *, html: bool) -> str:
    """Return blocks as HTML (h3, p, ul), which needs no further escaping, or as Markdown."""
    if html:
        lines = [f"<{TAGS[part.kind]}>{part.text}</{TAGS[part.kind]}>" for part in parts]
        items = r"((?:<li>.*</li>\n?)+)"
        return Markup(re.sub(items, r"<ul>\n\1</ul>\n", "\n".join(lines)))
    within_list = [first.kind == second.kind == "bullet" for first, second in pairwise(parts)]
    ends = ["\n" if inside else "\n\n" for inside in within_list]
    lines = [f"{MARKS[part.kind]}{part.text}" for part in parts]
    return "".join(line + end for line, end in zip(lines, [*ends, ""], strict=False))


def phrase(name: object) -> str:
    """Return a term or contrast inside a sentence, without commas: `fear memory`."""
    return words(name, " ")
