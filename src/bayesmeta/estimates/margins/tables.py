"""Means of rows and of margins as tables, with intervals for the true effects of new studies."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.estimates.contrasts import summarise, summarise_with_rope, weighted_draws
from bayesmeta.estimates.margins.averages import averaged, pairwise
from bayesmeta.estimates.margins.moderators import At, Moderators, moderators_of
from bayesmeta.estimates.margins.new_rows import row_weights, typed_rows
from bayesmeta.estimates.scales import scale_of
from bayesmeta.estimates.summaries import (
    prediction_interval,
    prediction_levels,
    predictive_sds,
    strata_of,
)
from bayesmeta.estimates.transformed import transformed
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.likelihood import nesting_of
from bayesmeta.model.spec import spec_of

CHUNK = 500  # rows with draws in memory at the same time


def predicted_table(tree: xr.DataTree, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the predictions of a model for new rows, such as `reference_grid` makes.

    Columns: the moderators; mean, sd, ci_lb, ci_ub (95 % equal-tailed) and p_positive of the mean
    effect; for every level pi_study_lb, pi_study_ub ...: 95 % interval for the true mean of a new
    study, of a new group in it, and for a new true effect in that; for a measure with a scale:
    scale, and the median and all limits on it, median_transformed, ci_lb_transformed ...; outside:
    numbers beyond the range of the table, as text; k and studies: effects that have the row's
    categories, and their studies. The numbers are missing in rows of cells without effects. Raises
    BadInput if a moderator is missing, blank or no number, a level is unknown, no row can be
    predicted.
    """
    moderators = moderators_of(tree)
    typed = typed_rows(moderators, rows)
    weights = row_weights(tree, typed)
    estimable = ~np.isnan(weights.values).any(axis=1)
    if not estimable.any():
        raise BadInput("no row can be predicted: the model has no effects in any of these cells")
    column = spec_of(tree).tau_by
    strata = typed[column].astype(str) if column else pd.Series("", typed.index)
    numbers = _summary(tree, weights[estimable], strata[estimable].tolist())
    numbers = numbers.set_index(np.flatnonzero(estimable)).reindex(range(len(typed)))
    return pd.concat([typed, numbers, _support(tree, moderators, typed)], axis=1)


def marginal_table(
    tree: xr.DataTree, *of: str, at: At = None, weights: str = "equal"
) -> pd.DataFrame:
    """Return marginal means: the moderators, then the numbers of `predicted_table`.

    The parameters are those of `marginal_weights`. A mean over several strata has no prediction
    interval, because the taus differ between them.
    """
    contrasts, values, strata = averaged(tree, of, at, weights)
    return pd.concat([values, _summary(tree, contrasts, strata)], axis=1)


def pairs_table(tree: xr.DataTree, weights: xr.DataArray) -> pd.DataFrame:
    """Return the differences of all pairs of means, with the columns of `contrasts_table`."""
    return summarise_with_rope(tree, pairwise(weights))


def _summary(tree: xr.DataTree, weights: xr.DataArray, strata: Sequence[str]) -> pd.DataFrame:
    """Return mean and intervals of every row of weights; equal rows are computed only once."""
    keys = pd.DataFrame(weights.values).assign(stratum=list(strata))
    code = keys.groupby(list(keys.columns), sort=False).ngroup().to_numpy()
    first = np.unique(code, return_index=True)[1]
    with_taus = {strata[at] for at in first} & set(strata_of(tree))
    sds = {name: predictive_sds(tree, name) for name in with_taus}
    levels = prediction_levels(tree)
    scale = scale_of(tree["constant_data"].to_dataset())
    parts = []
    for start in range(0, len(first), CHUNK):
        chosen = first[start : start + CHUNK]
        draws = weighted_draws(tree, weights[chosen].assign_coords(contrast=chosen))
        flat = draws.stack(sample=("chain", "draw")).transpose("contrast", "sample").values
        of_rows = [sds.get(strata[at], pd.DataFrame()) for at in chosen]
        ends = [_ends(*row, levels) for row in zip(flat, of_rows, strict=True)]
        means = summarise(draws).drop(columns="contrast").join(pd.DataFrame(ends))
        limits = [str(name) for name in means if str(name).endswith(("_lb", "_ub"))]
        columns = {"median": np.median(flat, axis=-1), **{name: means[name] for name in limits}}
        parts.append(means.assign(**transformed(scale, columns)))
    return pd.concat(parts, ignore_index=True).iloc[code].reset_index(drop=True)


def _ends(means: np.ndarray, sds: pd.DataFrame, levels: Sequence[str]) -> dict[str, float]:
    ends: dict[str, float] = {}
    for level in levels:
        lower = upper = np.nan
        if level in sds:
            lower, upper = prediction_interval(means, sds[level].to_numpy())
        ends |= {f"pi_{level}_lb": lower, f"pi_{level}_ub": upper}
    return ends


def _support(tree: xr.DataTree, moderators: Moderators, rows: pd.DataFrame) -> pd.DataFrame:
    numbers = [name for name in map(str, rows) if name not in moderators.fixed]
    observed = moderators.columns[numbers]
    beyond = (rows[numbers] < observed.min()) | (rows[numbers] > observed.max())
    outside = [", ".join(beyond.columns[flags]) for flags in beyond.to_numpy(bool)]
    study = nesting_of(tree["constant_data"].to_dataset()).study_of_effect
    names = list(moderators.levels)
    effects = pd.DataFrame({"cell": _cells(moderators.columns, names), "study": study})
    counts = effects.groupby("cell")["study"].agg(["size", "nunique"])
    k, studies = counts.reindex(_cells(rows, names)).fillna(0).astype(int).to_numpy().T
    columns = {"outside": outside, "k": k, "studies": studies}
    return pd.DataFrame(columns, rows.index)


def _cells(rows: pd.DataFrame, names: Sequence[str]) -> pd.Series:
    if not names:
        return pd.Series("", rows.index)
    return rows[names].astype(str).agg(":".join, axis=1)
