"""From a table to a grid over the taus that is fine enough: zoom in, then rules of growing order until they agree."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr
from scipy.special import logsumexp

from bayesmeta.inference.quadrature.density import Table, effect_level, slab, table_of
from bayesmeta.inference.quadrature.nodes import Marginal, Rule, box, follow, marginal, place, zoom
from bayesmeta.model.priors import tau_log_prior
from bayesmeta.model.spec import LEVELS, ModelSpec

ORDERS = (16, 24, 32, 48, 64, 96, 128, 192, 256)
NODE_LIMIT = 300_000
SPARE = 10.0
NEGLIGIBLE = 30.0


@dataclass(frozen=True)
class Grid:
    """A rule and what was found on it.

    Attributes
    ----------
    rule : axes are the levels, lowest first; x = arcsinh(tau / scale)
    scale : of x
    log_density : log p(y | taus) p(taus) |d tau / d x| at every node (n, ..., n)
    kept : positions of the nodes that are not negligible, in the flattened rule (nodes,)
    tau, beta, covariance : (nodes, levels), (nodes, p), (nodes, p, p): the kept nodes' taus, beta's mean and covariance
    """

    rule: Rule
    scale: float
    log_density: np.ndarray
    kept: np.ndarray
    tau: np.ndarray
    beta: np.ndarray
    covariance: np.ndarray

    @cached_property
    def log_evidence(self) -> float:
        """Log p(y)."""
        return float(logsumexp(self.log_density + self.rule.log_weight))

    @cached_property
    def mass(self) -> np.ndarray:
        """Probability of every node (n, ..., n)."""
        mass: np.ndarray = np.exp(self.log_density + self.rule.log_weight - self.log_evidence)
        return mass

    @cached_property
    def weight(self) -> np.ndarray:
        """Probability of every kept node (nodes,), summing to one."""
        weight: np.ndarray = self.mass.ravel()[self.kept]
        return weight / weight.sum()

    @cached_property
    def marginals(self) -> list[Marginal]:
        """Distribution of each level's tau."""
        return [marginal(self.rule, self.mass, axis, self.scale) for axis in reversed(range(len(self.rule.axes)))]

    def moments(self, columns: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Posterior means and sds of columns' beta (p, r), each term by default, then of the taus: (r + levels,)."""
        columns = np.eye(self.beta.shape[1]) if columns is None else columns
        within = np.einsum("ir,nir->nr", columns, self.covariance @ columns)
        means = np.column_stack([self.beta @ columns, self.tau])
        mean = self.weight @ means
        return mean, np.sqrt(self.weight @ (np.column_stack([within, 0 * self.tau]) + (means - mean) ** 2))


def refine(
    design: xr.Dataset, spec: ModelSpec, *, without: Sequence[str] = (), tolerance: float = 1e-6
) -> tuple[Grid, float]:
    """Grid whose estimated error is below the tolerance, or the last that the limit on nodes allows; and that error.

    The ranges hold every node whose log density is within `SPARE` - log(tolerance) of the highest.
    """
    table, axes, drop = table_of(design, spec, without), len(spec.levels), SPARE - np.log(tolerance)
    ranges = box(*zoom(lambda rule: evaluate(table, spec, rule).log_density, axes, drop))
    grid, error = evaluate(table, spec, place(ORDERS[0], axes, ranges)), np.inf
    for order in ORDERS[1:]:
        if error <= tolerance or order**axes > NODE_LIMIT:
            break
        finer = evaluate(table, spec, place(order, axes, follow(grid.rule, grid.log_density, drop)))
        grid, error = finer, difference(grid, finer)
    return grid, error


def difference(coarse: Grid, fine: Grid) -> float:
    """Largest difference of log p(y), a mean (in posterior sds), an sd (relative), a tenth of a tau's probability."""
    (coarse_mean, coarse_sd), (mean, sd) = coarse.moments(), fine.moments()
    differences = [coarse.log_evidence - fine.log_evidence, *(coarse_mean - mean) / sd, *(coarse_sd - sd) / sd]
    levels = len(fine.marginals)
    for one, other, tau in zip(coarse.marginals, fine.marginals, mean[-levels:], strict=True):
        differences.append((one.cdf(tau) - other.cdf(tau)) / 10)
    return float(np.abs(differences).max())


def evaluate(table: Table, spec: ModelSpec, rule: Rule) -> Grid:
    """Visit every node of a rule, one tau_effect after the other; negligible nodes are not kept."""
    scale = float(table.scale)
    tau, log_outside = outside_of(np.stack(rule.x()[::-1], -1), spec, scale)
    effect, group, study = nested(tau, spec.levels)
    outside, tau = log_outside.reshape(len(effect), -1), tau.reshape(len(effect), -1, len(spec.levels))
    highest, densities, kept, beta, covariance = -np.inf, [], [], [], []
    for part in range(len(effect)):
        sums = effect_level(table, effect[part])
        calls = [slab(table, sums, *rows) for rows in batches(group[part], study[part])]
        found = [
            np.concatenate(values)[: study[part].size // values[0].shape[1]] for values in zip(*calls, strict=True)
        ]
        density = np.nan_to_num(found[0].ravel() + outside[part], nan=-np.inf, posinf=-np.inf)
        highest = max(highest, density.max())
        near = density > highest - NEGLIGIBLE
        densities.append(density)
        kept.append(np.flatnonzero(near) + part * density.size)
        beta.append(found[1].reshape(density.size, -1)[near])
        covariance.append(found[2].reshape(density.size, *found[2].shape[-2:])[near])
    at = np.concatenate(kept)
    return Grid(
        rule=rule,
        scale=scale,
        log_density=np.concatenate(densities).reshape(rule.log_weight.shape),
        kept=at,
        tau=tau.reshape(-1, len(spec.levels))[at],
        beta=np.concatenate(beta),
        covariance=np.concatenate(covariance),
    )


def batches(group: np.ndarray, *nodes: np.ndarray) -> Iterator[tuple[np.ndarray, ...]]:
    """Rows (b,), (b, c), ... of any order cut to batches of one shape, so that JAX compiles once; the last is padded.

    A row is cut to pieces of 8 nodes, and a batch has 32 of these; or less, on fewer levels.
    """
    width = 8 if nodes[0].shape[1] > 1 else 1
    size = (8 if len(group) > 1 else 1) * (4 if width > 1 and len(group) > 1 else 1)
    rows = [np.repeat(group, nodes[0].shape[1] // width), *(values.reshape(-1, width) for values in nodes)]
    for start in range(0, len(rows[0]), size):
        chosen = np.arange(start, start + size).clip(max=len(rows[0]) - 1)
        yield tuple(values[chosen] for values in rows)


def outside_of(x: np.ndarray, spec: ModelSpec, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Taus at coordinates x (..., levels), and there the density's part outside the likelihood (...,).

    That is log p(taus) + log |d tau / d x|.
    """
    tau = scale * np.sinh(x)
    log_jacobian = np.log(scale * np.cosh(x)).sum(-1)
    return tau, log_jacobian + tau_log_prior(spec.priors["tau"], tau).sum(-1)


def nested(tau: np.ndarray, levels: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Taus (n, ..., n, levels) as tau_effect (a,), tau_group (a, b), tau_study (a, b, c); zero where not a level."""
    order = tau.shape[0]
    shape = [order if level in levels else 1 for level in reversed(LEVELS)]
    effect, group, study = (
        tau[..., levels.index(level)].reshape(shape) if level in levels else np.zeros(shape)
        for level in reversed(LEVELS)
    )
    return effect[:, 0, 0], group[:, :, 0], study
