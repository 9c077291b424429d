r"""Partial dependence of a forest on one moderator and on two, and how far two are from adding up.

    f_S(x_S) = mean over the effects i of f(x_S, x_i without S)

Source: Friedman 2001, doi 10.1214/aos/1013203451; H^2: Friedman & Popescu 2008, doi 10.1214/07-AOAS148.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestRegressor

from bayesmeta.screening.moderators import Coded

POINTS = 10  # of a number's grid


def grid_of(coded: Coded, name: str, points: int = POINTS) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Where dependence on a moderator is looked at.

    Returns
    -------
    labels : of each point
    at : (points,), a number's value, or the position of a category's level
    columns : (points, own columns), what the moderator's columns are there
    """
    levels, own = coded.levels[coded.names.index(name)], coded.columns(name)
    if levels:
        place = np.arange(len(levels), dtype=float)
        return list(levels), place, np.eye(len(levels)) if len(own) > 1 else place[:, None]
    values = coded.matrix[:, own[0]]
    # a tenth of the effects lies between two points, and no point in the outermost twentieths
    at = np.unique(np.quantile(values, np.linspace(0.05, 0.95, points), method="nearest"))
    return [f"{value:g}" for value in at], at, at[:, None]


def nearest_point(coded: Coded, name: str) -> np.ndarray:
    """Which point of `grid_of` each effect is nearest to, (k,)."""
    own, (_, _, columns) = coded.matrix[:, coded.columns(name)], grid_of(coded, name)
    apart: np.ndarray = ((own[:, None, :] - columns) ** 2).sum(-1)
    return apart.argmin(1)


def average_at(forest: RandomForestRegressor, coded: Coded, fixed: dict[str, np.ndarray]) -> np.ndarray:
    """Mean prediction over the effects with moderators held at points: each (points, own columns), all (points,).

    Effects that are alike in all other moderators are predicted once.
    """
    own = np.concatenate([coded.columns(name) for name in fixed])
    values, others = np.hstack(list(fixed.values())), np.delete(np.arange(len(coded.owner)), own)
    alike, count = np.unique(coded.matrix[:, others], axis=0, return_counts=True)
    rows = np.empty((len(values), len(alike), coded.matrix.shape[1]))
    rows[:, :, others], rows[:, :, own] = alike, values[:, None, :]
    predicted: np.ndarray = forest.predict(rows.reshape(-1, rows.shape[2])).reshape(len(values), -1)
    return predicted @ count / count.sum()


def dependence(forest: RandomForestRegressor, coded: Coded, names: Sequence[str] | None = None) -> pd.DataFrame:
    """Partial dependence on each moderator: moderator, level, at, k, category, effect; k effects are nearest to it."""
    parts = []
    for name in names or coded.names:
        labels, at, columns = grid_of(coded, name)
        k = np.bincount(nearest_point(coded, name), minlength=len(at))
        own = {"moderator": name, "level": labels, "at": at, "k": k}
        category = bool(coded.levels[coded.names.index(name)])
        effect = average_at(forest, coded, {name: columns})
        parts.append(pd.DataFrame({**own, "category": category, "effect": effect}))
    return pd.concat(parts, ignore_index=True)


def pair_dependence(forest: RandomForestRegressor, coded: Coded, first: str, second: str) -> pd.DataFrame:
    """Partial dependence on two moderators: first, second, level_1, at_1, level_2, at_2, k, effect.

    k is the number of effects nearest to a point; where it is 0 the forest extrapolates.
    """
    (labels_1, at_1, one), (labels_2, at_2, two) = grid_of(coded, first), grid_of(coded, second)
    left, right = np.repeat(np.arange(len(one)), len(two)), np.tile(np.arange(len(two)), len(one))
    place = nearest_point(coded, first) * len(two) + nearest_point(coded, second)
    return pd.DataFrame(
        {
            "first": first,
            "second": second,
            "level_1": np.array(labels_1)[left],
            "at_1": at_1[left],
            "level_2": np.array(labels_2)[right],
            "at_2": at_2[right],
            "k": np.bincount(place, minlength=len(left)),
            "effect": average_at(forest, coded, {first: one[left], second: two[right]}),
        }
    )


def interaction(pair: pd.DataFrame, alone: pd.DataFrame) -> dict[str, float]:
    """How far a pair is from adding up, over the effects as they are: strength and h2.

    With p_jk, p_j, p_k centred over the effects, strength is the root mean square of p_jk - p_j - p_k, in the target's
    scale, and h2 its square over that of p_jk: the share of what the two do together that neither does alone.
    """
    share = pair["k"].to_numpy() / pair["k"].sum()
    each = alone.set_index(["moderator", "level"])["effect"]
    parts = [pair["effect"].to_numpy()]
    for name, level in (("first", "level_1"), ("second", "level_2")):
        parts.append(each.loc[pair[name].iloc[0]].loc[pair[level]].to_numpy())
    both, one, two = (part - share @ part for part in parts)
    left, whole = float(share @ (both - one - two) ** 2), float(share @ both**2)
    return {"strength": float(np.sqrt(left)), "h2": left / whole if whole else 0.0}


def interactions_table(forest: RandomForestRegressor, coded: Coded, names: Sequence[str]) -> pd.DataFrame:
    """Every pair of these moderators: first, second, strength, h2; the strongest first."""
    alone = dependence(forest, coded, names)
    rows = [
        {"first": one, "second": two, **interaction(pair_dependence(forest, coded, one, two), alone)}
        for one, two in combinations(names, 2)
    ]
    return pd.DataFrame(rows).sort_values("strength", ascending=False, ignore_index=True)
