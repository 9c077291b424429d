"""The package: its version, in one place, and what belongs to it."""

import re
import tomllib
from pathlib import Path

import bayesmeta

ROOT = Path(__file__).parents[1]


def test_the_citation_and_the_changes_are_of_this_version() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {bayesmeta.__version__}\n" in citation
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## ([\d.]+)$", changes, re.MULTILINE)
    assert versions[0] == bayesmeta.__version__
    assert versions == sorted(versions, reverse=True)


def test_types_are_shipped_and_every_classified_python_is_allowed() -> None:
    assert (ROOT / "src" / "bayesmeta" / "py.typed").is_file()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    least = tuple(map(int, re.findall(r"\d+", project["requires-python"])))
    classified = re.findall(r"Python :: (3\.\d+)", " ".join(project["classifiers"]))
    assert min(tuple(map(int, version.split("."))) for version in classified) == least


def test_tested_versions_are_allowed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    tested = dict(line.lower().split("==") for line in lines if "==" in line)
    for requirement in project["dependencies"]:
        name, least = re.split(r"(?:\[\w+\])?>=", requirement.split(";")[0])
        assert _parts(tested[name.lower()]) >= _parts(least), requirement


def _parts(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)]
