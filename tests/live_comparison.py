"""The page's engine in Node against Python's quadrature: equal to 1e-6 posterior sds."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayesmeta.inference import quadrature
from bayesmeta.inference.quadrature import Mixture, Posterior
from bayesmeta.model.design import typical_variance
from bayesmeta.model.spec import ModelSpec, parse_spec
from live_engine import ask, request
from raw_tables import attrs_of

TOLERANCE = 1e-6  # posterior sds
COARSE = 1e-3  # posterior sds, of both engines alike: they visit the same nodes
QUANTILES = ("ci_lb", "median", "ci_ub")
SHARES = (0.025, 0.5, 0.975)
ROPE = 0.2


def spec_with(
    levels: list[str], *, rho: float = 0.0, tau: str = "HalfNormal(1)", more: str = ""
) -> ModelSpec:
    """Return a model of two kinds; `tau` is a prior or a TOML table, `more` are other priors."""
    fixed = "" if "rho" in more else f"rho = {rho}\n"
    entry = tau if tau.startswith("{") else f'"{tau}"'
    priors = f'[priors]\nterms = "Normal(0.1, 1.5)"\ntau = {entry}\n{more}'
    text = f'terms = "0 + kind"\nlevels = {levels}\n{fixed}rope = {ROPE}\n{priors}'
    contrast = '[contrasts]\n"b - a" = "b - a"'
    return parse_spec(f"{text}\n{contrast}", "made-up")


def made_up(seed: int, effects: int, studies: int) -> pd.DataFrame:
    """Return effects of two kinds in groups in studies; taus .5, .3 and .2."""
    rng = np.random.default_rng(seed)
    study = np.sort(
        np.concatenate([np.arange(studies), rng.integers(0, studies, effects - studies)])
    )
    group = study * 3 + rng.integers(0, 3, effects)
    kind = rng.choice(["a", "b"], effects)
    kind[:2] = ["a", "b"]
    vi = rng.uniform(0.02, 0.4, effects)
    theta = rng.normal(0, 0.5, studies)[study] + rng.normal(0, 0.3, 3 * studies)[group]
    theta += np.where(kind == "a", 0.3, -0.4) + rng.normal(0, 0.2, effects)
    frame = pd.DataFrame(
        {
            "study": [f"s{i:02}" for i in study],
            "group": [f"g{i:03}" for i in group],
            "effect": [f"e{i:03}" for i in range(effects)],
            "yi": theta + rng.normal(0, np.sqrt(vi)),
            "vi": vi,
            "kind": kind,
        }
    )
    frame.attrs = attrs_of("made-up")
    return frame


def compare(
    answer: dict[str, Any],
    design: xr.Dataset,
    spec: ModelSpec,
    weights: Any,
    tolerance: float = 1e-6,
) -> None:
    """Compare all numbers of an answer with those of Python's quadrature, at the same nodes."""
    posterior = quadrature.integrate_posterior(design, spec, tolerance=tolerance)
    assert isinstance(posterior, Posterior)
    table = quadrature.contrasts_table(posterior, weights)
    of_page = pd.DataFrame(answer["rows"])
    of_page[list(QUANTILES)] = of_page.pop("quantiles").tolist()
    for name in ("mean", "sd", *QUANTILES):
        assert np.abs((of_page[name] - table[name]) / table["sd"]).max() < TOLERANCE, name
    mixtures = [quadrature.combination(posterior, row) for row in weights.values]
    above = np.array([[mixture.above(x) for x in (0.0, ROPE, -ROPE)] for mixture in mixtures])
    of_events = of_page[["positive", "above", "rope"]].to_numpy()
    expected = np.column_stack([above[:, 0], above[:, 1], above[:, 2] - above[:, 1]])
    np.testing.assert_allclose(of_events, expected, atol=1e-9)
    assert answer["logEvidence"] == pytest.approx(posterior.log_marginal_likelihood, abs=1e-6)
    compare_taus(answer, posterior, design, spec)
    variances = np.cumsum(posterior.tau**2, axis=1)
    for row, weight, sd in zip(answer["rows"], weights.values, table["sd"], strict=True):
        of_beta = quadrature.combination(posterior, weight)
        for at, quantiles in enumerate(row["prediction"]):
            spread = np.sqrt(of_beta.within**2 + variances[:, at])
            mixture = Mixture(posterior.weight, of_beta.centre, spread)
            shifts = np.array(quantiles) - [mixture.quantile(p) for p in SHARES]
            assert np.abs(shifts).max() / sd < TOLERANCE


def compare_taus(answer: Any, posterior: Posterior, design: xr.Dataset, spec: ModelSpec) -> None:
    taus = quadrature.taus_table(posterior)
    *levels, total = answer["heterogeneity"]["rows"]
    rho = posterior.weight @ posterior.outer["rho"] if "rho" in posterior.outer else spec.rho
    typical = typical_variance(design, float(rho))
    assert answer["heterogeneity"]["typical"] == pytest.approx(typical, rel=1e-10)
    variance = np.column_stack([posterior.tau**2, (posterior.tau**2).sum(1)])
    share = 100 * variance / (variance[:, -1:] + typical)
    i2 = posterior.weight @ share
    sd_i2 = np.sqrt(posterior.weight @ (share - i2) ** 2)
    for at, row in enumerate(levels):
        of_python = taus.iloc[at]
        assert row["level"] == of_python["level"]
        values = [row["tau"]["mean"], row["tau"]["sd"], *row["tau"]["quantiles"]]
        expected = of_python[["mean", "sd", *QUANTILES]].to_numpy(float)
        assert np.abs(values - expected).max() / of_python["sd"] < TOLERANCE
    for at, row in enumerate([*levels, total]):
        shifts = np.array([row["i2"]["mean"], row["i2"]["sd"]]) - [i2[at], sd_i2[at]]
        assert np.abs(shifts).max() / sd_i2[at] < TOLERANCE


def compare_deletion(
    design: xr.Dataset, spec: ModelSpec, weights: xr.DataArray, tolerance: float = 1e-6
) -> None:
    """Compare the posterior without every study, and the probability of an event without it."""
    p = design.sizes["term"]
    events = [{"at": len(weights) - 1, "threshold": 0.0}, {"at": 0, "threshold": ROPE}]
    more = {"events": events, "tolerance": tolerance}
    (answer,) = ask([request(design, spec, weights.values[p:], **more) | {"ask": "deletion"}])
    expected = quadrature.leave_one_study_out(
        design, spec, weights=weights[p:], tolerance=tolerance
    )
    studies = design.sizes["study"]
    parts = ("", "contrast_", "tau_")
    for moment in ("mean", "sd"):
        got = np.array(answer[moment]).reshape(studies, -1)
        of_python, sd = (
            np.hstack([expected[f"{part}{name}"].values for part in parts])
            for name in (moment, "sd")
        )
        assert np.abs((got - of_python) / sd).max() < TOLERANCE
    np.testing.assert_allclose(answer["elpd"], expected["elpd"].values, atol=1e-6)
    assert answer["separate"] == list(np.flatnonzero(expected["own_grid"].values))
    chosen = np.linspace(0, studies - 1, 4).astype(int)
    above = np.array(answer["above"]).reshape(studies, -1)
    for study in chosen:
        name = str(design["study"].values[study])
        alone = quadrature.integrate_posterior(design, spec, without=[name])
        for event, p_page in zip(events, above[study], strict=True):
            mixture = quadrature.combination(alone, weights.values[int(event["at"])])
            assert p_page == pytest.approx(mixture.above(float(event["threshold"])), abs=tolerance)
