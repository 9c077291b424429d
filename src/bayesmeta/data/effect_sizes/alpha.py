"""Cronbach's alpha of a test of m items in a sample of n persons, and its transformations."""

import numpy as np

from bayesmeta.data.effect_sizes.measure import Floats, Pair


def raw(ai: Floats, mi: Floats, ni: Floats) -> Pair:
    """Return alpha, v = 2 m (1 - alpha)^2 / ((m - 1) (n - 2)); metafor's ARAW.

    Source: Bonett (2010), doi:10.1037/a0020142.
    """
    return ai + 0.0, 2 * mi * (1 - ai) ** 2 / ((mi - 1) * (ni - 2))


def cubic(ai: Floats, mi: Floats, ni: Floats) -> Pair:
    """Return 1 - (1 - alpha)^(1/3), v = 18 m (n - 1) (1 - alpha)^(2/3) / ((m - 1) (9 n - 11)^2).

    It is metafor's AHW.
    Source: Hakstian & Whalen (1976), doi:10.1007/BF02291840.
    """
    root = np.cbrt(1 - ai)
    return 1 - root, 18 * mi * (ni - 1) * root**2 / ((mi - 1) * (9 * ni - 11) ** 2)


def logarithmic(ai: Floats, mi: Floats, ni: Floats) -> Pair:
    """Return -log(1 - alpha), v = 2 m / ((m - 1) (n - 2)); metafor's ABT.

    Source: Bonett (2002), doi:10.3102/10769986027004335.
    """
    return -np.log1p(-ai), 2 * mi / ((mi - 1) * (ni - 2))
