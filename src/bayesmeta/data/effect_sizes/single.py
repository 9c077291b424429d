"""Means and standard deviations of a single group."""

import numpy as np

from bayesmeta.data.effect_sizes.means import correction
from bayesmeta.data.effect_sizes.measure import Floats, Pair


def mean(mi: Floats, sdi: Floats, ni: Floats) -> Pair:
    """Return the mean, in the unit of the data, v = sd^2 / n; metafor's MN."""
    return mi + 0.0, sdi**2 / ni


def standardised_mean(mi: Floats, sdi: Floats, ni: Floats) -> Pair:
    """Return J(n - 1) m / sd, v = 1/n + g^2 / (2 n); metafor's SMN."""
    yi = correction(ni - 1) * mi / sdi
    return yi, 1 / ni + yi**2 / (2 * ni)


def log_mean(mi: Floats, sdi: Floats, ni: Floats) -> Pair:
    """Return log(m), v = sd^2 / (n m^2); metafor's MNLN."""
    return np.log(mi), sdi**2 / (ni * mi**2)


def log_sd(sdi: Floats, ni: Floats) -> Pair:
    """Return log(sd) + 1 / (2 (n - 1)), v = 1 / (2 (n - 1)); metafor's SDLN.

    Source: Nakagawa et al. (2015), doi:10.1111/2041-210X.12309.
    """
    bias = 1 / (2 * (ni - 1))
    return np.log(sdi) + bias, bias


def log_cv(mi: Floats, sdi: Floats, ni: Floats) -> Pair:
    """Return log(sd / m) + 1 / (2 (n - 1)), v = 1 / (2 (n - 1)) + sd^2 / (n m^2); CVLN.

    Source: Nakagawa et al. (2015), doi:10.1111/2041-210X.12309.
    """
    bias = 1 / (2 * (ni - 1))
    return np.log(sdi / mi) + bias, bias + sdi**2 / (ni * mi**2)
