"""Effect sizes of two groups from their means and SDs, or from a test of their difference."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln, stdtrit

from bayesmeta.data.effect_sizes.measure import Floats, Pair

RELATIVE_TOLERANCE = 1e-6  # vi of a table is often rounded to six or more digits
LARGE = 1e5  # beyond it the series errs by less than 4e-12, and gammaln by more


def correction(df: ArrayLike) -> Floats:
    """Return Hedges' exact small-sample correction J(df); nan if df <= 1.

    J = Gamma(df/2) / (sqrt(df/2) Gamma((df-1)/2)), dimensionless, below 1.
    Source: Hedges (1981), doi:10.3102/10769986006002107. In metafor: the `cmi` of `escalc`.
    """
    df = np.asarray(df, float)
    with np.errstate(all="ignore"):
        exact = np.exp(gammaln(df / 2) - gammaln((df - 1) / 2)) / np.sqrt(df / 2)
        # the difference of the two logarithms loses its digits
        exact = np.where(df > LARGE, 1 - 3 / (4 * df - 1), exact)
    return np.where(df > 1, exact, np.nan)


def smd(
    m1i: Floats,
    sd1i: Floats,
    n1i: Floats,
    m2i: Floats,
    sd2i: Floats,
    n2i: Floats,
    *,
    vtype: str = "LS",
) -> Pair:
    """Return Hedges' g, in pooled SDs; metafor's SMD. Fractional n1i and n2i are allowed.

    g = J(m) (m1 - m2) / sd_pooled,  m = n1 + n2 - 2
    LS: v = 1/n1 + 1/n2 + g^2 / (2 (n1 + n2))
    UB: v = 1/n1 + 1/n2 + (1 - (m - 2) / (m J^2)) g^2
    Source: Hedges (1982), doi:10.1037/0033-2909.92.2.490; UB: Hedges (1983),
    doi:10.1037/0033-2909.93.2.388.
    """
    pooled = np.sqrt(((n1i - 1) * sd1i**2 + (n2i - 1) * sd2i**2) / (n1i + n2i - 2))
    return hedges((m1i - m2i) / pooled, n1i, n2i, vtype=vtype)


def hedges(d: Floats, n1i: Floats, n2i: Floats, *, vtype: str = "LS") -> Pair:
    """Return Hedges' g and its variance from Cohen's d, in pooled SDs; see `smd`."""
    df = n1i + n2i - 2
    yi = correction(df) * d
    large_sample = vtype == "LS"
    factor = 1 / (2 * (n1i + n2i)) if large_sample else 1 - (df - 2) / (df * correction(df) ** 2)
    return yi, 1 / n1i + 1 / n2i + factor * yi**2


def smdh(m1i: Floats, sd1i: Floats, n1i: Floats, m2i: Floats, sd2i: Floats, n2i: Floats) -> Pair:
    """Return the mean difference over sqrt((sd1^2 + sd2^2) / 2), for unequal variances; SMDH.

    g = J(n1 + n2 - 2) (m1 - m2) / s,  s^2 = (sd1^2 + sd2^2) / 2
    v = (sd1^2 / (n1-1) + sd2^2 / (n2-1)) / s^2 + g^2 (sd1^4 / (n1-1) + sd2^4 / (n2-1)) / (8 s^4)
    Source: Bonett (2009), equation 5, doi:10.1037/a0016619; metafor 4.6 and later (3.8 has J^2 v).
    """
    square = (sd1i**2 + sd2i**2) / 2
    yi = correction(n1i + n2i - 2) * ((m1i - m2i) / np.sqrt(square))
    means = (sd1i**2 / (n1i - 1) + sd2i**2 / (n2i - 1)) / square
    return yi, means + yi**2 * (sd1i**4 / (n1i - 1) + sd2i**4 / (n2i - 1)) / (8 * square**2)


def md(m1i: Floats, sd1i: Floats, n1i: Floats, m2i: Floats, sd2i: Floats, n2i: Floats) -> Pair:
    """Return m1 - m2, in the unit of the data, v = sd1^2/n1 + sd2^2/n2; metafor's MD."""
    return m1i - m2i, sd1i**2 / n1i + sd2i**2 / n2i


def rom(m1i: Floats, sd1i: Floats, n1i: Floats, m2i: Floats, sd2i: Floats, n2i: Floats) -> Pair:
    """Return the log ratio of means, log(m1 / m2); metafor's ROM.

    v = sd1^2/(n1 m1^2) + sd2^2/(n2 m2^2)
    Source: Hedges, Gurevitch & Curtis (1999), doi:10.1890/0012-9658(1999)080[1150:TMAORR]2.0.CO;2.
    """
    return np.log(m1i / m2i), sd1i**2 / (n1i * m1i**2) + sd2i**2 / (n2i * m2i**2)


def smd_t(ti: Floats, n1i: Floats, n2i: Floats, *, vtype: str = "LS") -> Pair:
    """Return Hedges' g from Student's t of two independent groups: d = t sqrt(1/n1 + 1/n2).

    Variances are equal. It is metafor's SMD with ti.
    Source: Rosenthal (1994), in Cooper & Hedges, The handbook of research synthesis, 231-244;
    Lipsey & Wilson (2001), Practical meta-analysis, appendix B.
    """
    return hedges(ti * np.sqrt(1 / n1i + 1 / n2i), n1i, n2i, vtype=vtype)


def smd_f(fi: Floats, n1i: Floats, n2i: Floats, *, vtype: str = "LS") -> Pair:
    """Return `smd_t` from F (1, n1 + n2 - 2 df), |t| = sqrt(F); `fi` has the sign of the effect."""
    return smd_t(np.sign(fi) * np.sqrt(np.abs(fi)), n1i, n2i, vtype=vtype)


def smd_p(pi: Floats, n1i: Floats, n2i: Floats, *, vtype: str = "LS") -> Pair:
    """Return `smd_t` from the two-sided p of a t test.

    |t| is the 1 - p/2 quantile of t with n1 + n2 - 2 df. `pi` carries the sign of the effect, as in
    metafor's SMD with pi; the effect is nan if it is 0.
    """
    size = np.abs(pi)
    t = -stdtrit(n1i + n2i - 2, np.where(size > 0, size, np.nan) / 2)
    return smd_t(np.sign(pi) * t, n1i, n2i, vtype=vtype)


def size_error(n1i: ArrayLike, n2i: ArrayLike) -> Floats:
    """Return s = sqrt(1/n1 + 1/n2), the part of an SMD's standard error that is free of the SMD.

    nan where a size is missing or not above 0.
    Source: Pustejovsky & Rodgers 2019, doi 10.1002/jrsm.1332.
    """
    n1 = np.asarray(n1i, float)
    n2 = np.asarray(n2i, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((n1 > 0) & (n2 > 0), np.sqrt(1 / n1 + 1 / n2), np.nan)


def has_smd_variance(
    yi: Floats,
    vi: Floats,
    n1i: Floats,
    n2i: Floats,
    *,
    vtype: str = "LS",
    tolerance: float = RELATIVE_TOLERANCE,
) -> NDArray[np.bool_]:
    """Return whether vi is the variance of an SMD yi of groups of these sizes (k,); see `smd`."""
    with np.errstate(all="ignore"):
        _, expected = hedges(yi / correction(n1i + n2i - 2), n1i, n2i, vtype=vtype)
        follows: NDArray[np.bool_] = np.abs(expected - vi) <= tolerance * vi
    return follows
