"""The kernel against a dense multivariate normal, finite differences and simulation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal, t

from bayesmeta.model.likelihood import (
    Nesting,
    cross_products,
    draw_errors,
    draw_random_effects,
    draw_scales,
    group_sums,
    log_likelihood,
    residual_sums,
)
from bayesmeta.model.likelihood.student import student_log_likelihood


def random_design(seed: int, studies: int = 7) -> tuple[Nesting, np.ndarray, np.ndarray]:
    """Random nesting with groups and studies of one effect among larger ones, rows in no order; columns [X, y]; v.

    The sizes are fixed, so that JAX compiles once.
    """
    rng = np.random.default_rng(seed)
    study_of_group = np.concatenate([np.arange(studies), rng.integers(studies, size=5)])
    groups = studies + 5
    group_of_effect = rng.permutation(np.concatenate([np.arange(groups), rng.integers(groups, size=20)]))
    k = groups + 20
    columns = np.column_stack([np.ones(k), rng.normal(size=(k, 2)), rng.normal(scale=2, size=k)])
    return Nesting(group_of_effect, study_of_group, studies), columns, rng.lognormal(-1, 1, k)


def dense_covariance(nesting: Nesting, v: np.ndarray, taus: tuple[float, float, float], rho: float) -> np.ndarray:
    """Covariance of y (k, k) written out."""
    study, group, effect = taus
    same_study = np.equal.outer(nesting.study_of_effect, nesting.study_of_effect)
    same_group = np.equal.outer(nesting.group_of_effect, nesting.group_of_effect)
    errors = np.where(same_group, rho * np.sqrt(np.outer(v, v)), 0.0)
    np.fill_diagonal(errors, v)
    return study**2 * same_study + group**2 * same_group + effect**2 * np.eye(len(v)) + errors


tau = st.one_of(st.just(0.0), st.floats(1e-3, 5))


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 10**6),
    taus=st.tuples(tau, tau, tau),
    rho=st.one_of(st.just(0.0), st.floats(0.0, 0.95)),
)
def test_equals_dense_normal(seed: int, taus: tuple[float, float, float], rho: float) -> None:
    nesting, columns, v = random_design(seed)
    beta = np.array([0.3, -1.0, 0.5])
    residuals = columns[:, -1] - columns[:, :-1] @ beta
    covariance = dense_covariance(nesting, v, taus, rho)
    sums = group_sums(residuals[:, None], v, nesting, taus[2], rho)
    got = log_likelihood(sums, taus[0], taus[1], nesting)
    for study in range(nesting.studies):
        rows = nesting.study_of_effect == study
        want = multivariate_normal.logpdf(residuals[rows], cov=covariance[np.ix_(rows, rows)])
        assert got[study] == pytest.approx(want, rel=1e-10, abs=1e-10)
    by_sums = log_likelihood(
        residual_sums(group_sums(columns, v, nesting, taus[2], rho), beta), taus[0], taus[1], nesting
    )
    np.testing.assert_allclose(by_sums, got, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_cross_products_equal_dense_inverse(rho: float) -> None:
    nesting, columns, v = random_design(3)
    covariance = dense_covariance(nesting, v, (0.8, 0.4, 0.3), rho)
    log_det, squares = cross_products(group_sums(columns, v, nesting, 0.3, rho), 0.8, 0.4, nesting)
    np.testing.assert_allclose(squares.sum(0), columns.T @ np.linalg.solve(covariance, columns), rtol=1e-10)
    assert log_det.sum() == pytest.approx(np.linalg.slogdet(covariance)[1], rel=1e-12)


@pytest.mark.parametrize("rho", [0.0, 0.5])
def test_gradient_equals_finite_differences(rho: float) -> None:
    nesting, columns, v = random_design(11)

    def total(parameters: jax.Array) -> jax.Array:
        beta, taus = parameters[:3], jnp.exp(parameters[3:])
        residuals = (columns[:, -1] - columns[:, :-1] @ beta)[:, None]
        return log_likelihood(group_sums(residuals, v, nesting, taus[2], rho), taus[0], taus[1], nesting).sum()

    at = np.array([0.3, -1.0, 0.5, -0.2, -1.0, -0.7])
    steps = 1e-5 * np.eye(6)
    numeric = [(total(at + step) - total(at - step)) / 2e-5 for step in steps]
    np.testing.assert_allclose(jax.grad(total)(at), numeric, rtol=1e-7, atol=1e-7)


def test_gradient_is_finite_where_a_tau_is_zero() -> None:
    nesting, columns, v = random_design(5)
    gradient = jax.grad(
        lambda t: log_likelihood(group_sums(columns[:, -1:], v, nesting, t[2]), t[0], t[1], nesting).sum()
    )(jnp.zeros(3))
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("rho", [0.0, 0.7])
def test_conditionals_have_the_dense_mean_and_covariance(rho: float) -> None:
    nesting, columns, v = random_design(8, studies=4)
    taus = {"tau_study": 0.9, "tau_group": 0.5, "tau_effect": 0.4}
    r, k, groups = columns[:, -1], len(v), len(nesting.study_of_group)
    keys = jax.random.split(jax.random.key(1), 40_000)
    draws = jax.vmap(lambda key: jnp.concatenate(draw_random_effects(key, r, v, nesting, rho=rho, **taus)))(keys)
    loading = np.hstack([np.eye(4)[nesting.study_of_effect], np.eye(groups)[nesting.group_of_effect], np.eye(k)])
    prior = np.diag(np.repeat([0.9**2, 0.5**2, 0.4**2], [4, groups, k]))
    gain = np.linalg.solve(dense_covariance(nesting, v, (0.9, 0.5, 0.4), rho), loading @ prior).T
    mean, covariance = gain @ r, prior - gain @ loading @ prior
    sd = np.sqrt(np.diag(covariance))
    z = (np.asarray(draws).mean(0) - mean) / (sd / np.sqrt(len(keys)))
    assert np.abs(z).max() < 4.5
    assert np.abs(np.cov(np.asarray(draws).T) - covariance).max() < 6 * sd.max() ** 2 / np.sqrt(len(keys))


def test_errors_have_the_stated_covariance() -> None:
    nesting, _, v = random_design(2, studies=3)
    keys = jax.random.split(jax.random.key(4), 40_000)
    draws = jax.vmap(lambda key: draw_errors(key, v, nesting, 0.6))(keys)
    want = dense_covariance(nesting, v, (0, 0, 0), 0.6)
    assert np.abs(np.cov(np.asarray(draws).T) - want).max() < 6 * v.max() / np.sqrt(len(keys))


@pytest.mark.parametrize("nu", [1.0, 4.0, 60.0])
@pytest.mark.parametrize("far", [0.0, 12.0])
def test_student_study_effects_equal_the_integral_over_them(nu: float, far: float) -> None:
    nesting, columns, v = random_design(4)
    r = columns[:, -1] + far * (nesting.study_of_effect == 2)
    tau_study, tau_group = 0.8, 0.3
    got = student_log_likelihood(group_sums(r[:, None], v, nesting), tau_study, tau_group, nu, nesting)
    for study in range(nesting.studies):
        mine = nesting.study_of_effect == study
        same = np.equal.outer(nesting.group_of_effect[mine], nesting.group_of_effect[mine])
        normal = multivariate_normal(np.zeros(mine.sum()), np.diag(v[mine]) + tau_group**2 * same)
        x = np.linspace(-8, 8, 40_001)
        u = np.sinh(x)
        given = normal.logpdf(r[mine] - u[:, None]) + t.logpdf(u / tau_study, nu) - np.log(tau_study)
        want = np.log(np.trapezoid(np.exp(given - given.max()) * np.cosh(x), x)) + given.max()
        assert float(got[study]) == pytest.approx(want, abs=1e-7)


def test_drawn_scales_give_study_effects_their_student_posterior() -> None:
    nesting, columns, v = random_design(4)
    r = columns[:, -1] + 5 * (nesting.study_of_effect == 2)
    sums = group_sums(r[:, None], v, nesting)

    def draw(key: jax.Array) -> jax.Array:
        scales, effects = jax.random.split(key)
        scale = draw_scales(scales, sums, 0.8, 0.3, 3.0, nesting)
        u, _, _ = draw_random_effects(effects, r, v, nesting, tau_study=0.8 * jnp.sqrt(scale), tau_group=0.3)
        return u

    drawn = np.asarray(jax.vmap(draw)(jax.random.split(jax.random.key(1), 40_000)))[:, 2]
    mine = nesting.study_of_effect == 2
    same = np.equal.outer(nesting.group_of_effect[mine], nesting.group_of_effect[mine])
    normal = multivariate_normal(np.zeros(mine.sum()), np.diag(v[mine]) + 0.09 * same)
    u = np.linspace(-10, 20, 20_001)
    density = normal.pdf(r[mine] - u[:, None]) * t.pdf(u / 0.8, 3)
    mean = (u * density).sum() / density.sum()
    sd = np.sqrt((u**2 * density).sum() / density.sum() - mean**2)
    assert drawn.mean() == pytest.approx(mean, abs=5 * sd / 200)
    assert drawn.std() == pytest.approx(sd, rel=0.03)
