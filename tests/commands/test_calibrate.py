"""`bayesmeta calibrate`, and `--likelihood` of every command, as a user meets them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bayesmeta.cli import main
from bayesmeta.infrastructure.files import root
from standardised import simulate_smds

pytestmark = pytest.mark.wide


def run(*arguments: str) -> int:
    """Exit code of the command line."""
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of ten studies of one Hedges' g."""
    study = np.arange(10)
    rng = np.random.default_rng(1)
    frame = simulate_smds(rng, study, study, mean=2.0, taus=(0.3, 0, 0), sizes=(4, 6))
    path = tmp_path_factory.mktemp("own") / "own.csv"
    frame.drop(columns=["group", "effect"]).to_csv(path, index=False)
    return path


def test_writes_the_contract_and_says_the_verdict(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    small = ["--sets", "20", "--draws", "50", "--workers", "1", "--out", str(out)]
    assert run("calibrate", "--dataset", str(table), *small) == 0
    assert "20 simulated sets: 95 % intervals cover" in " ".join(capsys.readouterr().out.split())
    columns = "parameter sets bias bias_se coverage contraction outside uniform unreliable"
    found = pd.read_csv(out / "tables" / "calibration.csv")
    assert " ".join(found.columns) == columns
    assert found["parameter"].tolist() == ["intercept", "tau_study"]
    assert len(pd.read_csv(out / "tables" / "calibration_sets.csv")) == 40
    files = {path.name for path in (out / "figures").iterdir()}
    assert files == {"calibration.png", "calibration.svg", "calibration.csv"}
    assert (out / "provenance-calibration.json").is_file()


def test_a_fit_takes_the_exact_likelihood_and_a_normal_one_says_what_it_costs(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exact = ["--sampler", "quadrature", "--draws", "250", "--likelihood", "t"]
    assert run("fit", "--dataset", str(table), *exact, "--out", str(tmp_path / "t")) == 0
    terms = pd.read_csv(tmp_path / "t" / "tables" / "terms.csv")
    assert not (tmp_path / "t" / "tables" / "refinements.csv").exists()
    assert run("fit", "--dataset", str(table), *exact[:4], "--out", str(tmp_path / "n")) == 0
    refined = pd.read_csv(tmp_path / "n" / "tables" / "refinements.csv")
    assert refined["refinement"].tolist() == ["exact likelihood"]
    assert refined["refined_mean"][0] == pytest.approx(terms["mean"][0], abs=0.2 * terms["sd"][0])
    printed = " ".join(capsys.readouterr().out.split())
    assert "The exact likelihood of Hedges' g (--likelihood t) would change intercept" in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["calibrate", "--simulator", "t", "--sets", "20"], "no column ['n1i', 'n2i']"),
        (["fit", "--likelihood", "t"], "no column ['n1i', 'n2i']; add them"),
        (["calibrate", "--sets", "3"], "should be greater than or equal to 20"),
    ],
)
def test_bad_input_writes_nothing(
    arguments: list[str],
    message: str,
    table: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bare = tmp_path / "bare.csv"
    pd.read_csv(table)[["study", "yi", "vi"]].to_csv(bare, index=False)
    out = tmp_path / "out"
    assert run(*arguments, "--dataset", str(bare), "--out", str(out)) == 2
    assert message in " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert not out.exists()


def test_results_that_are_published_by_themselves_are_calibrated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = np.repeat(np.arange(6), 2)
    rng = np.random.default_rng(1)
    frame = simulate_smds(rng, study, study, mean=1.0, taus=(0.3, 0, 0), sizes=(4, 6))
    frame.to_csv(tmp_path / "own.csv", index=False)
    text = (root() / "models" / "selection.toml").read_text()
    by_result = f'published_unit = "result"\n{text}'.replace("0 + valence:phase", "1")
    by_result = by_result.replace('["study", "group"]', '["study"]').replace('"t" ', '"normal" ')
    of_attempts = '[priors.attempts]\nprior = "Gamma(2, 0.5)"\n'
    (tmp_path / "by-result.toml").write_text(by_result.split("[contrasts")[0] + of_attempts)
    asked = ["--dataset", str(tmp_path / "own.csv"), "--model", str(tmp_path / "by-result.toml")]
    small = ["--sets", "20", "--draws", "50", "--workers", "1"]
    assert run("calibrate", *asked, *small, "--out", str(tmp_path / "out")) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "20 simulated sets" in printed
    assert "the published direction of every term is the sign that these data give" in printed
    found = pd.read_csv(tmp_path / "out" / "tables" / "calibration.csv")
    assert "attempts" in found["parameter"].tolist()
    assert (found["coverage"] > 0.75).all()


def test_directions_have_no_likelihood_of_effect_sizes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--dataset", "ketamine-extinction", "--likelihood", "t", "--out", str(tmp_path / "x")]
    assert run("fit", *asked) == 2
    assert "which have no likelihood of effect sizes; leave out" in capsys.readouterr().err
