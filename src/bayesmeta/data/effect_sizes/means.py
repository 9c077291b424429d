"""Effect sizes of two groups from their means and SDs, or from a test of their difference."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln, stdtrit

from bayesmeta.data.effect_sizes.measure import TWO_GROUPS, Floats, Form, Formula, Pair

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
    return hedges((m1i - m2i) / pooled_sd(sd1i, n1i, sd2i, n2i), n1i, n2i, vtype=vtype)


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


def smd1(m1i: Floats, n1i: Floats, m2i: Floats, sd2i: Floats, n2i: Floats) -> Pair:
    """Return the mean difference over the SD of group 2 (Glass's delta, with J); metafor's SMD1.

    g = J(n2 - 1) (m1 - m2) / sd2,  v = 1/n1 + 1/n2 + g^2 / (2 n2)
    Source: Hedges (1981), doi:10.3102/10769986006002107.
    """
    yi = correction(n2i - 1) * ((m1i - m2i) / sd2i)
    return yi, 1 / n1i + 1 / n2i + yi**2 / (2 * n2i)


def smd1h(m1i: Floats, sd1i: Floats, n1i: Floats, m2i: Floats, sd2i: Floats, n2i: Floats) -> Pair:
    """Return the effect of `smd1` with the variance of unequal SDs; metafor's SMD1H (4 and later).

    v = sd1^2 / (sd2^2 (n1 - 1)) + 1 / (n2 - 1) + g^2 / (2 (n2 - 1))
    Source: Bonett (2008), equation 12, doi:10.1037/1082-989X.13.2.99; metafor 3.8 has n for n - 1.
    """
    yi, _ = smd1(m1i, n1i, m2i, sd2i, n2i)
    return yi, sd1i**2 / (sd2i**2 * (n1i - 1)) + (1 + yi**2 / 2) / (n2i - 1)


def of_two_groups(formula: Formula) -> dict[Form, Formula]:
    """Return the forms of a formula of Cohen's d and two sizes: means and SDs, t, F and p.

    d = (m1 - m2) / sd_pooled, or t sqrt(1/n1 + 1/n2) of Student's t test of independent groups;
    |t| is sqrt(F) (1, n1 + n2 - 2 df), or the 1 - p/2 quantile. F and the two-sided p carry the
    sign of the effect, which is nan if p is 0.
    Source: Rosenthal (1994), in Cooper & Hedges, The handbook of research synthesis, 231-244;
    Lipsey & Wilson (2001), Practical meta-analysis, appendix B. F is not in metafor.
    """

    def means(
        m1i: Floats,
        sd1i: Floats,
        n1i: Floats,
        m2i: Floats,
        sd2i: Floats,
        n2i: Floats,
        **options: str,
    ) -> Pair:
        return formula((m1i - m2i) / pooled_sd(sd1i, n1i, sd2i, n2i), n1i, n2i, **options)

    def t(ti: Floats, n1i: Floats, n2i: Floats, **options: str) -> Pair:
        return formula(ti * np.sqrt(1 / n1i + 1 / n2i), n1i, n2i, **options)

    def f(fi: Floats, n1i: Floats, n2i: Floats, **options: str) -> Pair:
        return t(np.sign(fi) * np.sqrt(np.abs(fi)), n1i, n2i, **options)

    def p(pi: Floats, n1i: Floats, n2i: Floats, **options: str) -> Pair:
        size = np.abs(pi)
        quantile = -stdtrit(n1i + n2i - 2, np.where(size > 0, size, np.nan) / 2)
        return t(np.sign(pi) * quantile, n1i, n2i, **options)

    sizes = ("n1i", "n2i")
    return {TWO_GROUPS: means, ("ti", *sizes): t, ("fi", *sizes): f, ("pi", *sizes): p}


def pooled_sd(sd1i: Floats, n1i: Floats, sd2i: Floats, n2i: Floats) -> Floats:
    """Return the standard deviation within two groups: variances weighted by n - 1."""
    pooled: Floats = np.sqrt(((n1i - 1) * sd1i**2 + (n2i - 1) * sd2i**2) / (n1i + n2i - 2))
    return pooled


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
