"""Paragraphs from a template: HTML for a page, Markdown for a console or a supplement."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from markupsafe import Markup

from bayesmeta.output.pages.rendering import TEMPLATES

PLAIN = TEMPLATES.overlay(autoescape=False)


class Part(NamedTuple):
    """A block of a template: `heading` (lines that begin with ###), `bullet` (with -) or `paragraph`; and its text."""

    kind: str
    text: str


def parts(template: str, *, html: bool, **context: Any) -> list[Part]:
    """Render a template; blank lines divide its paragraphs, other line ends are spaces."""
    environment = TEMPLATES if html else PLAIN
    text = environment.get_template(template).render(context | {"phrase": phrase, "html": html})
    blocks = re.split(r"\n\s*\n|\n(?=###|- )", text.strip())
    return [_part(re.sub(r"\s+", " ", block).strip()) for block in blocks if block.strip()]


def _part(block: str) -> Part:
    for mark, kind in (("### ", "heading"), ("- ", "bullet")):
        if block.startswith(mark):
            return Part(kind, block.removeprefix(mark))
    return Part("paragraph", block)


def joined(blocks: Sequence[Part], *, html: bool) -> str:
    """Parts as HTML (h3, p, ul; safe to stand in a page as it is) or as Markdown."""
    if not html:
        marks = {"heading": "### ", "bullet": "- ", "paragraph": ""}
        pairs = zip(blocks, [*blocks[1:], None], strict=True)
        ends = [
            "\n" if one.kind == "bullet" and two and two.kind == "bullet" else "\n\n"
            for one, two in pairs
        ]
        return "".join(
            f"{marks[one.kind]}{one.text}{end}" for one, end in zip(blocks, ends, strict=True)
        ).strip()
    tags = {"heading": "h3", "bullet": "li", "paragraph": "p"}
    lines = [f"<{tags[one.kind]}>{one.text}</{tags[one.kind]}>" for one in blocks]
    return Markup(re.sub(r"((?:<li>.*</li>\n?)+)", r"<ul>\n\1</ul>\n", "\n".join(lines)))


def phrase(name: object) -> str:
    """A term or contrast inside a sentence, without commas: `fear:memory` is fear memory; a minus is a true one."""
    return re.sub(r":(?! )", " ", str(name)).replace(" - ", " − ").replace("_", " ")
