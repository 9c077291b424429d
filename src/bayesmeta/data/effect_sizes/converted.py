"""A standardised mean difference as another effect size: a correlation, odds, a probability."""

import numpy as np
from scipy.special import ndtri

from bayesmeta.data.effect_sizes.counts import TO_PROBIT, rescaled
from bayesmeta.data.effect_sizes.measure import Floats, Pair


def rpb(di: Floats, n1i: Floats, n2i: Floats) -> Pair:
    """Return the point-biserial r = d / sqrt(d^2 + h), h = m/n1 + m/n2, m = n1 + n2 - 2; RPB.

    v = h^2 / (h + d^2)^3 (1/n1 + 1/n2 + d^2 / (2 (n1 + n2))), for fixed sizes of the groups.
    Source: Tate (1954), doi:10.1214/aoms/1177728730.
    """
    h = (n1i + n2i - 2) * (1 / n1i + 1 / n2i)
    return di / np.sqrt(di**2 + h), h**2 / (h + di**2) ** 3 * _variance(di, n1i, n2i)


def rbis(di: Floats, n1i: Floats, n2i: Floats) -> Pair:
    """Return the biserial r = sqrt(p1 p2) / f r_pb, f the normal density at z(p2); RBIS.

    v = (p1 p2 / f^2 - (3/2 + (1 - p1 z / f) (1 + p2 z / f)) r^2 + r^4) / (n - 1), |r| at most 1.
    Source: Soper (1914), doi:10.1093/biomet/10.2-3.384; Jacobs & Viechtbauer (2017),
    doi:10.1002/jrsm.1218.
    """
    n = n1i + n2i
    p1 = n1i / n
    p2 = n2i / n
    z = ndtri(p2)
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    yi = np.sqrt(p1 * p2) / density * rpb(di, n1i, n2i)[0]
    r = np.clip(yi, -1, 1)
    cross = 1.5 + (1 - p1 * z / density) * (1 + p2 * z / density)
    return yi, (p1 * p2 / density**2 - cross * r**2 + r**4) / (n - 1)


def log_odds_of_logistic(di: Floats, n1i: Floats, n2i: Floats) -> Pair:
    """Return d pi / sqrt(3), the log odds ratio of a dichotomised outcome; D2OR and D2ORL.

    Source: Hasselblad & Hedges (1995), doi:10.1037/0033-2909.117.1.167.
    """
    return rescaled((di, _variance(di, n1i, n2i)), np.pi / np.sqrt(3))


def log_odds_of_normal(di: Floats, n1i: Floats, n2i: Floats) -> Pair:
    """Return 1.65 d; metafor's D2ORN.

    Source: Sanchez-Meca, Marin-Martinez & Chacon-Moscoso (2003), doi:10.1037/1082-989X.8.4.448.
    """
    return rescaled((di, _variance(di, n1i, n2i)), TO_PROBIT)


def cles(ai: Floats, n1i: Floats, n2i: Floats) -> Pair:
    """Return the probability that a member of group 1 has more, or the area under the curve, a.

    v = a (1 - a) / ((n1 - 1) (n2 - 1)) (2 n - 1 - 3 (n - 1) / ((2 - a) (1 + a))), n the mean size;
    metafor's CLES and AUC.
    Source: Newcombe (2006), doi:10.1002/sim.2324.
    """
    n = (n1i + n2i) / 2
    shrink = 2 * n - 1 - 3 * (n - 1) / ((2 - ai) * (1 + ai))
    return ai + 0.0 * n, ai * (1 - ai) / ((n1i - 1) * (n2i - 1)) * shrink


def _variance(di: Floats, n1i: Floats, n2i: Floats) -> Floats:
    return 1 / n1i + 1 / n2i + di**2 / (2 * (n1i + n2i))
