"""`bayesmeta lint` as a user meets it."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bayesmeta.cli import main
from bayesmeta.commands.request import Request, read_inputs
from bayesmeta.inference.quadrature import integrate_posterior, terms_table
from bayesmeta.model.design import build_design
from raw_tables import KEYS, simulate, with_sems

TABLES = {
    "lint": "finding rank code title studies rows evidence measure why advice",
    "lint_rows": "finding code effect study group value usual",
    "lint_refits": "finding code studies remedy contrast mean ci_lb ci_ub mean_without "
    "ci_lb_without ci_ub_without shift changed log_bayes_factor",
}


def run(*arguments: str) -> int:
    """Exit code of the command line."""
    with pytest.raises(SystemExit) as ended:
        main(["lint", *arguments])
    return int(ended.value.code or 0)


@pytest.fixture(scope="module")
def linted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a lint of a user's file, a study of which has SEMs; beside it the clean file."""
    folder = tmp_path_factory.mktemp("own")
    clean = simulate(2)
    study = str(clean.groupby("study")["n1i"].mean().idxmax())
    clean.to_csv(folder / "clean.csv", index=False)
    with_sems(clean, study).to_csv(folder / f"{study}.csv", index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BAYESMETA_CACHE", str(folder / "cache"))
        arguments = [
            "--dataset",
            str(folder / f"{study}.csv"),
            "--moderators",
            "valence",
            "--workers",
            "1",
        ]
        assert run(*arguments, "--out", str(folder / study)) == 0
    return folder / study


def test_writes_the_contract(linted: Path) -> None:
    for name, columns in TABLES.items():
        assert " ".join(pd.read_csv(linted / "tables" / f"{name}.csv").columns) == columns
    provenance = json.loads((linted / "provenance-lint.json").read_text())
    assert set(provenance["outputs"]) == {f"tables/{name}.csv" for name in TABLES}
    assert provenance["unchecked"] == {}


def test_the_planted_error_comes_first(linted: Path) -> None:
    table = pd.read_csv(linted / "tables" / "lint.csv")
    assert table.loc[0, ["code", "studies"]].tolist() == ["sem-as-sd", linted.name]
    assert table["rank"].is_monotonic_increasing
    rows = pd.read_csv(linted / "tables" / "lint_rows.csv").query("finding == 1")
    assert len(rows) == table.loc[0, "rows"] == 4
    assert (rows["value"].astype(float) < rows["usual"].astype(float) / 2).all()


def test_the_remedy_gives_the_clean_answer(linted: Path) -> None:
    refits = (
        pd.read_csv(linted / "tables" / "lint_refits.csv")
        .query("finding == '1'")
        .set_index("contrast")
    )
    for file, ending in ((linted.name, ""), ("clean", "_without")):
        inputs = read_inputs(Request(str(linted.parent / f"{file}.csv"), moderators="valence"))
        terms = terms_table(
            integrate_posterior(build_design(inputs.frame, inputs.spec), inputs.spec)
        ).set_index("term")
        for column in ("mean", "ci_lb", "ci_ub"):
            np.testing.assert_allclose(
                refits[f"{column}{ending}"], terms[column].loc[refits.index], atol=1e-6
            )
    assert refits["log_bayes_factor"].isna().all()  # of other data


def test_a_file_of_yi_and_vi(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BAYESMETA_CACHE", str(tmp_path / "cache"))
    simulate(1)[KEYS].drop(columns=["group", "effect"]).to_csv(tmp_path / "plain.csv", index=False)
    assert (
        run(
            "--dataset",
            str(tmp_path / "plain.csv"),
            "--workers",
            "1",
            "--out",
            str(tmp_path / "out"),
        )
        == 0
    )
    said = " ".join(capsys.readouterr().out.split())
    assert (
        "not checked: standard errors typed as standard deviations: no numbers or labels m1i, sd1i"
        in said
    )
    assert "1: almost certain, and can change conclusions (none)" in said
    assert "design effect" in said


def test_bad_input_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("--dataset", "clincal") == 2
    assert "did you mean 'clinical'" in capsys.readouterr().err
    simulate(1)[KEYS].to_csv("own.csv", index=False)
    assert run("--dataset", "own.csv", "--workers", "0", "--out", "out") == 2
    assert "--workers" in capsys.readouterr().err
    (tmp_path / "taken").write_text("a file")
    assert run("--dataset", "own.csv", "--out", "taken") == 2
    assert {path.name for path in tmp_path.iterdir()} == {"own.csv", "taken"}
