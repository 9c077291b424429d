"""Effect sizes from events x in person-time t, of two groups and of a single group."""

import numpy as np

from bayesmeta.data.effect_sizes.measure import Floats, Pair
from bayesmeta.data.effect_sizes.zeros import filled


def log_rate_ratio(x1i: Floats, t1i: Floats, x2i: Floats, t2i: Floats) -> Pair:
    """Return log((x1 / t1) / (x2 / t2)), v = 1/x1 + 1/x2; metafor's IRR.

    1/2 is added to both counts if one of them is 0 (add = 1/2, to = "only0").
    Source: Rothman, Greenland & Lash (2008), Modern epidemiology, chapter 14.
    """
    x1, x2 = filled(x1i, x2i)
    return np.log(x1 / t1i) - np.log(x2 / t2i), 1 / x1 + 1 / x2


def rate_difference(x1i: Floats, t1i: Floats, x2i: Floats, t2i: Floats) -> Pair:
    """Return x1 / t1 - x2 / t2, v = x1 / t1^2 + x2 / t2^2; metafor's IRD, zeros as in IRR.

    Source: Rothman, Greenland & Lash (2008), Modern epidemiology, chapter 14.
    """
    x1, x2 = filled(x1i, x2i)
    return x1 / t1i - x2 / t2i, x1 / t1i**2 + x2 / t2i**2


def root_rate_difference(x1i: Floats, t1i: Floats, x2i: Floats, t2i: Floats) -> Pair:
    """Return sqrt(x1 / t1) - sqrt(x2 / t2), v = 1 / (4 t1) + 1 / (4 t2); metafor's IRSD.

    Zeros need no addition.
    """
    return np.sqrt(x1i / t1i) - np.sqrt(x2i / t2i), 1 / (4 * t1i) + 1 / (4 * t2i)


def rate(xi: Floats, ti: Floats) -> Pair:
    """Return x / t, v = x / t^2; metafor's IR; 1/2 is added to x = 0."""
    (x,) = filled(xi)
    return x / ti, x / ti**2


def log_rate(xi: Floats, ti: Floats) -> Pair:
    """Return log(x / t), v = 1 / x; metafor's IRLN; 1/2 is added to x = 0."""
    (x,) = filled(xi)
    return np.log(x / ti), 1 / x


def root_rate(xi: Floats, ti: Floats) -> Pair:
    """Return sqrt(x / t), v = 1 / (4 t); metafor's IRS; x = 0 needs no addition."""
    return np.sqrt(xi / ti), 1 / (4 * ti)
