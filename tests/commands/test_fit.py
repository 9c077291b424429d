"""`bayesmeta fit` as a user meets it: its folder, its exit codes, and every kind of bad input."""

import io
import json
import subprocess
import sys
from pathlib import Path

import arviz as az
import pandas as pd
import pytest
from rich.console import Console

from bayesmeta.cli import main
from bayesmeta.commands.console.printer import print_data
from bayesmeta.commands.request import Request, read_inputs
from bayesmeta.data import sources
from bayesmeta.infrastructure.errors import DataMissing
from bayesmeta.infrastructure.files import root

QUICK = ["--draws", "150", "--tune", "300", "--chains", "4"]
EXACT = ["--sampler", "quadrature", "--draws", "250"]
CONTRACT = {
    "terms": "term mean sd median ci_lb ci_ub p_positive ess_bulk ess_tail r_hat mcse_mean",
    "heterogeneity": "level tau_mean tau_ci_lb tau_ci_ub i2_mean i2_ci_lb i2_ci_ub contraction",
    "contrasts": "contrast mean sd ci_lb ci_ub p_positive p_rope",
    "prediction": "term level pi_lb pi_ub",
}


def run(*arguments: str) -> int:
    """Exit code of the command line."""
    with pytest.raises(SystemExit) as ended:
        main(["fit", *arguments])
    return int(ended.value.code or 0)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory, simulated: pd.DataFrame) -> Path:
    """A user's own file."""
    path = tmp_path_factory.mktemp("own") / "own.csv"
    simulated.drop(columns="phase").to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a fit of the synthetic twin."""
    out = tmp_path_factory.mktemp("fit") / "deep" / "out"
    assert run("--dataset", "clinical-twin", *QUICK, "--out", str(out)) in (0, 1)
    return out


def test_writes_the_contract(fitted: Path) -> None:
    for name, columns in CONTRACT.items():
        assert " ".join(pd.read_csv(fitted / "tables" / f"{name}.csv").columns) == columns
    figures = {path.stem for path in (fitted / "figures").glob("*.png")}
    assert figures == {"forest", "means", "orchard", "caterpillar", "taus", "chains"}
    forest = pd.read_csv(fitted / "figures" / "forest.csv")
    assert forest["part"].value_counts()["mean"] == 5
    assert (fitted / "figures" / "forest_page_2.svg").is_file()
    assert [path for path in fitted.parent.iterdir() if path != fitted] == []


def test_diagnostics_and_exit_code_agree(fitted: Path) -> None:
    found = json.loads((fitted / "diagnostics.json").read_text())
    assert {"passed", "divergences", "max_r_hat", "min_ess_bulk", "min_ess_tail", "bfmi"} <= set(
        found
    )
    assert found["passed"] == (not found["failures"])
    assert any("nearly aliased" in warning for warning in found["warnings"])


def test_everything_says_that_the_twin_is_synthetic(fitted: Path) -> None:
    provenance = json.loads((fitted / "provenance.json").read_text())
    assert provenance["label"].startswith("SYNTHETIC")
    assert provenance["synthetic"] is True
    assert set(provenance["outputs"]) == {
        str(path.relative_to(fitted))
        for path in fitted.rglob("*")
        if path.is_file() and path.name != "provenance.json"
    }
    assert {"sampling 4 x 450 draws", "exact random effects"} <= set(provenance["timings"])
    tree = az.from_netcdf(fitted / "posterior.nc")
    assert tree["posterior"].attrs["label"].startswith("SYNTHETIC")
    assert json.loads(tree.attrs["provenance"])["seed"] == 1
    assert "SYNTHETIC" in (fitted / "figures" / "forest.svg").read_text()


@pytest.mark.filterwarnings(
    "ignore:Estimated shape parameter"
)  # few draws, and the clinical record has one far study
def test_arviz_opens_what_was_written(fitted: Path) -> None:
    tree = az.from_netcdf(fitted / "posterior.nc")
    assert len(az.summary(tree, var_names=["beta"])) == 5
    assert az.loo(tree, var_name="obs_study").n_data_points == 92
    az.plot_forest(tree, var_names=["beta"])


def test_a_file_needs_no_model(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--dataset", str(table), *EXACT, "--out", str(tmp_path / "a")) == 0
    assert pd.read_csv(tmp_path / "a" / "tables" / "terms.csv")["term"].tolist() == ["intercept"]
    assert (
        run(
            "--dataset", str(table), "--moderators", "valence", *EXACT, "--out", str(tmp_path / "b")
        )
        == 0
    )
    assert pd.read_csv(tmp_path / "b" / "tables" / "terms.csv")["term"].tolist() == [
        "fear",
        "neutral",
    ]
    assert "own: 240 effects, 120 groups, 60 studies" in capsys.readouterr().out


@pytest.mark.slow
def test_a_failed_diagnostic_is_exit_code_1_and_everything_is_written(
    table: Path, tmp_path: Path
) -> None:
    out = tmp_path / "short"
    assert (
        run(
            "--dataset",
            str(table),
            "--draws",
            "20",
            "--tune",
            "30",
            "--chains",
            "2",
            "--out",
            str(out),
        )
        == 1
    )
    assert "ESS" in " ".join(json.loads((out / "diagnostics.json").read_text())["failures"])
    assert (out / "posterior.nc").is_file()


def test_where_keeps_rows_and_says_which_contrasts_it_emptied(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    options = [
        "--dataset",
        "clinical-twin",
        "--where",
        "phase == 'memory'",
        *EXACT,
        "--out",
        str(out),
    ]
    assert run(*options) == 0
    assert (
        "left out, their cells are empty here: learning: fear - neutral" in capsys.readouterr().out
    )
    terms = pd.read_csv(out / "tables" / "terms.csv")["term"].tolist()
    assert terms == ["neutral:memory", "emotional:memory"]
    contrasts = pd.read_csv(out / "tables" / "contrasts.csv")["contrast"].tolist()
    assert contrasts == [*terms, "memory: emotional - neutral"]


def altered(path: Path, table: Path, **columns: object) -> str:
    """A copy of a table with the first row's cells, or a whole column, replaced."""
    frame = pd.read_csv(table).astype(object)
    for name, value in columns.items():
        frame.loc[0, name] = value
    frame.to_csv(path, index=False)
    return str(path)


