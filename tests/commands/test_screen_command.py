"""`bayesmeta screen` as a user meets it: what it writes, what it finds again, what it refuses."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bayesmeta.cli import main
from bayesmeta.commands.request import Request, read_inputs
from bayesmeta.inference.quadrature import integrate_posterior, terms_table
from bayesmeta.screening import forest, tuning

pytestmark = pytest.mark.wide

TABLES = (
    "convergence",
    "dependence",
    "importance",
    "interactions",
    "moderators",
    "pairs",
    "r2cv",
    "r2cv_folds",
    "tree",
)


def run(*arguments: str) -> int:
    """Exit code of the command line."""
    with pytest.raises(SystemExit) as ended:
        main(["screen", *arguments])
    return int(ended.value.code or 0)


def planted(studies: int = 60) -> pd.DataFrame:
    """Effects that depend on task and dose together; colour is noise; three effects per study."""
    rng = np.random.default_rng(4)
    study = np.repeat(np.arange(studies), 3)
    task, colour = rng.choice(["maze", "fear"], len(study)), rng.choice(["red", "blue"], len(study))
    dose = rng.uniform(0, 10, len(study)).round(1)
    vi = rng.uniform(0.02, 0.08, len(study))
    theta = np.where(task == "maze", 1.5, -1.0) + np.where(
        dose > 5, np.where(task == "maze", 1.5, 0), 0
    )
    yi = theta + rng.normal(0, 0.3, studies)[study] + rng.normal(0, np.sqrt(vi))
    frame = pd.DataFrame({"study": [f"s{i}" for i in study], "yi": yi, "vi": vi})
    return frame.assign(task=task, dose=dose, colour=colour)


@pytest.fixture(scope="module")
def screened(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a screening of a user's own file, with small forests."""
    folder = tmp_path_factory.mktemp("own")
    planted().to_csv(folder / "own.csv", index=False)
    few = tuple(forest.Tuning(tried, 2, "random", trees=40) for tried in (1, 3))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BAYESMETA_CACHE", str(folder / "cache"))
        patch.setattr(tuning.tune, "__kwdefaults__", tuning.tune.__kwdefaults__ | {"grid": few})
        arguments = ["--dataset", str(folder / "own.csv"), "--resamples", "20", "--workers", "1"]
        assert run(*arguments, "--out", str(folder / "out")) == 0
    return folder / "out"


def test_writes_the_contract(screened: Path) -> None:
    for name in (*TABLES, "tree_errors", "tree_stability", "tree_steps"):
        assert len(pd.read_csv(screened / "tables" / f"{name}.csv"))
    columns = pd.read_csv(screened / "tables" / "importance.csv").columns
    assert {"moderator", "mean", "ci_lb", "ci_ub", "p_rank_1", "target"} <= set(columns)
    drawn = {path.stem for path in (screened / "figures").glob("*.svg")}
    assert drawn == {"importance", "dependence", "pairs", "convergence", "tree"}
    provenance = json.loads((screened / "provenance-screen.json").read_text())
    assert provenance["target"] == "means"
    assert {"tables/importance.csv", "followup.toml", "figures/tree.png"} <= set(
        provenance["outputs"]
    )
    assert "scikit-learn" in provenance["versions"]


def test_every_table_says_its_target_and_both_kinds_of_folds_are_there(screened: Path) -> None:
    tables = {path.stem: pd.read_csv(path) for path in (screened / "tables").glob("*.csv")}
    for name, table in tables.items():
        if name != "moderators":
            assert table["target"].unique().tolist() == [
                "raw" if name.startswith("tree") else "means"
            ]
    folds = tables["r2cv_folds"].set_index("folds")
    assert folds.index.tolist() == ["study", "group"]
    best = tables["r2cv"].iloc[0]
    assert folds.loc["study", "r2"] == pytest.approx(best["r2"])
    assert folds.loc["study", "r2"] != folds.loc["group", "r2"]
    assert tables["importance"].set_index("moderator")["out_of_bag"].idxmax() == "task"
    steps = tables["tree_steps"]
    assert steps["kept"].sum() == (tables["tree"]["parent"] > 0).sum() / 2
    assert steps["Qb"].is_monotonic_increasing


