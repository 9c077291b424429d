"""Effect sizes of a group that is measured twice, and of a correlation."""

import numpy as np

from bayesmeta.data.effect_sizes.means import correction
from bayesmeta.data.effect_sizes.measure import Floats, Pair


def zcor(ri: Floats, ni: Floats) -> Pair:
    """Return Fisher's z, atanh(r), v = 1 / (n - 3); metafor's ZCOR (Fisher 1921, Metron 1:3-32)."""
    return np.arctanh(ri), np.where(ni > 3, 1 / (ni - 3), np.nan)


def smcc_t(ti: Floats, ni: Floats) -> Pair:
    """Return `smcc` from the paired t statistic: g = J(n - 1) t / sqrt(n)."""
    yi = correction(ni - 1) * (ti / np.sqrt(ni))
    return yi, 1 / ni + yi**2 / (2 * ni)


def smcc(m1i: Floats, sd1i: Floats, m2i: Floats, sd2i: Floats, ri: Floats, ni: Floats) -> Pair:
    """Return the mean change over the SD of the change (d_z, corrected); metafor's SMCC.

    g = J(n - 1) (m1 - m2) / sd_change,  sd_change^2 = sd1^2 + sd2^2 - 2 r sd1 sd2
    v = 1/n + g^2 / (2 n)
    Source: Gibbons, Hedeker & Davis (1993), doi:10.3102/10769986018003271.
    """
    change = np.sqrt(sd1i**2 + sd2i**2 - 2 * ri * sd1i * sd2i)
    return smcc_t((m1i - m2i) / change * np.sqrt(ni), ni)


def smcrp(m1i: Floats, sd1i: Floats, m2i: Floats, sd2i: Floats, ri: Floats, ni: Floats) -> Pair:
    """Return the mean change over sqrt((sd1^2 + sd2^2) / 2) (d_av, with J); metafor's SMCRP (4.6).

    g = J(2 (n - 1) / (1 + r^2)) (m1 - m2) / s,  s^2 = (sd1^2 + sd2^2) / 2
    v = 2 (1 - r) / n + g^2 (1 + r^2) / (4 n)
    Source: Cousineau (2020), doi:10.20982/tqmp.16.4.p418.
    """
    sd = np.sqrt((sd1i**2 + sd2i**2) / 2)
    yi = correction(2 * (ni - 1) / (1 + ri**2)) * ((m1i - m2i) / sd)
    return yi, 2 * (1 - ri) / ni + yi**2 * (1 + ri**2) / (4 * ni)
