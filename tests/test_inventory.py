"""`bayesmeta data`: sizes and the effect table."""

from pathlib import Path

import pandas as pd
import pytest

from bayesmeta.cli import main
from bayesmeta.inventory import sizes_by


def run(*arguments: str) -> int:
    """Exit code of the command line."""
    with pytest.raises(SystemExit) as ended:
        main(["data", *arguments])
    return int(ended.value.code or 0)


def test_sizes_count_effects_groups_and_studies(simulated: pd.DataFrame) -> None:
    table = sizes_by(simulated, [["valence", "phase"], ["species"]]).set_index("value")
    assert list(table.index) == ["neutral:memory", "fear:memory", "all"]
    fear = simulated[simulated["valence"] == "fear"]
    want = [len(fear), fear["group"].nunique(), fear["study"].nunique()]
    assert table.loc["fear:memory", ["k", "groups", "studies"]].tolist() == want
    assert table.loc["all", ["k", "groups", "studies"]].tolist() == [240, 120, 60]


def test_writes_the_same_table_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("clinical-twin", "--out", str(tmp_path / "out")) == 0
    assert capsys.readouterr().out.startswith("SYNTHETIC")
    rows, parquet = pd.read_csv(tmp_path / "out" / "effects.csv"), pd.read_parquet(tmp_path / "out" / "effects.parquet")
    assert len(rows) == len(parquet) == 547
    pd.testing.assert_series_equal(rows["yi"], parquet["yi"])
    assert "SYNTHETIC" in (tmp_path / "out" / "provenance.json").read_text()


@pytest.mark.usefixtures("trace_data")
def test_real_data_say_what_was_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("preclinical", "--out", str(tmp_path)) == 0
    flow = pd.read_csv(tmp_path / "flow.csv")
    rows = flow.groupby("step")["rows"].sum()
    assert rows["read"] - rows[["inclusion", "coding", "numbers", "set"]].sum() == rows["effects"] == 1086
    assert "no independent match" in " ".join(capsys.readouterr().out.split())


def test_an_unknown_name_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("precinical") == 2
    assert "did you mean 'preclinical'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
