"""The kernel against a dense multivariate normal, finite differences and simulation.

On NumPy and on JAX arrays.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from bayesmeta.model.likelihood.conditionals import (
    draw_effect_level,
    draw_errors,
    place_random_effects,
)
from bayesmeta.model.likelihood.effect_level import error_sums
from bayesmeta.model.likelihood.kernel import Marginal, log_likelihood, marginal, residual_sums
from bayesmeta.model.likelihood.nesting import Nesting

BETA = np.array([0.3, -1.0, 0.5])


def random_design(
    seed: int, levels: int = 2, studies: int = 7
) -> tuple[Nesting, np.ndarray, np.ndarray]:
    """Random nesting, rows in no order, with units of one member among larger ones.

    Columns [X, y]; v.
    """
    rng = np.random.default_rng(seed)
    counts, parents = [studies], []
    for more in (*(5, 8, 6)[: levels - 1], 20):
        parent = np.concatenate([np.arange(counts[0]), rng.integers(counts[0], size=more)])
        parents.insert(0, rng.permutation(parent))
        counts.insert(0, len(parent))
    k = counts[0]
    columns = np.column_stack([np.ones(k), rng.normal(size=(k, 2)), rng.normal(scale=2, size=k)])
    return Nesting.of(*parents), columns, rng.lognormal(-1, 1, k)


def units_of_effects(nesting: Nesting) -> list[np.ndarray]:
    """Unit of each effect at every level, lowest first, (k,) each."""
    units = [nesting.levels[0].parent]
    for members in nesting.levels[1:]:
        units.append(members.parent[units[-1]])
    return units


def dense_covariance(
    nesting: Nesting, v: np.ndarray, taus: Any, tau_effect: float, rho: float
) -> np.ndarray:
    """Covariance of y (k, k) written out."""
    same = [np.equal.outer(unit, unit) for unit in units_of_effects(nesting)]
    covariance = np.where(same[0], rho * np.sqrt(np.outer(v, v)), 0.0)
    np.fill_diagonal(covariance, v)
    return (
        covariance
        + tau_effect**2 * np.eye(len(v))
        + sum(t**2 * s for t, s in zip(taus, same, strict=True))
    )


def by_study(
    nesting: Nesting, columns: Any, v: Any, taus: Any, tau_effect: Any, rho: Any
) -> Marginal:
    sums = error_sums(columns, v, nesting, tau_effect=tau_effect, rho=rho, by_study=True)
    return marginal(sums, taus, nesting, by_study=True)


def sizes(nesting: Nesting) -> np.ndarray:
    return np.bincount(nesting.study_of_effect)


tau = st.one_of(st.just(0.0), st.floats(1e-3, 5))


@settings(deadline=None, max_examples=80)
@given(
    seed=st.integers(0, 10**6),
    levels=st.integers(1, 4),
    all_taus=st.tuples(tau, tau, tau, tau, tau),
    rho=st.one_of(st.just(0.0), st.floats(0.0, 0.95)),
)
def test_equals_dense_normal(
    seed: int, levels: int, all_taus: tuple[float, ...], rho: float
) -> None:
    nesting, columns, v = random_design(seed, levels)
    tau_effect, *taus = all_taus[: levels + 1]
    residuals = columns[:, -1] - columns[:, :-1] @ BETA
    covariance = dense_covariance(nesting, v, taus, tau_effect, rho)
    assert len(nesting.levels) == levels
    for array in (np.asarray, jnp.asarray):
        found = by_study(nesting, array(residuals[:, None]), array(v), taus, tau_effect, rho)
        assert isinstance(found.S, np.ndarray) == (array is np.asarray)
        got = np.asarray(log_likelihood(found, sizes(nesting)))
        for study in range(nesting.studies):
            rows = nesting.study_of_effect == study
            want = multivariate_normal.logpdf(residuals[rows], cov=covariance[np.ix_(rows, rows)])
            assert got[study] == pytest.approx(want, rel=1e-10, abs=1e-10)
        sums = error_sums(
            array(columns), array(v), nesting, tau_effect=tau_effect, rho=rho, by_study=True
        )
        again = marginal(residual_sums(sums, array(BETA)), taus, nesting, by_study=True)
        np.testing.assert_allclose(log_likelihood(again, sizes(nesting)), got, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("levels", [1, 2, 3])
@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_totals_equal_the_dense_inverse_with_and_without_weights(levels: int, rho: float) -> None:
    nesting, columns, v = random_design(3, levels)
    taus = [0.4, 0.8, 1.1][:levels]
    covariance = dense_covariance(nesting, v, taus, 0.3, rho)
    found = marginal(error_sums(columns, v, nesting, tau_effect=0.3, rho=rho), taus, nesting)
    np.testing.assert_allclose(
        found.S, columns.T @ np.linalg.solve(covariance, columns), rtol=1e-10
    )
    assert pytest.approx(np.linalg.slogdet(covariance)[1], rel=1e-12) == found.L
    studies = by_study(nesting, columns, v, taus, 0.3, rho)
    weights = np.arange(nesting.studies) / 2
    options = {"weights": weights}
    sums = error_sums(columns, v, nesting, tau_effect=0.3, rho=rho, **options)
    weighted = marginal(sums, taus, nesting, **options)
    np.testing.assert_allclose(weighted.S, np.einsum("s,sij->ij", weights, studies.S), rtol=1e-10)
    np.testing.assert_allclose(weighted.L, weights @ studies.L, rtol=1e-12)


@pytest.mark.parametrize("summed", [False, True])
@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_nodes_on_the_last_axes_equal_nodes_one_by_one(rho: float, summed: bool) -> None:
    nesting, columns, v = random_design(6)
    tau_effect, tau_group = np.array([[0.0, 0.2, 0.9]]), np.array([[0.3, 0.5, 0.0]])
    tau_study = np.abs(np.random.default_rng(1).normal(size=(1, 3, 4)))
    options = {"by_study": not summed}
    sums = error_sums(columns, v, nesting, tau_effect=tau_effect, rho=rho, **options)
    found = marginal(sums, [tau_group, tau_study], nesting, **options)
    for a in range(3):
        sums = error_sums(columns, v, nesting, tau_effect=tau_effect[0, a], rho=rho, **options)
        for b in range(4):
            alone = marginal(sums, [tau_group[0, a], tau_study[0, a, b]], nesting, **options)
            np.testing.assert_allclose(found.S[..., a, b], alone.S, rtol=1e-10, atol=1e-12)
            np.testing.assert_allclose(found.L[..., a, b], alone.L, rtol=1e-10, atol=1e-12)


def test_a_tau_of_each_unit_equals_the_dense_normal() -> None:
    nesting, columns, v = random_design(9)
    rng = np.random.default_rng(2)
    group, study = rng.uniform(0.1, 1, nesting.groups), rng.uniform(0.1, 1, nesting.studies)
    effect = rng.uniform(0.1, 1, nesting.studies)[nesting.study_of_effect]
    sums = error_sums(columns, v, nesting, tau_effect=effect)
    found = marginal(sums, [group, study], nesting)
    variances = [effect, group[nesting.group_of_effect], study[nesting.study_of_effect]]
    units = [np.arange(len(v)), *units_of_effects(nesting)]
    covariance = np.diag(v) + sum(
        np.equal.outer(unit, unit) * own[:, None] ** 2
        for unit, own in zip(units, variances, strict=True)
    )
    np.testing.assert_allclose(
        found.S, columns.T @ np.linalg.solve(covariance, columns), rtol=1e-10
    )
    assert pytest.approx(np.linalg.slogdet(covariance)[1], rel=1e-12) == found.L


@pytest.mark.parametrize("rho", [0.0, 0.5])
def test_gradient_equals_finite_differences(rho: float) -> None:
    nesting, columns, v = random_design(11)

    def total(parameters: jax.Array) -> jax.Array:
        beta, taus = parameters[:3], jnp.exp(parameters[3:])
        residuals = (columns[:, -1] - columns[:, :-1] @ beta)[:, None]
        found = by_study(nesting, residuals, v, [taus[1], taus[0]], taus[2], rho)
        return log_likelihood(found, sizes(nesting)).sum()

    at = np.array([0.3, -1.0, 0.5, -0.2, -1.0, -0.7])
    steps = 1e-5 * np.eye(6)
    numeric = [(total(at + step) - total(at - step)) / 2e-5 for step in steps]
    np.testing.assert_allclose(jax.grad(total)(at), numeric, rtol=1e-7, atol=1e-7)


def test_gradient_is_finite_where_a_tau_is_zero() -> None:
    nesting, columns, v = random_design(5)

    def total(t: jax.Array) -> jax.Array:
        found = by_study(nesting, columns[:, -1:], v, [t[1], t[0]], t[2], 0.0)
        return log_likelihood(found, sizes(nesting)).sum()

    assert np.isfinite(jax.grad(total)(jnp.zeros(3))).all()


def joint_draws(levels: int, rho: float, draws: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draws (units, draws) of all random effects, the lowest level last.

    Their dense mean and covariance.
    """
    nesting, columns, v = random_design(8, levels, studies=4)
    taus, tau_effect = [0.5, 0.9, 0.7][:levels], 0.4
    r, k, rng = columns[:, -1], len(v), np.random.default_rng(1)
    found = by_study(nesting, r[:, None], v, taus, tau_effect, rho)
    normals = [rng.standard_normal((members.count, draws)) for members in nesting.levels]
    placed = [
        level.effect[:, 0]
        for level in place_random_effects(with_draws(found), taus, nesting, normals)
    ]
    units = units_of_effects(nesting)
    above = sum(effect[unit] for effect, unit in zip(placed, units, strict=True))
    d = draw_effect_level(rng, r[:, None] - above, v, nesting, tau_effect=tau_effect, rho=rho)
    loading = np.hstack([*(np.eye(int(unit.max()) + 1)[unit] for unit in units), np.eye(k)])
    sizes_of = [members.count for members in nesting.levels] + [k]
    prior = np.diag(np.repeat(np.square([*taus, tau_effect]), sizes_of))
    covariance = dense_covariance(nesting, v, taus, tau_effect, rho)
    gain = np.linalg.solve(covariance, loading @ prior).T
    return np.concatenate([*placed, d]), gain @ r, prior - gain @ loading @ prior


