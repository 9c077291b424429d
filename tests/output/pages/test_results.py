"""A folder of results is read completely, or refused with a reason."""

import json
from pathlib import Path
from typing import Any

import pytest

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.output.pages.results import read_results

RECORD = {"dataset": "d", "created": "2026-01-31"}


def _folder(at: Path) -> Path:
    for name, content in {
        "provenance.json": json.dumps(RECORD | {"model": "m"}),
        "provenance-check.json": json.dumps(RECORD | {"model": "c"}),
        "tables/terms.csv": "term,mean\na,1.5\n",
        "screening/tables/tree.csv": "node\n1\n",
        "screening/provenance-screen.json": json.dumps(RECORD),
        "figures/forest.svg": "<svg/>",
        "figures/forest.csv": "x\n1\n",
        "diagnostics.json": '{"passed": true}',
    }.items():
        (at / name).parent.mkdir(parents=True, exist_ok=True)
        (at / name).write_text(content)
    return at


def test_tables_figures_and_provenance_by_name(tmp_path: Path) -> None:
    results = read_results(_folder(tmp_path))
    assert set(results.tables) == {"terms", "screening/tree"}
    assert results.tables["terms"]["mean"].tolist() == [1.5]
    assert set(results.figures) == {"forest"}
    assert set(results.provenance) == {"fit", "check", "screen"}
    assert results.about["model"] == "m"
    assert results.diagnostics == {"passed": True}


def test_a_folder_without_results_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "no such"):
        with pytest.raises(BadInput, match="holds no results"):
            read_results(folder)


@pytest.mark.parametrize("broken", ["provenance.json", "diagnostics.json"])
def test_a_broken_file_is_named(tmp_path: Path, broken: str) -> None:
    (_folder(tmp_path) / broken).write_text("{")
    with pytest.raises(BadInput, match="cannot be read"):
        read_results(tmp_path)


@pytest.mark.parametrize(
    ("entries", "named"),
    [
        ({"dataset": None}, "dataset"),
        ({"notes": {}}, "notes"),
        ({"created": {}, "versions": 3}, "created, versions"),
    ],
)
def test_a_record_of_other_entries_is_named(
    tmp_path: Path, entries: dict[str, Any], named: str
) -> None:
    (_folder(tmp_path) / "provenance-check.json").write_text(json.dumps(RECORD | entries))
    with pytest.raises(BadInput, match=f"provenance-check.json is no record .* see {named};"):
        read_results(tmp_path)