BAD = {
    "a dataset that does not exist": (["--dataset", "preclincal"], "did you mean 'preclinical'"),
    "a model that does not exist": (
        ["--dataset", "clinical-twin", "--model", "three"],
        "no model file 'three'",
    ),
    "an unknown variant": (
        ["--dataset", "clinical-twin", "--variant", "loose"],
        "'strict', 'extended', 'calibrated'",
    ),
    "an unknown sampler": (
        ["--dataset", "clinical-twin", "--sampler", "stan"],
        "'numpyro', 'nutpie', 'pymc', 'quadrature'",
    ),
    "a query that cannot be read": (
        ["--dataset", "clinical-twin", "--where", "phase = 1"],
        "cannot be evaluated",
    ),
    "a query for a missing column": (
        ["--dataset", "clinical-twin", "--where", "dose > 1"],
        "the columns are",
    ),
    "a query that keeps nothing": (
        ["--dataset", "clinical-twin", "--where", "yi > 99"],
        "keeps none of the 547",
    ),
    "a moderator that is no column": (
        ["--dataset", "clinical-twin", "--moderators", "dose"],
        "'dose' is not a column",
    ),
    "a file that does not exist": (["--dataset", "nowhere.csv"], "no such file"),
    "too few draws": (["--dataset", "clinical-twin", "--draws", "1"], "--draws"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_input(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments, message = BAD[kind]
    monkeypatch.chdir(tmp_path)
    assert run(*arguments) == 2
    error = capfd.readouterr().err
    assert message in unframed(error)
    assert "Traceback" not in error
    assert list(tmp_path.iterdir()) == []


def unframed(text: str) -> str:
    """Text on one line, without the frame that typer draws around an error."""
    return " ".join(text.replace("│", " ").split())


BAD_CELLS = {
    "negative vi": ({"vi": -0.1}, "vi"),
    "zero vi": ({"vi": 0.0}, "vi"),
    "blank yi": ({"yi": ""}, "yi"),
    "text for yi": ({"yi": "high"}, "high"),
    "a blank study": ({"study": ""}, "study"),
    "a group in two studies": ({"group": "g100"}, "g100"),
}


@pytest.mark.parametrize("kind", BAD_CELLS)
def test_bad_cells_of_a_file(
    kind: str,
    table: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    cells, message = BAD_CELLS[kind]
    path = altered(tmp_path / "bad.csv", table, **cells)
    monkeypatch.chdir(tmp_path)
    assert run("--dataset", path, "--moderators", "valence") == 2
    error = capfd.readouterr().err
    assert message in error
    assert "row" in error
    assert [entry.name for entry in tmp_path.iterdir()] == ["bad.csv"]


def test_a_missing_column_and_a_damaged_spreadsheet(
    table: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pd.read_csv(table).drop(columns="study").to_csv(tmp_path / "lacks.csv", index=False)
    assert run("--dataset", str(tmp_path / "lacks.csv")) == 2
    assert "it lacks study" in capfd.readouterr().err
    (tmp_path / "torn.xlsx").write_bytes(b"PK\x03\x04 and no more")
    assert run("--dataset", str(tmp_path / "torn.xlsx")) == 2
    assert "cannot be read as XLSX" in capfd.readouterr().err


@pytest.mark.parametrize(
    "entry", ['"x" = "fear:memry - neutral:memory"', '"x" = "trauma:learning"']
)
def test_a_contrast_on_a_term_without_effects(
    entry: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    text = (root() / "models" / "three-level.toml").read_text(encoding="utf-8")
    model = tmp_path / "mine.toml"
    model.write_text(
        text.split("[contrasts.preclinical]")[0] + f"[contrasts]\n{entry}\n", encoding="utf-8"
    )
    assert (
        run("--dataset", "preclinical-twin", "--model", str(model), "--out", str(tmp_path / "out"))
        == 2
    )
    error = capfd.readouterr().err
    assert "names unknown term" in error or "for which the data have no effects" in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("out", ["taken", "taken/below", "/proc/nowhere"])
def test_an_unwritable_folder(
    out: str, table: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken").write_text("a file", encoding="utf-8")
    assert run("--dataset", str(table), "--out", str(tmp_path / out)) == 2
    error = capfd.readouterr().err
    assert "cannot write to" in error
    assert "--out" in error
    assert [entry.name for entry in tmp_path.iterdir()] == ["taken"]


def test_a_full_disk(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from bayesmeta.output.folders import fit

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fit, "write_tree", full)
    assert run("--dataset", str(table), *EXACT, "--out", str(tmp_path / "deep" / "out")) == 2
    assert "No space left on device" in capfd.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_file_size_limit_of_the_system(table: Path, tmp_path: Path) -> None:
    """A write that the system refuses halfway, in a process of its own."""
    command = [sys.executable, str(root() / "scripts" / "fit.py"), "--dataset", str(table), *EXACT]
    limited = [
        "bash",
        "-c",
        'ulimit -f 200; exec "$@"',
        "bash",
        *command,
        "--out",
        str(tmp_path / "out"),
    ]
    done = subprocess.run(limited, capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert "cannot write to" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without the raw data and without a network."""
    monkeypatch.setattr(sources, "_search_folders", lambda: iter(()))

    def offline(entry: dict[str, str]) -> None:
        raise DataMissing(sources._ways_to_get(entry, OSError("offline")))

    monkeypatch.setattr(sources, "_download", offline)


@pytest.mark.usefixtures("no_data")
def test_without_data_a_named_dataset_says_the_three_ways(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("--dataset", "preclinical") == 2
    error = capfd.readouterr().err
    for way in ("put it into data/raw", "network connection", "--dataset preclinical-twin"):
        assert way in error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_data")
def test_without_data_and_without_a_name_the_twin_is_used_and_the_first_line_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*EXACT, "--out", str(tmp_path / "out")) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("SYNTHETIC preclinical-twin")
    assert "the real data cannot be obtained" in " ".join(printed.split())


def test_fits_of_the_real_data_start_from_the_stated_table(trace_data: object) -> None:
    inputs = read_inputs(Request("preclinical"))
    assert trace_data
    frame = inputs.frame
    assert (len(frame), frame["group"].nunique(), frame["study"].nunique()) == (1086, 302, 184)
    printed = io.StringIO()
    print_data(Console(file=printed, width=200), inputs.design, frame.attrs, inputs.left_out)
    line = "preclinical (calibrated): 1086 effects, 302 groups, 184 studies, 7 terms, from "
    assert printed.getvalue().startswith(line)


def test_help_imports_nothing_heavy() -> None:
    heavy = "{'jax', 'pymc', 'pandas', 'numpy', 'matplotlib', 'arviz', 'xarray'}"
    code = f"import sys; from bayesmeta import cli; assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
    done = subprocess.run(
        [sys.executable, str(root() / "scripts" / "fit.py"), "--help"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    assert "--dataset" in done.stdout
