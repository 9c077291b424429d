"""Usual values in a family of effects, and how well another reading of a number agrees with them.

Centre and scale are medians over the other studies, with the same total weight for every study, so
that no study is judged by itself and none dominates. Densities are Student's t with 4 degrees of
freedom: an outlying value is surprising, not impossible.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import t as student

DEGREES_OF_FREEDOM = 4
MIN_OTHER_STUDIES = 5  # with fewer, a median absolute deviation is mostly noise
MAD_TO_SD = 1.4826  # 1 / Phi^-1(.75): of a median absolute deviation, normal
WITHIN_STUDY_CORRELATION = 0.5  # of the evidence of effects of the same study
ROUNDING = 1e-12  # of cumulated weights


class Usual(NamedTuple):
    """Centre and scale among other studies for every effect (k,); nan with too few studies."""

    centre: np.ndarray
    scale: np.ndarray

    def log_density(self, values: np.ndarray) -> np.ndarray:
        """Return the log density of values (k,)."""
        return student.logpdf(values, DEGREES_OF_FREEDOM, self.centre, self.scale)

    def z(self, values: np.ndarray) -> np.ndarray:
        """Return the distance from the centre in units of the scale (k,)."""
        return (values - self.centre) / self.scale


def usual_of(
    values: np.ndarray, study: pd.Series, families: Sequence[pd.Series], *, least: float
) -> Usual:
    """Return centre and scale of the family of every effect, from the other studies.

    `values`: (k,), nan where unknown. `study`: (k,). `families`: the narrowest first; an effect is
    judged by the first with five other studies. `least`: lower bound of the scale.
    """
    centre, scale = np.full((2, len(values)), np.nan)
    studies = pd.factorize(study)[0]
    available = np.isfinite(values)
    for family in families:
        labels = pd.factorize(family)[0]
        for label in np.unique(labels[available & np.isnan(centre)]):
            inside = np.flatnonzero(available & (labels == label))
            inside = inside[np.argsort(values[inside])]  # once: sorted values are sorted quickly
            of = studies[inside]
            if len(np.unique(of)) - 1 < MIN_OTHER_STUDIES:
                continue
            weight = 1 / np.bincount(of)[of]  # the same total for every study
            unknown = np.isnan(centre[inside])
            for judged in np.unique(of[unknown]):
                others = of != judged
                effects = inside[~others & unknown]
                middle, deviation = _median_and_mad(values[inside[others]], weight[others])
                centre[effects] = middle
                scale[effects] = max(MAD_TO_SD * deviation, least)
    return Usual(centre, scale)


def _median_and_mad(values: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Return weighted median and median absolute deviation."""
    middle = weighted_median(values, weight)
    return middle, weighted_median(np.abs(values - middle), weight)


def weighted_median(values: np.ndarray, weight: np.ndarray) -> float:
    """Return the smallest value that at least half of the weight does not exceed."""
    order = np.argsort(values, kind="stable")  # fast if they are nearly sorted
    share = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(share, share[-1] / 2 - ROUNDING)])


def least_scale(frame: pd.DataFrame) -> float:
    """Return half of a typical standard error."""
    return float(np.sqrt(frame["vi"].median())) / 2


def study_score(evidence: np.ndarray, of: "pd.Series[str]") -> "pd.Series[float]":
    """Return the evidence of every study (or of other sets of effects).

    It is the median over its effects, counted n / (1 + (n - 1) / 2) times for n effects, since they
    share the subjects and were typed by the same person.
    """
    grouped = pd.Series(evidence, of.index).groupby(of)
    size = grouped.count()
    return grouped.median() * size / (1 + (size - 1) * WITHIN_STUDY_CORRELATION)
