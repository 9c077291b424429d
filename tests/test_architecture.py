"""The map: every room has a line, in the order of the import contract, and every file exists."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "bayesmeta"
MAP = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
NAMES_AT_TOP = 14


def rooms() -> list[str]:
    """Return the rooms that the map lists, in its order."""
    table = MAP[MAP.index("## Rooms") : MAP.index("## I want to change")]
    return re.findall(r"^\| `([\w/]+)` \| \S.*\|$", table, re.MULTILINE)


def test_every_room_has_a_line_and_every_line_a_room() -> None:
    folders = {str(path.parent.relative_to(SOURCE)) for path in SOURCE.rglob("*/__init__.py")}
    assert sorted(rooms()) == sorted(folders)


def test_the_order_is_that_of_the_import_contract() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = settings["tool"]["importlinter"]["contracts"]
    layers = [set(layer.split(" | ")) for layer in contract["layers"]]
    listed = [room for room in rooms() if "/" not in room]
    levels = [next(at for at, layer in enumerate(layers) if room in layer) for room in listed]
    assert levels == sorted(levels)


def test_files_to_open_exist() -> None:
    table = MAP[MAP.index("## I want to change") :]
    files = re.findall(r"^\| [^|]+ \| `([\w/.-]+)`", table, re.MULTILINE)
    assert len(files) >= 8
    assert [name for name in files if not (ROOT / name).is_file()] == []


def test_the_top_level_is_small() -> None:
    names = {path.stem for path in SOURCE.iterdir() if not path.name.startswith("__")}
    assert len(names) <= NAMES_AT_TOP
