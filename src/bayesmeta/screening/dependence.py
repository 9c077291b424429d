r"""Partial dependence of a forest on a moderator and on two, and the interaction of two.

    f_S(x_S) = mean over the effects i of f(x_S, x_i without S)

Source: Friedman 2001, doi 10.1214/aos/1013203451; H^2: Friedman & Popescu 2008,
doi 10.1214/07-AOAS148.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd

from bayesmeta.screening.forest import Forest
from bayesmeta.screening.moderators import Coded

POINTS = 10  # of the grid of a numeric moderator
RANGE = (0.05, 0.95)  # quantiles: beyond, few effects support the forest


class PointGrid(NamedTuple):
    """Points at which dependence on a moderator is evaluated."""

    labels: list[str]  # of every point
    places: np.ndarray  # (points,), the value of a number, or the position of a level
    columns: np.ndarray  # (points, columns of the moderator), their values there


def grid_of(coded: Coded, name: str) -> PointGrid:
    """Return the points at which dependence on a moderator is evaluated."""
    levels = coded.levels[coded.names.index(name)]
    positions = coded.columns(name)
    if levels:
        place = np.arange(len(levels), dtype=float)
        columns = np.eye(len(levels)) if len(positions) > 1 else place[:, None]
        return PointGrid(list(levels), place, columns)
    # a tenth of the effects lies between two points
    quantiles = np.linspace(*RANGE, POINTS)
    at = np.unique(np.quantile(coded.matrix[:, positions[0]], quantiles, method="nearest"))
    return PointGrid([f"{value:g}" for value in at], at, at[:, None])


def nearest_point(coded: Coded, name: str) -> np.ndarray:
    """Return the nearest point of `grid_of` for every effect (k,)."""
    values = coded.matrix[:, coded.columns(name)]
    columns = grid_of(coded, name).columns
    distance: np.ndarray = ((values[:, None, :] - columns) ** 2).sum(-1)
    return distance.argmin(1)


def average_at(forest: Forest, coded: Coded, fixed: dict[str, np.ndarray]) -> np.ndarray:
    """Return the mean prediction over the effects with moderators held at points (points,).

    `fixed` has by moderator its columns at the points (points, columns of the moderator). Effects
    with the same values of all other moderators are predicted once.
    """
    positions = np.concatenate([coded.columns(name) for name in fixed])
    values = np.hstack(list(fixed.values()))
    others = [at for at, name in enumerate(coded.names) if name not in fixed]
    keys = coded.codes[:, others]
    _, first, count = np.unique(keys, axis=0, return_index=True, return_counts=True)
    rows = np.tile(coded.matrix[first], (len(values), 1, 1))
    rows[:, :, positions] = values[:, None, :]
    predicted = forest.predict(rows.reshape(-1, rows.shape[2])).reshape(len(values), -1)
    average: np.ndarray = predicted @ count / count.sum()
    return average


def dependence(forest: Forest, coded: Coded, names: Sequence[str] | None = None) -> pd.DataFrame:
    """Return partial dependence; k counts the effects that are nearest to the point."""
    parts = []
    for name in names or coded.names:
        grid = grid_of(coded, name)
        table = pd.DataFrame({"moderator": name, "level": grid.labels, "at": grid.places})
        k = np.bincount(nearest_point(coded, name), minlength=len(grid.places))
        category = bool(coded.levels[coded.names.index(name)])
        effect = average_at(forest, coded, {name: grid.columns})
        parts.append(table.assign(k=k, category=category, effect=effect))
    return pd.concat(parts, ignore_index=True)


def pair_dependence(forest: Forest, coded: Coded, first: str, second: str) -> pd.DataFrame:
    """Return the partial dependence on two moderators.

    Columns: first, second, level_1, at_1, level_2, at_2, k, effect; k is the number of effects
    nearest to a point; where it is 0 the forest extrapolates.
    """
    grids = {name: grid_of(coded, name) for name in (first, second)}
    sizes = [len(grid.places) for grid in grids.values()]
    places = np.indices(sizes).reshape(2, -1)
    table = pd.DataFrame({"first": first, "second": second}, range(places.shape[1]))
    for number, (grid, place) in enumerate(zip(grids.values(), places, strict=True), 1):
        table[f"level_{number}"] = np.array(grid.labels)[place]
        table[f"at_{number}"] = grid.places[place]
    nearest = nearest_point(coded, first) * sizes[1] + nearest_point(coded, second)
    fixed = {name: grids[name].columns[place] for name, place in zip(grids, places, strict=True)}
    k = np.bincount(nearest, minlength=len(table))
    return table.assign(k=k, effect=average_at(forest, coded, fixed))


def interaction(pair: pd.DataFrame, single: pd.DataFrame) -> dict[str, float]:
    """Return how far a pair deviates from additivity, over the effects: strength and h2.

    With p_jk, p_j, p_k centred over the effects, strength is the root mean square of p_jk - p_j -
    p_k, in the target's scale, and h2 its square over that of p_jk: the share of dependence that
    neither moderator has alone. `pair` is from `pair_dependence`, `single` from `dependence`.
    """
    share = pair["k"].to_numpy() / pair["k"].sum()
    effect = single.set_index(["moderator", "level"])["effect"]
    first = effect.loc[pair["first"].iloc[0]].loc[pair["level_1"]].to_numpy()
    second = effect.loc[pair["second"].iloc[0]].loc[pair["level_2"]].to_numpy()
    p_jk, p_j, p_k = (part - share @ part for part in (pair["effect"].to_numpy(), first, second))
    deviation = float(share @ (p_jk - p_j - p_k) ** 2)
    total = float(share @ p_jk**2)
    return {"strength": float(np.sqrt(deviation)), "h2": deviation / total if total else 0.0}


def interactions_table(forest: Forest, coded: Coded, names: Sequence[str]) -> pd.DataFrame:
    """Return every pair of these moderators: first, second, strength, h2; the strongest first."""
    single = dependence(forest, coded, names)
    rows = []
    for first, second in combinations(names, 2):
        pair = pair_dependence(forest, coded, first, second)
        rows.append({"first": first, "second": second} | interaction(pair, single))
    return pd.DataFrame(rows).sort_values("strength", ascending=False, ignore_index=True)
