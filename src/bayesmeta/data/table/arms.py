"""Means and standard deviations of groups from standard errors, quartiles and ranges."""

from collections import Counter
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesmeta.data.effect_sizes import conversions
from bayesmeta.data.effect_sizes.measure import Floats
from bayesmeta.data.table.names import ARMS, FIVE, QUARTILES, RANGE, SUMMARIES, derived

SEM = "standard errors of means (sd = sem sqrt(n))"
Conversion = Callable[..., Floats]
CONVERSIONS: Mapping[str, tuple[Conversion, Conversion]] = {  # SDs take no median
    FIVE: (conversions.mean_from_five, conversions.sd_from_five),
    QUARTILES: (conversions.mean_from_quartiles, conversions.sd_from_quartiles),
    RANGE: (conversions.mean_from_range, conversions.sd_from_range),
}


def fill_arms(numbers: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return missing means and SDs from SEs, quartiles and ranges, and the groups by conversion."""
    columns: dict[str, Floats] = {}
    counts = Counter[str]()
    for names in ARMS.values():
        if names["n"] in numbers and {names["m"], names["sd"]} <= derived(numbers.columns):
            cells = numbers.reindex(columns=list(names.values())).to_numpy(float).T
            mean, sd, rows = _fill_arm(dict(zip(names, cells, strict=True)))
            columns |= {names["m"]: mean, names["sd"]: sd}
            counts.update(rows)
    ordered = {title: counts[title] for title in (SEM, *SUMMARIES) if counts[title]}
    return numbers.assign(**columns), ordered


def disordered(numbers: pd.DataFrame) -> list[tuple[str, str, NDArray[np.bool]]]:
    """Return (median1i, q31i, rows in which median1i > q31i) and other quantiles out of order."""
    pairs = []
    for arm in ARMS.values():
        names = [arm[name] for name in SUMMARIES[FIVE][:-1] if arm[name] in numbers]
        pairs += [(low, high) for i, low in enumerate(names) for high in names[i + 1 :]]
    rows = [(numbers[low] > numbers[high]).to_numpy(bool) for low, high in pairs]
    return [(*pair, wrong) for pair, wrong in zip(pairs, rows, strict=True) if wrong.any()]


def _fill_arm(given: Mapping[str, Floats]) -> tuple[Floats, Floats, dict[str, int]]:
    missing = {name: np.isnan(values) for name, values in given.items()}
    by_sem = missing["sd"] & ~(missing["m"] | missing["sem"] | missing["n"])
    mean = given["m"]
    counts = {SEM: int(by_sem.sum())}
    with np.errstate(all="ignore"):
        sd = np.where(by_sem, conversions.sd_from_sem(given["sem"], given["n"]), given["sd"])
        for title, names in SUMMARIES.items():
            mean_of, sd_of = CONVERSIONS[title]
            means = mean_of(*(given[name] for name in names))
            sds = sd_of(*(given[name] for name in names if name != "median"))
            complete = ~np.any([missing[name] for name in names], axis=0)
            rows = complete & (np.isnan(mean) | np.isnan(sd))
            mean = np.where(rows & np.isnan(mean), means, mean)
            sd = np.where(rows & np.isnan(sd), sds, sd)
            counts[title] = int(rows.sum())
    return mean, sd, counts
