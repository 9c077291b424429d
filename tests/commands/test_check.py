"""`bayesmeta check` as a user meets it: tables, verdicts, models that it cannot take."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bayesmeta.cli import main
from bayesmeta.commands.request import Request, read_inputs
from bayesmeta.inference.quadrature import integrate_posterior, leave_one_study_out, terms_table
from raw_tables import KEYS, simulate

pytestmark = pytest.mark.wide

CHECKS = ["convergence", "funnel", "bias models", "influence", "heterogeneity"]
CHECKS += ["prior sensitivity"]
TABLES = {
    "check": "check state sentence",
    "convergence": "diagnostic value rule passed",
    "funnel": "cell statistic title k observed replicate_mean replicate_sd ci_lb ci_ub p "
    "p_two_sided naive_mean naive_p flag verdict",
    "funnel_cells": "cell k studies mean",
    "bias_cells": "contrast model mean sd ci_lb ci_ub p_positive shift toward_zero",
    "bias_parameters": "model parameter mean sd ci_lb ci_ub p contraction",
    "bias_models": "model elpd se difference difference_se worst_k_hat refitted",
    "influence_studies": "study k elpd_psis k_hat elpd how error",
    "influence_changes": "contrast study k p_direction p_without mean mean_without shift exact "
    "changed",
    "baujat": "study k misfit pval influence cell",
    "prior_refits": "prior label contrast mean sd ci_lb ci_ub p_positive shift",
}
FIGURES = {"funnel", "bias", "studies", "baujat", "gosh", "sensitivity"}


def run(*arguments: str) -> int:
    """Exit code of the command line."""
    with pytest.raises(SystemExit) as ended:
        main(["check", *arguments])
    return int(ended.value.code or 0)


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a check of a user's own file of raw numbers, two cells, nothing selected."""
    folder = tmp_path_factory.mktemp("own")
    simulate(2).to_csv(folder / "own.csv", index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BAYESMETA_CACHE", str(folder / "cache"))
        arguments = [
            "--dataset",
            str(folder / "own.csv"),
            "--moderators",
            "valence",
            "--workers",
            "1",
        ]
        arguments += ["--sampler", "quadrature", "--draws", "500"]
        assert run(*arguments, "--out", str(folder / "out")) == 0
    return folder / "out"


def test_writes_the_contract(checked: Path) -> None:
    for name, columns in TABLES.items():
        assert " ".join(pd.read_csv(checked / "tables" / f"{name}.csv").columns) == columns
    drawn = {path.stem for path in (checked / "figures").glob("*.svg")}
    assert drawn >= FIGURES
    assert {path.stem for path in (checked / "figures").glob("*.png")} == drawn
    provenance = json.loads((checked / "provenance-check.json").read_text())
    assert {"check.html", "tables/check.csv", "figures/funnel.png"} <= set(provenance["outputs"])


def test_every_check_has_a_verdict_on_the_page(checked: Path) -> None:
    verdicts = pd.read_csv(checked / "tables" / "check.csv")
    assert verdicts["check"].tolist() == CHECKS
    assert set(verdicts["state"]) <= {"passed", "review"}
    assert verdicts.set_index("check").loc[["convergence", "funnel"], "state"].eq("passed").all()
    page = (checked / "check.html").read_text()
    for name in CHECKS:
        assert re.search(rf'id="{name.replace(" ", "-")}"', page)
    assert page.count("<svg") == len(FIGURES)


def test_the_numbers_are_those_of_exact_refits(checked: Path) -> None:
    """Unadjusted cells and the prediction of each study, from quadrature called by itself."""
    inputs = read_inputs(Request(str(checked.parent / "own.csv"), moderators="valence"))
    terms = terms_table(integrate_posterior(inputs.design, inputs.spec)).set_index("term")
    cells = (
        pd.read_csv(checked / "tables" / "bias_cells.csv")
        .query("model == 'unadjusted'")
        .set_index("contrast")
    )
    np.testing.assert_allclose(cells.loc[terms.index, "mean"], terms["mean"], atol=1e-6)
    elpd = leave_one_study_out(inputs.design, inputs.spec)["elpd"].to_series()
    studies = pd.read_csv(
        checked / "tables" / "influence_studies.csv", dtype={"study": str}
    ).set_index("study")
    np.testing.assert_allclose(studies.loc[elpd.index, "elpd"], elpd, atol=1e-6)
    models = pd.read_csv(checked / "tables" / "bias_models.csv").set_index("model")
    assert models.index.tolist() == ["unadjusted", "PET", "PEESE", "selection"]
    assert models.loc["unadjusted", "elpd"] == pytest.approx(elpd.sum(), abs=1e-5)


@pytest.mark.slow
def test_a_model_that_quadrature_does_not_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Student study effects: what cannot be done has a reason; too few draws: code 1."""
    monkeypatch.setenv("BAYESMETA_CACHE", str(tmp_path / "cache"))
    simulate(1)[KEYS].drop(columns=["group", "effect"]).to_csv(tmp_path / "plain.csv", index=False)
    how = [
        "--model",
        "robust",
        "--moderators",
        "1",
        "--draws",
        "60",
        "--tune",
        "100",
        "--chains",
        "2",
        "--workers",
        "1",
    ]
    assert run("--dataset", str(tmp_path / "plain.csv"), *how, "--out", str(tmp_path / "out")) == 1
    verdicts = pd.read_csv(tmp_path / "out" / "tables" / "check.csv").set_index("check")
    assert verdicts.loc["convergence", "state"] == "failed"
    assert verdicts.loc["bias models", "state"] == "not done"
    assert "PET" in verdicts.loc["bias models", "sentence"]
    assert verdicts.loc["influence", "state"] == "not done"
    assert (tmp_path / "out" / "tables" / "influence_studies.csv").is_file()
    assert "estimates nu" in verdicts.loc["influence", "sentence"]
    assert "not done" in capsys.readouterr().out


def test_bad_input_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("--dataset", "clincal") == 2
    assert "did you mean 'clinical'" in capsys.readouterr().err
    simulate(1)[KEYS].to_csv("own.csv", index=False)
    assert run("--dataset", "own.csv", "--workers", "0", "--out", "out") == 2
    assert run("--dataset", "own.csv", "--sampler", "gibs", "--out", "out") == 2
    assert "Invalid value for '--sampler'" in capsys.readouterr().err
    (tmp_path / "taken").write_text("a file")
    assert run("--dataset", "own.csv", "--out", "taken") == 2
    assert {path.name for path in tmp_path.iterdir()} == {"own.csv", "taken"}
