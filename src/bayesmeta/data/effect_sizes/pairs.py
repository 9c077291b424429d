"""Mean changes of a group that is measured twice: raw, and over a standard deviation."""

import numpy as np
from numpy.typing import NDArray

from bayesmeta.data.effect_sizes.means import correction
from bayesmeta.data.effect_sizes.measure import Floats, Pair


def smcc_t(ti: Floats, ni: Floats) -> Pair:
    """Return `smcc` from the paired t statistic: g = J(n - 1) t / sqrt(n)."""
    yi = correction(ni - 1) * (ti / np.sqrt(ni))
    return yi, _smcc_variance(yi, ni)


def _smcc_variance(yi: Floats, ni: Floats) -> Floats:
    return 1 / ni + yi**2 / (2 * ni)


def has_smcc_variance(yi: Floats, vi: Floats, ni: Floats, tolerance: float) -> NDArray[np.bool_]:
    """Return whether vi is, within a relative tolerance, that of `smcc` of groups of ni (k,)."""
    with np.errstate(all="ignore"):
        follows: NDArray[np.bool_] = np.abs(_smcc_variance(yi, ni) - vi) <= tolerance * vi
    return follows


def smcc(m1i: Floats, sd1i: Floats, m2i: Floats, sd2i: Floats, ri: Floats, ni: Floats) -> Pair:
    """Return the mean change over the SD of the change (d_z, corrected); metafor's SMCC.

    g = J(n - 1) (m1 - m2) / sd_change,  sd_change^2 = sd1^2 + sd2^2 - 2 r sd1 sd2
    v = 1/n + g^2 / (2 n)
    Source: Gibbons, Hedeker & Davis (1993), doi:10.3102/10769986018003271.
    """
    change = np.sqrt(_variance_of_change(sd1i, sd2i, ri))
    return smcc_t((m1i - m2i) / change * np.sqrt(ni), ni)


def mc(m1i: Floats, sd1i: Floats, m2i: Floats, sd2i: Floats, ri: Floats, ni: Floats) -> Pair:
    """Return the mean change m1 - m2, in the unit of the data; metafor's MC.

    v = (sd1^2 + sd2^2 - 2 r sd1 sd2) / n
    """
    return m1i - m2i, _variance_of_change(sd1i, sd2i, ri) / ni


def smcr(m1i: Floats, sd1i: Floats, m2i: Floats, ri: Floats, ni: Floats) -> Pair:
    """Return the mean change over sd1, g = J(n - 1) (m1 - m2) / sd1; metafor's SMCR.

    v = 2 (1 - r) / n + g^2 / (2 n)
    Source: Becker (1988), doi:10.1111/j.2044-8317.1988.tb00901.x.
    """
    yi = correction(ni - 1) * ((m1i - m2i) / sd1i)
    return yi, 2 * (1 - ri) / ni + yi**2 / (2 * ni)


def smcrh(m1i: Floats, sd1i: Floats, m2i: Floats, sd2i: Floats, ri: Floats, ni: Floats) -> Pair:
    """Return the effect of `smcr` with the variance of unequal SDs; metafor's SMCRH (4.6).

    v = sd_change^2 / (sd1^2 (n - 1)) + g^2 / (2 (n - 1))
    Source: Bonett (2008), equation 13, doi:10.1037/1082-989X.13.2.99; metafor 3.8 has J^2 v.
    """
    yi, _ = smcr(m1i, sd1i, m2i, ri, ni)
    return yi, (_variance_of_change(sd1i, sd2i, ri) / sd1i**2 + yi**2 / 2) / (ni - 1)


def smcrp(m1i: Floats, sd1i: Floats, m2i: Floats, sd2i: Floats, ri: Floats, ni: Floats) -> Pair:
    """Return the mean change over sqrt((sd1^2 + sd2^2) / 2) (d_av, with J); metafor's SMCRP (4.6).

    g = J(2 (n - 1) / (1 + r^2)) (m1 - m2) / s,  s^2 = (sd1^2 + sd2^2) / 2
    v = 2 (1 - r) / n + g^2 (1 + r^2) / (4 n)
    Source: Cousineau (2020), doi:10.20982/tqmp.16.4.p418.
    """
    sd = np.sqrt((sd1i**2 + sd2i**2) / 2)
    yi = correction(2 * (ni - 1) / (1 + ri**2)) * ((m1i - m2i) / sd)
    return yi, 2 * (1 - ri) / ni + yi**2 * (1 + ri**2) / (4 * ni)


def smcrph(m1i: Floats, sd1i: Floats, m2i: Floats, sd2i: Floats, ri: Floats, ni: Floats) -> Pair:
    """Return the effect of `smcrp` with the variance of unequal SDs; metafor's SMCRPH (4.6).

    v = (sd_change^2 / s^2 + g^2 (sd1^4 + sd2^4 + 2 r^2 sd1^2 sd2^2) / (8 s^4)) / (n - 1)
    Source: Bonett (2008), equation 10, doi:10.1037/1082-989X.13.2.99.
    """
    yi, _ = smcrp(m1i, sd1i, m2i, sd2i, ri, ni)
    square = (sd1i**2 + sd2i**2) / 2
    fourth = sd1i**4 + sd2i**4 + 2 * ri**2 * sd1i**2 * sd2i**2
    of_change = _variance_of_change(sd1i, sd2i, ri) / square
    return yi, (of_change + yi**2 * fourth / (8 * square**2)) / (ni - 1)


def _variance_of_change(sd1i: Floats, sd2i: Floats, ri: Floats) -> Floats:
    return sd1i**2 + sd2i**2 - 2 * ri * sd1i * sd2i
