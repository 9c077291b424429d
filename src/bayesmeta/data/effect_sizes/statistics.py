"""Hedges' g of two groups from a test of their difference, for reports that print no means."""

import numpy as np
from scipy.special import stdtrit

from bayesmeta.data.effect_sizes.means import hedges
from bayesmeta.data.effect_sizes.measure import Floats, Pair


def smd_t(ti: Floats, n1i: Floats, n2i: Floats, *, vtype: str = "LS") -> Pair:
    """Return Hedges' g from Student's t of two independent groups: d = t sqrt(1/n1 + 1/n2).

    Variances are equal. It is metafor's SMD with ti.
    Source: Rosenthal (1994), in Cooper & Hedges, The handbook of research synthesis, 231-244;
    Lipsey & Wilson (2001), Practical meta-analysis, appendix B.
    """
    return hedges(ti * np.sqrt(1 / n1i + 1 / n2i), n1i, n2i, vtype=vtype)


def smd_f(fi: Floats, n1i: Floats, n2i: Floats, *, vtype: str = "LS") -> Pair:
    """Return `smd_t` from an F with 1 and n1 + n2 - 2 degrees of freedom, |t| = sqrt(F).

    F has no direction: `fi` carries the sign of the effect.
    """
    return smd_t(np.sign(fi) * np.sqrt(np.abs(fi)), n1i, n2i, vtype=vtype)


def smd_p(pi: Floats, n1i: Floats, n2i: Floats, *, vtype: str = "LS") -> Pair:
    """Return `smd_t` from the two-sided p of a t test.

    |t| is the 1 - p/2 quantile of t with n1 + n2 - 2 df. `pi` carries the sign of the effect, as in
    metafor's SMD with pi; the effect is nan if it is 0.
    """
    size = np.abs(pi)
    t = -stdtrit(n1i + n2i - 2, np.where(size > 0, size, np.nan) / 2)
    return smd_t(np.sign(pi) * t, n1i, n2i, vtype=vtype)
