"""Effect sizes of matched pairs, or of a sample before and after, from a 2x2 table of pairs.

a pairs have the event on both occasions, b on the first only, c on the second only, d on neither.
"""

import numpy as np

from bayesmeta.data.effect_sizes.measure import Floats, Pair
from bayesmeta.data.effect_sizes.zeros import filled


def marginal_risk_difference(ai: Floats, bi: Floats, ci: Floats, di: Floats) -> Pair:
    """Return (a + b) / n - (a + c) / n = p - q, p = b / n, q = c / n; metafor's MPRD.

    v = (p (1 - p) + 2 p q + q (1 - q)) / n
    Source: May & Johnson (1997), Statistics in Medicine 16:2127-2136.
    """
    _, b, c, _, n = _cells(ai, bi, ci, di)
    return (b - c) / n, _discordance(b / n, c / n) / n


def marginal_log_risk_ratio(ai: Floats, bi: Floats, ci: Floats, di: Floats) -> Pair:
    """Return log((a + b) / (a + c)), v = (b + c) / ((a + b) (a + c)); metafor's MPRR."""
    a, b, c, _, _ = _cells(ai, bi, ci, di)
    return np.log((a + b) / (a + c)), (b + c) / ((a + b) * (a + c))


def marginal_log_odds_ratio(ai: Floats, bi: Floats, ci: Floats, di: Floats) -> Pair:
    """Return the difference of the logits of (a + b) / n and (a + c) / n; metafor's MPOR."""
    a, b, c, d, n = _cells(ai, bi, ci, di)
    first = (a + b) * (c + d)
    second = (a + c) * (b + d)
    yi = np.log((a + b) / (c + d)) - np.log((a + c) / (b + d))
    return yi, _discordance(b / n, c / n) * n**3 / (first * second)


def log_odds_ratio_of_margins(ai: Floats, bi: Floats, ci: Floats, di: Floats, ri: Floats) -> Pair:
    """Return the log odds ratio of two occasions of n pairs, each a row of the table; MPORM.

    a have the event on the first occasion, b have not; c and d on the second; r is the correlation
    of the occasions.  v = 1/a + 1/b + 1/c + 1/d - 2 n r / sqrt(a b c d)
    Source: Elbourne et al. (2002), doi:10.1093/ije/31.1.140.
    """
    a, b, c, d = filled(ai, bi, ci, di)
    pairs = np.round((a + b + c + d) / 2)
    vi = 1 / a + 1 / b + 1 / c + 1 / d - 2 * pairs * ri / np.sqrt(a * b * c * d)
    return np.log(a / b) - np.log(c / d), vi


def conditional_log_odds_ratio(ai: Floats, bi: Floats, ci: Floats, di: Floats) -> Pair:
    """Return log(b / c), v = 1/b + 1/c; metafor's MPORC.

    Source: Curtin, Elbourne & Altman (2002), doi:10.1002/sim.1205.
    """
    _, b, c, _, _ = _cells(ai, bi, ci, di)
    return np.log(b / c), 1 / b + 1 / c


def conditional_peto(ai: Floats, bi: Floats, ci: Floats, di: Floats) -> Pair:
    """Return 2 (b - c) / (b + c), v = 4 / (b + c): Peto's form of MPORC; metafor's MPPETO."""
    _, b, c, _, _ = _cells(ai, bi, ci, di)
    return 2 * (b - c) / (b + c), 4 / (b + c)


def _cells(ai: Floats, bi: Floats, ci: Floats, di: Floats) -> tuple[Floats, ...]:
    a, b, c, d = filled(ai, bi, ci, di)
    return a, b, c, d, a + b + c + d


def _discordance(p12: Floats, p21: Floats) -> Floats:
    """Return the variance of a pair's difference."""
    return p12 * (1 - p12) + 2 * p12 * p21 + p21 * (1 - p21)
