"""The page's engine in Node against Python's quadrature: equal to 1e-6 posterior sds."""

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy.special import gammaln, ndtr

from bayesmeta.commands.request import Request, read_inputs
from bayesmeta.inference import quadrature
from bayesmeta.model.design import build_design, typical_variance
from bayesmeta.model.design.contrasts import named_weights
from bayesmeta.model.spec import Prior
from bayesmeta.output.live.page import MODULES as MODULE_NAMES
from live_comparison import COARSE, SHARES, compare, compare_deletion, made_up, spec_with
from live_engine import MODULES, ask, request
from raw_tables import attrs_of

pytestmark = pytest.mark.wide


@pytest.mark.parametrize(
    ("name", "rho"),
    [
        *[("preclinical", 0.0), ("preclinical", 0.6), ("clinical", 0.0), ("clinical-all", 0.6)],
        pytest.param("clinical", 0.6, marks=pytest.mark.slow),
        pytest.param("clinical-all", 0.0, marks=pytest.mark.slow),
    ],
)
def test_the_published_datasets(trace_data: Any, name: str, rho: float) -> None:
    inputs = read_inputs(Request(dataset=name))
    spec = replace(inputs.spec, rho=rho)
    weights = named_weights(inputs.design, spec)
    terms = inputs.design.sizes["term"]
    (answer,) = ask([request(inputs.design, spec, weights.values[terms:])])
    compare(answer, inputs.design, spec, weights)
    compare_deletion(inputs.design, spec, weights)


@pytest.mark.parametrize(("effects", "studies"), [(13, 13), (13, 5), (66, 21)])
@pytest.mark.parametrize("levels", [["study"], ["study", "group"], ["study", "effect"]])
def test_small_tables_on_one_and_two_levels(effects: int, studies: int, levels: list[str]) -> None:
    frame = made_up(5, effects, studies)
    spec = spec_with(levels, tau="HalfCauchy(0.5)")
    design = build_design(frame, spec)
    weights = named_weights(design, spec)
    (answer,) = ask([request(design, spec, weights.values[2:])])
    compare(answer, design, spec, weights)
    compare_deletion(design, spec, weights)


