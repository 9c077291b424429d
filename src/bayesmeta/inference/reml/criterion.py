"""What REML and ML maximise, as a function of the taus alone, and how a climb finds its maximum.

With V the covariance of yi given the taus and r = yi - X beta, beta by generalised least squares,

    l_ML   = -1/2 (k log 2 pi + log|V| + r' V^-1 r)
    l_REML = -1/2 ((k - p) log 2 pi + log|V| + log|X' V^-1 X| - log|X'X| + r' V^-1 r)

All of it follows from z' V^-1 z with z = [X, yi]. X is orthonormalised first, which makes log|X'X|
zero and puts moderators on a common scale. Both are even functions of every tau, so that tau = 0 is
a smooth optimum like any other and Newton's method needs no wall there. It is also a stationary
point where it is no optimum, so that a climb that ends where the criterion curves upwards goes on
from there.

Source: Harville 1977, doi 10.1080/01621459.1977.10480998.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.likelihood import Nesting, Taus, error_sums, marginal, nesting_of
from bayesmeta.model.likelihood.conditionals import place_random_effects, weigh
from bayesmeta.model.likelihood.effect_level import error_weights
from bayesmeta.model.likelihood.kernel import Sums
from bayesmeta.model.spec import ModelSpec

Derivatives = list[np.ndarray]  # of order 0 and 1, or of log|V| and S
STEPS = 200
SMALL = 1e-8  # of the sd of the residuals: a step at which a climb ends


class Evaluation(NamedTuple):
    """The criterion at given taus, its derivatives, and least squares."""

    value: float
    gradient: np.ndarray
    hessian: np.ndarray
    factor: np.ndarray  # L with X' V^-1 X = L L'
    half: np.ndarray  # L' beta
    residual: float  # r' V^-1 r


class Problem(NamedTuple):
    """A criterion, and where to start."""

    evaluate: Callable[[np.ndarray], Evaluation]  # of tau
    beta: np.ndarray  # by ordinary least squares
    basis: np.ndarray  # X basis is orthonormal
    scale: float  # sd of the residuals

    def starts(self, levels: int) -> list[np.ndarray]:
        """Return taus to start from; equal first, so that aliased levels are split evenly."""
        shapes = np.vstack([np.ones(levels), 0.2 + 0.8 * np.eye(levels)])
        return list(self.scale / np.sqrt(levels) * shapes)


def refuse_blocks(spec: ModelSpec, what: str) -> None:
    """Raise BadInput if the errors of a model do not nest in its levels, as profiles need."""
    if spec.has_blocks:
        needs = f"{what} levels from study, group and effect, and no shared controls"
        raise BadInput(f"{needs}; model {spec.name} has others")


def problem_of(design: xr.Dataset, spec: ModelSpec, method: str) -> Problem:
    """Return the criterion of a design; raise BadInput unless its errors nest in its levels."""
    refuse_blocks(spec, "profiles need")
    orthonormal, triangle = np.linalg.qr(design["X"].values)
    basis = np.linalg.inv(triangle)
    y = design["yi"].values
    v = design["vi"].values
    residuals = y - orthonormal @ (orthonormal.T @ y)
    columns = np.column_stack([orthonormal, residuals])
    products = Products(columns, v, nesting_of(design), spec)

    def evaluate(tau: np.ndarray) -> Evaluation:
        return _evaluation(products(tau), products.curvature(tau), len(y), method)

    scale = float(np.sqrt(residuals.var() + np.median(v)))
    return Problem(evaluate, basis @ (orthonormal.T @ y), basis, scale)


def maximise(problem: Problem, starts: Sequence[np.ndarray], free: np.ndarray) -> np.ndarray:
    """Return the best of the optima from the starts; a later optimum must be better, not equal."""
    tops = [_climb(problem, start, free) for start in starts]
    values = np.array([value for _, value in tops])
    return tops[int(np.argmax(values > values.max() - 1e-7))][0]


def _climb(problem: Problem, tau: np.ndarray, free: np.ndarray) -> tuple[np.ndarray, float]:
    """Climb by Newton's method with absolute curvatures and step halving."""
    here = problem.evaluate(tau)
    for _ in range(STEPS):
        step = np.zeros_like(tau)
        hessian = here.hessian[np.ix_(free, free)]
        step[free] = _uphill(here.gradient[free], hessian)
        if np.abs(step).max(initial=0) < SMALL * problem.scale:
            step[free] = _off_saddle(hessian) * problem.scale / 10
        step *= problem.scale / max(np.abs(step).max(initial=0), problem.scale)
        there = problem.evaluate(tau + step)
        while not there.value >= here.value - 1e-12 * abs(here.value):
            step /= 2
            there = problem.evaluate(tau + step)
        tau = tau + step
        here = there
        if np.abs(step).max() < SMALL * problem.scale:
            return np.abs(tau), here.value
    moving = f"the taus still change after {STEPS} steps"
    raise BadInput(f"the likelihood has no clear maximum: {moving}; leave a level out")


def _uphill(gradient: np.ndarray, hessian: np.ndarray) -> np.ndarray:
    """Return the Newton step, 0 along directions in which the criterion is flat (aliasing)."""
    if not len(gradient):
        return gradient
    curvature, directions = np.linalg.eigh(hessian)
    flat = 1e-8 * np.abs(curvature).max() + 1e-300
    return directions @ (directions.T @ gradient * np.abs(curvature) / (curvature**2 + flat**2))


