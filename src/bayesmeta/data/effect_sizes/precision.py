"""The precision of a standardised mean difference as it follows from the sizes of its groups."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayesmeta.data.effect_sizes.means import correction, hedges
from bayesmeta.data.effect_sizes.measure import Floats

RELATIVE_TOLERANCE = 1e-6  # vi of a table is often rounded to six or more digits


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
    yi: Floats, vi: Floats, n1i: Floats, n2i: Floats, *, vtype: str = "LS"
) -> NDArray[np.bool_]:
    """Return whether vi is the variance of an SMD yi of groups of these sizes (k,); see `smd`."""
    with np.errstate(all="ignore"):
        _, expected = hedges(yi / correction(n1i + n2i - 2), n1i, n2i, vtype=vtype)
        follows: NDArray[np.bool_] = np.abs(expected - vi) <= RELATIVE_TOLERANCE * vi
    return follows