@pytest.mark.parametrize("tables", [8, pytest.param(50, marks=pytest.mark.slow)])
def test_simulated_tables_of_three_and_four_levels_with_and_without_rho(tables: int) -> None:
    families = ["HalfNormal(0.7)", "HalfCauchy(0.5)", "Exponential(0.6)", "Gamma(2, 3)"]
    cases = []
    for seed in range(tables):
        levels = ["study", "group"] if seed % 2 else ["study", "group", "effect"]
        spec = spec_with(levels, rho=0.6 * (seed // 2 % 2), tau=families[seed // 4 % 4])
        design = build_design(made_up(seed, 20 + seed, 6 + seed // 4), spec)
        cases.append((design, spec, named_weights(design, spec)))
    # at the nodes of a tolerance for which Python takes a second, not half a minute, per table
    more = {"tolerance": COARSE}
    answers = ask([request(design, spec, w.values[2:], **more) for design, spec, w in cases])
    for answer, case in zip(answers, cases, strict=True):
        compare(answer, *case, tolerance=COARSE)


def test_four_levels_without_every_study() -> None:
    spec = spec_with(["study", "group", "effect"], rho=0.6, tau="InvGamma(2, 0.5)")
    design = build_design(made_up(3, 40, 8), spec)
    compare_deletion(design, spec, named_weights(design, spec), tolerance=COARSE)


def test_effects_that_are_filtered_out_and_other_choices() -> None:
    """A reader's changes give what Python gives for the rows and the model that they make."""
    frame = made_up(8, 40, 12)
    spec = spec_with(["study", "group"])
    design = build_design(frame, spec)
    kept = (frame["vi"] < 0.3).to_numpy()
    tau = Prior("Exponential", (0.4,))
    terms = Prior("Normal", (0.3, 0.7))
    changed = replace(
        spec, rho=0.35, levels=("study", "effect"), priors={"terms": terms, "tau": tau}
    )
    choices = {
        "rho": 0.35,
        "levels": ["study", "effect"],
        "tau": {"family": "Exponential", "parameters": [0.4]},
        "location": 0.3,
        "scale": 0.7,
    }
    weights = named_weights(design, spec)
    more = {"kept": kept.tolist(), "choices": choices}
    (answer,) = ask([request(design, spec, weights.values[2:], **more)])
    part = build_design(frame[kept], changed)
    compare(answer, part, changed, weights)


def test_a_moderator_with_units_keeps_its_prior() -> None:
    """The prior of a slope is about the standardised moderator, here as in Python."""
    frame = made_up(2, 40, 12)
    frame = frame.assign(dose=np.random.default_rng(1).uniform(5, 90, 40))
    frame.attrs = attrs_of("made-up")
    spec = replace(spec_with(["study", "group"]), terms="dose", contrasts={})
    design = build_design(frame, spec)
    choices = {"location": -0.2, "scale": 0.5}
    (answer,) = ask([request(design, spec, np.empty((0, 2)), choices=choices)])
    posterior = np.array([[row["mean"], row["sd"]] for row in answer["rows"]])
    np.testing.assert_allclose(posterior, by_hand(design), rtol=1e-6)


def by_hand(design: xr.Dataset) -> np.ndarray:
    """Return means and sds of beta: a dense posterior on a fine grid of both taus.

    gamma = U beta ~ N((-.2, .1), .5^2 I): the location moves means only, not the slope's mean .1.
    """
    x, y, v = (design[name].values for name in ("X", "yi", "vi"))
    units = design["standardised"].transpose("standard", "term").values
    is_slope = design["kind_of_term"].values == "slope"
    centre = np.linalg.solve(units, np.where(is_slope, 0.1, -0.2))
    prior_precision = units.T @ units / 0.5**2
    group = design["effect_group"].values
    study = design["group_study"].values[group]
    node, weight = np.polynomial.legendre.leggauss(60)
    tau = 2.0 * (node + 1)
    log_mass, first, second = [], [], []
    for tau_study, w_study in zip(tau, weight, strict=True):
        for tau_group, w_group in zip(tau, weight, strict=True):
            covariance = np.diag(v) + tau_study**2 * np.equal.outer(study, study)
            covariance += tau_group**2 * np.equal.outer(group, group)
            solved = np.linalg.solve(covariance, np.column_stack([x, y - x @ centre]))
            A = prior_precision + x.T @ solved[:, :2]
            h = x.T @ solved[:, 2]
            shift = np.linalg.solve(A, h)
            log_det = np.linalg.slogdet(covariance)[1] + np.linalg.slogdet(A)[1]
            quadratic = (y - x @ centre) @ solved[:, 2] - h @ shift
            log_prior = -0.5 * (tau_study**2 + tau_group**2)
            log_mass.append(np.log(w_study * w_group) + log_prior - 0.5 * (log_det + quadratic))
            first.append(centre + shift)
            second.append((centre + shift) ** 2 + np.diag(np.linalg.inv(A)))
    mass = np.exp(np.array(log_mass) - max(log_mass))
    mass /= mass.sum()
    mean = mass @ np.array(first)
    return np.column_stack([mean, np.sqrt(mass @ np.array(second) - mean**2)])


@pytest.mark.parametrize(
    ("effects", "studies", "error"), [(50, 15, 0.004), (20, 6, 0.013)]
)  # of 80,000 spread draws and of the intervals, which are less exact with few studies
def test_intervals_of_i2_and_of_the_total_tau_against_draws(
    effects: int, studies: int, error: float
) -> None:
    """The share of draws below a stated quantile is what it should be."""
    spec = spec_with(["study", "group"])
    design = build_design(made_up(4, effects, studies), spec)
    (answer,) = ask([request(design, spec, np.empty((0, 2)))])
    draws = quadrature.quadrature_posterior(design, spec, draws=20_000, parameters_only=True)
    tau2 = (
        np.column_stack([draws["posterior"][f"tau_{x}"].values.ravel() for x in spec.levels]) ** 2
    )
    total = tau2.sum(1)
    typical = typical_variance(design)
    values = [*tau2.T, total]
    for row, variance in zip(answer["heterogeneity"]["rows"], values, strict=True):
        share = 100 * variance / (total + typical)
        below = [(share < quantile).mean() for quantile in row["i2"]["quantiles"]]
        np.testing.assert_allclose(below, SHARES, atol=error)
        below = [(np.sqrt(variance) < quantile).mean() for quantile in row["tau"]["quantiles"]]
        np.testing.assert_allclose(below, SHARES, atol=error)


def test_functions_against_scipy_and_numpy() -> None:
    x = np.concatenate([np.linspace(-12, 12, 401), [-38, -30, 30, 0]])
    positive = np.array([1e-6, 0.01, 0.3, 0.5, 1, 2.5, 17, 140])
    asked = {"ask": "functions", "x": x.tolist(), "positive": positive.tolist()}
    (answer,) = ask([asked])
    np.testing.assert_allclose(answer["ndtr"], ndtr(x), rtol=2e-13, atol=1e-300)
    np.testing.assert_allclose(answer["logGamma"], gammaln(positive), rtol=1e-13, atol=1e-14)
    for (nodes, weights), order in zip(answer["rules"], (5, 48, 256), strict=True):
        expected_nodes, expected_weights = np.polynomial.legendre.leggauss(order)
        np.testing.assert_allclose(nodes, expected_nodes, atol=1e-15)
        np.testing.assert_allclose(weights, expected_weights, rtol=1e-10)


def test_what_cannot_be_computed_is_refused() -> None:
    spec = spec_with(["study", "group"])
    design = build_design(made_up(1, 20, 6), spec)
    asked = request(design, spec, np.empty((0, 2)))
    none_left, no_level = ask([asked | {"kept": [False] * 20}, asked | {"choices": {"levels": []}}])
    assert none_left == {"refused": "no effects are left"}
    assert no_level == {"refused": "a model needs a level"}


def test_the_engine_needs_no_module_of_the_page() -> None:
    for path in (MODULES / "engine").glob("*.mjs"):
        text = path.read_text(encoding="utf-8")
        assert set(re.findall(r'from "(.*/)', text)) <= {"./"}, path
        assert 'import("../' not in text, path


def test_no_file_of_the_script_is_long() -> None:
    paths = list(MODULES.rglob("*.mjs"))
    assert sorted(path.relative_to(MODULES).with_suffix("").as_posix() for path in paths) == sorted(
        MODULE_NAMES
    )
    for path in paths:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 250, path
