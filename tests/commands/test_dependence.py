"""Dependence structures as a user meets them: files written, and what is refused."""

import json
from pathlib import Path

import arviz
import numpy as np
import pandas as pd
import pytest

import bayesmeta
from bayesmeta.cli import main

MODEL = """
title = "Two outcomes"
terms = "0 + outcome"
levels = []
crossed = ["lab"]
errors = {cluster = "study", rho = 0.5}

[correlation.species]
file = "R.csv"

[inner.study]
factor = "outcome"
struct = "UN"

[priors.terms]
prior = "Normal(0, 1.5)"

[priors.tau]
prior = "HalfNormal(1)"

[contrasts]
"y - x" = "y - x"
"""


def run(*arguments: str) -> int:
    """Exit code of the command line."""
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of two outcomes of sixteen studies, a model, and a matrix beside it."""
    path = tmp_path_factory.mktemp("own")
    rng = np.random.default_rng(1)
    study = np.repeat(np.arange(16), 2)
    frame = pd.DataFrame(
        {
            "study": [f"s{code:02d}" for code in study],
            "outcome": np.tile(["x", "y"], 16),
            "lab": rng.choice(["l1", "l2", "l3"], 32),
            "species": rng.choice(["A", "B", "C"], 32),
            "dose": rng.normal(3, 1, 32).round(1),
            "yi": rng.normal(0.5, 0.5, 32),
            "vi": rng.uniform(0.05, 0.2, 32),
        }
    )
    frame.to_csv(path / "own.csv", index=False)
    R = [[1, 0.4, 0], [0.4, 1, 0], [0, 0, 1]]
    pd.DataFrame(R, list("ABC"), list("ABC")).to_csv(path / "R.csv")
    (path / "model.toml").write_text(MODEL)
    return path


def arguments(folder: Path, verb: str, out: Path) -> list[str]:
    """A command for the table and the model of a folder."""
    files = ["--dataset", str(folder / "own.csv"), "--model", str(folder / "model.toml")]
    return [verb, *files, "--out", str(out)]


def test_a_fit_keeps_the_contract(folder: Path, tmp_path: Path) -> None:
    assert run(*arguments(folder, "fit", tmp_path)) == 0
    tables = {path.stem: pd.read_csv(path) for path in (tmp_path / "tables").glob("*.csv")}
    assert list(tables["terms"]["term"]) == ["x", "y"]
    assert list(tables["contrasts"]["contrast"]) == ["x", "y", "y - x"]
    levels = ["lab", "species (correlated)", "outcome in study[x]", "outcome in study[y]", "total"]
    assert list(tables["heterogeneity"]["level"]) == levels
    last = tables["prediction"].groupby("term")["level"].last()
    assert set(last) == {"outcome in study"}
    assert set(tables["parameters"]["parameter"]) == {
        "rho_outcome in study[x, y]",
        "heritability_species",
    }
    assert json.loads((tmp_path / "diagnostics.json").read_text())["passed"]
    tree = arviz.from_netcdf(tmp_path / "posterior.nc")
    assert bayesmeta.spec_of(tree).inner["study"]["struct"] == "UN"
    sizes = tree["log_likelihood"].to_dataset().sizes
    assert (sizes["study"], sizes["effect"]) == (16, 32)
    assert (tmp_path / "figures" / "forest.png").stat().st_size > 0


def test_compare_sets_reml_beside(folder: Path, tmp_path: Path) -> None:
    assert run(*arguments(folder, "compare", tmp_path)) == 0
    table = pd.read_csv(tmp_path / "tables" / "comparison.csv").set_index("term")
    assert {"x", "y", "y - x", "tau_lab", "rho_outcome in study[x, y]"} <= set(table.index)
    assert np.abs(table.loc[["x", "y"], "shift"]).max() < 1
    assert (tmp_path / "figures" / "paired.png").exists()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('struct = "UN"', 'struct = "VC"', "it should be one of CS, HCS, UN"),
        ('factor = "outcome"', 'factor = "outcom"', "no column 'outcom' for random effects"),
        ('crossed = ["lab"]', 'crossed = ["laboratory"]', "no column 'laboratory'"),
        ('crossed = ["lab"]', 'crossed = ["lab", "lab"]', "the same parameters"),
        ('file = "R.csv"', 'file = "S.csv"', "S.csv cannot be read"),
        ('file = "R.csv"', 'file = "R.csv"\nkind = 1', "should read [correlation.species]"),
        ("rho = 0.5}", "rho = 2.0}", "rho should be from -1 to 1"),
        ("rho = 0.5}", "rh = 0.5}", "did you mean 'rho'"),
        ("levels = []", 'levels = ["lab", "lab"]', "a level is named once"),
        ('crossed = ["lab"]', 'crossed = ["outcome"]', "outcome is a random effect, and the terms"),
        ("levels = []", "levels = []\nrho = 0.4", "cannot be combined with rho"),
        ("levels = []", 'levels = []\nlikelihood = "t"', "needs a normal likelihood"),
        ("levels = []", 'levels = []\nscale = {dose = "~ dose"}', "scale names ['dose']"),
    ],
)
def test_mistakes_are_named_and_write_nothing(
    old: str,
    new: str,
    message: str,
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("own.csv", "R.csv"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    assert old in MODEL
    (tmp_path / "model.toml").write_text(MODEL.replace(old, new))
    assert run(*arguments(tmp_path, "fit", tmp_path / "out")) == 2
    assert message in " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert not (tmp_path / "out").exists()


def test_nuts_is_refused_by_name(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments(folder, "fit", tmp_path / "out"), "--sampler", "numpyro") == 2
    assert "has a dependence structure" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_draws_that_do_not_fit_in_memory_are_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    too_many = ["--draws", "1000000", "--chains", "4"]
    assert run(*arguments(folder, "fit", tmp_path / "out"), *too_many) == 2
    assert "use --draws 390625, or fewer" in " ".join(capsys.readouterr().err.split())


def test_random_effects_with_the_same_units_are_named(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--dataset", str(folder / "own.csv"), "--levels", "study,group,effect"]
    assert run("fit", *asked, "--crossed", "lab", "--out", str(tmp_path / "out")) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "group and effect have the same units" in printed
