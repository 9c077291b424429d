"""Correlations, partial and semi-partial correlations, R^2, and their Fisher's z."""

import numpy as np
from scipy.special import hyp2f1

from bayesmeta.data.effect_sizes.measure import Floats, Formula, Pair


def cor(ri: Floats, ni: Floats) -> Pair:
    """Return r, v = (1 - r^2)^2 / (n - 1); metafor's COR."""
    return ri + 0.0, np.where(ni > 3, (1 - ri**2) ** 2 / (ni - 1), np.nan)


def ucor(ri: Floats, ni: Floats) -> Pair:
    """Return the unbiased r F(1/2, 1/2; (n - 2) / 2; 1 - r^2), v as for COR; metafor's UCOR.

    Source: Olkin & Pratt (1958), doi:10.1214/aoms/1177706717.
    """
    yi = np.where(ni > 4, ri * hyp2f1(0.5, 0.5, (ni - 2) / 2, 1 - ri**2), np.nan)
    return yi, (1 - yi**2) ** 2 / (ni - 1)


def zcor(ri: Floats, ni: Floats) -> Pair:
    """Return Fisher's z, atanh(r), v = 1 / (n - 3); metafor's ZCOR (Fisher 1921, Metron 1:3-32)."""
    return np.arctanh(ri), np.where(ni > 3, 1 / (ni - 3), np.nan)


def pcor(ri: Floats, mi: Floats, ni: Floats) -> Pair:
    """Return the partial r of a model of m predictors, v = (1 - r^2)^2 / (n - m); metafor's PCOR.

    metafor 4 and later; 3.8 divides by n - m - 1.
    Source: Aloe & Thompson (2013), doi:10.5243/jsswr.2013.24.
    """
    return ri + 0.0, (1 - ri**2) ** 2 / _above_zero(ni - mi)


def zpcor(ri: Floats, mi: Floats, ni: Floats) -> Pair:
    """Return atanh of a partial r, v = 1 / (n - m - 2); metafor's ZPCOR (4 and later)."""
    return np.arctanh(ri), 1 / _above_zero(ni - mi - 2)


def spcor(ri: Floats, mi: Floats, ni: Floats, r2i: Floats) -> Pair:
    """Return the semi-partial r; R^2 is that of the model of m predictors; metafor's SPCOR.

    v = (R^4 - 2 R^2 + s + 1 - s^2) / n,  s = R^2 - r^2
    Source: Aloe & Becker (2012), doi:10.3102/1076998610396901.
    """
    others = r2i - ri**2
    return ri + 0.0 * mi, (r2i**2 - 2 * r2i + others + 1 - others**2) / ni


def of_partial_t(formula: Formula) -> Formula:
    """Return a formula of the coefficient's t: r = t / sqrt(t^2 + n - m - 1)."""
    return lambda ti, mi, ni: formula(ti / np.sqrt(ti**2 + _above_zero(ni - mi - 1)), mi, ni)


def of_semi_partial_t(formula: Formula) -> Formula:
    """Return a formula of the coefficient's t: r = t sqrt(1 - R^2) / sqrt(n - m - 1)."""

    def semi_partial(ti: Floats, mi: Floats, ni: Floats, r2i: Floats) -> Pair:
        return formula(ti * np.sqrt((1 - r2i) / _above_zero(ni - mi - 1)), mi, ni, r2i)

    return semi_partial


def of_t(formula: Formula) -> Formula:
    """Return a formula of the t test of a correlation: r = t / sqrt(t^2 + n - 2)."""
    return lambda ti, ni: formula(ti / np.sqrt(ti**2 + ni - 2), ni)


def r_squared(r2i: Floats, mi: Floats, ni: Floats) -> Pair:
    """Return R^2 of a model of m predictors, v = 4 R^2 (1 - R^2)^2 / n; metafor's R2.

    Source: Kendall & Stuart (1979), The advanced theory of statistics 2, equation 27.88.
    """
    return r2i + 0.0 * mi, 4 * r2i * (1 - r2i) ** 2 / ni


def z_of_r_squared(r2i: Floats, mi: Floats, ni: Floats) -> Pair:
    """Return atanh(R), v = 1 / n; metafor's ZR2.

    Source: Olkin & Finn (1995), doi:10.1037/0033-2909.118.1.155.
    """
    return np.arctanh(np.sqrt(r2i)) + 0.0 * mi, 1 / ni


def of_f(formula: Formula) -> Formula:
    """Return a formula of the model's F (m, n - m - 1 df): R^2 = m F / (m F + n - m - 1)."""
    return lambda fi, mi, ni: formula(mi * fi / (mi * fi + _above_zero(ni - mi - 1)), mi, ni)


def to_z(formula: Formula) -> Formula:
    """Return the formula of Fisher's z from that of a correlation: atanh(r), v / (1 - r^2)^2.

    The variance is not stabilised by it, unlike that of ZCOR.
    """

    def transformed(*columns: Floats) -> Pair:
        yi, vi = formula(*columns)
        return np.arctanh(yi), vi / (1 - yi**2) ** 2

    return transformed


def _above_zero(df: Floats) -> Floats:
    return np.where(df > 0, df, np.nan)
