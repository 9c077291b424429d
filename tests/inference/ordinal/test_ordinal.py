"""Directions without effect sizes.

The ordered logit by hand, its model file, and what is refused.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.integrate import quad
from scipy.special import expit
from scipy.stats import norm

from bayesmeta.cli import main
from bayesmeta.commands.request import Request, read_inputs
from bayesmeta.data import datasets
from bayesmeta.inference import ordinal
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.files import root
from bayesmeta.model.spec import ModelSpec, parse_spec, read_spec

MODEL = (root() / "models" / "ketamine-extinction.toml").read_text(encoding="utf-8")


def run(*arguments: str) -> int:
    """Exit code of the command line."""
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0)


@pytest.fixture(scope="module")
def spec() -> ModelSpec:
    return read_spec("ketamine-extinction")


@pytest.fixture(scope="module")
def design(spec: ModelSpec) -> xr.Dataset:
    return ordinal.build_directions(datasets.read("ketamine-extinction"), spec)


def test_probabilities_by_hand() -> None:
    found = np.exp(ordinal.direction_log_probabilities([0.5, 0.0], [0.8, np.log(2)]))
    lowest, up_to_middle = 1 / (1 + np.exp(1.3)), 1 / (1 + np.exp(-0.3))
    np.testing.assert_allclose(
        found[0], [lowest, up_to_middle - lowest, 1 - up_to_middle], rtol=1e-12
    )
    np.testing.assert_allclose(found[1], 1 / 3)


@pytest.mark.parametrize("eta", [-700.0, -30.0, 0.0, 30.0, 700.0])
def test_log_probabilities_stay_finite_and_sum_to_one(eta: float) -> None:
    found = ordinal.direction_log_probabilities(eta, 1e-6)
    assert np.isfinite(found).all()
    assert np.exp(found).sum() == pytest.approx(1)


def test_the_model_of_pymc_has_the_same_likelihood(design: xr.Dataset, spec: ModelSpec) -> None:
    model = ordinal.build_ordered_model(design, spec)
    slopes, u = np.array([-1.0, 0.7, 0.2, -0.5, 0.9]), np.linspace(-1, 1, 9)
    point = {"beta": slopes, "gap_log__": np.log(0.6), "tau_study_log__": np.log(0.5), "z": u / 0.5}
    found = model.compile_logp(vars=[model["obs"]], sum=False, mode="FAST_COMPILE")(point)[0]
    eta = design["X"].values @ slopes + u[design["effect_study"].values]
    by_hand = np.stack([expit(-0.6 - eta), expit(0.6 - eta) - expit(-0.6 - eta), expit(eta - 0.6)])
    np.testing.assert_allclose(
        found, np.log(by_hand[design["direction"].values, np.arange(11)]), rtol=1e-9
    )


def test_averaged_probabilities_are_an_integral_over_study_effects() -> None:
    found = ordinal.averaged_probabilities(0.4, 0.7, 1.9)
    lowest = quad(lambda u: expit(-0.7 - 0.4 - u) * norm.pdf(u, scale=1.9), -30, 30)[0]
    highest = quad(lambda u: expit(0.4 + u - 0.7) * norm.pdf(u, scale=1.9), -30, 30)[0]
    np.testing.assert_allclose(found, [lowest, 1 - lowest - highest, highest], atol=1e-6)


def test_study_log_likelihood_is_the_integral_of_the_product_of_its_rows(
    design: xr.Dataset,
) -> None:
    slopes, gap, tau = np.array([-1.0, 0.7, 0.2, -0.5, 0.9]), 0.6, 1.3
    found = ordinal.study_log_likelihood(design, slopes[None], np.array([gap]), np.array([tau]))[0]
    at = list(design["study"].values).index(
        "Clifton 2018"
    )  # before: impaired, after: none; both by an unstated route

    def both(u: float) -> float:
        impaired, none = (
            expit(-gap - (0.2 - 0.5 + u)),
            expit(gap - (0.2 + u)) - expit(-gap - (0.2 + u)),
        )
        return float(impaired * none * norm.pdf(u, scale=tau))

    assert found[at] == pytest.approx(np.log(quad(both, -20, 20)[0]), abs=1e-6)
    assert len(found) == 9


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('outcome = "direction"', "", r"lacks \['outcome'\]"),
        ('"none", ', "", "should be three words"),
        ('"none"', '"impaired"', "should be three words"),
        ('["impaired", "none", "enhanced"]', "3", "are 3; they should read"),
        ('levels = ["study"]', 'levels = ["study", "effect"]', r'has levels = \["study"\]'),
        ('sides = "route"', 'sides = "route"\nrho = 0.5', "neither rho nor bias; got rho"),
        ("[priors.gap]", "[priors.gaps]", "did you mean 'gap'"),
        ('likelihood = "ordered-logit"', "", "priors of model mine has unknown keys"),
    ],
)
def test_mistakes_in_a_model_of_directions_are_refused_by_name(
    old: str, new: str, message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        parse_spec(MODEL.replace(old, new, 1), "mine")


def test_other_models_have_none_of_its_keys() -> None:
    text = (root() / "models" / "intercept.toml").read_text(encoding="utf-8")
    with pytest.raises(BadInput, match="outcome and categories belong to"):
        parse_spec(f'outcome = "direction"\n{text}', "mine")


def test_tables_that_are_not_of_directions_are_refused(
    spec: ModelSpec, simulated: pd.DataFrame
) -> None:
    frame = datasets.read("ketamine-extinction")
    with pytest.raises(
        BadInput, match="has directions and no effect sizes; model intercept needs yi and vi"
    ):
        ordinal.build_directions(frame, read_spec("intercept"))
    with pytest.raises(BadInput, match="simulated lacks direction"):
        ordinal.build_directions(simulated, spec)
    unknown = frame.assign(direction=["better", *frame["direction"].iloc[1:]])
    with pytest.raises(BadInput, match="one of impaired, none, enhanced; got better"):
        ordinal.build_directions(unknown, spec)
    with pytest.raises(BadInput, match="which is not a factor of its terms"):
        ordinal.build_directions(frame, replace(spec, sides="species"))
    with pytest.raises(BadInput, match="at least two"):
        ordinal.build_directions(frame.iloc[:1], spec)


def test_commands_that_need_effect_sizes_say_what_they_got(
    tmp_path: Path, simulated: pd.DataFrame
) -> None:
    table = str(tmp_path / "mine.csv")
    simulated.to_csv(table, index=False)
    assert len(read_inputs(Request(table)).frame) == len(simulated)
    for request in (Request("ketamine-extinction"), Request(table, "ketamine-extinction")):
        with pytest.raises(
            BadInput, match=r"needs effect sizes yi with variances vi.*bayesmeta fit"
        ):
            read_inputs(request)


BAD = {
    "a model of effect sizes": [
        "fit",
        "--dataset",
        "ketamine-extinction",
        "--model",
        "three-level",
    ],
    "effect sizes for a model of directions": [
        "fit",
        "--dataset",
        "clinical-twin",
        "--model",
        "ketamine-extinction",
    ],
    "quadrature": ["fit", "--dataset", "ketamine-extinction", "--sampler", "quadrature"],
    "a query that empties it": [
        "fit",
        "--dataset",
        "ketamine-extinction",
        "--where",
        "route == 'oral'",
    ],
    **{
        name: [name, "--dataset", "ketamine-extinction"]
        for name in ("compare", "check", "lint", "multiverse", "screen", "plan")
    },
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_input_is_one_message(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*BAD[kind]) == 2
    assert capfd.readouterr().err.startswith("error: ")
    assert list(tmp_path.iterdir()) == []
