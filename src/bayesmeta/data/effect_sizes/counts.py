"""Effect sizes of two groups from counts of events: a of n1 and c of n2."""

import numpy as np
from scipy.special import ndtri

from bayesmeta.data.effect_sizes.measure import Floats, Formula, Pair
from bayesmeta.data.effect_sizes.zeros import filled

TO_PROBIT = 1.65  # of Cox's index: log odds per standard deviation of a normal outcome


def log_odds_ratio(ai: Floats, bi: Floats, ci: Floats, di: Floats) -> Pair:
    """Return the log odds ratio log(a d / (b c)), v = 1/a + 1/b + 1/c + 1/d; metafor's OR.

    1/2 is added to the four cells of every table that has an empty cell (add = 1/2, to = "only0").
    Source: Woolf (1955), doi:10.1111/j.1469-1809.1955.tb01348.x.
    """
    cells = filled(ai, bi, ci, di)
    a, b, c, d = cells
    return np.log(a / b) - np.log(c / d), (1 / cells).sum(0)


def log_risk_ratio(ai: Floats, bi: Floats, ci: Floats, di: Floats) -> Pair:
    """Return the log risk ratio log((a / n1) / (c / n2)), v = 1/a - 1/n1 + 1/c - 1/n2.

    It is metafor's RR, with empty cells as in OR.
    Source: Katz, Baptista, Azen & Pike (1978), doi:10.2307/2530610.
    """
    a, b, c, d = filled(ai, bi, ci, di)
    return np.log(a / (a + b)) - np.log(c / (c + d)), 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)


def risk_difference(ai: Floats, bi: Floats, ci: Floats, di: Floats) -> Pair:
    """Return the risk difference p1 - p2, p1 = a / n1, p2 = c / n2; metafor's RD.

    v = p1 (1 - p1) / n1 + p2 (1 - p2) / n2; empty cells as in OR.
    Source: Newcombe (1998), method 1 (Wald),
    doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I.
    """
    a, b, c, d = filled(ai, bi, ci, di)
    p1 = a / (a + b)
    p2 = c / (c + d)
    return p1 - p2, p1 * (1 - p1) / (a + b) + p2 * (1 - p2) / (c + d)


def peto(ai: Floats, bi: Floats, ci: Floats, di: Floats) -> Pair:
    """Return Peto's log odds ratio (a - E) / V, v = 1 / V; metafor's PETO, empty cells as in OR.

    E = n1 (a + c) / n,  V = n1 n2 (a + c) (b + d) / (n^2 (n - 1))
    Source: Yusuf, Peto, Lewis, Collins & Sleight (1985), doi:10.1016/S0033-0620(85)80003-7.
    """
    a, b, c, d = filled(ai, bi, ci, di)
    n = a + b + c + d
    expected = (a + b) * (a + c) / n
    hypergeometric = (a + b) * (c + d) * (a + c) * (b + d) / (n**2 * (n - 1))
    return (a - expected) / hypergeometric, 1 / hypergeometric


def probit_difference(ai: Floats, bi: Floats, ci: Floats, di: Floats) -> Pair:
    """Return z1 - z2, the quantiles of the standard normal at p1 and p2; metafor's PBIT.

    v = sum of 2 pi p (1 - p) exp(z^2) / n; empty cells as in OR.
    Source: Sanchez-Meca, Marin-Martinez & Chacon-Moscoso (2003), doi:10.1037/1082-989X.8.4.448.
    """
    a, b, c, d = filled(ai, bi, ci, di)
    yi = np.zeros_like(a)
    vi = np.zeros_like(a)
    for sign, events, others in ((1, a, b), (-1, c, d)):
        n = events + others
        z = ndtri(events / n)
        yi = yi + sign * z
        vi = vi + 2 * np.pi * events * others * np.exp(z**2) / n**3
    return yi, vi


