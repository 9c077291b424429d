"""Marginal means: means by some moderators, averaged over the rest of the reference grid.

Source: Searle, Speed & Milliken 1980, doi 10.1080/00031305.1980.10483031; R's emmeans, weights
"equal" and "proportional".
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.estimates.margins.grid import reference_grid
from bayesmeta.estimates.margins.moderators import At, Moderators, check_names, moderators_of
from bayesmeta.estimates.margins.new_rows import row_labels, row_weights
from bayesmeta.infrastructure.choices import Weights, check_choice
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.spec import spec_of


def marginal_weights(
    tree: xr.DataTree, *of: str, at: At = None, weights: str = "equal"
) -> xr.DataArray:
    """Return the weights (contrast, term) of the terms in marginal means.

    A mean over a cell without effects is left out, because the model has no estimate of it. `tree`
    has the groups posterior and constant_data. Every combination of the values of the moderators
    `*of` gets a mean; without any, the result is the mean of the complete grid. `at`: values of
    moderators in the grid, as for `reference_grid`. `weights`, of the combinations of the other
    moderators: "equal", or "frequency", their numbers of effects. Raises BadInput for unknown
    moderators or weights, or if no mean is left.
    """
    return averaged(tree, of, at, weights)[0]


def averaged(
    tree: xr.DataTree, of: Sequence[str], at: At, weights: str
) -> tuple[xr.DataArray, pd.DataFrame, list[str]]:
    """Return `marginal_weights`, moderator values and stratum ("" for several) of every mean."""
    moderators = moderators_of(tree)
    grid = reference_grid(tree, at)
    check_names(moderators, of)
    rows = row_weights(tree, grid)
    shares = _shares(moderators, grid, of, weights)
    values = grid[list(of)]
    codes = _mean_codes(values)
    means, first = np.unique(codes, return_index=True)
    averages = np.stack(
        [_weighted_mean(rows.values[codes == mean], shares[codes == mean]) for mean in means]
    )
    estimable = ~np.isnan(averages).any(axis=1)
    if not estimable.any():
        problem = f"every mean of {', '.join(of)} includes cells without effects"
        raise BadInput(f"{problem}; average over fewer moderators")
    values = values.iloc[first[estimable]].reset_index(drop=True)
    coordinates = {"contrast": row_labels(values, moderators), "term": rows["term"].values}
    contrasts = xr.DataArray(averages[estimable], coordinates, ("contrast", "term"))
    return contrasts, values, _strata(spec_of(tree).tau_by, grid, codes, means[estimable])


def _mean_codes(values: pd.DataFrame) -> np.ndarray:
    """Return the code of the mean to which a row belongs (rows,); the last column is fastest."""
    codes = np.zeros(len(values), int)
    for name in values:
        levels, unique = pd.factorize(values[name])
        codes = codes * len(unique) + levels
    return codes


def _weighted_mean(rows: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return the mean (p,) of rows (n, p), nan allowed at weight 0; equal weights if all are 0."""
    shares = shares if shares.sum() > 0 else np.ones_like(shares)
    positive = shares > 0
    mean: np.ndarray = shares[positive] @ rows[positive] / shares[positive].sum()
    return mean


def _shares(
    moderators: Moderators, grid: pd.DataFrame, of: Sequence[str], weights: str
) -> np.ndarray:
    check_choice("weights", weights, Weights)
    others = [name for name in moderators.levels if name not in of]
    if weights == "equal" or not others:
        return np.ones(len(grid))
    counts = moderators.columns[others].astype(object).value_counts().rename("share")
    merged = grid[others].astype(object).merge(counts.reset_index(), "left", on=others)
    return merged["share"].fillna(0).to_numpy(float)


def _strata(column: str, grid: pd.DataFrame, code: np.ndarray, means: np.ndarray) -> list[str]:
    """Return the stratum of every mean, "" if its rows are in several."""
    if not column:
        return [""] * len(means)
    names = [grid[column][code == mean].astype(str).unique() for mean in means]
    return [str(strata[0]) if len(strata) == 1 else "" for strata in names]


def pairwise(weights: xr.DataArray) -> xr.DataArray:
    """Return weights (contrast, term) of pairs, `rat - mouse`; BadInput for fewer than 2 means."""
    first, second = np.triu_indices(weights.sizes["contrast"], 1)
    if not len(first):
        raise BadInput("a contrast needs two means; got a single mean")
    rows = weights.transpose("contrast", "term").values
    names = weights["contrast"].values.astype(object)
    coordinates = {"contrast": names[first] + " - " + names[second], "term": weights["term"].values}
    return xr.DataArray(rows[first] - rows[second], coordinates, ("contrast", "term"))
