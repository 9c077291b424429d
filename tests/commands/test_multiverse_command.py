"""`bayesmeta multiverse` as a user meets it: files, refusals, and the real data."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayesmeta.cli import main
from bayesmeta.commands import multiverse
from bayesmeta.model.spec import read_spec
from bayesmeta.robustness import multiverse as alternatives

pytestmark = pytest.mark.wide

LONG = "contrast alternative label mean sd ci_lb ci_ub p_positive p_conclusion note"
ALTERNATIVES = "alternative label reason k studies changed log_bayes_factor"
PLAIN = ["base", "effect level", "rho .5", "rho .8", "rho estimated", "heavy tails"]
PLAIN += ["selection", "average"]
PLAIN += [
    "tau half-normal .5",
    "tau half-Cauchy .5",
    "tau inverse gamma",
    "terms sd .71",
    "terms sd 3",
    "worst study",
]


def run(*arguments: str) -> int:
    """Exit code of the command line."""
    with pytest.raises(SystemExit) as ended:
        main(["multiverse", *arguments])
    return int(ended.value.code or 0)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, simulated: pd.DataFrame) -> Path:
    """The folder that the command makes of a user's own plain file."""
    folder = tmp_path_factory.mktemp("own")
    simulated.drop(columns="phase").to_csv(folder / "own.csv", index=False)
    arguments = ["--dataset", str(folder / "own.csv"), "--moderators", "valence", "--workers", "1"]
    assert run(*arguments, "--out", str(folder / "out")) == 0
    return folder / "out"


def test_writes_the_contract(own: Path) -> None:
    wide = pd.read_csv(own / "tables" / "multiverse.csv")
    assert wide.columns.tolist() == ["contrast", "direction", *PLAIN]
    assert wide["contrast"].tolist() == ["fear", "neutral"]
    assert wide["direction"].tolist() == ["positive", "negative"]
    assert wide[PLAIN].gt(0.9).all(axis=None)
    rows = pd.read_csv(own / "tables" / "multiverse_long.csv")
    assert " ".join(rows.columns) == LONG
    assert len(rows) == 2 * len(PLAIN)
    np.testing.assert_allclose(
        rows.query("contrast == 'fear'")["p_conclusion"], wide.loc[0, PLAIN].astype(float)
    )
    assert rows.query("alternative == 'worst study'")["note"].str.match(r"without s\d+$").all()
    table = pd.read_csv(own / "tables" / "alternatives.csv")
    assert " ".join(table.columns) == ALTERNATIVES
    assert table["alternative"].tolist() == PLAIN
    assert set(table["k"]) == {240}
    verdicts = pd.read_csv(own / "tables" / "verdicts.csv")
    assert verdicts["sentence"].str.contains("holds under all 13 alternatives").all()
    assert {"multiverse.png", "multiverse.svg", "multiverse.csv"} == {
        path.name for path in (own / "figures").iterdir()
    }
    provenance = json.loads((own / "provenance-multiverse.json").read_text())
    assert {"tables/multiverse.csv", "figures/multiverse.png"} <= set(provenance["outputs"])
    assert provenance["dataset"] == "own"


def test_what_samples_begins_first_and_what_has_no_data_does_not_begin() -> None:
    kinds = {
        "base": ("refit", "three-level"),
        "robust": ("refit", "robust"),
        "flat": ("refit", "correlated"),
        "worst": ("worst_study", "three-level"),
        "none": ("refit", "robust"),
    }
    versions: list[Any] = [
        SimpleNamespace(
            alternative=SimpleNamespace(name=name, refit=getattr(alternatives, kind)),
            arguments=(),
            design=xr.Dataset(),
            spec=read_spec(model),
            weights=None if name == "none" else 1,
        )
        for name, (kind, model) in kinds.items()
    ]
    assert [job.name for job in multiverse.jobs_of(versions)] == ["robust", "worst", "base", "flat"]


def test_bad_input_writes_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    simulated: pd.DataFrame,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("--dataset", "preclincal") == 2
    assert "did you mean 'preclinical'" in capsys.readouterr().err
    simulated.to_csv("own.csv", index=False)
    here = ["--dataset", "own.csv", "--moderators", "valence"]
    assert run(*here, "--workers", "0") == 2
    assert "workers" in capsys.readouterr().err
    assert run(*here, "--dask", "nowhere") == 2
    assert "nowhere" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"own.csv"}


@pytest.mark.slow
@pytest.mark.usefixtures("trace_data")
def test_the_record_has_more_than_the_dataset() -> None:
    from bayesmeta.commands.multiverse import analysis_of
    from bayesmeta.commands.request import Request, read_inputs

    request = Request("clinical", where="valence == 'neutral'")
    analysis = analysis_of(request, read_inputs(request))
    # contrasts with fear and emotional memory have lost their cells
    assert analysis.contrasts["contrast"].values.tolist() == ["neutral:learning", "neutral:memory"]
    versions = {each.alternative.name: each for each in alternatives.versions_of(analysis)}
    assert [name for name in versions if name.startswith("comp")] == [
        "comparison A",
        "comparison B",
        "comparison C",
    ]
    assert versions["comparison A"].k + versions["comparison C"].k == versions["base"].k == 337
    assert (versions["comparison B"].k, versions["comparison B"].studies) == (5, 2)
    assert versions["strict codes"].k < 337
    # the suspected studies measured fear, which the query leaves out
    assert not {"errors corrected", "partial pooling"} & set(versions)
