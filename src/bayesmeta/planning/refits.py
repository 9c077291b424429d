r"""Posteriors of a contrast with new studies added, from today's quadrature and the new data alone.

A new study has a single group, measured on terms that Z (q, r) selects from the r terms of the
contrast: y_s = Z beta + u + w + d + e, with covariance V_s given the taus. With
beta | taus ~ N(b, S) today, at every node of the taus

    beta | taus, y ~ N(A^-1 h, A^-1)
    A = S^-1 + sum_s Z' V_s^-1 Z
    h = S^-1 b + sum_s Z' V_s^-1 y_s
    c = b' S^-1 b + sum_s y_s' V_s^-1 y_s - h' A^-1 h
    log weight(taus | y) = log weight(taus) - 1/2 (sum_s log|V_s| + log|A| - log|S^-1| + c) + const

Sums over the first 1, 2, ... studies give all sizes at once.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri, softmax

from bayesmeta.estimates.conventions import INTERVAL
from bayesmeta.inference.quadrature import Mixture, Posterior
from bayesmeta.inference.quadrature.conditional import sweep
from bayesmeta.model.likelihood import Nesting, error_sums, marginal
from bayesmeta.model.likelihood.kernel import Marginal
from bayesmeta.model.spec import LEVELS

DROPPED = 1e-7
FREQUENCIES = 64
FASTEST = 6.5  # frequency in inverse sds, beyond which a characteristic function is below 1e-9
NEWTON_STEPS = 16
SETTLED_STEP = 1e-9  # in sds, at which Newton's method ends
NEGLIGIBLE = 1e-12  # weight of a component that does not count
FARTHEST = 10.0  # sds


class Start(NamedTuple):
    """Today's posterior of the terms of a contrast at the nodes over the taus."""

    log_weight: np.ndarray  # (nodes,), with log|S^-1| / 2
    tau: np.ndarray  # (nodes, 3), of study, group, effect
    known: np.ndarray  # (nodes, r + 1, r + 1), [[S^-1, S^-1 b], [b' S^-1, b' S^-1 b]]
    weights: np.ndarray  # (r,), of the terms
    measured: np.ndarray  # (q, r), the Z of new studies
    rest: tuple[Mixture, ...]  # parts of the contrast in strata without new studies
    rho: float  # correlation of sampling errors in a group


def start_of(
    posterior: Posterior,
    weights: Mapping[str, float],
    measured: Sequence[str],
    rest: Sequence[Mixture],
    rho: float,
) -> Start:
    """Return the start of the refits from weights by term and the terms that new studies measure.

    The least likely nodes, of total probability `DROPPED`, are left out: after new data drawn from
    the posterior their probability is the same on average.
    """
    at = [posterior.terms.index(term) for term in weights]
    order = np.argsort(posterior.weight)
    kept = np.sort(order[np.cumsum(posterior.weight[order]) > DROPPED])
    precision = np.linalg.inv(posterior.covariance[np.ix_(kept, at, at)])
    identity = np.broadcast_to(np.eye(len(at)), precision.shape)
    both = np.concatenate([identity, posterior.beta[kept][:, at, None]], 2)
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
    """Return the taus of study, group and effect (nodes, 3), zero where the model lacks a level."""
    tau = np.zeros((len(posterior.weight), len(LEVELS)))
    tau[:, [LEVELS.index(level) for level in posterior.levels]] = posterior.tau
    return tau


def refit(start: Start, y: np.ndarray, v: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, ...]:
    """Add the first so many of the new studies, and integrate again.

    Return the width of the 95 % interval (equal-tailed) of the contrast and P(> 0), both (sizes,).
    `y`, `v`: (studies, q), effects of the new studies and their sampling variances. `sizes`:
    (sizes,), numbers of studies to add, from 0 (today) to all.
    """
    added = _products(start, y, v)
    terms = len(start.weights)
    chosen = np.moveaxis(_sums(added.S)[sizes], 0, 2) + np.moveaxis(start.known, 0, 2)[:, :, None]
    swept, log_pivots = sweep(chosen, terms)
    log_weight = start.log_weight - 0.5 * (_sums(added.L)[sizes] + swept[terms, terms] + log_pivots)
    centre = np.tensordot(start.weights, swept[:terms, terms], axes=1)
    covariance = swept[:terms, :terms]
    within = np.sqrt(np.einsum("a,ab...,b->...", start.weights, covariance, start.weights))
    return width_and_probability([Mixture(softmax(log_weight, -1), centre, within), *start.rest])


