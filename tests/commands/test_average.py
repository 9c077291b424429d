"""`bayesmeta average` and `priors` as a user meets them: files, numbers, refusals."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm, t

import bayesmeta
from bayesmeta.cli import main
from bayesmeta.model.spec import Prior
from bayesmeta.model.spec.informed import informed_priors, with_informed

FILES = {"average_models", "inclusion", "averaged", "averaged_taus", "average_means"}
FILES |= {"bayes_factors", "savage_dickey"}


def run(*arguments: str) -> int:
    """Exit code of the command line."""
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine studies with a mean of .5 and a small spread."""
    rng = np.random.default_rng(4)
    sei = rng.uniform(0.1, 0.3, 9).round(3)
    yi = (0.5 + rng.normal(0, sei)).round(3)
    frame = pd.DataFrame({"study": [f"s{n}" for n in range(9)], "yi": yi, "sei": sei})
    path = tmp_path_factory.mktemp("average") / "nine.csv"
    frame.assign(dose=rng.uniform(1, 9, 9).round(1)).to_csv(path, index=False)
    return path


def test_writes_the_contract(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = table.parent / "plain"
    moderators = ("--moderators", "~ dose")
    assert run("average", "--dataset", str(table), *moderators, "--out", str(out)) == 0
    assert {path.stem for path in (out / "tables").iterdir()} == FILES
    drawn = {path.stem for path in (out / "figures").iterdir()}
    assert drawn == {"averages", "inclusion", "bayes_factors"}
    models = pd.read_csv(out / "tables" / "average_models.csv")
    assert len(models) == 8
    assert models["posterior"].sum() == pytest.approx(1)
    assert models["posterior"].is_monotonic_decreasing
    printed = capsys.readouterr().out
    assert "Is it there?" in printed
    assert "Bayes factors depend on the priors" in printed
    checks = pd.read_csv(out / "tables" / "savage_dickey.csv")
    np.testing.assert_allclose(checks["by_evidence"], checks["by_density"], atol=1e-4)


def test_bias_models_have_an_evidence_with_an_error(table: Path) -> None:
    frame = bayesmeta.read(table)
    tables = bayesmeta.average(frame, over=["effect", "bias"])
    models = tables["average_models"].set_index("model")
    assert len(models) == 18
    by_importance = models[models["how"] == "importance"]
    assert len(by_importance) == 12
    assert by_importance["error"].between(1e-4, 0.2).all()
    assert (models.loc[models["how"] == "quadrature", "error"] == 0).all()
    again = bayesmeta.average(frame, over=["effect", "bias"])
    pd.testing.assert_frame_equal(again["average_models"], tables["average_models"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--over", "effect,size"], "the parts are: effect, heterogeneity, bias, moderators"),
        (["--over", "effect", "--crossed", "dose"], "averaging takes nested levels"),
        (["--model", "pet", "--moderators", "1", "--over", "bias"], "leave out bias"),
    ],
)
def test_mistakes_have_one_message_and_no_files(
    table: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = table.parent / "refused"
    assert run("average", "--dataset", str(table), *arguments, "--out", str(out)) == 2
    assert message in " ".join(capsys.readouterr().err.split())
    assert not out.exists()


def test_every_informed_prior_is_one() -> None:
    names = [entry.name for entry in informed_priors()]
    assert len(names) == len(set(names)) > 300
    for entry in informed_priors():
        priors = entry.priors()
        assert priors
        if "tau" in priors:
            assert 0.01 < priors["tau"].distribution.median() < 1.2
        assert entry.doi.startswith("10.")


def test_informed_priors_of_tau_are_those_of_its_square() -> None:
    """Turner et al. 2015: log tau^2 ~ N(-2.56, 1.74^2); Rhodes et al. 2015: t5(-3.44, 2.59)."""
    of = {entry.name: Prior.parse("tau", entry.tau) for entry in informed_priors() if entry.tau}
    tau = np.array([0.1, 0.4, 1.0])
    want = norm(-2.56, 1.74).cdf(np.log(tau**2))
    np.testing.assert_allclose(of["turner:or"].distribution.cdf(tau), want)
    want = t(5, -3.44, 2.59).cdf(np.log(tau**2))
    np.testing.assert_allclose(of["rhodes:smd"].distribution.cdf(tau), want)
    pain = of["turner:or:pain:nonpharma-pharma"]  # log tau^2 ~ N(-.8, 1.25^2)
    np.testing.assert_allclose(pain.distribution.cdf(tau), norm(-0.8, 1.25).cdf(np.log(tau**2)))
    of_lungs = of["rhodes:smd:respiratory:mental-health:nonpharma"]  # t5(-4.76, 1.94)
    np.testing.assert_allclose(
        of_lungs.distribution.cdf(tau), t(5, -4.76, 1.94).cdf(np.log(tau**2))
    )


def centres(names: list[str]) -> np.ndarray:
    """Means or locations of the logs of tau^2."""
    of = {entry.name: entry.priors()["tau"].parameters for entry in informed_priors() if entry.tau}
    return np.array([2 * of[name][-2] for name in names])


def test_settings_add_up() -> None:
    """Turner et al. and Rhodes et al. add effects of outcome, comparison and area: no misprints."""
    names = [entry.name for entry in informed_priors()]
    outcomes = [name.split(":")[2] for name in names if name.endswith(":nonpharma-nonpharma")]
    assert len(outcomes) == 16
    of_pairs = ("pharma-placebo", "pharma-pharma", "nonpharma-placebo", "nonpharma-pharma")
    last = centres([f"turner:or:{outcome}:nonpharma-nonpharma" for outcome in outcomes])
    for pair in of_pairs:
        shift = centres([f"turner:or:{outcome}:{pair}" for outcome in outcomes]) - last
        assert np.ptp(shift) < 0.025, pair
    rhodes = [name for name in names if name.startswith("rhodes:smd:")]
    assert len(rhodes) == 69
    for area in ("respiratory:", "cancer:"):
        both = [
            (name, name.replace(area, ""))
            for name in rhodes
            if area in name and name.replace(area, "") in rhodes
        ]
        shift = np.subtract(*map(centres, map(list, zip(*both, strict=True))))
        assert np.ptp(shift) < 0.025, area


def test_the_elicited_prior_of_oosterwijk_is_above_zero(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = with_informed(bayesmeta.read_spec("intercept"), "oosterwijk:smd", ["SMD"])
    prior = spec.priors["intercept"]
    assert str(prior) == "StudentT(3, 0.35, 0.102) above 0"
    whole = t(3, 0.35, 0.102)
    want = (whole.cdf(0.4) - whole.cdf(0)) / whole.sf(0)
    assert prior.distribution.cdf(0.4) == pytest.approx(want)
    assert run("priors", "oosterwijk") == 0
    assert "above 0" in " ".join(capsys.readouterr().out.split())


def test_an_informed_prior_replaces_that_of_means_and_taus() -> None:
    spec = bayesmeta.read_spec("intercept")
    informed = with_informed(spec, "cochrane:smd:heart", ["SMD"])
    assert str(informed.priors["intercept"]) == "StudentT(5, 0, 0.42)"
    assert str(informed.priors["tau"]) == "InvGamma(1.83, 0.47)"
    assert "10.1002/sim.9170" in informed.priors["tau"].reason
    cells = with_informed(bayesmeta.read_spec("three-level"), "van-erp:smd", [])
    assert str(cells.priors["terms"]) == "Normal(0, 1.5)"
    assert str(cells.priors["tau"]) == "InvGamma(1, 0.15)"


def test_priors_are_listed_and_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "priors.png"
    assert run("priors", "schizophrenia", "--draw", str(picture)) == 0
    assert "cochrane:smd:schizophrenia" in capsys.readouterr().out
    assert picture.stat().st_size > 10_000
    assert len(pd.read_csv(picture.with_suffix(".csv"))) == 3
    assert run("priors", "nothing-like-it") == 2
    assert "bayesmeta priors lists all" in capsys.readouterr().err


def test_a_prior_of_another_measure_is_refused(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    columns = ("--columns", "measure=OR")
    name = ("--prior", "cochrane:smd")
    out = ("--out", str(table.parent / "no"))
    assert run("fit", "--dataset", str(table), *columns, *name, *out) == 2
    assert "is of SMD, the effects are OR" in capsys.readouterr().err
