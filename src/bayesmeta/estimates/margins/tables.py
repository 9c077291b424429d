"""Means of rows and of margins as tables: credible intervals, and where the true effects of a new study would lie."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.estimates.contrasts import summarise, weighted_draws
from bayesmeta.estimates.margins.averages import averaged, pairwise
from bayesmeta.estimates.margins.moderators import Moderators, moderators_of
from bayesmeta.estimates.margins.rows import row_weights, typed_rows
from bayesmeta.estimates.summaries import (
    BOUNDS,
    levels_of,
    mixture_quantile,
    spread_draws,
    strata_of,
)
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.spec import spec_of

CHUNK = 500  # rows whose draws are held at once


def predicted_table(tree: xr.DataTree, rows: pd.DataFrame) -> pd.DataFrame:
    """What a model says of new rows.

    Parameters
    ----------
    tree : DataTree
        With groups posterior and constant_data.
    rows : DataFrame
        The moderators' columns, such as `reference_grid` makes.

    Returns
    -------
    DataFrame
        The moderators; mean, sd, ci_lb, ci_ub (95 % equal-tailed) and p_positive of the mean effect; for each level
        pi_study_lb, pi_study_ub ...: 95 % interval for the true mean of a new study, of a new group in it, and for a
        new true effect in that; outside: numbers beyond the range of the table, as text; k and studies: effects that
        have the row's categories, and their studies. Empty numbers in rows of cells without effects.

    Raises
    ------
    BadInput
        A moderator is missing, blank or no number, a level is unknown, no row can be predicted.
    """
    moderators = moderators_of(tree)
    typed = typed_rows(moderators, rows)
    weights = row_weights(tree, typed)
    known = ~np.isnan(weights.values).any(axis=1)
    if not known.any():
        raise BadInput("no row can be predicted: the model has no effects in any of these cells")
    column = spec_of(tree).tau_by
    strata = typed[column].astype(str).tolist() if column else [""] * len(typed)
    numbers = _summary(
        tree, weights[known], [name for name, kept in zip(strata, known, strict=True) if kept]
    )
    numbers = numbers.set_index(np.flatnonzero(known)).reindex(range(len(typed)))
    return pd.concat([typed, numbers, _support(tree, moderators, typed)], axis=1)


def marginal_table(
    tree: xr.DataTree,
    *of: str,
    at: Mapping[str, Sequence[Any]] | None = None,
    weights: str = "equal",
) -> pd.DataFrame:
    """Marginal means, see `marginal_weights`: the moderators and then the numbers of `predicted_table`.

    A mean over several strata has no prediction interval: taus differ between them.
    """
    found, values, strata = averaged(tree, of, at, weights)
    return pd.concat([values, _summary(tree, found, strata)], axis=1)


def pairs_table(tree: xr.DataTree, weights: xr.DataArray) -> pd.DataFrame:
    """Differences of means: contrast, mean, sd, ci_lb, ci_ub, p_positive, p_rope = P(|difference| < the model's rope).

    `weights` (contrast, term) are those of the means, from `marginal_weights` or `row_weights`.
    """
    differences = pairwise(weights)
    draws = weighted_draws(tree, differences)
    inside = abs(draws) < spec_of(tree).rope
    return summarise(draws).assign(p_rope=inside.mean(("chain", "draw")).values)


def _summary(tree: xr.DataTree, weights: xr.DataArray, strata: Sequence[str]) -> pd.DataFrame:
    """Mean and intervals of each row of weights; rows that are alike are computed once."""
    keys = pd.DataFrame(weights.values).assign(stratum=list(strata))
    place = keys.groupby(list(keys.columns), sort=False).ngroup().to_numpy()
    first = np.unique(place, return_index=True)[1]
    known = {strata[at] for at in first} & set(strata_of(tree))
    spreads = {
        name: spread_draws(tree, name) if name in known else pd.DataFrame() for name in set(strata)
    }
    parts = []
    for start in range(0, len(first), CHUNK):
        chosen = first[start : start + CHUNK]
        draws = weighted_draws(tree, weights[chosen].assign_coords(contrast=chosen))
        flat = draws.stack(sample=("chain", "draw")).transpose("contrast", "sample").values
        ends = [
            _ends(own, spreads[strata[at]], levels_of(tree))
            for own, at in zip(flat, chosen, strict=True)
        ]
        parts.append(summarise(draws).drop(columns="contrast").join(pd.DataFrame(ends)))
    return pd.concat(parts, ignore_index=True).iloc[place].reset_index(drop=True)


def _ends(means: np.ndarray, spreads: pd.DataFrame, levels: Sequence[str]) -> dict[str, float]:
    """Ends of the prediction intervals of one row; nan without spreads."""
    found = {}
    for level in levels:
        for end, p in zip(("lb", "ub"), BOUNDS, strict=True):
            found[f"pi_{level}_{end}"] = (
                mixture_quantile(p, means, spreads[level].to_numpy())
                if level in spreads
                else np.nan
            )
    return found


def _support(tree: xr.DataTree, moderators: Moderators, rows: pd.DataFrame) -> pd.DataFrame:
    """What the table has beside each row: outside, k, studies."""
    far = {
        name: _beyond(moderators.columns[name], rows[name])
        for name in map(str, rows)
        if name not in moderators.fixed
    }
    outside = [", ".join(name for name, bad in far.items() if bad[at]) for at in range(len(rows))]
    design = tree["constant_data"].to_dataset()
    names = list(moderators.levels)
    study = design["group_study"].values[design["effect_group"].values]
    effects = (
        moderators.columns[names].astype(str).agg(":".join, axis=1)
        if names
        else pd.Series("", range(len(study)))
    )
    wanted = rows[names].astype(str).agg(":".join, axis=1) if names else pd.Series("", rows.index)
    counts = (
        pd.DataFrame({"cell": effects, "study": study})
        .groupby("cell")["study"]
        .agg(["size", "nunique"])
    )
    found = counts.reindex(wanted).fillna(0).astype(int).to_numpy()
    return pd.DataFrame({"outside": outside, "k": found[:, 0], "studies": found[:, 1]}, rows.index)


def _beyond(known: pd.Series, asked: pd.Series) -> np.ndarray:
    return ((asked < known.min()) | (asked > known.max())).to_numpy(bool)