def with_draws(found: Marginal) -> Marginal:
    """The steps with an axis for draws."""
    return found._replace(
        steps=tuple(type(step)(*(part[..., None] for part in step)) for step in found.steps)
    )


@pytest.mark.parametrize("levels", [1, 2, 3])
@pytest.mark.parametrize("rho", [0.0, 0.7])
def test_conditionals_have_the_dense_mean_and_covariance(levels: int, rho: float) -> None:
    draws, mean, covariance = joint_draws(levels, rho, 40_000)
    sd = np.sqrt(np.diag(covariance))
    z = (draws.mean(1) - mean) / (sd / np.sqrt(draws.shape[1]))
    assert np.abs(z).max() < 4.5
    assert np.abs(np.cov(draws) - covariance).max() < 6 * sd.max() ** 2 / np.sqrt(draws.shape[1])


def test_without_normals_the_effects_are_the_conditional_means() -> None:
    nesting, columns, v = random_design(8, 3)
    taus = [0.5, 0.9, 0.7]
    placed = place_random_effects(by_study(nesting, columns, v, taus, 0.4, 0.3), taus, nesting)
    solved = np.linalg.solve(dense_covariance(nesting, v, taus, 0.4, 0.3), columns)
    for level, unit, tau_ in zip(placed, units_of_effects(nesting), taus, strict=True):
        score = np.eye(int(unit.max()) + 1)[unit].T @ solved
        np.testing.assert_allclose(level.score, score, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(level.effect, tau_**2 * score, rtol=1e-9, atol=1e-12)


def test_errors_have_the_stated_covariance() -> None:
    nesting, _, v = random_design(2, studies=3)
    draws = draw_errors(np.random.default_rng(4), v, nesting, 0.6, (len(v), 40_000))
    want = dense_covariance(nesting, v, (0, 0), 0, 0.6)
    assert np.abs(np.cov(draws) - want).max() < 6 * v.max() / np.sqrt(draws.shape[1])


def test_a_level_without_variance_takes_no_memory_by_pairs_of_units() -> None:
    """Sums with an axis of draws, of which a tau that is the number 0 has none."""
    nesting = Nesting.of(np.arange(50), np.arange(50))
    residuals = np.random.default_rng(1).normal(size=(50, 1, 7))
    sums = error_sums(residuals, np.ones(50), nesting, by_study=True)
    found = marginal(sums, [0.0, np.full((1, 7), 0.5)], nesting, by_study=True)
    assert [step.b.shape for step in found.steps] == [(50, 1, 7)] * 2
    np.testing.assert_allclose(found.S[:, 0, 0], residuals[:, 0] ** 2 / (1 + 0.25))
