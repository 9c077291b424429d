"""Effect sizes of two groups from counts of events: a of n1 and c of n2."""

import numpy as np

from bayesmeta.data.effect_sizes.measure import Floats, Formula, Pair


def log_odds_ratio(ai: Floats, bi: Floats, ci: Floats, di: Floats) -> Pair:
    """Return the log odds ratio log(a d / (b c)), v = 1/a + 1/b + 1/c + 1/d; metafor's OR.

    1/2 is added to the four cells of every table that has an empty cell (add = 1/2, to = "only0").
    Source: Woolf (1955), doi:10.1111/j.1469-1809.1955.tb01348.x.
    """
    cells = _filled(ai, bi, ci, di)
    a, b, c, d = cells
    return np.log(a / b) - np.log(c / d), (1 / cells).sum(0)


def log_risk_ratio(ai: Floats, bi: Floats, ci: Floats, di: Floats) -> Pair:
    """Return the log risk ratio log((a / n1) / (c / n2)), v = 1/a - 1/n1 + 1/c - 1/n2.

    It is metafor's RR, with empty cells as in OR.
    Source: Katz, Baptista, Azen & Pike (1978), doi:10.2307/2530610.
    """
    a, b, c, d = _filled(ai, bi, ci, di)
    return np.log(a / (a + b)) - np.log(c / (c + d)), 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)


def risk_difference(ai: Floats, bi: Floats, ci: Floats, di: Floats) -> Pair:
    """Return the risk difference p1 - p2, p1 = a / n1, p2 = c / n2; metafor's RD.

    v = p1 (1 - p1) / n1 + p2 (1 - p2) / n2; empty cells as in OR.
    Source: Newcombe (1998), method 1 (Wald),
    doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I.
    """
    a, b, c, d = _filled(ai, bi, ci, di)
    p1 = a / (a + b)
    p2 = c / (c + d)
    return p1 - p2, p1 * (1 - p1) / (a + b) + p2 * (1 - p2) / (c + d)


def by_sizes(formula: Formula) -> Formula:
    """Return a formula of the events a, c and the group sizes n1 = a + b, n2 = c + d."""
    return lambda ai, n1i, ci, n2i: formula(ai, n1i - ai, ci, n2i - ci)


def _filled(*counts: Floats) -> Floats:
    """Return the cells (4, ...), 1/2 added to tables with an empty cell; nan if any is below 0."""
    cells = np.stack(counts)
    return np.where((cells < 0).any(0), np.nan, cells + 0.5 * (cells == 0).any(0))
