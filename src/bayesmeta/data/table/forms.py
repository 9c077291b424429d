"""Which sets of columns complete an effect size, once standard errors and quartiles are made means and SDs."""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesmeta.data.effect_sizes import (
    MEASURES,
    mean_from_five,
    mean_from_quartiles,
    mean_from_range,
    sd_from_five,
    sd_from_quartiles,
    sd_from_range,
    sd_from_sem,
)
from bayesmeta.data.effect_sizes.measure import Floats
from bayesmeta.data.table.names import ARMS

SEM = "standard errors of means (sd = sem sqrt(n))"
FIVE = "minimum, quartiles and maximum (Luo et al. 2018, Shi et al. 2020)"
QUARTILES = "median and quartiles (Luo et al. 2018, Wan et al. 2014)"
RANGE = "median and range (Luo et al. 2018, Wan et al. 2014)"
SUMMARIES = {
    FIVE: ("min", "q1", "median", "q3", "max", "n"),
    QUARTILES: ("q1", "median", "q3", "n"),
    RANGE: ("min", "median", "max", "n"),
}


class Arms(NamedTuple):
    """Means and SDs of both groups, filled where they can be; how many groups each conversion filled."""

    numbers: pd.DataFrame
    counts: dict[str, int]


def derived(found: Collection[str]) -> set[str]:
    """Names that a table has, or could have by a conversion."""
    have = set(found)
    for arm in ARMS.values():
        if {arm["sem"], arm["n"]} <= have:
            have.add(arm["sd"])
        if any({arm[name] for name in names} <= have for names in SUMMARIES.values()):
            have |= {arm["m"], arm["sd"]}
    return have


def complete_form(found: Collection[str], measure: str | None) -> tuple[str, ...] | None:
    """The first set of columns that `found` completes: of a measure, or of the first that has one."""
    named = [MEASURES[measure]] if measure else list(MEASURES.values())
    have = list(derived(found))
    return next((form for one in named if (form := one.form(have))), None)


def fill_arms(numbers: pd.DataFrame) -> Arms:
    """Means and SDs that are missing, from standard errors, quartiles and ranges, row by row.

    Parameters
    ----------
    numbers : floats under the names of `ARMS`, nan where a cell is blank.
    """
    filled, counts = numbers.copy(), dict[str, int]()
    for arm in ARMS.values():
        if arm["n"] not in numbers or not {arm["m"], arm["sd"]} <= derived(numbers.columns):
            continue
        given = {name: _column(numbers, column) for name, column in arm.items()}
        mean, sd = given["m"], given["sd"]
        by_sem = ~np.isnan(mean) & np.isnan(sd) & ~np.isnan(given["sem"]) & ~np.isnan(given["n"])
        with np.errstate(invalid="ignore"):
            sd = np.where(by_sem, sd_from_sem(given["sem"], given["n"]), sd)
        counts[SEM] = counts.get(SEM, 0) + int(by_sem.sum())
        for title, names in SUMMARIES.items():
            rows = np.isnan(mean) | np.isnan(sd)
            rows &= ~np.any([np.isnan(given[name]) for name in names], axis=0)
            means, sds = _converted(title, given)
            mean, sd = np.where(rows & np.isnan(mean), means, mean), np.where(rows & np.isnan(sd), sds, sd)
            counts[title] = counts.get(title, 0) + int(rows.sum())
        filled[arm["m"]], filled[arm["sd"]] = mean, sd
    return Arms(filled, {title: count for title, count in counts.items() if count})


def disordered(numbers: pd.DataFrame) -> list[tuple[str, str, NDArray[np.bool]]]:
    """Pairs of quantiles in the wrong order, with the rows: (median1i, q31i, where median1i > q31i)."""
    found = list[tuple[str, str, NDArray[np.bool]]]()
    for arm in ARMS.values():
        names = [arm[name] for name in SUMMARIES[FIVE][:-1] if arm[name] in numbers]
        pairs = [(low, high) for i, low in enumerate(names) for high in names[i + 1 :]]
        found += [(low, high, (numbers[low] > numbers[high]).to_numpy(bool)) for low, high in pairs]
    return [(low, high, bad) for low, high, bad in found if bad.any()]


def _column(numbers: pd.DataFrame, name: str) -> Floats:
    return numbers[name].to_numpy(float) if name in numbers else np.full(len(numbers), np.nan)


def _converted(title: str, given: dict[str, Floats]) -> tuple[Floats, Floats]:
    low, q1, median, q3, high, n = (given[name] for name in SUMMARIES[FIVE])
    with np.errstate(all="ignore"):
        if title == FIVE:
            return mean_from_five(low, q1, median, q3, high, n), sd_from_five(low, q1, q3, high, n)
        if title == QUARTILES:
            return mean_from_quartiles(q1, median, q3, n), sd_from_quartiles(q1, q3, n)
        return mean_from_range(low, median, high, n), sd_from_range(low, high, n)
