r"""What REML and ML maximise, as a function of the taus alone, and how it is climbed.

With V the covariance matrix of yi given the taus and r = yi - X beta, beta by generalised least squares,

    l_ML   = -1/2 (k log 2 pi + log|V| + r' V^-1 r)
    l_REML = -1/2 ((k - p) log 2 pi + log|V| + log|X' V^-1 X| - log|X'X| + r' V^-1 r)

All of it follows from z' V^-1 z with z = [X, yi]. X is orthonormalised first, which makes log|X'X| zero and puts
moderators on one scale. Both are even functions of every tau, so that tau = 0 is a smooth optimum like any other and
Newton's method needs no wall there. It is also a stationary point where it is no optimum, so that a climb that ends
where the criterion curves upwards goes on from there.

Source: Harville 1977, doi 10.1080/01621459.1977.10480998.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax import Array

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.likelihood import GroupSums, Nesting, Scalar, error_weights, integrate, nesting_of
from bayesmeta.model.spec import ModelSpec

STEPS = 200
SMALL = 1e-8  # of the spread of the residuals: a step at which a climb ends


class Evaluation(NamedTuple):
    """The criterion at given taus, its derivatives, and least squares: X' V^-1 X = L L' (factor), half = L' beta."""

    value: float
    gradient: np.ndarray
    hessian: np.ndarray
    factor: np.ndarray
    half: np.ndarray
    residual: float


class Problem(NamedTuple):
    """A criterion: evaluate(tau), ordinary least-squares beta, basis with X basis orthonormal, spread of residuals."""

    evaluate: Callable[[np.ndarray], Evaluation]
    beta: np.ndarray
    basis: np.ndarray
    scale: float

    def starts(self, levels: int) -> list[np.ndarray]:
        """Taus to start from: all equal first, so that levels that cannot be told apart are split evenly."""
        shapes = np.vstack([np.ones(levels), 0.2 + 0.8 * np.eye(levels)])
        return list(self.scale / np.sqrt(levels) * shapes)


def problem_of(design: xr.Dataset, spec: ModelSpec, method: str) -> Problem:
    """The criterion of a design; compiled once for all designs of one shape."""
    orthonormal, triangle = np.linalg.qr(design["X"].values)
    basis, y, v = np.linalg.inv(triangle), design["yi"].values, design["vi"].values
    residuals = y - orthonormal @ (orthonormal.T @ y)
    nesting = nesting_of(design)
    columns = jnp.asarray(np.column_stack([orthonormal, residuals]))
    data = _Data(None, columns, jnp.asarray(v), spec.rho, *map(jnp.asarray, nesting[:2]))
    if "effect" not in spec.levels:
        data = data._replace(sums=_fixed_sums(data, nesting.studies))

    def evaluate(tau: np.ndarray) -> Evaluation:
        products = _differentiated(tau, data, levels=spec.levels, studies=nesting.studies)
        return _evaluation(jax.device_get(products), len(y), method)

    return Problem(evaluate, basis @ (orthonormal.T @ y), basis, float(np.sqrt(residuals.var() + np.median(v))))


def maximise(problem: Problem, starts: Sequence[np.ndarray], free: np.ndarray) -> np.ndarray:
    """Taus at the best optimum reached from the starts, in the free ones; a later one must be better, not equal."""
    tops = [_climb(problem, start, free) for start in starts]
    values = np.array([value for _, value in tops])
    return tops[int(np.argmax(values > values.max() - 1e-7))][0]


def _climb(problem: Problem, tau: np.ndarray, free: np.ndarray) -> tuple[np.ndarray, float]:
    """Newton's method with absolute curvatures and step halving."""
    here = problem.evaluate(tau)
    for _ in range(STEPS):
        step = np.zeros_like(tau)
        gradient, hessian = here.gradient[free], here.hessian[np.ix_(free, free)]
        step[free] = _uphill(gradient, hessian)
        if np.abs(step).max(initial=0) < SMALL * problem.scale:
            step[free] = _off_saddle(hessian) * problem.scale / 10
        step *= problem.scale / max(np.abs(step).max(initial=0), problem.scale)
        there = problem.evaluate(tau + step)
        while not there.value >= here.value - 1e-12 * abs(here.value):
            step /= 2
            there = problem.evaluate(tau + step)
        tau, here = tau + step, there
        if np.abs(step).max() < SMALL * problem.scale:
            return np.abs(tau), here.value
    raise BadInput(f"the likelihood has no clear maximum: the taus still move after {STEPS} steps; leave a level out")


def _uphill(gradient: np.ndarray, hessian: np.ndarray) -> np.ndarray:
    """Newton step; it stays put along directions in which the criterion is flat (levels that are aliased)."""
    if not len(gradient):
        return gradient
    curvature, directions = np.linalg.eigh(hessian)
    flat = 1e-8 * np.abs(curvature).max() + 1e-300
    return directions @ (directions.T @ gradient * np.abs(curvature) / (curvature**2 + flat**2))


