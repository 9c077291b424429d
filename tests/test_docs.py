"""The documentation: a page per command, examples that parse, links and pictures that exist."""

import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from bayesmeta.cli import app

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs" / "commands").glob("*.md")),
    *sorted((ROOT / "docs" / "guides").glob("*.md")),
]
API = sorted((ROOT / "docs" / "api").glob("*.md"))
COMMANDS: dict[str, Any] = dict(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
FENCE = re.compile(r"^```[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE)
EXAMPLE = re.compile(r"^(?:\$ )?(?:\.venv/bin/)?bayesmeta (.+)$", re.MULTILINE)
SCRIPT = re.compile(r"^python scripts/(\w+)\.py(.*)$", re.MULTILINE)
MENTION = re.compile(r"`bayesmeta ([a-z-]+)([^`]*)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
# rooms of the commands: what they accept, write and print, no values for others
WRITING = {"commands/console", "commands/options", "output/folders", "output/pages"}


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks_of(page: Path) -> str:
    return "\n".join(FENCE.findall(page.read_text(encoding="utf-8")))


def examples() -> list[Any]:
    """Every line of a block that calls `bayesmeta` or a script, with the page that it is on."""
    found = []
    for page in PAGES:
        lines = EXAMPLE.findall(blocks_of(page)) + [
            "".join(pair) for pair in SCRIPT.findall(blocks_of(page))
        ]
        found += [pytest.param(line, id=f"{name_of(page)}: {line}") for line in lines]
    return found


def anchors_of(page: Path) -> set[str]:
    """Anchors of a page's headings as GitHub and MyST make them."""
    headings = re.findall(
        r"^#+ (.+)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE
    )
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def parse(line: str) -> None:
    """Read a line as the command line does, without running it."""
    name, *arguments = shlex.split(line, comments=True)
    if name == "--help":
        return
    assert name in COMMANDS, f"no command {name!r}"
    if "--help" not in arguments:
        COMMANDS[name].make_context(name, arguments)


def test_every_command_has_a_page_and_every_page_a_command() -> None:
    assert {page.stem for page in (ROOT / "docs" / "commands").glob("*.md")} == set(COMMANDS)


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_a_page_has_an_example_and_the_options_of_its_own_command(command: str) -> None:
    page = ROOT / "docs" / "commands" / f"{command}.md"
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# bayesmeta {command}\n")
    assert re.findall(r"^```\{options\} *(.*)$", text, re.MULTILINE) == [command]
    assert any(line.split()[0] == command for line in EXAMPLE.findall(blocks_of(page)))


def test_the_map_of_pages_names_every_command() -> None:
    text = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    for command in COMMANDS:
        assert f"\ncommands/{command}\n" in text
        assert f"](commands/{command}.md)" in text


@pytest.mark.parametrize("line", examples())
def test_examples_are_taken_by_the_command_line(line: str) -> None:
    parse(line)


@pytest.mark.parametrize(
    "line", ["fits", "fit --data preclinical", "fit --draws many", "data", "fit mine.csv other.csv"]
)
def test_lines_that_the_command_line_refuses_are_refused_here(line: str) -> None:
    with pytest.raises((AssertionError, typer.exceptions.TyperException)):
        parse(line)


@pytest.mark.parametrize("page", [*PAGES, *API], ids=name_of)
def test_commands_and_options_in_the_text_exist(page: Path) -> None:
    for name, rest in MENTION.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        assert name in COMMANDS
        known = {option for parameter in COMMANDS[name].params for option in parameter.opts} | {
            "--help"
        }
        assert set(re.findall(r"(?<=\s)--[a-z-]+", rest)) <= known


@pytest.mark.parametrize("page", [*PAGES, *API], ids=name_of)
def test_relative_links_and_pictures_exist(page: Path) -> None:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    for link in (link for link in LINK.findall(text) if not re.match(r"[a-z]+:", link)):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_file(), f"{link} leads nowhere"
        assert target.is_relative_to(ROOT)
        assert not anchor or anchor in anchors_of(target), (
            f"{link}: {target.name} has no such heading"
        )


def test_the_functions_of_every_room_are_listed() -> None:
    source = ROOT / "src" / "bayesmeta"
    inner = {
        str(path.parent.relative_to(source)) for path in source.glob("*/*/__init__.py")
    } - WRITING
    rooms = {name.replace("/", ".") for name in inner} | {
        "api",
        "planning",
        "replication",
        "screening",
    }
    listed = re.findall(
        r"^   ([\w.]+)$",
        (ROOT / "docs" / "api" / "index.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert rooms <= set(listed)
    assert len(listed) == len(set(listed))


@pytest.fixture
def extensions(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parts of docs/conf.py that are ours."""
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    for name in ("docstrings", "offline", "option_tables"):
        monkeypatch.delitem(sys.modules, name, raising=False)


@pytest.mark.usefixtures("extensions")
@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_the_table_of_options_has_every_option_with_its_help(command: str) -> None:
    from option_tables import option_table

    rows = option_table(COMMANDS[command]).splitlines()[2:]
    assert len(rows) == len(COMMANDS[command].params)
    for row, parameter in zip(rows, COMMANDS[command].params, strict=True):
        assert len(re.findall(r"(?<!\\)\|", row)) == 5
        named = parameter.param_type_name == "option"
        assert row.startswith(
            f"| `{parameter.opts[0] if named else parameter.metavar or parameter.name.upper()}` |"
        )
        assert parameter.help.split("<")[0].split("*")[0].replace("|", r"\|") in row
        assert parameter.required == ("| required |" in row)
        assert parameter.default in (None, ()) or f"`{parameter.default}`" in row
        choices = parameter.type_descriptor.choices or ()
        assert " or ".join(f"`{choice}`" for choice in choices) in row


@pytest.mark.usefixtures("extensions")
def test_docstrings_become_what_napoleon_reads() -> None:
    from docstrings import for_napoleon

    given = [
        "What |x| is, y_ and `a_|b`.",
        "",
        "    v = s|x|",
        "",
        "Parameters",
        "-" * 10,
        "one, two : both of them.",
    ]
    given += ["fit : Reml", "    As fitted.", "", "Source: Harville 1977."]
    wanted = [
        "What \\|x\\| is, y\\_ and `a_|b`.",
        "",
        "::",
        "",
        "    v = s|x|",
        "",
        "Parameters",
        "-" * 10,
    ]
    wanted += ["one,two", "    both of them.", "fit", "    Reml:", "    As fitted.", ""]
    assert for_napoleon(given) == [*wanted, "Source", "------", "Harville 1977."]


@pytest.mark.usefixtures("extensions")
def test_pages_that_would_ask_the_network_are_found(tmp_path: Path) -> None:
    from offline import requests_of

    (tmp_path / "in.html").write_text(
        '<script src="own.js"></script><a href="https://doi.org/1">read</a>'
    )
    (tmp_path / "out.html").write_text('<link rel="stylesheet" href="https://fonts.example/a.css">')
    (tmp_path / "out.css").write_text("@import 'https://fonts.example/b.css';")
    assert set(requests_of(tmp_path)) == {"out.html", "out.css"}
