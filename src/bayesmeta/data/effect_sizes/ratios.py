"""Log ratios of two groups or two occasions: of means, of SDs, of coefficients of variation."""

import numpy as np

from bayesmeta.data.effect_sizes.measure import Floats, Pair
from bayesmeta.data.effect_sizes.single import log_cv, log_sd


def rom(m1i: Floats, sd1i: Floats, n1i: Floats, m2i: Floats, sd2i: Floats, n2i: Floats) -> Pair:
    """Return the log ratio of means, log(m1 / m2); metafor's ROM.

    v = sd1^2/(n1 m1^2) + sd2^2/(n2 m2^2)
    Source: Hedges, Gurevitch & Curtis (1999), doi:10.1890/0012-9658(1999)080[1150:TMAORR]2.0.CO;2.
    """
    return np.log(m1i / m2i), sd1i**2 / (n1i * m1i**2) + sd2i**2 / (n2i * m2i**2)


def vr(sd1i: Floats, n1i: Floats, sd2i: Floats, n2i: Floats) -> Pair:
    """Return the log ratio of SDs, the difference of two `single.log_sd`; metafor's VR."""
    y1, v1 = log_sd(sd1i, n1i)
    y2, v2 = log_sd(sd2i, n2i)
    return y1 - y2, v1 + v2


def cvr(m1i: Floats, sd1i: Floats, n1i: Floats, m2i: Floats, sd2i: Floats, n2i: Floats) -> Pair:
    """Return the log ratio of coefficients of variation, of two `single.log_cv`; metafor's CVR."""
    y1, v1 = log_cv(m1i, sd1i, n1i)
    y2, v2 = log_cv(m2i, sd2i, n2i)
    return y1 - y2, v1 + v2


def romc(m1i: Floats, sd1i: Floats, m2i: Floats, sd2i: Floats, ri: Floats, ni: Floats) -> Pair:
    """Return log(m1 / m2) of a group that is measured twice; metafor's ROMC.

    v = (c1^2 + c2^2 - 2 r c1 c2) / n,  c = sd / m
    Source: Lajeunesse (2011), doi:10.1890/11-0423.1.
    """
    c1 = sd1i / m1i
    c2 = sd2i / m2i
    return np.log(m1i / m2i), (c1**2 + c2**2 - 2 * ri * c1 * c2) / ni


def vrc(sd1i: Floats, sd2i: Floats, ri: Floats, ni: Floats) -> Pair:
    """Return log(sd1 / sd2) of a group that is measured twice, v = (1 - r^2) / (n - 1); VRC.

    Source: Senior, Viechtbauer & Nakagawa (2020), doi:10.1002/jrsm.1423.
    """
    return np.log(sd1i / sd2i), (1 - ri**2) / (ni - 1)


def cvrc(m1i: Floats, sd1i: Floats, m2i: Floats, sd2i: Floats, ri: Floats, ni: Floats) -> Pair:
    """Return the log ratio of coefficients of variation of two occasions; metafor's CVRC.

    Its variance is the sum of those of `vrc` and `romc`.
    Source: Senior, Viechtbauer & Nakagawa (2020), doi:10.1002/jrsm.1423.
    """
    of_means = romc(m1i, sd1i, m2i, sd2i, ri, ni)[1]
    return np.log(sd1i / m1i) - np.log(sd2i / m2i), (1 - ri**2) / (ni - 1) + of_means
