"""Blank moderators as a user meets them: what is printed, written and refused."""

import json
from pathlib import Path

import arviz
import numpy as np
import pandas as pd
import pytest

import bayesmeta
from bayesmeta.cli import main
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.robustness.multiverse.changes import Analysis, with_missing

pytestmark = pytest.mark.wide

FORMULA = "~ dose + kind"
BLANK_DOSES = ("s03", "s07", "s11")


def run(*arguments: str) -> int:
    """Exit code of the command line."""
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Two results of each of 20 studies; 3 studies lack the dose, a result the kind."""
    rng = np.random.default_rng(3)
    study = np.repeat(np.arange(20), 2)
    dose = 2 + rng.standard_normal(20)
    kind = np.array(["p", "q"])[np.tile([0, 1], 20)]
    mean = 0.5 * dose[study] + (kind == "q")
    frame = pd.DataFrame({"study": [f"s{at:02d}" for at in study], "dose": dose[study]})
    frame = frame.assign(kind=kind, vi=0.04, yi=mean + 0.2 * rng.standard_normal(40))
    frame.loc[frame["study"].isin(BLANK_DOSES), "dose"] = np.nan
    frame.loc[[1, 2], "kind"] = None
    frame.loc[[8], "dose"] = np.nan  # which the other result of the study has
    return frame


@pytest.fixture(scope="module")
def table(frame: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("table") / "mine.csv"
    frame.to_csv(path, index=False)
    return path


def test_fit_counts_the_blanks_and_writes_the_unknown_values(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    options = ("--moderators", FORMULA, "--draws", "120", "--out", str(out))
    assert run("fit", "--dataset", str(table), *options) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "dose is blank in 7 of 40 effects (4 of 20 studies)" in printed
    assert "kind is blank in 2 of 40 effects (2 of 20 studies)" in printed
    assert "part of the model (--missing joint); 31 effects of 17 studies have all" in printed
    assert "1 blank cells have the value of other rows of their study or group" in printed
    imputed = pd.read_csv(out / "tables/imputed.csv")
    numbers = imputed[imputed["moderator"] == "dose"]
    assert set(numbers["unit"]) == set(BLANK_DOSES)
    assert (numbers["ci_lb"] < numbers["mean"]).all()
    kinds = imputed[imputed["moderator"] == "kind"]
    np.testing.assert_allclose(kinds.groupby("unit")["p"].sum(), 1)
    tree = arviz.from_netcdf(out / "posterior.nc")
    posterior = tree["posterior"].to_dataset()
    assert posterior["imputed_dose"].dims == ("chain", "draw", "imputed_dose_unit")
    assert posterior["mean_imputed"].sizes["imputed_effect"] == 8
    design = tree["constant_data"].to_dataset()
    assert int(design["is_blank"].sum()) == 8  # without the cell that the study has elsewhere
    means = posterior["imputed_dose"].mean(("chain", "draw")).to_series()
    stand_ins = design["dose"].values[[6, 7, 14, 15, 22, 23]]
    np.testing.assert_allclose(stand_ins, means.repeat(2))
    provenance = json.loads((out / "provenance.json").read_text())
    assert provenance["missing"] is None  # the choice of the model
    assert bayesmeta.spec_of(tree).missing == "joint"
    assert not bayesmeta.predict(tree, at={"dose": [1.0, 3.0]}).empty


def test_complete_cases_are_those_of_a_query(frame: pd.DataFrame) -> None:
    options = {"moderators": FORMULA, "sampler": "quadrature", "draws": 250, "progress": False}
    complete = bayesmeta.fit(frame, missing="complete", **options)
    by_query = bayesmeta.fit(frame, where="dose.notna() and kind.notna()", **options)
    np.testing.assert_allclose(
        complete["posterior"]["beta"], by_query["posterior"]["beta"], rtol=1e-8
    )


REFUSED = {
    "t": (("--likelihood", "t"), "has likelihood = 't': no joint model of moderators"),
    "refuse": (("--missing", "refuse"), "moderator 'dose' is blank or infinite at row"),
    "curve": (("--moderators", "~ poly(dose, 2)"), "enters the terms as a curve"),
    "twice": (("--moderators", "~ dose + I(dose**2)"), "enters the terms as a curve"),
    "nuts": (("--sampler", "numpyro"), "which need --sampler quadrature"),
    "random": (("--crossed", "kind"), "'kind' of random effects is blank in 2 rows"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_have_unknown_moderators_is_refused(
    what: str, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options, message = REFUSED[what]
    formula = () if "--moderators" in options else ("--moderators", FORMULA)
    out = ("--out", str(tmp_path / "out"))
    assert run("fit", "--dataset", str(table), *formula, *options, *out) == 2
    error = " ".join(capsys.readouterr().err.split())
    assert message in error
    assert not list(tmp_path.iterdir())


def test_a_row_without_likes_is_refused(frame: pd.DataFrame) -> None:
    frame = frame.assign(place=np.where(frame["kind"].isna(), "here", "there"))
    with pytest.raises(BadInput, match="no complete row has the other moderators"):
        bayesmeta.fit(frame, moderators="kind:place", progress=False)


def test_compare_has_reml_of_the_complete_rows(frame: pd.DataFrame) -> None:
    table = bayesmeta.compare(frame, moderators=FORMULA).set_index("term")
    complete = bayesmeta.reml(frame, moderators=FORMULA, missing="complete")
    estimates = complete.terms.set_index("term")["estimate"]
    np.testing.assert_allclose(table.loc[estimates.index, "estimate"], estimates)
    assert set(table["why"]) == {"REML lacks the results with blank moderators"}


def test_the_multiverse_has_the_other_choice(frame: pd.DataFrame) -> None:
    spec = bayesmeta.read_spec("three-level").with_terms(FORMULA)
    contrasts = bayesmeta.fit  # not read here
    joint = Analysis(frame, spec, contrasts)  # type: ignore[arg-type]
    assert with_missing(joint, "joint") is None
    changed = with_missing(joint, "complete")
    assert changed is not None
    assert changed[1].missing == "complete"
    filled = Analysis(frame.dropna(), spec, contrasts)  # type: ignore[arg-type]
    assert with_missing(filled, "complete") is None
