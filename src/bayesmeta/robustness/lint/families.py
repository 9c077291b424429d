"""What is usual in a family of effects, and how much better a number fits it when it is read in another way.

Centre and spread are medians over the other studies, each with the same total weight, so that no study is judged by
itself and none dominates. Densities are Student's t with 4 degrees of freedom: a far value is surprising, not
impossible.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import t as student

DEGREES = 4
LEAST = 5  # other studies that a family must have
TO_SD = 1.4826  # of a median absolute deviation, normal
SIBLINGS = 0.5  # correlation of the evidence of effects of one study


class Usual(NamedTuple):
    """What is usual for each effect, (k,): centre and spread among other studies; nan where there are too few."""

    centre: np.ndarray
    spread: np.ndarray

    def log_density(self, values: np.ndarray) -> np.ndarray:
        """Of values (k,)."""
        found: np.ndarray = student.logpdf(values, DEGREES, self.centre, self.spread)
        return found

    def z(self, values: np.ndarray) -> np.ndarray:
        """Distance from the centre in spreads, (k,)."""
        scaled: np.ndarray = (values - self.centre) / self.spread
        return scaled


def usual_of(
    values: np.ndarray, study: "pd.Series[str]", families: Sequence["pd.Series[str]"], *, least: float
) -> Usual:
    """Centre and spread of each effect's family, from the other studies.

    Parameters
    ----------
    values : (k,), nan where unknown.
    study : (k,)
    families : the narrowest first; an effect is judged by the first that has five other studies.
    least : the least spread that is believed.
    """
    centre, spread = np.full(len(values), np.nan), np.full(len(values), np.nan)
    codes, known = pd.factorize(study)[0], np.isfinite(values)
    for family in families:
        labels = pd.factorize(family)[0]
        for label in np.unique(labels[known & np.isnan(centre)]):
            inside = known & (labels == label)
            for own in np.unique(codes[inside & np.isnan(centre)]):
                others = inside & (codes != own)
                if len(np.unique(codes[others])) < LEAST:
                    continue
                mine = inside & (codes == own) & np.isnan(centre)
                weight = 1 / np.bincount(codes[others])[codes[others]]
                middle = weighted_median(values[others], weight)
                centre[mine] = middle
                spread[mine] = max(TO_SD * weighted_median(np.abs(values[others] - middle), weight), least)
    return Usual(centre, spread)


def weighted_median(values: np.ndarray, weight: np.ndarray) -> float:
    """The least value that at least half of the weight does not exceed."""
    order = np.argsort(values)
    share = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(share, share[-1] / 2 - 1e-12)])


def study_score(evidence: np.ndarray, of: "pd.Series[str]") -> "pd.Series[float]":
    """Evidence of a study (or of other sets of effects): the median over its effects, counted n / (1 + (n - 1) / 2)
    times for n effects, since they share subjects and whoever typed them."""
    grouped = pd.Series(evidence, of.index).groupby(of)
    size = grouped.count()
    return grouped.median() * size / (1 + (size - 1) * SIBLINGS)
