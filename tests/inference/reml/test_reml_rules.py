"""What must hold of REML and ML whatever the data.

Dense algebra, brute force, units, boundary, and what is refused.
"""

from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayesmeta.inference import reml
from bayesmeta.inference.reml import Reml, fit_reml
from bayesmeta.inference.reml.criterion import maximise, problem_of
from bayesmeta.infrastructure.choices import Method
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import build_design
from bayesmeta.model.design.contrasts import contrast_weights
from bayesmeta.model.likelihood import likelihood_of
from bayesmeta.model.spec import LEVELS, ModelSpec, read_spec

SPEC = replace(read_spec("four-level").with_terms("1 + x"), rho=0.3)


def close(got: Any, wanted: Any, rtol: float, atol: float = 0.0) -> None:
    np.testing.assert_allclose(np.ravel(got), np.ravel(wanted), rtol, atol)


def table_of(tau: tuple[float, float, float] = (0.6, 0.4, 0.3)) -> pd.DataFrame:
    """10 studies, 20 groups, 60 effects with true taus of study, group and effect.

    Effects have a moderator.
    """
    rng = np.random.default_rng(11)
    group, vi = np.repeat(np.arange(20), 3), rng.uniform(0.02, 0.5, 60)
    theta = sum(
        sd * rng.normal(size=n)[group // step]
        for sd, n, step in zip(tau[:2], (10, 20), (2, 1), strict=True)
    )
    yi = 0.5 + theta + rng.normal(0, np.sqrt(vi + tau[2] ** 2))
    columns = {"study": group // 2, "group": group, "effect": np.arange(60)}
    labels = {name: [f"{name}{i:02}" for i in codes] for name, codes in columns.items()}
    return pd.DataFrame({**labels, "yi": yi, "vi": vi, "x": rng.normal(size=60)})


def fit_to(frame: pd.DataFrame, spec: ModelSpec = SPEC, method: str = "REML") -> Reml:
    return fit_reml(build_design(frame, spec), spec, method=method)


def dense_log_lik(design: xr.Dataset, spec: ModelSpec, method: str, tau: np.ndarray) -> float:
    """The criterion by matrices k x k, as in metafor's documentation."""
    x, y, v, group = (design[name].values for name in ("X", "yi", "vi", "effect_group"))
    study, k, p = design["group_study"].values[group], *x.shape
    codes = {"study": study, "group": group, "effect": np.arange(k)}
    covariance = spec.rho * np.equal.outer(group, group) * np.sqrt(np.outer(v, v))
    np.fill_diagonal(covariance, v)
    for level, value in zip(spec.levels, tau, strict=True):
        covariance += value**2 * np.equal.outer(codes[level], codes[level])
    weighted = np.linalg.solve(covariance, x)
    r = y - x @ np.linalg.solve(x.T @ weighted, weighted.T @ y)
    value = (
        k * np.log(2 * np.pi)
        + np.linalg.slogdet(covariance)[1]
        + r @ np.linalg.solve(covariance, r)
    )
    if method == "REML":
        value += (
            np.linalg.slogdet(x.T @ weighted)[1]
            - np.linalg.slogdet(x.T @ x)[1]
            - p * np.log(2 * np.pi)
        )
    return -0.5 * value


@pytest.mark.parametrize("method", get_args(Method))
@pytest.mark.parametrize("levels", [LEVELS, ("study", "group")])
def test_criterion_and_derivatives_are_the_dense_ones(levels: tuple[str, ...], method: str) -> None:
    spec = replace(SPEC, levels=levels)
    design, tau = build_design(table_of(), spec), np.array([0.7, 0.3, 0.5])[: len(levels)]
    at = problem_of(design, spec, method).evaluate(tau)

    def dense(shift: np.ndarray) -> float:
        return dense_log_lik(design, spec, method, tau + shift)

    assert at.value == pytest.approx(dense(0 * tau), rel=1e-12)
    h, steps = 1e-3, np.eye(len(tau)) * 1e-3
    close(at.gradient, [(dense(a) - dense(-a)) / (2 * h) for a in steps], 1e-4, 1e-4)
    curvature = [
        [dense(a + b) - dense(a - b) - dense(b - a) + dense(-a - b) for a in steps] for b in steps
    ]
    close(at.hessian, np.array(curvature) / (4 * h**2), 1e-3, 1e-3)


def test_ml_is_the_kernels_likelihood() -> None:
    fit = fit_to(table_of(), method="ML")
    by_study = likelihood_of(fit.design, fit.spec).log_density(
        fit.beta.to_numpy(), fit.tau.to_numpy()
    )
    assert fit.log_lik == pytest.approx(float(by_study.sum()), rel=1e-12)


@pytest.mark.slow
def test_profile_is_the_maximum_over_the_other_taus() -> None:
    spec = replace(SPEC, levels=("study", "group"))
    fit = fit_to(table_of(), spec)
    others = np.linspace(0, 2, 401)
    for position, level in enumerate(spec.levels):
        grid = [0.0, 0.4, 1.5]
        got = reml.profile(fit, level, grid)
        assert got["tau"].tolist() == grid
        for tau, height in zip(grid, got["log_lik"], strict=True):
            pairs = [np.insert([other], position, tau) for other in others]
            best = max(problem_of(fit.design, spec, "REML").evaluate(pair).value for pair in pairs)
            assert best <= height < best + 1e-2
    assert reml.profile(fit, "study", [fit.tau["study"]])["log_lik"][0] == pytest.approx(
        fit.log_lik, rel=1e-12
    )


@pytest.mark.slow
def test_units_and_order_of_rows_do_not_matter() -> None:
    frame = table_of()
    fit, scale = fit_to(frame), 1e4
    far = frame.assign(
        yi=scale * frame["yi"] + 1e6, vi=scale**2 * frame["vi"], x=2000 + 5 * frame["x"]
    )
    moved = fit_to(far.sample(frac=1, random_state=1))
    close(moved.tau, scale * fit.tau, 1e-6)
    assert moved.beta["x"] == pytest.approx(scale / 5 * fit.beta["x"], rel=1e-6)
    close(moved.QE, fit.QE, 1e-6)
    close(
        reml.cr2_table(moved).loc[1, ["se", "df"]],
        reml.cr2_table(fit).loc[1, ["se", "df"]] * [scale / 5, 1],
        1e-6,
    )
    close(
        reml.profile_intervals(moved).iloc[:, 1:],
        scale * reml.profile_intervals(fit).iloc[:, 1:],
        1e-6,
    )


def test_a_tau_on_the_boundary_is_zero_and_named() -> None:
    spec = replace(SPEC, levels=("study", "group"), rho=0.0)
    for seed in range(6):
        frame = table_of((0.0, 0.0, 0.0))
        fit = fit_to(
            frame.assign(yi=np.random.default_rng(seed).normal(0, np.sqrt(0.8 * frame["vi"]))), spec
        )
        assert fit.boundary == tuple(level for level in spec.levels if fit.tau[level] == 0)
        at = problem_of(fit.design, spec, "REML").evaluate(fit.tau.to_numpy())
        on_boundary = fit.tau.to_numpy() == 0
        assert (np.diag(at.hessian)[on_boundary] <= 0).all()
        assert np.abs(at.gradient).max() < 1e-6
        bounds = reml.profile_intervals(fit).set_index("level")["tau_ci_lb"]
        assert (bounds[list(fit.boundary)] == 0).all()
    assert fit.boundary


NESTED = pytest.param(("study", "group"), marks=pytest.mark.slow)


@pytest.mark.parametrize("levels", [("study",), NESTED])
def test_no_grid_of_taus_finds_a_better_fit(levels: tuple[str, ...]) -> None:
    rng = np.random.default_rng(5)
    for study in [
        np.arange(k) if len(levels) == 1 else np.arange(k) // 2 for k in rng.integers(8, 20, 40)
    ]:
        k, tau = len(study), rng.choice([0.0, 0.1, 0.3, 0.6])
        vi = rng.uniform(0.02, 0.4, k)
        yi = rng.normal(0, tau, k)[study] + rng.normal(0, np.sqrt(vi + tau**2))
        labels = {
            "study": study.astype(str),
            "group": np.arange(k).astype(str),
            "effect": np.arange(k).astype(str),
        }
        spec = replace(read_spec("three-level").with_terms("1"), levels=levels)
        fit = fit_to(pd.DataFrame({**labels, "yi": yi, "vi": vi}), spec)
        problem = problem_of(fit.design, spec, "REML")
        grid = np.linspace(0, 1.5 * problem.scale, 13)
        nodes = np.stack(np.meshgrid(*[grid] * len(levels))).reshape(len(levels), -1).T
        assert fit.log_lik > max(problem.evaluate(node).value for node in nodes) - 1e-9


def test_levels_that_cannot_be_told_apart_share_their_variance() -> None:
    frame = table_of().assign(group=lambda x: x["study"])
    both, one = (
        fit_to(frame, replace(SPEC, levels=levels)) for levels in (("study", "group"), ("study",))
    )
    assert (both.aliased, one.aliased) == (("study", "group"), ())
    close(both.tau**2, np.repeat(one.tau["study"] ** 2 / 2, 2), 1e-6)
    close(both.covariance, one.covariance, 1e-6)
    assert both.log_lik == pytest.approx(one.log_lik, rel=1e-10)
    problem = problem_of(both.design, both.spec, "REML")
    close(
        maximise(problem, [np.zeros(2)], np.ones(2, bool)), both.tau, 1e-6
    )  # from where both gradients are zero
    assert (reml.profile_intervals(both)["tau_ci_lb"] == 0).all()
    assert fit_to(frame.assign(group=frame["effect"])).aliased == ("group", "effect")


@pytest.mark.parametrize("change", [{"yi": 0.25}, {"vi": 0.1}])
def test_columns_without_variation_are_fitted(change: dict[str, float]) -> None:
    fit = fit_to(table_of().assign(**change))
    assert np.isfinite(reml.terms_table(fit).drop(columns="term")).all().all()
    if "yi" in change:
        assert fit.boundary == LEVELS
        close(fit.beta, [0.25, 0], 1e-9, 1e-9)


def test_few_studies_with_a_term_each_keep_their_robust_errors_finite() -> None:
    frame = table_of()
    frame["one"] = (frame["study"] == "study03").astype(float)
    spec = replace(SPEC.with_terms("1 + one"), levels=("group",))
    table = reml.cr2_table(fit_to(frame, spec)).set_index("term")
    assert np.isfinite(table.loc["intercept", ["se", "df", "pval", "ci_lb"]].astype(float)).all()


def test_what_cannot_be_fitted_is_refused() -> None:
    frame = table_of()
    with pytest.raises(
        BadInput, match=r"unknown method 'reml' \(did you mean 'REML'\?\); choose one of: REML, ML"
    ):
        fit_to(frame, method="reml")
    two = frame[frame["effect"].isin(["effect00", "effect59"])]
    with pytest.raises(BadInput, match="got 2 effects for 2 terms"):
        fit_to(two)
    with pytest.raises(
        BadInput, match=r"terms leave no information on tau of the levels \['study'\]"
    ):
        fit_to(frame, SPEC.with_terms("0 + study"))
    with pytest.raises(BadInput, match="study must have at least two different labels"):
        fit_to(frame[frame["study"] == "study00"])


def test_questions_a_fit_cannot_answer_are_refused() -> None:
    fit = fit_to(table_of())
    with pytest.raises(BadInput, match="unknown test 'F'; choose one of: z, t, containment"):
        reml.terms_table(fit, test="F")
    with pytest.raises(BadInput, match="unknown level 'lab'; the model has: study, group, effect"):
        reml.profile(fit, "lab", [0.1])
    with pytest.raises(BadInput, match=r"unknown terms \['z'\]; the model has: intercept, x"):
        reml.terms_table(fit, contrasts=contrast_weights({"x - z": "x - z"}, ["x", "z"]))