def arcsine_difference(ai: Floats, bi: Floats, ci: Floats, di: Floats) -> Pair:
    """Return asin(sqrt(p1)) - asin(sqrt(p2)), v = 1 / (4 n1) + 1 / (4 n2); metafor's AS.

    Empty cells need no addition.
    Source: Ruecker, Schwarzer, Carpenter & Olkin (2009), doi:10.1002/sim.3511.
    """
    n1 = ai + bi
    n2 = ci + di
    return np.arcsin(np.sqrt(ai / n1)) - np.arcsin(np.sqrt(ci / n2)), 1 / (4 * n1) + 1 / (4 * n2)


def phi(ai: Floats, bi: Floats, ci: Floats, di: Floats) -> Pair:
    """Return the phi coefficient, the correlation of two dichotomies; metafor's PHI.

    phi = (a d - b c) / sqrt(n1 n2 m1 m2); its variance is that of one sample that is classified
    twice. Empty cells need no addition.
    Source: Yule (1912), doi:10.2307/2340126.
    """
    n = ai + bi + ci + di
    rows = (ai + bi) * (ci + di) / n**2
    columns = (ai + ci) * (bi + di) / n**2
    of_rows = (ai + bi - ci - di) / n
    of_columns = (ai + ci - bi - di) / n
    yi = (ai * di - bi * ci) / (n**2 * np.sqrt(rows * columns))
    skew = yi * (1 + yi**2 / 2) * of_rows * of_columns / np.sqrt(rows * columns)
    spread = 0.75 * yi**2 * (of_rows**2 / rows + of_columns**2 / columns)
    return yi, (1 - yi**2 + skew - spread) / n


def yule_q(ai: Floats, bi: Floats, ci: Floats, di: Floats) -> Pair:
    """Return Yule's Q = (OR - 1) / (OR + 1), v = (1 - Q^2)^2 v(log OR) / 4; metafor's YUQ.

    Source: Yule (1900), doi:10.1098/rsta.1900.0019.
    """
    log_odds, variance = log_odds_ratio(ai, bi, ci, di)
    yi = np.tanh(log_odds / 2)
    return yi, (1 - yi**2) ** 2 * variance / 4


def yule_y(ai: Floats, bi: Floats, ci: Floats, di: Floats) -> Pair:
    """Return Yule's Y = (sqrt(OR) - 1) / (sqrt(OR) + 1), v = (1 - Y^2)^2 v(log OR) / 16; YUY.

    Source: Yule (1912), doi:10.2307/2340126.
    """
    log_odds, variance = log_odds_ratio(ai, bi, ci, di)
    yi = np.tanh(log_odds / 4)
    return yi, (1 - yi**2) ** 2 * variance / 16


def smd_of_logistic(ai: Floats, bi: Floats, ci: Floats, di: Floats) -> Pair:
    """Return the log odds ratio times sqrt(3) / pi, a standardised mean difference; OR2D, OR2DL.

    Source: Hasselblad & Hedges (1995), doi:10.1037/0033-2909.117.1.167.
    """
    return rescaled(log_odds_ratio(ai, bi, ci, di), np.sqrt(3) / np.pi)


def smd_of_normal(ai: Floats, bi: Floats, ci: Floats, di: Floats) -> Pair:
    """Return the log odds ratio over 1.65, a standardised mean difference; metafor's OR2DN.

    Source: Sanchez-Meca, Marin-Martinez & Chacon-Moscoso (2003), doi:10.1037/1082-989X.8.4.448.
    """
    return rescaled(log_odds_ratio(ai, bi, ci, di), 1 / TO_PROBIT)


def by_sizes(formula: Formula) -> Formula:
    """Return a formula of the events a, c and the group sizes n1 = a + b, n2 = c + d."""
    return lambda ai, n1i, ci, n2i: formula(ai, n1i - ai, ci, n2i - ci)


def rescaled(effect: Pair, factor: float) -> Pair:
    """Return an effect and its variance in another unit."""
    yi, vi = effect
    return factor * yi, factor**2 * vi
