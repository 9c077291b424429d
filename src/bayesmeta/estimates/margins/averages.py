"""Marginal means: the mean at each level of some moderators, averaged over the rest of the reference grid.

Source: Searle, Speed & Milliken 1980, doi 10.1080/00031305.1980.10483031; R's emmeans, weights "equal" and
"proportional".
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.estimates.margins.grid import reference_grid
from bayesmeta.estimates.margins.moderators import Moderators, moderators_of
from bayesmeta.estimates.margins.rows import row_labels, row_weights
from bayesmeta.infrastructure.choices import Weights, check_choice
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.spec import spec_of


def marginal_weights(
    tree: xr.DataTree, *of: str, at: Mapping[str, Sequence[Any]] | None = None, weights: str = "equal"
) -> xr.DataArray:
    """Weights of the terms in marginal means.

    Parameters
    ----------
    tree : DataTree
        With groups posterior and constant_data.
    *of : str
        Moderators; every combination of their values gets a mean. None for the mean of the whole grid.
    at : mapping, optional
        Values of moderators in the grid, as for `reference_grid`.
    weights : {"equal", "frequency"}
        Of the combinations of the other moderators: each alike, or by the numbers of effects that have them.

    Returns
    -------
    DataArray
        Dims (contrast, term). A mean over a cell without effects is left out: the model does not know it.

    Raises
    ------
    BadInput
        Unknown moderators or weights, or no mean is left.
    """
    return averaged(tree, of, at, weights)[0]


def averaged(
    tree: xr.DataTree, of: Sequence[str], at: Mapping[str, Sequence[Any]] | None, weights: str
) -> tuple[xr.DataArray, pd.DataFrame, list[str]]:
    """`marginal_weights`, the values of each mean's moderators, and the stratum it is in ("" where in several)."""
    moderators, grid = moderators_of(tree), reference_grid(tree, at)
    if unknown := [name for name in of if name not in moderators.names]:
        raise BadInput(f"{unknown} are no moderators of this model; it has: {', '.join(moderators.names) or 'none'}")
    rows = row_weights(tree, grid)
    share = _shares(moderators, grid, of, weights)
    own = grid[list(of)]
    place, first = _places(own)
    means = np.stack([_mean(rows.values[place == at], share[place == at]) for at in place[first]])
    known = ~np.isnan(means).any(axis=1)
    if not known.any():
        raise BadInput(f"no mean of {', '.join(of)} is free of cells without effects; average over fewer moderators")
    values = own.iloc[first[known]].reset_index(drop=True)
    found = xr.DataArray(
        means[known], {"contrast": row_labels(values, moderators), "term": rows["term"].values}, ("contrast", "term")
    )
    return found, values, _strata(tree, grid, place, place[first[known]])


def _places(values: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Which mean each row of the grid goes into, the last moderator changing fastest; and a row of each mean."""
    place = np.zeros(len(values), int)
    for name in values:
        codes, found = pd.factorize(values[name])
        place = place * len(found) + codes
    return place, np.unique(place, return_index=True)[1]


def _mean(rows: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Weighted mean of rows (n, p); rows that weigh nothing may be nan, and without any weight all count alike."""
    share = share if share.sum() > 0 else np.ones_like(share)
    used = share > 0
    mean: np.ndarray = share[used] @ rows[used] / share[used].sum()
    return mean


def _shares(moderators: Moderators, grid: pd.DataFrame, of: Sequence[str], weights: str) -> np.ndarray:
    """Weight of each row of the grid among those of its mean."""
    check_choice("weights", weights, Weights)
    others = [name for name in moderators.levels if name not in of]
    if weights == "equal" or not others:
        return np.ones(len(grid))
    counts = moderators.columns[others].astype(object).value_counts().rename("share").reset_index()
    found = grid[others].astype(object).merge(counts, "left", on=others)["share"]
    return found.fillna(0).to_numpy(float)


def _strata(tree: xr.DataTree, grid: pd.DataFrame, place: np.ndarray, wanted: np.ndarray) -> list[str]:
    column = spec_of(tree).tau_by
    if not column:
        return [""] * len(wanted)
    own = [grid[column][place == at].astype(str).unique() for at in wanted]
    return [str(names[0]) if len(names) == 1 else "" for names in own]


def pairwise(weights: xr.DataArray) -> xr.DataArray:
    """Weights of every difference of two, `rat - mouse`, dims (contrast, term).

    Raises
    ------
    BadInput
        There are fewer than two.
    """
    pairs = list(combinations(range(weights.sizes["contrast"]), 2))
    if not pairs:
        raise BadInput("a contrast needs two means; there is only one")
    rows, names = weights.transpose("contrast", "term").values, weights["contrast"].values
    first, second = (np.array(side) for side in zip(*pairs, strict=True))
    labels = [f"{names[a]} - {names[b]}" for a, b in pairs]
    return xr.DataArray(
        rows[first] - rows[second], {"contrast": labels, "term": weights["term"].values}, ("contrast", "term")
    )
