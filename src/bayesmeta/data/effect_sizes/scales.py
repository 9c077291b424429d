"""The scale on which an effect size is read: its transformation back, and what a difference is."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

Floats = NDArray[np.float64]
Transformation = Callable[[ArrayLike], Floats]


@dataclass(frozen=True)
class Scale:
    """A scale that readers understand, and how an effect size gets there.

    Attributes
    ----------
    name : what the transformed number is, in words; "" if the effect size is read as it is.
    back : the transformation, increasing: quantiles of the effect size become quantiles. Its words
        are `words`.
    difference : what a difference of two effect sizes is after `exp`; "" if it has no such scale.
    """

    name: str = ""
    words: str = ""
    back: Transformation = np.positive
    difference: str = ""

    @property
    def of_differences(self) -> "Scale":
        """Return the scale of differences and slopes: a difference of logarithms is a ratio."""
        return Scale(self.difference, "exp", np.exp) if self.difference else AS_IT_IS


def percent(values: ArrayLike) -> Floats:
    """Return proportions as percentages."""
    return 100 * np.asarray(values, float)


def sine_squared(values: ArrayLike) -> Floats:
    """Return the proportion of an angle in radians, sin(y)^2; angles end at 0 and pi / 2."""
    return np.sin(np.clip(values, 0, np.pi / 2)) ** 2


def squared(values: ArrayLike) -> Floats:
    """Return the square of a square root; 0 if it is below 0."""
    return np.maximum(values, 0) ** 2


def tanh_squared(values: ArrayLike) -> Floats:
    """Return R^2 from atanh(R); 0 if it is below 0."""
    return np.tanh(np.maximum(values, 0)) ** 2


def alpha_of_cubic(values: ArrayLike) -> Floats:
    """Return alpha from 1 - (1 - alpha)^(1/3)."""
    return 1 - (1 - np.asarray(values, float)) ** 3


def alpha_of_log(values: ArrayLike) -> Floats:
    """Return alpha from -log(1 - alpha)."""
    return -np.expm1(-np.asarray(values, float))


def log_of(name: str, difference: str) -> Scale:
    """Return the scale of a logarithm; a difference of two logarithms is a `difference`."""
    return Scale(name, "exp", np.exp, difference)


def fisher_z_of(name: str) -> Scale:
    """Return the scale of Fisher's z of a correlation."""
    return Scale(name, "tanh", np.tanh)


AS_IT_IS = Scale()
ODDS_RATIO = log_of("odds ratio", "ratio of odds ratios")
RISK_RATIO = log_of("risk ratio", "ratio of risk ratios")
RATE_RATIO = log_of("rate ratio", "ratio of rate ratios")
HAZARD_RATIO = log_of("hazard ratio", "ratio of hazard ratios")
MEAN_RATIO = log_of("ratio of means", "ratio of ratios of means")
SD_RATIO = log_of("ratio of standard deviations", "ratio of ratios of standard deviations")
CV_RATIO = log_of("ratio of coefficients of variation", "ratio of ratios of coefficients")
MEAN = log_of("mean", "ratio of means")
SD = log_of("standard deviation", "ratio of standard deviations")
CV = log_of("coefficient of variation", "ratio of coefficients of variation")
RATE = log_of("rate", "rate ratio")
RATE_OF_ROOT = Scale("rate", "square", squared)
PROPORTION_OF_LOG = log_of("proportion", "risk ratio")
PROPORTION_OF_LOGIT = Scale("proportion", "plogis", expit, "odds ratio")
PROPORTION_OF_ANGLE = Scale("proportion", "sin^2", sine_squared)
PERCENT = Scale("percent", "100 y", percent)
PERCENTAGE_POINTS = Scale("percentage points", "100 y", percent)
CORRELATION = fisher_z_of("correlation")
PARTIAL = fisher_z_of("partial correlation")
SEMI_PARTIAL = fisher_z_of("semi-partial correlation")
POINT_BISERIAL = fisher_z_of("point-biserial correlation")
BISERIAL = fisher_z_of("biserial correlation")
R_SQUARED = Scale("R^2", "tanh^2", tanh_squared)
ALPHA_OF_CUBIC = Scale("alpha", "1 - (1 - y)^3", alpha_of_cubic)
ALPHA_OF_LOG = Scale("alpha", "1 - exp(-y)", alpha_of_log)
