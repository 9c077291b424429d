"""Plain words: pages, help, messages, docstrings and names by the list in idioms.toml."""

import ast
import re
import tokenize
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
IDIOMS = tomllib.loads((Path(__file__).parent / "idioms.toml").read_text(encoding="utf-8"))
SOURCES = sorted((ROOT / "src").rglob("*.py"))
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *(page for page in sorted((ROOT / "docs").rglob("*.md")) if "_build" not in page.parts),
]
TEXTS = [
    *(path for path in sorted((ROOT / "src").rglob("*")) if path.suffix in (".j2", ".mjs")),
    *sorted((ROOT / "src").rglob("*.toml")),
    *sorted((ROOT / "models").glob("*.toml")),
]
LONGEST = 40  # words of a sentence or of a part of it between colons or semicolons
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
NOT_PROSE = re.compile(r"`[^`]*`|\$[^$]+\$|^\|.*$|\[\w+\][.:]|https?://\S+", re.MULTILINE)
END = re.compile(r"(?<=[.!?;:])\s+|\n\s*\n|\n\s*(?:[-*]|\d+\.) |^#.*$", re.MULTILINE)


def idioms_in(text: str, kind: str = "prose") -> list[str]:
    """Return every idiom of a text, with what to write instead."""
    return [
        f"{match[0]!r}: write {instead}"
        for pattern, instead in IDIOMS[kind].items()
        for match in re.finditer(rf"\b(?:{pattern})\b", text, re.IGNORECASE)
    ]


def prose_of(page: Path) -> str:
    return NOT_PROSE.sub(" x ", FENCE.sub("", page.read_text(encoding="utf-8")))


def names_in(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield what a module names: variables, arguments, functions and classes, with their lines."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                yield node.lineno, name
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield node.lineno, name


def strings_and_comments(path: Path) -> Iterator[tuple[int, str]]:
    """Yield docstrings, messages and comments of a module, with their lines."""
    kinds = (tokenize.STRING, tokenize.COMMENT, tokenize.FSTRING_MIDDLE)
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type in kinds:
                yield token.start[0], re.sub(r"`[^`]*`", "x", token.string)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_pages_are_plain(page: Path) -> None:
    assert idioms_in(prose_of(page)) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_sentences_are_short(page: Path) -> None:
    words = [sentence.split() for sentence in END.split(prose_of(page))]
    long = [" ".join(sentence) for sentence in words if len(sentence) > LONGEST]
    assert [sentence for sentence in long if set(sentence) - {*"x "}] == []


def test_texts_of_the_source_are_plain() -> None:
    idioms = {
        f"{path.relative_to(ROOT)}:{line}": words
        for path in SOURCES
        for line, text in strings_and_comments(path)
        if (words := idioms_in(text)) and " " in text.strip()
    }
    idioms |= {
        str(path.relative_to(ROOT)): words
        for path in TEXTS
        if (words := idioms_in(path.read_text(encoding="utf-8")))
    }
    assert idioms == {}


def test_names_say_what_they_hold() -> None:
    vague = {
        f"{path.relative_to(ROOT)}:{line} {name}": instead
        for path in SOURCES
        for line, name in names_in(ast.parse(path.read_text(encoding="utf-8")))
        if (instead := idioms_in(name.strip("_"), "names")) and re.fullmatch(r"_*[A-Za-z]+", name)
    }
    files = [path for path in SOURCES if idioms_in(path.stem, "files")]
    assert (vague, files) == ({}, [])


def test_the_check_sees_idioms_long_sentences_and_vague_names() -> None:
    assert idioms_in("A study cannot vouch for itself.") == ["'vouch': write support"]
    assert idioms_in("the known sd") == []
    tree = ast.parse("def f(each):\n    found = 1\n    found_in = 2")
    assert [name for _, name in names_in(tree)] == ["f", "each", "found", "found_in"]
    assert len(END.split("A line.\n\n- another one\n- a third. And a fourth")) == 4
