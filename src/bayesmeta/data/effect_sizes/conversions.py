"""Numbers from other numbers: means and SDs, variances, tables; metafor's conv.* functions."""

from collections.abc import Callable

import numpy as np
from scipy.special import ndtri

from bayesmeta.data.effect_sizes.measure import Floats, Pair


def sd_from_sem(sem: Floats, n: Floats) -> Floats:
    """Return the standard deviation from the standard error of a mean: sd = sem sqrt(n)."""
    return sem * np.sqrt(n)


def mean_from_quartiles(q1: Floats, median: Floats, q3: Floats, n: Floats) -> Floats:
    """Return the mean of a near-normal sample from its quartiles.

    w (q1 + q3) / 2 + (1 - w) median, w = .7 + .39 / n
    Source: Luo, Wan, Liu & Tong (2018), equation 15, doi:10.1177/0962280216669183.
    """
    weight = 0.7 + 0.39 / n
    return weight * (q1 + q3) / 2 + (1 - weight) * median


def mean_from_range(low: Floats, median: Floats, high: Floats, n: Floats) -> Floats:
    """Return the mean of a near-normal sample from median and range.

    w (min + max) / 2 + (1 - w) median, w = 4 / (4 + n^.75)
    Source: Luo, Wan, Liu & Tong (2018), equation 7, doi:10.1177/0962280216669183.
    """
    weight = 4 / (4 + n**0.75)
    return weight * (low + high) / 2 + (1 - weight) * median


def mean_from_five(
    low: Floats, q1: Floats, median: Floats, q3: Floats, high: Floats, n: Floats
) -> Floats:
    """Return the mean of a near-normal sample from its five-number summary.

    w1 (min + max) / 2 + w2 (q1 + q3) / 2 + (1 - w1 - w2) median,
    w1 = 2.2 / (2.2 + n^.75), w2 = .7 - .72 / n^.55
    Source: Luo, Wan, Liu & Tong (2018), doi:10.1177/0962280216669183.
    """
    outer = 2.2 / (2.2 + n**0.75)
    inner = 0.7 - 0.72 / n**0.55
    return outer * (low + high) / 2 + inner * (q1 + q3) / 2 + (1 - outer - inner) * median


def sd_from_quartiles(q1: Floats, q3: Floats, n: Floats) -> Floats:
    """Return the SD of a near-normal sample from its quartiles: (q3 - q1) / eta(n).

    eta(n) = 2 z((.75 n - .125) / (n + .25)), about the expected distance of the quartiles in SDs.
    Source: Wan, Wang, Liu & Tong (2014), equation 16, doi:10.1186/1471-2288-14-135.
    """
    return (q3 - q1) / (2 * ndtri((0.75 * n - 0.125) / (n + 0.25)))


def sd_from_range(low: Floats, high: Floats, n: Floats) -> Floats:
    """Return the SD of a near-normal sample from its range: (max - min) / xi(n).

    xi(n) = 2 z((n - .375) / (n + .25)), about the expected range in SDs.
    Source: Wan, Wang, Liu & Tong (2014), equation 9, doi:10.1186/1471-2288-14-135.
    """
    return (high - low) / (2 * ndtri((n - 0.375) / (n + 0.25)))


def sd_from_five(low: Floats, q1: Floats, q3: Floats, high: Floats, n: Floats) -> Floats:
    """Return the SD of a near-normal sample from its five-number summary.

    w sd(range) + (1 - w) sd(quartiles), w = 1 / (1 + .07 n^.6)
    Source: Shi, Luo, Weng, Zeng, Lin, Chu & Tong (2020), doi:10.1002/jrsm.1429.
    """
    weight = 1 / (1 + 0.07 * n**0.6)
    return weight * sd_from_range(low, high, n) + (1 - weight) * sd_from_quartiles(q1, q3, n)


def variance_from_interval(lower: Floats, upper: Floats, level: float = 95) -> Floats:
    """Return the variance of an effect from its interval: ((upper - lower) / (2 z))^2.

    z is the normal quantile at (1 + level / 100) / 2. In metafor: conv.wald.
    """
    return ((upper - lower) / (2 * ndtri((1 + level / 100) / 2))) ** 2


def variance_from_p(yi: Floats, pi: Floats) -> Floats:
    """Return the variance of an effect from its two-sided p: (y / z)^2, z the 1 - p/2 quantile.

    In metafor: conv.wald.
    """
    return (yi / ndtri(pi / 2)) ** 2


def cells_from_odds_ratio(ratio: Floats, n: Floats, row: Floats, column: Floats) -> Floats:
    """Return the cells a, b, c, d (4, k) of a table of n from its odds ratio and two margins.

    row is a + b and column is a + c; a is the root of (OR - 1) a^2 - s a + OR row column = 0,
    s = n + (OR - 1) (row + column), that leaves no cell below 0, rounded. In metafor: conv.2x2.
    """
    excess = ratio - 1
    linear = n + excess * (row + column)
    root = np.sqrt(linear**2 - 4 * excess * ratio * row * column)
    with np.errstate(invalid="ignore", divide="ignore"):
        a = np.where(excess == 0, row * column / n, (linear - root) / (2 * excess))
    return _cells(a, n, row, column)


def cells_from_phi(ri: Floats, n: Floats, row: Floats, column: Floats) -> Floats:
    """Return the cells a, b, c, d (4, k) of a table of n from its phi coefficient and two margins.

    row is a + b and column is a + c; cells are rounded. In metafor: conv.2x2.
    """
    spread = np.sqrt(row * (n - row) * column * (n - column))
    return _cells((row * column + ri * spread) / n, n, row, column)


def by_delta(
    yi: Floats, vi: Floats, function: Callable[[Floats], Floats], step: float = 1e-6
) -> Pair:
    """Return f(y) and its variance f'(y)^2 v, by the delta method. In metafor: conv.delta."""
    slope = (function(yi + step) - function(yi - step)) / (2 * step)
    return function(yi), slope**2 * vi


def log_ratio(ratio: Floats, lower: Floats, upper: Floats) -> Pair:
    """Return the logarithm of a ratio, and its variance from the logarithms of its 95 % interval.

    In metafor: conv.wald with transf = log.
    """
    return np.log(ratio), variance_from_interval(np.log(lower), np.log(upper))


def _cells(a: Floats, n: Floats, row: Floats, column: Floats) -> Floats:
    events = np.round(a)
    return np.stack(
        np.broadcast_arrays(events, row - events, column - events, n - row - column + events)
    )