def _products(start: Start, y: np.ndarray, v: np.ndarray) -> Marginal:
    """Return log|V_s| (studies, nodes), z' V_s^-1 z (studies, r + 1, r + 1, nodes), z = [Z, y]."""
    studies, effects = y.shape
    group = np.repeat(np.arange(studies), effects)
    nesting = Nesting.of(group, np.arange(studies))
    z = np.column_stack([np.tile(start.measured, (studies, 1)), y.ravel()])
    study, groups, effect = start.tau.T[:, None]
    tau_effect = effect if effect.any() else 0.0
    sums = error_sums(z, v.ravel(), nesting, tau_effect=tau_effect, rho=start.rho, by_study=True)
    return marginal(sums, [groups, study], nesting, by_study=True)


def _sums(x: np.ndarray) -> np.ndarray:
    """Return sums over none, the first, the first two, ... along the first axis."""
    return np.cumsum(np.concatenate([np.zeros_like(x[:1]), x]), 0)


def width_and_probability(parts: Sequence[Mixture]) -> tuple[np.ndarray, np.ndarray]:
    """Return the width of the 95 % interval and P(> 0), both (...), of a sum of mixtures.

    The mixtures (..., nodes) are independent. F(x) = 1/2 - 1/pi sum_k Im(phi(t_k) exp(-i t_k x)) /
    (k + 1/2) with t_k = (k + 1/2) h, k = 0, 1, ... The error is the probability farther than 2 pi /
    h from x, here some sixty sds of the narrowest components.
    Source: Davies 1973, doi 10.1093/biomet/60.2.415.
    """
    means = [(part.weight * part.centre).sum(-1) for part in parts]
    pairs = list(zip(parts, means, strict=True))
    sd = np.sqrt(sum(_variance(part, mean) for part, mean in pairs))
    narrowest = np.sqrt(sum(_narrowest(part) ** 2 for part in parts))
    step = FASTEST / FREQUENCIES / narrowest
    phi = np.prod([_characteristic(part, mean, step) for part, mean in pairs], axis=0)
    order = (np.arange(FREQUENCIES) + 0.5).reshape(-1, *(1,) * np.ndim(step))

    def cdf(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return F and its derivative at x (...)."""
        wave = phi * np.exp(-1j * step * order * x)
        return 0.5 - (wave.imag / order).sum(0) / np.pi, wave.real.sum(0) * step / np.pi

    lower, upper = (_solve(cdf, tail, sd) for tail in INTERVAL)
    below, _ = cdf(np.clip(-sum(means), -FARTHEST * sd, FARTHEST * sd))
    return upper - lower, np.clip(1 - below, 0, 1)


def _variance(part: Mixture, mean: np.ndarray) -> np.ndarray:
    return (part.weight * (part.within**2 + (part.centre - np.expand_dims(mean, -1)) ** 2)).sum(-1)


def _narrowest(part: Mixture) -> np.ndarray:
    """Return the sd of the narrowest component that counts (...)."""
    return np.where(part.weight > NEGLIGIBLE, part.within, np.inf).min(-1)


def _characteristic(part: Mixture, mean: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Return the characteristic function of part - mean at (k + 1/2) step: (frequencies, ...)."""
    centre = part.centre - np.expand_dims(mean, -1)
    step = np.expand_dims(step, -1)
    shrink = np.exp(-((step * part.within) ** 2))
    term = part.weight * np.exp(0.5j * step * centre - (step * part.within) ** 2 / 8)
    ratio = np.exp(1j * step * centre)
    values = []
    for _ in range(FREQUENCIES):
        values.append(term.sum(-1))
        ratio = ratio * shrink
        term = term * ratio
    return np.stack(values)


def _solve(
    cdf: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]], probability: float, sd: np.ndarray
) -> np.ndarray:
    """Return quantiles (...) by Newton's method within brackets, from those of a normal."""
    low, high = (sign * FARTHEST * sd for sign in (-1, 1))
    x = ndtri(probability) * sd
    for _ in range(NEWTON_STEPS):
        value, density = cdf(x)
        below = value < probability
        low = np.where(below, x, low)
        high = np.where(below, high, x)
        with np.errstate(divide="ignore", invalid="ignore"):
            newton = x - (value - probability) / density
        moved = np.where((newton > low) & (newton < high), newton, (low + high) / 2)
        settled = np.all(np.abs(moved - x) <= SETTLED_STEP * sd)
        x = moved
        if settled:
            break
    return x
