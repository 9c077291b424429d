"""Draws of another distribution, resampled by Pareto-smoothed importance weights."""

from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from scipy.special import logsumexp, softmax

from bayesmeta.inference.quadrature.draws import systematic
from bayesmeta.infrastructure.arviz import array_stats


class Resampled(NamedTuple):
    """The draws that are kept, and what their weights say."""

    chosen: np.ndarray  # positions among the candidates, in random order (count,)
    log_mean: float  # log of the mean ratio: of the constants of both densities
    k_hat: float  # shape of the tail of the weights; above .7 they cannot be trusted
    ess: float  # of the weights, as a number of independent draws


def smoothed_weights(log_ratio: np.ndarray) -> tuple[np.ndarray, float]:
    """Return Pareto-smoothed weights, which sum to 1, of log ratios (draws,), and k-hat.

    Where hardly a draw has a density, weights have no tail: k-hat is infinite, and all are equal if
    none has a density.
    """
    if not np.isfinite(log_ratio).any():
        return np.full(len(log_ratio), 1 / len(log_ratio)), np.inf
    try:
        smoothed, k_hat = array_stats.psislw(-log_ratio)  # which takes the logs of 1 / weight
    except ValueError:  # all values of the tail are equal
        return softmax(log_ratio), -np.inf if np.ptp(log_ratio) == 0 else np.inf
    return softmax(smoothed), float(np.nan_to_num(k_hat, nan=np.inf, posinf=np.inf))


def resample(log_ratio: np.ndarray, rng: Generator, count: int) -> Resampled:
    """Choose `count` candidates with log ratios of the densities (n,) by their weights."""
    weight, k_hat = smoothed_weights(log_ratio)
    chosen = rng.permutation(systematic(weight, count, rng))
    log_mean = float(logsumexp(log_ratio) - np.log(len(log_ratio)))
    return Resampled(chosen, log_mean, k_hat, float(1 / (weight**2).sum()))
