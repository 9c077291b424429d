"""Independent draws from a grid over the taus and outer parameters."""

from typing import NamedTuple

import numpy as np
from scipy.special import ndtri, softmax
from scipy.stats import qmc

from bayesmeta.inference.quadrature.conditional import Arrays, Conditional
from bayesmeta.inference.quadrature.density import at_taus
from bayesmeta.inference.quadrature.grid import outside_of
from bayesmeta.inference.quadrature.integral import Integral
from bayesmeta.inference.quadrature.interpolation import interpolated
from bayesmeta.inference.quadrature.nodes import cells
from bayesmeta.inference.quadrature.outer import log_prior, outer_priors, values_of
from bayesmeta.inference.quadrature.truncation import draw_within
from bayesmeta.model.likelihood import Taus
from bayesmeta.model.priors import log_density as log_density_of
from bayesmeta.model.spec import ModelSpec

SMALLEST = 1e-10  # probability of a tail; Sobol' points have 30 bits
LARGE = {1: 500, 2: 500, 3: 5_000}  # effects, by taus; of more, few taus are evaluated
CANDIDATES = 2  # candidates per draw: enough for almost no draw to be taken twice


class Draws(NamedTuple):
    """Independent draws."""

    tau: np.ndarray  # (draws, levels)
    beta: np.ndarray  # (draws, p)
    log_joint: np.ndarray  # log p(y, beta, tau, outer) (draws,)
    outer: dict[str, np.ndarray]  # by name (draws,)

    def at(self, chosen: np.ndarray) -> "Draws":
        """Return the draws at these positions."""
        outer = {name: values[chosen] for name, values in self.outer.items()}
        return Draws(self.tau[chosen], self.beta[chosen], self.log_joint[chosen], outer)


def draw(integral: Integral, spec: ModelSpec, *, count: int, seed: int) -> Draws:
    """Draw (taus, beta) and the outer parameters.

    Candidates come from the nodes by probability, spread evenly over each node's cell; they are
    resampled by the ratio of the exact density to that of the candidates, so that draws do not sit
    on the nodes. Resampling is systematic, and beta is drawn by `_spread_noise`: a draw has the
    posterior distribution, and all together are closer to it than independent ones.
    """
    rng = np.random.default_rng(seed)
    x, z, log_candidate = _candidates(integral, CANDIDATES * count, rng)
    tau, outside = outside_of(x[:, ::-1], spec, integral.arrays.scale)
    priors = outer_priors(integral.arrays.term_prior, spec)
    outer = values_of(priors, z)
    given = _conditionals(integral, spec, x, outer)
    log_density = np.nan_to_num(given.log_likelihood + outside, nan=-np.inf)
    chosen = systematic(softmax(log_density + log_prior(z) - log_candidate), count, rng)
    noise = _spread_noise(count, given.mean.shape[0], rng)
    shuffled = rng.permutation(count)
    chosen = chosen[shuffled]
    noise = noise[shuffled]
    mean = given.mean[:, chosen].T
    factor, log_det = factors_of(np.moveaxis(given.covariance[..., chosen], -1, 0))
    log_normal = -0.5 * ((noise**2 + np.log(2 * np.pi)).sum(1) + log_det)
    jacobian = np.log(integral.arrays.scale * np.cosh(x[chosen])).sum(1)
    outer = {name: values[chosen] for name, values in outer.items()}
    log_priors = (log_density_of(prior, outer[name]) for name, prior in priors.items())
    log_joint = sum(log_priors, log_density[chosen] - jacobian + log_normal)
    beta = mean + (factor @ noise[..., None])[..., 0]
    limits = integral.arrays.term_prior.limits
    if limits is not None:
        covariance = np.moveaxis(given.covariance[..., chosen], -1, 0)
        beta, log_inside = draw_within(limits, mean, covariance, beta)
        off = beta - mean
        squares = np.einsum("ni,ni->n", off, np.linalg.solve(covariance, off[..., None])[..., 0])
        log_joint = log_joint + 0.5 * ((noise**2).sum(1) - squares) - log_inside
    return Draws(tau[chosen], beta, log_joint, outer)


def _conditionals(
    integral: Integral, spec: ModelSpec, x: np.ndarray, outer: dict[str, np.ndarray]
) -> Conditional:
    """Return the conditionals of beta at x (n, levels); of a large table by interpolation."""
    arrays = integral.arrays.given(outer)

    def evaluate(at: np.ndarray) -> Conditional:
        tau, _ = outside_of(at[:, ::-1], spec, integral.arrays.scale)
        return at_taus(
            arrays, Taus(**{level: tau[None, :, i] for i, level in enumerate(spec.levels)})
        )

    large = len(arrays.v) >= LARGE[x.shape[1]] and not outer
    estimate = interpolated(evaluate, x) if large else None
    return estimate or evaluate(x)


def factors_of(covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return F with F F' = covariance (n, p, p), and the log determinants (n,).

    Where a pooling sd is nearly zero, rounding leaves an eigenvalue at or below zero: it becomes
    the smallest that the precision of numbers can tell from zero.
    """
    try:
        factor = np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh((covariance + covariance.swapaxes(1, 2)) / 2)
        values = np.maximum(values, np.finfo(float).eps * values[:, -1:])
        return vectors * np.sqrt(values)[:, None], np.log(values).sum(1)
    return factor, 2 * np.log(np.diagonal(factor, axis1=1, axis2=2)).sum(1)


def _spread_noise(count: int, p: int, rng: np.random.Generator) -> np.ndarray:
    """Return standard normal values (count, p) that are spread evenly over every range of rows.

    Rows in the order of the taus and their values are then one sequence of low discrepancy, so that
    ends of intervals vary less than those of independent normals.
    """
    points = spread_points(count, p + 1, rng)
    return ndtri(points[np.argsort(points[:, 0]), 1:])


def spread_points(count: int, axes: int, rng: np.random.Generator) -> np.ndarray:
    """Return points (count, axes) spread evenly over the unit cube.

    Source: scrambled Sobol' points, Owen 1998, doi 10.1006/jcom.1998.0487.
    """
    points = qmc.Sobol(axes, rng=rng).random_base2(int(np.ceil(np.log2(count))))[:count]
    return points.clip(SMALLEST, 1 - SMALLEST)


def _candidates(integral: Integral, count: int, rng: np.random.Generator) -> Arrays:
    """Draw x (count, levels) and z (count, outer), each in its node's cell; log density."""
    by_outer = []
    for outer_node in integral.kept:
        grid = integral.grids[outer_node]
        lower, width = (part[grid.kept] for part in cells(grid.rule))
        outer = np.full(len(grid.weight), outer_node)
        by_outer.append((integral.share[outer_node] * grid.weight, lower, width, outer))
    weights, *others = (np.concatenate(parts) for parts in zip(*by_outer, strict=True))
    node = systematic(weights, count, rng)
    lower_x, width_x, of_outer = (part[node] for part in others)
    x = lower_x + width_x * rng.random(lower_x.shape)
    width_z = integral.nodes.width[of_outer]
    z = integral.nodes.lower[of_outer] + width_z * rng.random(width_z.shape)
    log_volume = np.log(width_x).sum(1) + np.log(width_z).sum(1)
    return x, z, np.log(weights[node]) - log_volume


def systematic(weight: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw positions with probability weight: each count x weight times, rounded up or down.

    Source: systematic resampling, Kitagawa 1996, doi 10.1080/10618600.1996.10474692.
    """
    comb = (np.arange(count) + rng.random()) / count
    return np.searchsorted(np.cumsum(weight) / weight.sum(), comb).clip(max=len(weight) - 1)
