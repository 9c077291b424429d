"""Effect sizes in plain Python, by the textbooks' formulae: an oracle of what was read from a file.

Sources: Borenstein et al. 2009, Introduction to Meta-Analysis; the manual of metafor's escalc.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

Numbers = dict[str, float]
Effect = tuple[float, float]


class ByHand(NamedTuple):
    """A measure: its columns with their kinds, and its effect and variance."""

    columns: dict[str, str]  # name to kind: "mean", "sd", "n", "events", "r", "time"
    effect: Callable[..., Effect]


def smd(m1i: float, sd1i: float, n1i: float, m2i: float, sd2i: float, n2i: float) -> Effect:
    m = n1i + n2i - 2
    pooled = math.sqrt(((n1i - 1) * sd1i**2 + (n2i - 1) * sd2i**2) / m)
    correction = math.exp(math.lgamma(m / 2) - math.lgamma((m - 1) / 2)) / math.sqrt(m / 2)
    g = correction * (m1i - m2i) / pooled
    return g, 1 / n1i + 1 / n2i + g**2 / (2 * (n1i + n2i))


def md(m1i: float, sd1i: float, n1i: float, m2i: float, sd2i: float, n2i: float) -> Effect:
    return m1i - m2i, sd1i**2 / n1i + sd2i**2 / n2i


def rom(m1i: float, sd1i: float, n1i: float, m2i: float, sd2i: float, n2i: float) -> Effect:
    return math.log(m1i / m2i), sd1i**2 / (n1i * m1i**2) + sd2i**2 / (n2i * m2i**2)


def filled(*cells: float) -> list[float]:
    if min(cells) < 0:
        raise ValueError("a count below 0")
    return [cell + 0.5 for cell in cells] if 0 in cells else list(cells)


def odds(ai: float, bi: float, ci: float, di: float) -> Effect:
    a, b, c, d = filled(ai, bi, ci, di)
    return math.log(a * d / (b * c)), 1 / a + 1 / b + 1 / c + 1 / d


def risks(ai: float, bi: float, ci: float, di: float) -> Effect:
    a, b, c, d = filled(ai, bi, ci, di)
    return math.log(a / (a + b) / (c / (c + d))), 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)


def difference(ai: float, bi: float, ci: float, di: float) -> Effect:
    a, b, c, d = filled(ai, bi, ci, di)
    n, m = a + b, c + d
    return a / n - c / m, a * b / n**3 + c * d / m**3


def rates(x1i: float, t1i: float, x2i: float, t2i: float) -> Effect:
    x, y = filled(x1i, x2i)
    return math.log(x / t1i / (y / t2i)), 1 / x + 1 / y


def fisher(ri: float, ni: float) -> Effect:
    return math.atanh(ri), 1 / (ni - 3)


def correlation(ri: float, ni: float) -> Effect:
    return ri, (1 - ri**2) ** 2 / (ni - 1)


def logit(xi: float, ni: float) -> Effect:
    x, y = filled(xi, ni - xi)
    return math.log(x / y), 1 / x + 1 / y


def angle(xi: float, ni: float) -> Effect:
    return math.asin(math.sqrt(xi / ni)), 1 / (4 * ni)


def mean(mi: float, sdi: float, ni: float) -> Effect:
    return mi, sdi**2 / ni


def log_rate(xi: float, ti: float) -> Effect:
    (x,) = filled(xi)
    return math.log(x / ti), 1 / x


def change(m1i: float, sd1i: float, m2i: float, sd2i: float, ri: float, ni: float) -> Effect:
    return m1i - m2i, (sd1i**2 + sd2i**2 - 2 * ri * sd1i * sd2i) / ni


def given(yi: float, vi: float) -> Effect:
    return yi, vi


def given_error(yi: float, sei: float) -> Effect:
    return yi, sei**2


def given_interval(yi: float, ci_lb: float, ci_ub: float) -> Effect:
    return yi, ((ci_ub - ci_lb) / (2 * 1.959963984540054)) ** 2


def ratio(OR: float, lower: float, upper: float) -> Effect:
    spread = (math.log(upper) - math.log(lower)) / (2 * 1.959963984540054)
    return math.log(OR), spread**2


GROUPS = {"m1i": "mean", "sd1i": "sd", "n1i": "n", "m2i": "mean", "sd2i": "sd", "n2i": "n"}
CELLS = {"ai": "events", "bi": "events", "ci": "events", "di": "events"}
BY_HAND = {
    "SMD": ByHand(GROUPS, smd),
    "MD": ByHand(GROUPS, md),
    "ROM": ByHand(GROUPS, rom),
    "OR": ByHand(CELLS, odds),
    "RR": ByHand(CELLS, risks),
    "RD": ByHand(CELLS, difference),
    "IRR": ByHand({"x1i": "events", "t1i": "time", "x2i": "events", "t2i": "time"}, rates),
    "ZCOR": ByHand({"ri": "r", "ni": "n"}, fisher),
    "COR": ByHand({"ri": "r", "ni": "n"}, correlation),
    "PLO": ByHand({"xi": "events", "ni": "total"}, logit),
    "PAS": ByHand({"xi": "events", "ni": "total"}, angle),
    "MN": ByHand({"mi": "mean", "sdi": "sd", "ni": "n"}, mean),
    "IRLN": ByHand({"xi": "events", "ti": "time"}, log_rate),
    "MC": ByHand(
        {"m1i": "mean", "sd1i": "sd", "m2i": "mean", "sd2i": "sd", "ri": "r", "ni": "n"}, change
    ),
    "yi, vi": ByHand({"yi": "effect", "vi": "variance"}, given),
    "yi, sei": ByHand({"yi": "effect", "sei": "sd"}, given_error),
    "yi, limits": ByHand({"yi": "effect", "ci_lb": "low", "ci_ub": "high"}, given_interval),
    "OR, limits": ByHand({"OR": "ratio", "lower": "low ratio", "upper": "high ratio"}, ratio),
}
ASKED = [name for name in BY_HAND if name.isupper()]  # by --columns "measure=..."
