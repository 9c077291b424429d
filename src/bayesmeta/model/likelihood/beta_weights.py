r"""Beta weights of p-values, omega(p) = p^(a - 1) (1 - p)^(b - 1), relative to that of p = 1e-5.

They are level below 1e-5 and above 1 - 1e-5. By parts, the probability of publication is

    A = omega(1 - 1e-5) - integral of omega'(p) P(p-value < p) dp

whose nodes, of Gauss and Legendre for the normal quantile of p, make a staircase: its sum over
steps of weight times probability is A.

Source: Citkowicz & Vevea 2017, doi 10.1037/met0000119.
"""

import numpy as np
from scipy.stats import norm

from bayesmeta.model.likelihood.arrays import Array, namespace, with_node_axes

LEAST = 1e-5
NODES = 20  # an error of 1e-5 in log A for a and b up to 3


def nodes() -> tuple[np.ndarray, np.ndarray]:
    """Return p-values (NODES,), ascending, and their weights in an integral over p."""
    x, weight = np.polynomial.legendre.leggauss(NODES)
    end = norm.ppf(LEAST)
    return norm.cdf(-end * x), -end * weight * norm.pdf(end * x)


def log_omega(p: np.ndarray, a: Array, b: Array) -> Array:
    """Return the log weights of p-values, in a shape that fits that of a and b."""
    p = np.clip(p, LEAST, 1 - LEAST)
    return (a - 1) * np.log(p / LEAST) + (b - 1) * (np.log1p(-p) - np.log1p(-LEAST))


def staircase(ab: Array) -> Array:
    """Return the weight of every step between the nodes (n, steps, ...) for a and b (n, 2, ...).

    It is as if omega fell at the nodes alone.
    """
    xp = namespace(ab)
    a, b = ab[:, :1], ab[:, 1:]
    p, weight = (with_node_axes(x, a[0]) for x in nodes())
    omega = xp.exp(log_omega(p, a, b))
    falls = -weight * omega * ((a - 1) / p - (b - 1) / (1 - p))
    lowest = xp.exp(log_omega(np.array(1.0), a, b))
    return xp.cumsum(xp.concatenate([lowest, falls[:, ::-1]], 1), 1)[:, ::-1]


def log_top(ab: np.ndarray) -> np.ndarray:
    """Return the largest log weight (n, ...) for a and b (n, 2, ...): at an end, or at the mode."""
    a, b = ab[:, 0], ab[:, 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        mode = np.nan_to_num((a - 1) / (a + b - 2), nan=0.5)
    return np.max([log_omega(p, a, b) for p in (np.zeros_like(a), mode, np.ones_like(a))], axis=0)