def _off_saddle(hessian: np.ndarray) -> np.ndarray:
    """Direction in which the criterion curves upwards, even between the taus where it can be; zeros for none."""
    if not len(hessian):
        return np.zeros(0)
    curvature, directions = np.linalg.eigh(hessian)
    up = directions[:, curvature > 1e-6 * np.abs(curvature).max()]
    even = up @ up.sum(axis=0)
    way = even if np.linalg.norm(even) > 1e-3 else up[:, -1:].sum(axis=1)
    return way / max(np.linalg.norm(way), 1e-3)


class _Data(NamedTuple):
    sums: GroupSums | None
    columns: Array
    v: Array
    rho: float
    group_of_effect: Any
    study_of_group: Any


def _sums(data: _Data, nesting: Nesting, tau_effect: Scalar) -> GroupSums:
    """The kernel's sums with squares, log_det and effects over all studies at once: matrix products are faster."""
    weights, z = error_weights(data.v, nesting, tau_effect, data.rho), data.columns
    shared = nesting.by_group(weights.shared)
    shared_z = nesting.by_group(weights.shared[:, None] * z)
    scaled = weights.factor[:, None] * shared_z
    return GroupSums(
        ones=nesting.by_group(weights.omega) - weights.factor * shared**2,
        columns=nesting.by_group(weights.omega[:, None] * z) - shared[:, None] * scaled,
        squares=(weights.omega[:, None] * z).T @ z - scaled.T @ shared_z,
        log_det=weights.log_det.sum(),
        effects=jnp.asarray(len(z)),
    )


@partial(jax.jit, static_argnames=("studies",))
def _fixed_sums(data: _Data, studies: int) -> GroupSums:
    return _sums(data, Nesting(data.group_of_effect, data.study_of_group, studies), 0.0)


def _cross_products(tau: Array, data: _Data, levels: tuple[str, ...], studies: int) -> tuple[Array, Array]:
    """log|V| and z' V^-1 z (p + 1, p + 1)."""
    nesting, taus = Nesting(data.group_of_effect, data.study_of_group, studies), dict(zip(levels, tau, strict=True))
    sums = _sums(data, nesting, taus["effect"]) if data.sums is None else data.sums
    tau_study, tau_group = taus.get("study", 0.0), taus.get("group", 0.0)
    part = integrate(sums, tau_study, tau_group, nesting)
    by_group = sums.columns * (jnp.square(tau_group) / part.group)[:, None]
    by_study = part.columns * (jnp.square(tau_study) / part.study)[:, None]
    log_det = sums.log_det + jnp.log(part.group).sum() + jnp.log(part.study).sum()
    return log_det, sums.squares - by_group.T @ sums.columns - by_study.T @ part.columns


@partial(jax.jit, static_argnames=("levels", "studies"))
def _differentiated(tau: Array, data: _Data, *, levels: tuple[str, ...], studies: int) -> list[tuple[Array, Array]]:
    """Log|V| and z' V^-1 z, with their first and second derivatives in the taus along the last axes."""

    def zeroth(tau: Array) -> Any:
        products = _cross_products(tau, data, levels, studies)
        return products, [products]

    def first(tau: Array) -> Any:
        slopes, lower = jax.jacfwd(zeroth, has_aux=True)(tau)
        return slopes, [*lower, slopes]

    curvatures, lower = jax.jacfwd(first, has_aux=True)(tau)
    return [*lower, curvatures]


def _evaluation(products: list[tuple[Any, Any]], k: int, method: str) -> Evaluation:
    """The criterion from log|V| and S = z' V^-1 z; r' V^-1 r = u' S u with u = (-beta, 1)."""
    (log_det, s), (log_det_1, s_1), (log_det_2, s_2) = products
    p = len(s) - 1
    factor = np.linalg.cholesky(s[:p, :p])
    half = np.linalg.solve(factor, s[:p, p])
    inverse = np.linalg.inv(s[:p, :p])
    u = np.append(-inverse @ s[:p, p], 1.0)
    pull = np.einsum("ija,j->ia", s_1, u)
    value = k * np.log(2 * np.pi) + log_det + s[p, p] - half @ half
    gradient = log_det_1 + u @ pull
    hessian = log_det_2 + np.einsum("i,ijab,j->ab", u, s_2, u) - 2 * pull[:p].T @ inverse @ pull[:p]
    if method == "REML":
        spread = np.einsum("ij,jka->aik", inverse, s_1[:p, :p])
        value += 2 * np.log(np.diag(factor)).sum() - p * np.log(2 * np.pi)
        gradient = gradient + np.trace(spread, axis1=1, axis2=2)
        hessian = hessian + np.einsum("ij,jiab->ab", inverse, s_2[:p, :p])
        hessian = hessian - np.einsum("aij,bji->ab", spread, spread)
    return Evaluation(-0.5 * float(value), -0.5 * gradient, -0.5 * hessian, factor, half, s[p, p] - half @ half)
