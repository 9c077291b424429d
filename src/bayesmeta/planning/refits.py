r"""Posteriors of a contrast with new studies added, from today's quadrature and the new data alone.

A new study has one group, measured on terms that Z (q, r) picks from the r terms of the contrast: y_s = Z beta + u + w
+ d + e, with covariance V_s given the taus. With beta | taus ~ N(b, S) today, at each node of the taus

    beta | taus, y ~ N(A^-1 h, A^-1),     A = S^-1 + sum_s Z' V_s^-1 Z,     h = S^-1 b + sum_s Z' V_s^-1 y_s
    log weight(taus | y) = log weight(taus) - 1/2 (sum_s log|V_s| + log|A| - log|S^-1| + c) + constant
    c = b' S^-1 b + sum_s y_s' V_s^-1 y_s - h' A^-1 h

Sums over the first 1, 2, ... studies give all sizes at once. No shape depends on the data: nothing is compiled again.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from bayesmeta.inference.quadrature import Mixture, Posterior
from bayesmeta.inference.quadrature.density import sweep
from bayesmeta.model.likelihood import Nesting, cross_products, group_sums
from bayesmeta.model.spec import LEVELS

DROPPED = 1e-7
TAILS = (0.025, 0.975)
FREQUENCIES, FASTEST = 64, 6.5  # of a characteristic function, in inverse sds: beyond it is below 1e-9
FARTHEST = 10.0  # sds


class Start(NamedTuple):
    """Today's posterior of a contrast's terms at the nodes over the taus.

    log_weight (nodes,), with log|S^-1| / 2; tau (nodes, 3), of study, group, effect; known (nodes, r + 1, r + 1), that
    is [[S^-1, S^-1 b], [b' S^-1, b' S^-1 b]]; weights (r,) of the terms; measured (q, r), the Z of new studies; rest,
    the contrast's parts in strata without new studies; rho, of sampling errors in a group.
    """

    log_weight: np.ndarray
    tau: np.ndarray
    known: np.ndarray
    weights: np.ndarray
    measured: np.ndarray
    rest: tuple[Mixture, ...]
    rho: float


def start_of(
    posterior: Posterior,
    weights: Mapping[str, float],
    measured: Sequence[str],
    rest: Sequence[Mixture] = (),
    rho: float = 0.0,
) -> Start:
    """Start of the refits: weights by term, and the terms that new studies measure.

    The least likely nodes, of total probability `DROPPED`, are left out: after new data drawn from the posterior their
    probability is the same on average.
    """
    at = [posterior.terms.index(term) for term in weights]
    order = np.argsort(posterior.weight)
    kept = np.sort(order[np.cumsum(posterior.weight[order]) > DROPPED])
    precision = np.linalg.inv(posterior.covariance[np.ix_(kept, at, at)])
    both = np.concatenate([np.broadcast_to(np.eye(len(at)), precision.shape), posterior.beta[kept][:, at, None]], 2)
    return Start(
        log_weight=np.log(posterior.weight[kept]) + 0.5 * np.linalg.slogdet(precision)[1],
        tau=every_tau(posterior)[kept],
        known=both.swapaxes(1, 2) @ precision @ both,
        weights=np.array(list(weights.values())),
        measured=np.array([[term == name for name in weights] for term in measured], float),
        rest=tuple(rest),
        rho=rho,
    )


def every_tau(posterior: Posterior) -> np.ndarray:
    """The nodes' taus of study, group and effect (nodes, 3), zero where the model lacks the level."""
    tau = np.zeros((len(posterior.weight), len(LEVELS)))
    tau[:, [LEVELS.index(level) for level in posterior.levels]] = posterior.tau
    return tau


@jax.jit
def refit(start: Start, y: ArrayLike, v: ArrayLike, sizes: ArrayLike) -> tuple[Array, Array]:
    """Add the first so many of the new studies to what is known, and integrate again.

    Parameters
    ----------
    y, v : (studies, q)
        Effects of the new studies and their sampling variances.
    sizes : (sizes,)
        How many of the studies to add, from 0 (today) to all.

    Returns
    -------
    Width of the contrast's 95 % interval (equal-tailed) and P(> 0), each (sizes,).
    """
    log_det, cross = jax.lax.map(lambda one: _study(start, *one), (jnp.asarray(y), jnp.asarray(v)))
    terms, chosen = len(start.weights), jnp.asarray(sizes)
    swept, log_pivots = sweep(_sums(cross)[chosen] + start.known, terms)
    log_weight = start.log_weight - 0.5 * (_sums(log_det)[chosen] + swept[..., terms, terms] + log_pivots)
    centre = swept[..., :terms, terms] @ start.weights
    within = jnp.sqrt((swept[..., :terms, :terms] @ start.weights) @ start.weights)
    mixtures = (jax.nn.softmax(log_weight, -1), centre, within)
    return jax.lax.map(lambda one: width_and_probability((Mixture(*one), *start.rest)), mixtures)


