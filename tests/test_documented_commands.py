"""Every command of README and docs runs as it stands.

The commands that analyse or describe a table run until their results would be computed: table,
model, design and options are read. The others run to the end, on the results of a small fit.
"""

import shlex
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bayesmeta.cli import main
from bayesmeta.commands import data, outcome
from bayesmeta.data import datasets
from bayesmeta.infrastructure.files import root
from test_docs import examples

pytestmark = pytest.mark.wide

ANALYSING = {
    *("fit", "compare", "multiverse", "check", "report", "screen", "lint", "plan", "calibrate"),
    "data",
    "live",
    "average",
}
LINES = sorted({str(example.values[0]).split("  ")[0] for example in examples()})
INIT_SCHOOLS = 'init schools.csv --columns "study=district, group=school"'
FOLLOWUP = "reports/preclinical/screening/followup.toml"
OTHER_COLUMNS = "district, group=school, yi=es"  # of the one example with columns of other names


def counts(rng: np.random.Generator) -> pd.DataFrame:
    """Two by two counts of 24 studies with year, dose and species."""
    sizes = rng.integers(30, 90, (2, 24))
    events = rng.binomial(sizes, [[0.2], [0.35]])
    return pd.DataFrame(
        {
            "study": [f"Author {number} {1990 + number}" for number in range(24)],
            "year": 1990 + np.arange(24),
            "species": rng.choice(["rat", "mouse"], 24),
            "dose": rng.choice([0.5, 1, 2, 5], 24),
            "ai": events[0],
            "n1i": sizes[0],
            "ci": events[1],
            "n2i": sizes[1],
            "rob_selection": rng.choice(["low", "high"], 24),
            "rob_reporting": "low",
        }
    )


def schools(rng: np.random.Generator, yi: str, vi: str) -> pd.DataFrame:
    """Effects of schools in districts."""
    district = np.repeat(np.arange(1, 9), 3)
    effects = rng.normal(0.2, 0.3, len(district))
    school = np.tile([1, 2, 3], 8)
    return pd.DataFrame({"district": district, "school": school, yi: effects, vi: 0.1})


def write_tables(folder: Path) -> None:
    """Write every table that the documentation names."""
    rng = np.random.default_rng(4)
    table = counts(rng)
    tpos, cpos = table["ai"], table["ci"]
    trials = {"trial": table["study"], "tpos": tpos, "tneg": table["n1i"] - tpos}
    risks = pd.DataFrame(trials | {"cpos": cpos, "cneg": table["n2i"] - cpos})
    years = {f"years{arm}": rng.integers(100, 900, 24) for arm in (1, 2)}
    rates = pd.DataFrame({"study": table["study"], "events1": tpos, "events2": cpos, **years})
    shares = pd.DataFrame({"study": table["study"], "cases": tpos, "n": table["n1i"]})
    rows = pd.DataFrame({"dose": [1, 2], "species": ["rat", "mouse"]})
    written = {"mine": table, "trials": risks, "rates": rates, "prevalence": shares, "rows": rows}
    written |= {"schools": schools(rng, "yi", "vi"), "others": schools(rng, "es", "se")}
    for name, frame in written.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    shutil.copy(root() / "docs" / "guides" / "sleep.csv", folder)
    for name in ("mine", "trials"):
        written[name].to_excel(folder / f"{name}.xlsx", index=False)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tables that the documentation names."""
    folder = tmp_path_factory.mktemp("tables")
    write_tables(folder)
    return folder


@pytest.fixture(scope="module")
def fitted(tables: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Path]:
    """Folders with results of two small fits, with and without a slope of dose."""
    folders = {}
    for sloped in (True, False):
        folder = folders[sloped] = tmp_path_factory.mktemp("fitted") / "here"
        shutil.copytree(tables, folder)
        moderators = "--moderators '~ dose + species'" if sloped else ""
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            run(f"fit mine.csv {moderators} --sampler quadrature --draws 500")
            if sloped:
                options = "--out weeks --sampler quadrature --draws 500"
                run(f"fit sleep.csv --moderators '~ weeks' {options}")
        results = folder / "reports" / "mine"
        for name in ("preclinical", "clinical"):
            shutil.copytree(results, folder / "reports" / name)
        shutil.copytree(results / "three-level", folder / "extinction")
    return folders


@pytest.fixture
def reached(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Calls that would compute and write the results of an analysis."""
    calls: list[Any] = []

    def finish(*arguments: Any, **_: Any) -> int:
        calls.append(arguments)
        return 0

    monkeypatch.setattr(outcome, "finish", finish)
    monkeypatch.setattr(data, "finish", finish)
    monkeypatch.setattr(datasets, "read", read_once)
    return calls


@cache
def read_once(name: str, variant: str | None = None) -> pd.DataFrame:
    """Return a dataset, read once for all lines."""
    return read_dataset(name, variant=variant)


read_dataset = datasets.read


def run(line: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(shlex.split(line, comments=True))
    assert not ended.value.code, line


def of(*verbs: str) -> list[str]:
    """Return the documented lines of some commands."""
    return [line for line in LINES if line.split()[0] in verbs]


@pytest.mark.usefixtures("trace_data")
@pytest.mark.parametrize("line", of(*ANALYSING))
def test_documented_analysis_reads_table_model_and_options(
    line: str, reached: list[Any], tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(tables, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    if "schools.toml" in line:
        run(INIT_SCHOOLS)
    if FOLLOWUP in line:
        Path(FOLLOWUP).parent.mkdir(parents=True)
        shutil.copy(root() / "models" / "three-level.toml", FOLLOWUP)
    run(line.replace("mine.csv", "others.csv") if OTHER_COLUMNS in line else line)
    assert len(reached) == 1


@pytest.mark.parametrize("line", of("init"))
def test_documented_model_file_is_written(
    line: str, tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(tables, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    run(line)
    assert list(Path().glob("*.toml"))


@pytest.mark.parametrize("line", of("flow"))
def test_documented_flow_is_drawn(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (root() / "docs" / "commands" / "flow.md").read_text(encoding="utf-8")
    written = page.split("```toml\n")[1].split("```")[0]
    (tmp_path / "search.toml").write_text(written, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    run(line)
    assert Path("reports/search/flow.svg").exists()


@pytest.mark.parametrize("line", of("plot", "predict", "interpret"))
def test_documented_command_reads_a_fit(
    line: str, fitted: dict[bool, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(fitted["dose" in line or "weeks" in line])
    run(line)


@pytest.mark.parametrize("line", of("priors"))
def test_documented_priors_are_listed(
    line: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    run(line)
    assert "cochrane:smd" in capsys.readouterr().out
    assert ("--draw" in line) == bool(list(Path().glob("*.png")))


def test_documented_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    run("--help")
    assert "fit" in capsys.readouterr().out


def test_every_documented_line_belongs_to_a_test() -> None:
    tested = of(*ANALYSING, "init", "flow", "plot", "predict", "interpret", "priors", "--help")
    assert sorted(tested) == LINES