@pytest.mark.slow
def test_the_published_choices_and_several_imputations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = planted(40)
    frame.loc[frame.index % 4 == 0, "dose"] = np.nan
    frame.to_csv(tmp_path / "own.csv", index=False)
    monkeypatch.setenv("BAYESMETA_CACHE", str(tmp_path / "cache"))
    few = (forest.Tuning(3, 2, "random", trees=20),)
    monkeypatch.setattr(tuning.tune, "__kwdefaults__", tuning.tune.__kwdefaults__ | {"grid": few})
    common = [
        "--dataset",
        str(tmp_path / "own.csv"),
        "--target",
        "raw",
        "--resamples",
        "4",
        "--workers",
        "1",
    ]
    assert run(*common, "--imputations", "3", "--out", str(tmp_path / "several")) == 0
    draws = pd.read_csv(tmp_path / "several" / "tables" / "r2cv_draws.csv")
    assert (draws["ci_lb"] < draws["ci_ub"]).all()
    assert (
        run(
            *common,
            "--folds",
            "group",
            "--impute",
            "across",
            "--coding",
            "alphabet",
            "--out",
            str(tmp_path / "p"),
        )
        == 0
    )
    said = json.loads((tmp_path / "p" / "provenance-screen.json").read_text())
    assert (said["folds"], said["impute"], said["coding"], said["imputations"]) == (
        "group",
        "across",
        "alphabet",
        1,
    )


def test_what_was_planted_is_found(screened: Path) -> None:
    importance = pd.read_csv(screened / "tables" / "importance.csv").set_index("moderator")
    assert importance.index[0] == "task"
    assert importance.loc["task", "p_rank_1"] == 1
    assert importance.loc["dose", "ci_lb"] > importance.loc["colour", "ci_ub"]
    assert importance.loc["colour", "ci_lb"] < 0 < importance.loc["colour", "ci_ub"]
    strongest = pd.read_csv(screened / "tables" / "interactions.csv").iloc[0]
    assert {strongest["first"], strongest["second"]} == {"task", "dose"}
    tree = pd.read_csv(screened / "tables" / "tree.csv")
    assert tree.loc[tree["parent"] == 1, "moderator"].unique().tolist() == ["task"]
    assert set(tree["moderator"].dropna()) == {"task", "dose"}


def test_the_model_judges(screened: Path) -> None:
    """followup.toml is a model of the strongest pair that fits the same file."""
    request = Request(str(screened.parent / "own.csv"), str(screened / "followup.toml"))
    inputs = read_inputs(request)
    terms = terms_table(integrate_posterior(inputs.design, inputs.spec)).set_index("term")
    product = next(name for name in terms.index if "task" in name and "dose" in name)
    assert abs(terms.loc[product, "mean"]) > 3 * terms.loc[product, "sd"]


def test_bad_input_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    planted(12).to_csv("own.csv", index=False)
    for arguments, message in (
        (["--target", "mean"], "'mean' is not one of 'means', 'draws', 'raw'"),
        (["--folds", "lab"], "'lab' is not one of 'study', 'group'"),
        (["--moderator", "colur"], "'colur' is not a column"),
        (["--coding", "roman"], "'roman' is not one of 'levels', 'alphabet'"),
        (["--impute", "lab"], "--impute 'lab' is neither a column nor 'across'"),
        (["--resamples", "1"], "--resamples"),
    ):
        assert run("--dataset", "own.csv", *arguments, "--out", "out") == 2
        assert message in " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert {path.name for path in tmp_path.iterdir()} == {"own.csv"}
