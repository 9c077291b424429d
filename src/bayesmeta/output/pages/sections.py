"""The texts of templates/wording.toml: headings, explanations of sections, captions of figures."""

import tomllib
from importlib.resources import files
from typing import Any, NamedTuple

from bayesmeta.estimates.text import words


class Section(NamedTuple):
    """A section of check.html: name, heading, explanation, figures, and headings of tables."""

    name: str
    heading: str
    explanation: str
    figures: list[str]
    tables: dict[str, str]


_FILE = files("bayesmeta.output").joinpath("templates", "wording.toml")
_TEXTS: dict[str, Any] = tomllib.loads(_FILE.read_text(encoding="utf-8"))
CONTENTS: dict[str, str] = _TEXTS["contents"]
DIRECTIONS: dict[str, str] = _TEXTS["directions"]
COLUMNS: dict[str, str] = _TEXTS["columns"]
CAPTIONS: dict[str, str] = _TEXTS["captions"]
CHECKS = [Section(**section) for section in _TEXTS["checks"]]
SUPPLEMENT: dict[str, Any] = _TEXTS["supplement"]  # caption and columns of tables
COMPARISON: dict[str, tuple[str, str]] = _TEXTS["comparison"]  # heading and explanation of tables
HEADINGS = {name: heading for name, (heading, _) in COMPARISON.items()}
for _section in CHECKS:
    HEADINGS |= _section.tables
HEADINGS |= _TEXTS["headings"]


def caption_of(stem: str) -> str:
    """Return the caption of a figure; `funnel_fear-memory` has its part before that of `funnel`."""
    kind, _, part = stem.partition("_")
    if stem in CAPTIONS or kind not in CAPTIONS:
        return CAPTIONS.get(stem, words(stem))
    return f"{words(part.replace('-', ':')).capitalize()}. {CAPTIONS[kind]}"