def _study(start: Start, y: Array, v: Array) -> tuple[Array, Array]:
    """log|V_s| (nodes,) and z' V_s^-1 z (nodes, r + 1, r + 1) of one new study, z = [Z, y]."""
    nesting = Nesting(np.zeros(len(y), int), np.zeros(1, int), 1)
    z = jnp.column_stack([start.measured, y])

    def at_node(tau: Array) -> tuple[Array, Array]:
        sums = group_sums(z, v, nesting, tau[2], start.rho)
        log_det, cross = cross_products(sums, tau[0], tau[1], nesting)
        return log_det[0], cross[0]

    return jax.vmap(at_node)(jnp.asarray(start.tau))


def _sums(x: Array) -> Array:
    """Sums over none, the first, the first two, ... along the first axis."""
    return jnp.cumsum(jnp.concatenate([jnp.zeros_like(x[:1]), x]), 0)


@jax.jit
def width_and_probability(parts: Sequence[Mixture]) -> tuple[Array, Array]:
    """Width of the 95 % interval and P(> 0) of a sum of independent mixtures.

    F(x) = 1/2 - 1/pi sum_k Im(phi(t_k) exp(-i t_k x)) / (k + 1/2) with t_k = (k + 1/2) h, k = 0, 1, ... The error is
    the probability farther than 2 pi / h from x, here some sixty sds of the narrowest components.

    Source: Davies 1973, doi 10.1093/biomet/60.2.415.
    """
    means = [part.weight @ part.centre for part in parts]
    pairs = list(zip(parts, means, strict=True))
    sd = jnp.sqrt(sum(part.weight @ (part.within**2 + (part.centre - mean) ** 2) for part, mean in pairs))
    narrowest = jnp.sqrt(sum(jnp.where(part.weight > 1e-12, part.within, jnp.inf).min() ** 2 for part in parts))
    step = FASTEST / FREQUENCIES / narrowest
    phi = jnp.prod(jnp.stack([_characteristic(part, mean, step) for part, mean in pairs]), 0)
    order = jnp.arange(FREQUENCIES) + 0.5

    def cdf(x: Array) -> tuple[Array, Array]:
        """F and its derivative at x (n,)."""
        wave = phi * jnp.exp(-1j * step * order * x[:, None])
        return 0.5 - (wave.imag / order).sum(1) / np.pi, wave.real.sum(1) * step / np.pi

    lower, upper = _solve(cdf, jnp.array(TAILS), sd)
    below, _ = cdf(jnp.clip(-sum(means), -FARTHEST * sd, FARTHEST * sd)[None])
    return upper - lower, jnp.clip(1 - below[0], 0, 1)


def _characteristic(part: Mixture, mean: Array, step: Array) -> Array:
    """Characteristic function of a mixture less its mean, at (k + 1/2) step: each value is the last times a ratio."""
    centre = part.centre - mean
    turn, shrink = jnp.exp(1j * step * centre), jnp.exp(-((step * part.within) ** 2))

    def advance(state: tuple[Array, Array], _: None) -> tuple[tuple[Array, Array], Array]:
        term, ratio = state
        ratio = ratio * shrink
        return (term * turn * ratio, ratio), term.sum()

    first = jnp.asarray(part.weight) * jnp.exp(0.5j * step * centre - (step * part.within) ** 2 / 8)
    values: Array = jax.lax.scan(advance, (first, jnp.ones_like(shrink)), length=FREQUENCIES)[1]
    return values


def _solve(cdf: Callable[[Array], tuple[Array, Array]], probability: Array, sd: Array) -> Array:
    """Quantiles, by Newton's method within brackets, from where they are in a normal distribution."""

    def move(_: int, state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        low, high, x = state
        value, density = cdf(x)
        low, high = jnp.where(value < probability, x, low), jnp.where(value < probability, high, x)
        newton = x - (value - probability) / density
        return low, high, jnp.where((newton > low) & (newton < high), newton, (low + high) / 2)

    far = jnp.full_like(probability, FARTHEST) * sd
    return jax.lax.fori_loop(0, 16, move, (-far, far, jax.scipy.special.ndtri(probability) * sd))[2]
