"""`bayesmeta compare` as a user meets it, and the paper's own tests on the real data."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bayesmeta.cli import main
from bayesmeta.commands.compare import comparison_tables, estimate_both
from bayesmeta.commands.request import Request, read_inputs
from bayesmeta.estimates.text import number_text
from bayesmeta.output import pages

CONTRACT = {
    "frequentist": "term estimate se zval pval p_bonferroni ci_lb ci_ub",
    "frequentist_heterogeneity": "level tau tau2 i2",
    "frequentist_fit": "k studies groups QE QE_df QE_p QM QM_df QM_p log_lik",
}
# the paper's tests: sign, and * if P < .05 after Bonferroni
PAPER = {
    "preclinical": {
        "neutral:learning": "-*",
        "neutral:memory": "-*",
        "fear:learning": "+*",
        "fear:memory": "+*",
        "fear:extinction": "-*",
        "trauma:memory": "+*",
        "trauma:extinction": "-*",
        "learning: fear - neutral": "+*",
        "memory: fear - neutral": "+*",
        "memory: trauma - neutral": "+*",
        "memory: trauma - fear": "+*",
        "extinction: trauma - fear": "-*",
    },
    "clinical": {
        "neutral:learning": "-*",
        "neutral:memory": "-*",
        "fear:learning": "-",
        "emotional:memory": "-*",
        "fear:extinction": "-*",
        "learning: fear - neutral": "+",
        "memory: emotional - neutral": "",
    },
}


def run(*arguments: str) -> int:
    """Exit code of the command line."""
    with pytest.raises(SystemExit) as ended:
        main(["compare", *arguments])
    return int(ended.value.code or 0)


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory, simulated: pd.DataFrame) -> Path:
    """The folder of a comparison of a user's own file."""
    folder = tmp_path_factory.mktemp("own")
    simulated.drop(columns="phase").to_csv(folder / "own.csv", index=False)
    assert (
        run(
            "--dataset",
            str(folder / "own.csv"),
            "--moderators",
            "valence",
            "--out",
            str(folder / "out"),
        )
        == 0
    )
    return folder / "out"


def test_writes_the_contract(compared: Path) -> None:
    for name, columns in CONTRACT.items():
        assert " ".join(pd.read_csv(compared / "tables" / f"{name}.csv").columns) == columns
    table = pd.read_csv(compared / "tables" / "comparison.csv")
    assert table["term"].tolist() == ["fear", "neutral", "tau_study", "tau_group"]
    np.testing.assert_allclose(table["shift"], table["shift_prior"] + table["shift_integration"])
    assert {"paired.png", "paired.svg", "paired.csv", "profiles.png"} <= {
        p.name for p in (compared / "figures").iterdir()
    }
    provenance = json.loads((compared / "provenance-comparison.json").read_text())
    assert "comparison.html" in provenance["outputs"]


