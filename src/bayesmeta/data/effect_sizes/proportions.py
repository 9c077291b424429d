"""Proportions of a single group: x of n have the event.

1/2 is added to x and n - x if one of them is 0 (add = 1/2, to = "only0"); PAS and PFT need none.
Source: Schwarzer, Chemaitelly, Abu-Raddad & Ruecker (2019), doi:10.1002/jrsm.1348.
"""

import numpy as np

from bayesmeta.data.effect_sizes.measure import Floats, Formula, Pair
from bayesmeta.data.effect_sizes.zeros import filled


def proportion(xi: Floats, mi: Floats) -> Pair:
    """Return p = x / n, v = p (1 - p) / n; metafor's PR."""
    x, m = filled(xi, mi)
    return x / (x + m), x * m / (x + m) ** 3


def log_proportion(xi: Floats, mi: Floats) -> Pair:
    """Return log(p), v = 1/x - 1/n; metafor's PLN."""
    x, m = filled(xi, mi)
    return np.log(x / (x + m)), 1 / x - 1 / (x + m)


def logit(xi: Floats, mi: Floats) -> Pair:
    """Return log(p / (1 - p)), v = 1/x + 1/(n - x); metafor's PLO."""
    x, m = filled(xi, mi)
    return np.log(x / m), 1 / x + 1 / m


def angle(xi: Floats, mi: Floats) -> Pair:
    """Return asin(sqrt(p)), in radians, v = 1 / (4 n); metafor's PAS."""
    n = xi + mi
    return np.arcsin(np.sqrt(xi / n)), 1 / (4 * n)


def double_angle(xi: Floats, mi: Floats) -> Pair:
    """Return the mean of asin(sqrt(x / (n + 1))) and asin(sqrt((x + 1) / (n + 1))); PFT.

    v = 1 / (4 n + 2). The transformation back depends on a single sample size that a meta-analysis
    does not have, and may leave the range of the studies.
    Source: Freeman & Tukey (1950), doi:10.1214/aoms/1177729756.
    """
    n = xi + mi
    first = np.arcsin(np.sqrt(xi / (n + 1)))
    second = np.arcsin(np.sqrt((xi + 1) / (n + 1)))
    return (first + second) / 2, 1 / (4 * n + 2)


def by_size(formula: Formula) -> Formula:
    """Return a formula of the events x and the size of the group n."""
    return lambda xi, ni: formula(xi, ni - xi)
