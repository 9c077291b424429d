"""The score test of constant heterogeneity: derivatives, false alarms, power."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal

from bayesmeta.inference.reml import fit_reml
from bayesmeta.inference.structured import fit_structured_reml
from bayesmeta.model.design import build_design
from bayesmeta.model.spec import ModelSpec, read_spec
from bayesmeta.robustness.varying_tau import sentence, tau_tests

BASE = replace(read_spec("three-level"), terms="~ x + c", contrasts={}, concordance={})


def table_with(seed: int, studies: int, slope: float) -> pd.DataFrame:
    """Two results of every study; tau of the studies .4 exp(slope x)."""
    rng = np.random.default_rng([studies, seed])
    study = np.repeat(np.arange(studies), 2)
    x = rng.standard_normal(studies)
    v = rng.uniform(0.02, 0.1, 2 * studies)
    u = 0.4 * np.exp(slope * x) * rng.standard_normal(studies)
    y = 0.3 * x[study] + u[study] + np.sqrt(v) * rng.standard_normal(2 * studies)
    frame = pd.DataFrame({"study": [f"s{at:02d}" for at in study], "yi": y, "vi": v})
    frame = frame.assign(group=frame["study"], x=x[study])
    frame["c"] = np.array(["a", "b"])[rng.integers(0, 2, studies)][study]
    return frame.assign(effect=[f"e{at:03d}" for at in range(2 * studies)])


def table_of(frame: pd.DataFrame, spec: ModelSpec) -> pd.DataFrame:
    return tau_tests(fit_reml(build_design(frame, spec), spec)).set_index(["level", "moderator"])


def test_a_step_of_newton_comes_near_the_fit_of_the_scale_model() -> None:
    frame = table_with(3, 80, 0.4)
    spec = BASE.with_levels(("study",))
    row = table_of(frame, spec).loc[("study", "x")]
    scaled = replace(spec, scale={"study": "~ x"})
    fit = fit_structured_reml(build_design(frame, scaled), scaled)
    per_sd = fit.parameters["slope_study[x]"] * frame.groupby("study")["x"].first().std(ddof=0)
    assert row["slope"] == pytest.approx(per_sd, rel=0.35)
    wider = fit_reml(build_design(frame, spec), spec)
    assert row["chi2"] == pytest.approx(2 * (fit.log_lik - wider.log_lik), rel=0.4)
    assert row["p_bonferroni"] < 0.01


def test_the_score_is_the_derivative_of_the_restricted_likelihood() -> None:
    """With one level: the statistic is U^2 / I, and U is known from a dense likelihood."""
    frame = table_with(5, 30, 0.3)
    spec = BASE.with_levels(("study",)).with_terms("~ x")
    design = build_design(frame, spec)
    fit = fit_reml(design, spec)
    x = design["X"].values
    y = design["yi"].values
    unit = np.unique(frame["study"], return_inverse=True)[1]
    z = frame.groupby(unit)["x"].first().to_numpy()
    z = (z - z.mean()) / z.std()
    basis = np.linalg.svd(x.T)[2][2:].T  # orthogonal to the terms: error contrasts

    def restricted(a: float, b: float) -> float:
        tau2 = fit.tau["study"] ** 2 * np.exp(a + b * z)
        V = np.diag(frame["vi"]) + tau2[unit][:, None] * (unit[:, None] == unit)
        covariance = basis.T @ V @ basis
        return float(multivariate_normal(np.zeros(len(covariance)), covariance).logpdf(basis.T @ y))

    step = 1e-4
    score = (restricted(0, step) - restricted(0, -step)) / (2 * step)
    row = table_of(frame, spec).loc[("study", "x")]
    step_of_log_tau2 = 2 * row["slope"]  # I^-1 U
    assert row["chi2"] == pytest.approx(score * step_of_log_tau2, rel=1e-4)


@pytest.mark.slow
def test_false_alarms_and_power() -> None:
    """In tables of 80 studies of which tau depends on x, c has no more false alarms."""
    spec = BASE.with_levels(("study",))
    seeds = range(60)
    false = [table_of(table_with(seed, 20, 0.0), spec)["p_bonferroni"].min() for seed in seeds]
    true = [table_of(table_with(seed, 60, 0.6), spec) for seed in seeds]
    assert np.mean(np.array(false) < 0.05) <= 0.1
    found = [table.loc[("study", "x"), "p_bonferroni"] < 0.05 for table in true]
    assert np.mean(found) > 0.8
    others = [table.loc[("study", "c"), "p"] < 0.05 for table in true]
    assert np.mean(others) < 0.15


def test_the_sentence_says_how_to_model_it() -> None:
    spec = BASE.with_levels(("study",))
    clear = table_of(table_with(3, 80, 0.5), spec).reset_index()
    assert 'scale = {study = "~ x"}' in sentence(clear)
    assert "tau of study depends on x" in sentence(clear)
    none = table_of(table_with(1, 20, 0.0), spec).reset_index()
    assert "does not clearly depend" in sentence(none)
    assert tau_tests(fit_reml(build_design(table_with(1, 5, 0), spec), spec)).empty