@pytest.mark.slow
def test_the_test_is_a_choice(
    simulated: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    simulated.to_csv(tmp_path / "own.csv", index=False)
    inputs = read_inputs(Request(str(tmp_path / "own.csv"), moderators="valence"))
    both = estimate_both(inputs.design, inputs.spec)
    z, t = (comparison_tables(both, inputs, test)[0]["frequentist"] for test in ("z", "t"))
    np.testing.assert_allclose(t["pval"], 2 * stats.t.sf(abs(z["zval"]), len(simulated) - 2))
    assert (
        run("--dataset", str(tmp_path / "own.csv"), "--test", "F", "--out", str(tmp_path / "out"))
        == 2
    )
    error = " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert "'F' is not one of 'z', 't', 'containment'" in error
    assert not (tmp_path / "out").exists()


def test_without_several_effects_in_a_group_there_is_no_effect_level(tmp_path: Path) -> None:
    rows = {"study": [*"abcdef"], "yi": [0.1, 0.5, 0.3, 0.9, -0.2, 0.4], "vi": 0.1}
    pd.DataFrame(rows).to_csv(tmp_path / "one.csv", index=False)
    assert run("--dataset", str(tmp_path / "one.csv"), "--out", str(tmp_path / "out")) == 0
    assert not (tmp_path / "out" / "tables" / "levels.csv").exists()
    assert "four levels" not in (tmp_path / "out" / "comparison.html").read_text(encoding="utf-8")


def test_what_a_file_lacks_is_left_out(compared: Path) -> None:
    made = {path.stem for path in (compared / "tables").iterdir()}
    assert {"egger", "fail_safe_n", "influence", "levels"} <= made
    assert not {"comparison_types", "risk_of_bias", "suspects", "corrected"} & made


def test_levels_agree_with_what_was_planted(compared: Path) -> None:
    table = pd.read_csv(compared / "tables" / "levels.csv").set_index("model")
    assert table.loc["four-level", "log_lik"] >= table.loc["three-level", "log_lik"] - 1e-6
    # no effect level was planted: neither evidence nor prediction may favour one by much
    assert table.loc["four-level", "log_bayes_factor"] < 2
    assert abs(table.loc["four-level", "elpd_difference"]) < 4


def test_the_page_says_what_the_tables_say(compared: Path) -> None:
    page = (compared / "comparison.html").read_text(encoding="utf-8")
    row = pd.read_csv(compared / "tables" / "comparison.csv").set_index("term").loc["fear"]
    assert f"The REML estimate is {row['estimate']:.2f}" in page
    assert "above zero in both analyses" in page.lower()
    assert page.count("<svg") == 2
    assert "http://" not in page.replace("http://www.w3.org", "").replace(
        "http://purl.org", ""
    ).replace("http://creativecommons.org", "")


def test_a_changed_table_changes_the_page(compared: Path) -> None:
    tables = {path.stem: pd.read_csv(path) for path in (compared / "tables").iterdir()}
    tables["comparison"].loc[0, ["estimate", "side_posterior"]] = [7.25, "open"]
    about = {
        "dataset": "d",
        "model": "m",
        "title": "t",
        "synthetic": True,
        "notes": ["n"],
        "k": 1,
        "studies": 1,
    }
    drawn = {name: compared / "figures" / f"{name}.svg" for name in ("paired", "profiles")}
    page = pages.comparison_page(tables, drawn, about | {"source": "s"})
    assert "The REML estimate is 7.25" in page
    assert "The analyses differ" in page
    assert "SYNTHETIC" in page


@pytest.mark.slow
@pytest.mark.usefixtures("trace_data")
@pytest.mark.parametrize("dataset", PAPER)
def test_the_tests_of_the_paper(dataset: str) -> None:
    inputs = read_inputs(Request(dataset))
    tables, _ = comparison_tables(estimate_both(inputs.design, inputs.spec), inputs)
    table = tables["frequentist"].set_index("term")
    assert set(table.index) == set(PAPER[dataset])
    for term, verdict in PAPER[dataset].items():
        row = table.loc[term]
        if verdict[:1] in "+-" and verdict:
            assert np.sign(row["estimate"]) == {"+": 1, "-": -1}[verdict[0]], term
        assert (row["p_bonferroni"] < 0.05) == verdict.endswith("*"), term
    both = tables["comparison"]
    means = both[~both["term"].str.startswith("tau_")]
    assert (means["shift"].abs() < 0.3).all()
    # flat priors leave the integration over the taus, which moves no mean of these data
    assert (means["shift_integration"].abs() < 0.05).all()
    assert both["report"].notna().sum() == len(inputs.design["term"])


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (-0.001, 2, "0.00"),
        (-1.256, 2, "−1.26"),
        (0.00012, 3, "1.2e−04"),
        (float("nan"), 2, "–"),
        (0.0, 3, "0.000"),
    ],
)
def test_numbers_as_they_are_read(value: float, digits: int, text: str) -> None:
    assert number_text(value, digits) == text


def test_bad_input_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("--dataset", "preclincal") == 2
    assert "did you mean 'preclinical'" in capsys.readouterr().err
    rows = pd.DataFrame(
        {"study": ["a", "b"], "yi": [0.1, 0.2], "vi": [0.1, 0.1], "dose": [1.0, 2.0]}
    )
    rows.to_csv("few.csv", index=False)
    assert run("--dataset", "few.csv", "--moderators", "1 + dose") == 2
    assert "more effects than terms" in capsys.readouterr().err
    rows.assign(study="a").to_csv("one.csv", index=False)
    assert run("--dataset", "one.csv") == 2
    assert "at least two different" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"few.csv", "one.csv"}