def _off_saddle(hessian: np.ndarray) -> np.ndarray:
    """Return a direction in which the criterion curves upwards; zeros for none."""
    if not len(hessian):
        return np.zeros(0)
    curvature, directions = np.linalg.eigh(hessian)
    up = directions[:, curvature > 1e-6 * np.abs(curvature).max()]
    even = up @ up.sum(axis=0)
    chosen = even if np.linalg.norm(even) > 1e-3 else up[:, -1:].sum(axis=1)
    return chosen / max(np.linalg.norm(chosen), 1e-3)


class Products:
    """log|V| and S = z'V^-1 z with their derivatives in the taus.

    With Z_l the membership of the effects in the units of a level l and c_l = Z_l'V^-1 z, which the
    conditional means of the random effects give (`conditionals`),

        d log|V| / d tau_l^2 = tr Z_l'V^-1 Z_l,        d S / d tau_l^2 = -c_l' c_l

    Second derivatives are the imaginary parts of these at tau + i h: exact, because every step is
    analytic.
    """

    STEP = 1e-20  # h: without a difference there is no cancellation, however small it is

    def __init__(self, columns: np.ndarray, v: np.ndarray, nesting: Nesting, spec: ModelSpec):
        self.columns = columns
        self.v = v
        self.nesting = nesting
        self.spec = spec
        self.fixed = None if "effect" in spec.levels else self._sums(0.0)

    def _sums(self, tau_effect: complex) -> Sums:
        of_effects = (self.columns, self.v, self.nesting)
        return error_sums(*of_effects, tau_effect=tau_effect, rho=self.spec.rho)

    def __call__(self, tau: np.ndarray) -> tuple[Derivatives, Derivatives]:
        """Return [log|V|, gradient (levels,)] and [S (q, q), derivatives (q, q, levels)]."""
        taus = Taus(**dict(zip(self.spec.levels, tau, strict=True)))
        sums = self._sums(taus.effect) if self.fixed is None else self.fixed
        integrated = marginal(sums, taus.above, self.nesting)
        placed = place_random_effects(integrated, taus.above, self.nesting)
        slopes = {}
        variance_above = np.zeros(1)
        for level, name in reversed(list(enumerate(("group", "study")))):
            A, _, D = integrated.steps[level]
            score = placed[level].score
            trace = (A / D - (A / D) ** 2 * variance_above).sum()
            slopes[name] = (trace, -score.T @ score)
            variance = variance_above / D**2 + getattr(taus, name) ** 2 / D
            variance_above = variance[self.nesting.levels[level].parent]
        if "effect" in self.spec.levels:
            above = placed[0].effect + placed[0].above
            slopes["effect"] = self._effect_slopes(taus, above, variance_above)
        chain = {name: 2 * getattr(taus, name) for name in slopes}  # d tau^2 / d tau
        traces = [chain[name] * slopes[name][0] for name in self.spec.levels]
        products = [chain[name] * slopes[name][1] for name in self.spec.levels]
        return [integrated.L, np.array(traces)], [integrated.S, np.stack(products, axis=-1)]

    def _effect_slopes(
        self, taus: Taus, above: np.ndarray, variance_above: np.ndarray
    ) -> tuple[complex, np.ndarray]:
        """Return the derivatives in tau_effect^2, given the effects above and their variances."""
        error = error_weights(self.v, self.nesting, taus.effect, self.spec.rho)
        solved = weigh(self.columns - above[self.nesting.group_of_effect], error, self.nesting)
        ones = weigh(np.ones((len(self.v), 1)), error, self.nesting)[:, 0]
        trace = error.omega.sum() - (ones**2 * variance_above).sum()
        if error.factor is not None:
            trace -= (error.factor * self.nesting.levels[0].sum(error.scaled**2)).sum()
        return trace, -solved.T @ solved

    def curvature(self, tau: np.ndarray) -> Derivatives:
        """Return second derivatives of log|V| (levels, levels) and S (q, q, levels, levels)."""
        shifted = (self(tau + 1j * self.STEP * direction) for direction in np.eye(len(tau)))
        slopes = zip(*((traces[1], products[1]) for traces, products in shifted), strict=True)
        return [np.stack(part, axis=-1).imag / self.STEP for part in slopes]


def _evaluation(
    first: tuple[Derivatives, Derivatives], second: Derivatives, k: int, method: str
) -> Evaluation:
    """Return the criterion from log|V| and S; r' V^-1 r = u' S u with u = (-beta, 1)."""
    (log_det, log_det_1), (S, S_1) = first
    log_det_2, S_2 = second
    p = len(S) - 1
    factor = np.linalg.cholesky(S[:p, :p])
    half = np.linalg.solve(factor, S[:p, p])
    inverse = np.linalg.inv(S[:p, :p])
    u = np.append(-inverse @ S[:p, p], 1.0)
    scores = np.einsum("ija,j->ia", S_1, u)
    value = k * np.log(2 * np.pi) + log_det + S[p, p] - half @ half
    gradient = log_det_1 + u @ scores
    hessian = log_det_2 + np.einsum("i,ijab,j->ab", u, S_2, u)
    hessian = hessian - 2 * scores[:p].T @ inverse @ scores[:p]
    if method == "REML":
        relative = np.einsum("ij,jka->aik", inverse, S_1[:p, :p])
        value += 2 * np.log(np.diag(factor)).sum() - p * np.log(2 * np.pi)
        gradient = gradient + np.trace(relative, axis1=1, axis2=2)
        hessian = hessian + np.einsum("ij,jiab->ab", inverse, S_2[:p, :p])
        hessian = hessian - np.einsum("aij,bji->ab", relative, relative)
    residual = S[p, p] - half @ half
    return Evaluation(-float(value) / 2, -gradient / 2, -hessian / 2, factor, half, residual)
