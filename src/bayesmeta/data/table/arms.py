"""Means and standard deviations of both groups from standard errors, quartiles and ranges."""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesmeta.data.effect_sizes import (
    mean_from_five,
    mean_from_quartiles,
    mean_from_range,
    sd_from_five,
    sd_from_quartiles,
    sd_from_range,
    sd_from_sem,
)
from bayesmeta.data.effect_sizes.measure import Floats
from bayesmeta.data.table.forms import FIVE, QUARTILES, SUMMARIES, derived
from bayesmeta.data.table.names import ARMS

SEM = "standard errors of means (sd = sem sqrt(n))"


class Arms(NamedTuple):
    """Numbers with means and SDs filled, and the number of groups by conversion."""

    numbers: pd.DataFrame
    counts: dict[str, int]


class Arm(NamedTuple):
    """Mean and SD of a group, both (k,), and the number of rows by conversion."""

    mean: Floats
    sd: Floats
    counts: Counter[str]


def fill_arms(numbers: pd.DataFrame) -> Arms:
    """Return missing means and SDs from standard errors, quartiles and ranges, row by row.

    Parameters
    ----------
    numbers : DataFrame
        Floats under the names of `ARMS`, nan if a cell is blank.
    """
    columns: dict[str, Floats] = {}
    counts = Counter[str]()
    for names in ARMS.values():
        if names["n"] in numbers and {names["m"], names["sd"]} <= derived(numbers.columns):
            arm = _fill_arm({name: _column(numbers, column) for name, column in names.items()})
            columns |= {names["m"]: arm.mean, names["sd"]: arm.sd}
            counts.update(arm.counts)
    ordered = {title: counts[title] for title in (SEM, *SUMMARIES) if counts[title]}
    return Arms(numbers.assign(**columns), ordered)


def disordered(numbers: pd.DataFrame) -> list[tuple[str, str, NDArray[np.bool]]]:
    """Return pairs of quantiles in the wrong order, with the rows (boolean).

    An entry reads (median1i, q31i, rows in which median1i > q31i).
    """
    pairs = []
    for arm in ARMS.values():
        names = [arm[name] for name in SUMMARIES[FIVE][:-1] if arm[name] in numbers]
        pairs += [(low, high) for i, low in enumerate(names) for high in names[i + 1 :]]
    rows = [(numbers[low] > numbers[high]).to_numpy(bool) for low, high in pairs]
    return [(*pair, wrong) for pair, wrong in zip(pairs, rows, strict=True) if wrong.any()]


def _fill_arm(given: Mapping[str, Floats]) -> Arm:
    """Return the mean and SD of a group: as given, by its standard error, or by a summary."""
    missing = {name: np.isnan(values) for name, values in given.items()}
    by_sem = missing["sd"] & ~(missing["m"] | missing["sem"] | missing["n"])
    with np.errstate(invalid="ignore"):
        sd = np.where(by_sem, sd_from_sem(given["sem"], given["n"]), given["sd"])
    mean = given["m"]
    counts = {SEM: int(by_sem.sum())}
    for title, names in SUMMARIES.items():
        complete = ~np.any([missing[name] for name in names], axis=0)
        rows = complete & (np.isnan(mean) | np.isnan(sd))
        converted_mean, converted_sd = _converted(title, given)
        mean = np.where(rows & np.isnan(mean), converted_mean, mean)
        sd = np.where(rows & np.isnan(sd), converted_sd, sd)
        counts[title] = int(rows.sum())
    return Arm(mean, sd, Counter(counts))


def _column(numbers: pd.DataFrame, name: str) -> Floats:
    """Return a column, or nan if the table lacks it."""
    return numbers[name].to_numpy(float) if name in numbers else np.full(len(numbers), np.nan)


def _converted(title: str, given: Mapping[str, Floats]) -> tuple[Floats, Floats]:
    """Return mean and SD from a summary."""
    low, q1, median, q3, high, n = (given[name] for name in SUMMARIES[FIVE])
    with np.errstate(all="ignore"):
        if title == FIVE:
            return (
                mean_from_five(low, q1, median, q3, high, n),
                sd_from_five(low, q1, q3, high, n),
            )
        if title == QUARTILES:
            return mean_from_quartiles(q1, median, q3, n), sd_from_quartiles(q1, q3, n)
        return mean_from_range(low, median, high, n), sd_from_range(low, high, n)
