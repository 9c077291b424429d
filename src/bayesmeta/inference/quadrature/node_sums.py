"""Sums over nodes of combinations of terms and of taus, without each study."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp

from bayesmeta.inference.quadrature.conditional import Conditional
from bayesmeta.inference.quadrature.without_study import Support, WithoutStudy

Pair = tuple[Support, WithoutStudy]


class NodeSums(NamedTuple):
    """Sums over nodes without each study, relative to exp(log_mass)."""

    log_mass: np.ndarray  # log of the mass (studies,)
    mean: np.ndarray  # E[x] of combinations of terms (r, studies)
    square: np.ndarray  # E[x^2] of combinations of terms (r, studies)
    tau: np.ndarray  # E[tau] (levels, studies)
    tau2: np.ndarray  # E[tau^2] (levels, studies)


class Combined(NamedTuple):
    """Combinations x = c'beta given all studies, at nodes."""

    mean: np.ndarray  # E[x] (r, nodes)
    square: np.ndarray  # E[x^2] (r, nodes)
    gains: list[np.ndarray]  # by support c'G (r, a, nodes)


def combine(with_all: Conditional, pairs: list[Pair], columns: np.ndarray) -> Combined:
    """Return the combinations of terms (p, r) given all studies."""
    terms, combinations = columns.shape
    mean = columns.T @ with_all.mean.reshape(terms, -1)
    covariance = with_all.covariance.reshape(terms, -1)
    half = (columns.T @ covariance).reshape(combinations, terms, -1)
    variance = (half * columns.T[..., None]).sum(1)
    flat = [(part.G.reshape(terms, -1), (combinations, len(x.terms), -1)) for x, part in pairs]
    gains = [(columns.T @ gain).reshape(shape) for gain, shape in flat]
    return Combined(mean, variance + mean**2, gains)


def sum_nodes(
    given: Combined, pairs: list[Pair], log_mass: np.ndarray, tau: np.ndarray
) -> NodeSums:
    """Sum over nodes, with log_mass (studies, ...) and tau (levels, nodes).

    Without a study x has mean c'm + c'G d and variance c'Cc + c'G D G'c (d, D: `WithoutStudy`).
    """
    studies = len(log_mass)
    log_mass = log_mass.reshape(studies, -1)
    peak = log_mass.max(1)
    share = np.exp(log_mass - peak[:, None])
    mass = share.sum(1)
    share /= mass[:, None]
    mean = given.mean @ share.T
    square = given.square @ share.T
    for (support, part), gain in zip(pairs, given.gains, strict=True):
        combinations, size, nodes = gain.shape
        shift = part.mean.reshape(size, -1, nodes)
        weighted = shift * share[support.studies]
        spread = part.covariance.reshape(size, size, -1, nodes) * share[support.studies]
        spread += weighted[:, None] * shift
        mean[:, support.studies] += _contracted(gain, weighted)
        crossed = 2 * given.mean[:, None] * gain
        squared = (gain[:, :, None] * gain[:, None]).reshape(combinations, -1, nodes)
        square[:, support.studies] += _contracted(crossed, weighted)
        square[:, support.studies] += _contracted(squared, spread.reshape(size**2, -1, nodes))
    return NodeSums(peak + np.log(mass), mean, square, tau @ share.T, tau**2 @ share.T)


def _contracted(features: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the sum of features (r, a, nodes) times weights (a, n, nodes): (r, n)."""
    flat = weights.swapaxes(0, 1).reshape(weights.shape[1], -1)
    return features.reshape(len(features), -1) @ flat.T


def add_up(parts: Sequence[NodeSums]) -> NodeSums:
    """Add sums over different nodes."""
    log_mass = np.array([part.log_mass for part in parts])
    total = logsumexp(log_mass, axis=0)
    share = np.exp(log_mass - total)
    by_name = (np.array(values) for values in list(zip(*parts, strict=True))[1:])
    return NodeSums(total, *((share[:, None] * values).sum(0) for values in by_name))
