"""`bayesmeta data`: sizes and the effect table."""

import json
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from bayesmeta.cli import main
from bayesmeta.commands.data import data_tables, sizes_by
from bayesmeta.commands.options import Options, Request
from bayesmeta.commands.run import run as run_command


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
    rows, parquet = (
        pd.read_csv(tmp_path / "out" / "effects.csv"),
        pd.read_parquet(tmp_path / "out" / "effects.parquet"),
    )
    assert len(rows) == len(parquet) == 547
    pd.testing.assert_series_equal(rows["yi"], parquet["yi"])
    assert "SYNTHETIC" in (tmp_path / "out" / "provenance.json").read_text()
    assert {path.stem for path in (tmp_path / "out" / "tables").iterdir()} == {
        "sizes",
        "characteristics",
    }
    assert "SYNTHETIC" in (tmp_path / "out" / "provenance-data.json").read_text()


@pytest.mark.usefixtures("trace_data")
def test_real_data_say_what_was_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("preclinical", "--out", str(tmp_path)) == 0
    flow = pd.read_csv(tmp_path / "flow.csv")
    rows = flow.groupby("step")["rows"].sum()
    assert (
        rows["read"] - rows[["inclusion", "coding", "numbers", "set"]].sum()
        == rows["effects"]
        == 1086
    )
    assert {path.stem for path in (tmp_path / "figures").glob("*.svg")} == {"flow", "risk_of_bias"}
    tables = {path.stem: pd.read_csv(path) for path in (tmp_path / "tables").iterdir()}
    assert set(tables) == {
        "sizes",
        "flow",
        "subjects",
        "characteristics",
        "risk_of_bias_items",
    }
    rats = tables["sizes"].query("value == 'rat'").iloc[0]
    assert rats["groups_percent"] == round(100 * rats["groups"] / 302, 1)
    assert tables["characteristics"]["k"].sum() == tables["flow"]["count"].iloc[-1] == 1086
    assert {"phase", "sex", "species"} <= set(tables["characteristics"])
    outputs = json.loads((tmp_path / "provenance-data.json").read_text())["outputs"]
    assert {"tables/flow.csv", "figures/risk_of_bias.svg"} <= set(outputs)
    assert "no independent match" in " ".join(capsys.readouterr().out.split())


def test_a_file_has_sizes_by_its_own_categories() -> None:
    frame = pd.DataFrame(
        {"study": list("aabb"), "group": list("aabc"), "yi": 0.1, "vi": 0.1, "year": [1, 1, 2, 2]}
    )
    frame = frame.assign(country=pd.Categorical(["nl", "nl", "de", "nl"]))
    tables = data_tables(frame, "clinical", None)  # the name of a dataset, but not of its making
    assert set(tables) == {"sizes", "characteristics"}
    assert tables["sizes"]["value"].tolist() == ["de", "nl", "all"]
    assert tables["characteristics"]["country"].tolist() == ["nl", "de, nl"]
    alone = data_tables(frame[["study", "group", "yi", "vi"]], "mine", None)
    assert alone["sizes"]["value"].tolist() == ["all"]
    assert list(alone["characteristics"]) == ["study", "k", "groups", "yi_min", "yi_max"]


def test_an_unknown_name_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("precinical") == 2
    assert "did you mean 'preclinical'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_part_of_a_report_describes_what_is_analysed(tmp_path: Path) -> None:
    rows = pd.DataFrame(
        {"study": list("aabbc"), "yi": [0.1, 0.2, 0.3, 0.4, 0.5], "vi": 0.1, "kind": list("xyxyx")}
    )
    rows.to_csv(tmp_path / "mine.csv", index=False)
    request = Request(dataset=str(tmp_path / "mine.csv"), where="kind == 'x'")
    assert run_command("data", request, Options(), tmp_path / "out", Console(quiet=True)) == 0
    table = pd.read_csv(tmp_path / "out" / "tables" / "characteristics.csv")
    assert table["study"].tolist() == ["a", "b", "c"]
    assert table["k"].tolist() == [1, 1, 1]
    provenance = json.loads((tmp_path / "out" / "provenance-data.json").read_text())
    assert provenance["where"] == "kind == 'x'"
    assert provenance["inputs_sha256"]
    assert set(provenance["outputs"]) == {"tables/sizes.csv", "tables/characteristics.csv"}
