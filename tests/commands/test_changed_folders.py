"""Folders that change while a command runs, and the page of a report whose parts change."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from rich.console import Console

from bayesmeta.cli import main
from bayesmeta.commands import outcome, report
from bayesmeta.infrastructure.provenance import now
from bayesmeta.output.folders.protection import KEY
from bayesmeta.output.folders.staging import staging


def test_results_that_another_run_wrote_since_the_start_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = {"study": [*"abcdef"], "yi": [0.1, 0.5, 0.3, 0.9, -0.2, 0.4], "vi": 0.1}
    pd.DataFrame(rows).to_csv(tmp_path / "mine.csv", index=False)
    out = tmp_path / "out"
    record = out / "provenance.json"

    @contextmanager
    def after_another_run(folder: Path, **options: Any) -> Iterator[Path]:
        out.mkdir()
        record.write_text(json.dumps({KEY: "of another table", "outputs": {}}))
        with staging(folder, **options) as staged:
            yield staged

    monkeypatch.setattr(outcome, "staging", after_another_run)
    with pytest.raises(SystemExit) as ended:
        main(["compare", str(tmp_path / "mine.csv"), "--out", str(out)])
    assert ended.value.code == 2
    assert "holds results of other data" in " ".join(capsys.readouterr().err.split())
    assert list(out.iterdir()) == [record]


@pytest.mark.parametrize("fresh", [True, False])
def test_the_page_is_removed_before_a_part_in_another_folder_changes(
    fresh: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "index.html"
    page.write_text("<p>an answer</p>")
    report_record = {KEY: "k", "outputs": {"index.html": ""}}
    (tmp_path / "provenance-report.json").write_text(json.dumps(report_record))
    seen = []

    def run_part(*_: Any) -> tuple[str, str]:
        seen.append(page.exists())
        return "done", ""

    monkeypatch.setattr(report, "run_part", run_part)
    inputs: Any = SimpleNamespace(sha256="s")
    part: Any = SimpleNamespace(
        name="screen",
        request="r",
        provenance=tmp_path / "screening" / "provenance-screen.json",
        is_fresh=lambda sha256: fresh,
    )
    rows = report.run_parts([part], inputs, tmp_path, Console(quiet=True))
    assert rows["state"].tolist() == ["kept" if fresh else "done"]
    assert seen == ([] if fresh else [False])
    assert page.exists() == fresh


def test_a_given_date_is_the_date_of_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert now() == datetime(1970, 1, 2, tzinfo=UTC)
    for wrong in ("", "soon", "9" * 40, "-5"):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", wrong)
        assert now().year >= 2026
