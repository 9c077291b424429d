"""A grid over the taus that is fine enough: rules of growing order until they agree."""

from dataclasses import dataclass
from functools import cache, cached_property
from typing import NamedTuple

import numpy as np
from numpy.polynomial.legendre import legvander
from scipy.special import logsumexp

from bayesmeta.inference.quadrature.density import DesignArrays, effect_level, evaluate_group_nodes
from bayesmeta.inference.quadrature.nodes import Rule, follow, leggauss, place, zoom
from bayesmeta.inference.quadrature.truncation import limited_moments
from bayesmeta.model.likelihood import Taus
from bayesmeta.model.priors import log_density_of_taus
from bayesmeta.model.priors.limits import Limits
from bayesmeta.model.spec import LEVELS, ModelSpec

ORDERS = (16, 24, 32, 48, 64, 96, 128, 192, 256)
NODE_LIMIT = 300_000
SPARE = 10.0
NEGLIGIBLE = 30.0


class TauMarginal(NamedTuple):
    """Distribution of a tau: a Legendre series per row."""

    low: np.ndarray  # (rows,)
    high: np.ndarray  # (rows,)
    series: np.ndarray  # (rows, n)
    scale: float  # of x

    def cdf(self, tau: float) -> float:
        """Return P(tau' <= tau), exact for the polynomial through every row's nodes."""
        share = np.clip((np.arcsinh(tau / self.scale) - self.low) / (self.high - self.low), 0, 1)
        value = legvander(2 * share - 1, self.series.shape[1])
        integral = np.column_stack([value[:, 0] + value[:, 1], value[:, 2:] - value[:, :-2]]) / 2
        return float((self.series * integral).sum())


