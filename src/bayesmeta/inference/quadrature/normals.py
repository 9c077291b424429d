"""Standard normal variables in a range (a, b), exact however far out in a tail it is."""

from typing import NamedTuple

import numpy as np
from scipy.special import log_ndtr, ndtri_exp

LOG_ROOT = 0.5 * np.log(2 * np.pi)


class Moments(NamedTuple):
    """Mean and variance."""

    mean: np.ndarray
    variance: np.ndarray


def log_mass(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return log(Phi(b) - Phi(a)), -inf of an empty range."""
    a, b = _left(np.asarray(a, float), np.asarray(b, float))[:2]
    with np.errstate(divide="ignore", invalid="ignore"):
        upper = log_ndtr(b)
        mass = upper + np.log1p(-np.exp(log_ndtr(a) - upper))
    return np.where(b > a, mass, -np.inf)


def truncated_moments(a: np.ndarray, b: np.ndarray) -> Moments:
    """Return mean and variance."""
    total = log_mass(a, b)
    at_a, at_b = (np.exp(-0.5 * x**2 - LOG_ROOT - total) for x in (a, b))
    mean = at_a - at_b
    products = [np.where(np.isfinite(x), x, 0.0) * at for x, at in ((a, at_a), (b, at_b))]
    variance = 1 + products[0] - products[1] - mean**2
    return Moments(mean, np.maximum(variance, np.finfo(float).tiny))


def truncated_quantile(
    a: np.ndarray, b: np.ndarray, log_p: np.ndarray, log_q: np.ndarray
) -> np.ndarray:
    """Return the value with log P(below) = log_p and log P(above) = log_q."""
    left, right, flipped = _left(a, b)
    below = np.where(flipped, log_q, log_p)
    above = np.where(flipped, log_p, log_q)
    value = ndtri_exp(np.logaddexp(log_ndtr(left) + above, log_ndtr(right) + below))
    return np.where(flipped, -value, value)


def _left(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the range, mirrored where it is to the right of zero, and where it is."""
    flipped = a > 0
    return np.where(flipped, -b, a), np.where(flipped, -a, b), flipped
