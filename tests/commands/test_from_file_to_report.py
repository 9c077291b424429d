"""Three tables of strangers go from file to report by `init`, `fit` and `report` alone."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bayesmeta.cli import main

pytestmark = pytest.mark.wide

RNG_SEED = 8
NAMES = ("Müller 2010", "García 2012", "Smith & Lee, 2014", "Øster 2015", "Rossi 2017")
NAMES += ("Novák 2018", "Lindqvist 2019", "Dupont 2021", "Ito 2022", "van Dijk 2023")


def therapy(folder: Path) -> Path:
    """Means, SDs and sizes of two outcomes side by side, under a title, in German and English."""
    rng = np.random.default_rng(RNG_SEED)
    columns: dict[str, object] = {
        "Studie / study": NAMES,
        "Land": rng.choice(["Deutschland", "España", "Norge"], len(NAMES)),
    }
    sizes = rng.integers(14, 60, (2, len(NAMES)))
    for outcome, level in (("depression", 24.0), ("anxiety", 14.0)):
        for group in (1, 2):
            end = f"Gruppe {group} ({outcome})"
            columns[f"N {end}"] = sizes[group - 1]
            means = rng.normal(level - 2 * group, 2, len(NAMES)).round(1)
            columns[f"Mittelwert {end}"] = means
            columns[f"SD {end}"] = rng.uniform(4, 7, len(NAMES)).round(1)
    table = pd.DataFrame(columns)
    title = [["Tabelle 1: Wirkung der Therapie / effect of therapy", *[None] * (len(columns) - 1)]]
    rows = [*title, list(table.columns), *table.to_numpy().tolist()]
    pd.DataFrame(rows).to_excel(folder / "therapy.xlsx", header=False, index=False)
    return folder / "therapy.xlsx"


def deaths(folder: Path) -> Path:
    """Events and totals of two groups, with zeros in one group or both."""
    rng = np.random.default_rng(RNG_SEED)
    totals = rng.integers(20, 150, (2, 12))
    events = rng.binomial(totals, [[0.05], [0.1]])
    events[0, [2, 9]] = 0
    events[1, [7, 9]] = 0
    columns = {"Trial": [f"Trial {letter}" for letter in "ABCDEFGHIJKL"]}
    for name, group in (("treatment", 0), ("control", 1)):
        columns |= {f"events {name}": events[group], f"total {name}": totals[group]}
    pd.DataFrame(columns).to_csv(folder / "deaths.csv", index=False)
    return folder / "deaths.csv"


def anxiety(folder: Path) -> Path:
    """Correlations, with decimal commas, two moderators and blanks."""
    rng = np.random.default_rng(RNG_SEED)
    study = np.sort(rng.integers(1, 15, 24))
    age = rng.integers(18, 70, 24).astype(object)
    age[[3, 11]] = "", "NR"
    culture = rng.choice(["east", "west"], 24).astype(object)
    culture[5] = ""
    table = pd.DataFrame(
        {
            "Author": [f"Author {number} (20{number:02d})" for number in study],
            "r": np.tanh(0.3 + rng.normal(0, 0.15, 24)).round(2),
            "n": rng.integers(30, 400, 24),
            "mean age": age,
            "culture": culture,
        }
    )
    table.to_csv(folder / "anxiety.csv", index=False, sep=";", decimal=",")
    return folder / "anxiety.csv"


TABLES: dict[str, tuple[Callable[[Path], Path], str, int, int]] = {
    "therapy": (therapy, "SMD", 20, 10),
    "deaths": (deaths, "OR", 12, 12),
    "anxiety": (anxiety, "ZCOR", 24, 13),
}


def run(*arguments: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    assert not ended.value.code, arguments


@pytest.fixture(params=TABLES)
def table(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    TABLES[request.param][0](tmp_path)
    return str(request.param)


def file_of(name: str) -> str:
    return next(path.name for path in Path().glob(f"{name}.*") if path.suffix != ".toml")


def test_a_file_is_read_drafted_and_fitted(table: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, measure, effects, studies = TABLES[table]
    run("init", file_of(table))
    command = capsys.readouterr().out.split("run it: bayesmeta ")[1].split()
    run(*command, "--sampler", "quadrature", "--draws", "300")
    said = capsys.readouterr().out
    assert f"{effects} effects" in said
    assert f"{studies} studies" in said
    assert f"{measure}, " in said
    results = Path("reports") / table / table
    terms = pd.read_csv(results / "tables" / "terms.csv")
    assert terms["term"].tolist() == ["intercept"]
    scale = {"OR": "odds ratio", "ZCOR": "correlation"}.get(measure)
    assert terms.get("scale", pd.Series([None]))[0] == scale
    passed = json.loads((results / "diagnostics.json").read_text(encoding="utf-8"))["passed"]
    assert passed
    assert (results / "figures" / "forest.svg").exists()


@pytest.mark.slow
def test_a_file_becomes_a_report(table: str) -> None:
    run("init", file_of(table))
    options = ("--sampler", "quadrature", "--draws", "500", "--workers", "1")
    run("report", file_of(table), "--model", f"{table}.toml", *options)
    results = Path("reports") / table / table
    parts = pd.read_csv(results / "tables" / "parts.csv").set_index("part")["state"]
    missing = {"screen"} if table == "deaths" else set()  # a table without moderators
    assert set(parts[parts != "done"].index) == missing
    page = (results / "index.html").read_text(encoding="utf-8")
    assert "The overall mean is" in page
    word = {"therapy": "Hedges", "deaths": "odds ratio", "anxiety": "correlation"}[table]
    assert word in page