@dataclass(frozen=True)
class Grid:
    """A rule and the density on it."""

    rule: Rule  # axes are the levels, lowest first
    scale: float  # x = arcsinh(tau / scale)
    log_density: np.ndarray  # log p(y | taus) p(taus) |d tau / d x| at every node (n, ..., n)
    kept: np.ndarray  # positions of the nodes that matter in the flattened rule (nodes,)
    tau: np.ndarray  # at the kept nodes, the taus (nodes, levels)
    beta: np.ndarray  # at the kept nodes, the mean of beta (nodes, p)
    covariance: np.ndarray  # at the kept nodes, that of beta (nodes, p, p)
    limits: Limits | None  # of beta; its mean and covariance are those without them

    @cached_property
    def log_evidence(self) -> float:
        """Return log p(y)."""
        return float(logsumexp(self.log_density + self.rule.log_weight))

    @cached_property
    def mass(self) -> np.ndarray:
        """Return the probability of every node (n, ..., n)."""
        return np.exp(self.log_density + self.rule.log_weight - self.log_evidence)

    @cached_property
    def weight(self) -> np.ndarray:
        """Return the probability of every kept node (nodes,), summing to 1."""
        weight = self.mass.ravel()[self.kept]
        return weight / weight.sum()

    @cached_property
    def marginals(self) -> list[TauMarginal]:
        """Return the distribution of every level's tau."""
        axes = reversed(range(len(self.rule.axes)))
        return [tau_marginal(self.rule, self.mass, axis, self.scale) for axis in axes]

    def moments(self, columns: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return means, sds (r + levels,) of columns' beta (p, r), by default terms; of taus."""
        columns = np.eye(self.beta.shape[1]) if columns is None else columns
        beta, covariance = limited_moments(self.limits, self.beta, self.covariance)
        within = np.einsum("ir,nir->nr", columns, covariance @ columns)
        means = np.column_stack([beta @ columns, self.tau])
        mean = self.weight @ means
        variances = np.column_stack([within, 0 * self.tau]) + (means - mean) ** 2
        return mean, np.sqrt(self.weight @ variances)


def refine_arrays(arrays: DesignArrays, spec: ModelSpec, *, tolerance: float) -> tuple[Grid, float]:
    """Return a grid with an estimated error below the tolerance or at the limit, and the error.

    The ranges hold all nodes with a log density within `SPARE` - log(tolerance) of the highest.
    """
    axes = len(spec.levels)
    drop = SPARE - np.log(tolerance)
    grid, _, _ = zoom(lambda rule: evaluate(arrays, spec, rule), axes, drop, order=ORDERS[0])
    error = np.inf
    for order in ORDERS[1:]:
        if error <= tolerance or order**axes > NODE_LIMIT:
            break
        rule = place(order, axes, follow(grid.rule, grid.log_density, drop))
        finer = evaluate(arrays, spec, rule)
        error = difference(grid, finer, tolerance)
        grid = finer
    return grid, error


def difference(coarse: Grid, fine: Grid, tolerance: float) -> float:
    """Return the largest difference of log p(y), a mean (in posterior sds) or an sd (relative).

    Below the tolerance, also a tenth of the difference of a tau's probability to be below its mean.
    """
    coarse_mean, coarse_sd = coarse.moments()
    mean, sd = fine.moments()
    of_evidence = coarse.log_evidence - fine.log_evidence
    shifts = [of_evidence, *(coarse_mean - mean) / sd, *(coarse_sd - sd) / sd]
    largest = float(np.abs(shifts).max())
    if largest > tolerance:
        return largest
    taus = mean[-len(fine.marginals) :]
    pairs = zip(coarse.marginals, fine.marginals, taus, strict=True)
    changes = (abs(before.cdf(tau) - after.cdf(tau)) / 10 for before, after, tau in pairs)
    return max(largest, *changes)


def evaluate(arrays: DesignArrays, spec: ModelSpec, rule: Rule) -> Grid:
    """Visit every node of a rule, by tau_effect; negligible nodes are not kept."""
    tau, log_outside = outside_of(np.stack(rule.x()[::-1], -1), spec, arrays.scale)
    effect, group, study = nested(tau, spec.levels)
    outside = log_outside.reshape(len(effect), -1)
    tau = tau.reshape(len(effect), -1, len(spec.levels))
    highest = -np.inf
    parts = []
    for part, tau_effect in enumerate(effect):
        sums = effect_level(arrays, tau_effect)
        given = evaluate_group_nodes(arrays, sums, Taus(group[part], study[part], tau_effect))
        density = given.log_likelihood.ravel() + outside[part]
        density = np.nan_to_num(density, nan=-np.inf, posinf=-np.inf)
        highest = max(highest, density.max())
        near = density > highest - NEGLIGIBLE
        kept = np.flatnonzero(near) + part * density.size
        terms = len(given.mean)
        beta = given.mean.reshape(terms, -1)[:, near].T
        covariance = np.moveaxis(given.covariance.reshape(terms, terms, -1)[..., near], -1, 0)
        parts.append((density, kept, beta, covariance))
    density, kept, beta, covariance = (np.concatenate(x) for x in zip(*parts, strict=True))
    log_density = density.reshape(rule.log_weight.shape)
    tau = tau.reshape(-1, len(spec.levels))[kept]
    limits = arrays.term_prior.limits
    return Grid(rule, arrays.scale, log_density, kept, tau, beta, covariance, limits)


def outside_of(x: np.ndarray, spec: ModelSpec, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Return taus at coordinates x (..., levels), and log p(taus) + log |d tau / d x| (...,)."""
    tau = scale * np.sinh(x)
    log_jacobian = np.log(scale * np.cosh(x)).sum(-1)
    return tau, log_jacobian + log_density_of_taus(spec, tau).sum(-1)


def nested(tau: np.ndarray, levels: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return taus (n, ..., n, levels) as tau_effect (a,), tau_group (a, b), tau_study (a, b, c)."""
    order = tau.shape[0]
    upwards = LEVELS[::-1]
    shape = [order if level in levels else 1 for level in upwards]
    effect, group, study = (
        tau[..., levels.index(level)].reshape(shape) if level in levels else np.zeros(shape)
        for level in upwards
    )
    return effect[:, 0, 0], group[:, :, 0], study


def tau_marginal(rule: Rule, mass: np.ndarray, axis: int, scale: float) -> TauMarginal:
    """Return the distribution along an axis of a rule with this mass of its nodes (n, ..., n).

    Between nodes the log density is a polynomial: much closer than one through the density.
    """
    rows = mass.reshape((*mass.shape[: axis + 1], -1)).sum(-1).reshape(-1, rule.order)
    near = rows.sum(1) > 1e-16
    rows = rows[near]
    low, high = (ends.ravel()[near] for ends in (rule.axes[axis].low, rule.axes[axis].high))
    basis = _basis(rule.order)
    log_density = np.log(np.maximum(rows, 1e-25 * rows.max(1, keepdims=True)) / basis.weight)
    series = (log_density * basis.weight) @ basis.at_nodes * (np.arange(rule.order) + 0.5)
    fine_mass = basis.fine_weight * np.exp(series @ basis.at_fine.T)
    fine_mass *= rows.sum(1, keepdims=True) / fine_mass.sum(1, keepdims=True)
    return TauMarginal(low, high, fine_mass @ basis.series, scale)


class _Basis(NamedTuple):
    """Legendre polynomials at a rule's nodes and at three times as many, with their weights."""

    weight: np.ndarray
    fine_weight: np.ndarray
    at_nodes: np.ndarray
    at_fine: np.ndarray
    series: np.ndarray


@cache
def _basis(order: int) -> _Basis:
    unit, weight = leggauss(order)
    fine, fine_weight = leggauss(3 * order)
    at_nodes, at_fine = (legvander(nodes, order - 1) for nodes in (unit, fine))
    return _Basis(weight, fine_weight, at_nodes, at_fine, legvander(fine, len(fine) - 1))
