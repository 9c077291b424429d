"""Cells: effects of the same mean."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.estimates.contrasts import summary, term_draws
from bayesmeta.estimates.margins import moderators_of
from bayesmeta.estimates.summaries import (
    has_structure,
    levels_of,
    prediction_interval,
    predictive_sds,
    strata_of,
    variances_of_terms,
)
from bayesmeta.model.design import is_small_study
from bayesmeta.model.design.kinds import SLOPE


class Cell(NamedTuple):
    """The effects of a mean, and the weights of the terms in it."""

    label: str  # "" for the effects of a model with a single mean, or with slopes
    effects: np.ndarray  # positions of its effects
    weights: np.ndarray | None  # (p,); None if the model has slopes: its effects have no such mean


def cells_of(tree: xr.DataTree) -> list[Cell]:
    """Return the cells in the order of the terms; small-study slopes do not divide them."""
    design = tree["constant_data"].to_dataset()
    everything = np.arange(design.sizes["effect"])
    if (design["kind_of_term"].values == SLOPE).any():
        return [Cell("", everything, None)]
    coded = np.where(is_small_study(design), 0.0, design["X"].values)
    backwards, cell = np.unique(coded[:, ::-1], axis=0, return_inverse=True)
    members = [np.flatnonzero(cell == position) for position in range(len(backwards))]
    if len(members) == 1:
        return [Cell("", everything, backwards[0, ::-1])]
    return [
        Cell(_label(tree, row[::-1], effects), effects, row[::-1])
        for row, effects in zip(backwards, members, strict=True)
    ]


def _label(tree: xr.DataTree, weights: np.ndarray, effects: np.ndarray) -> str:
    """Return the only term of a cell, or else the values of the moderators in it."""
    terms = tree["constant_data"].to_dataset()["term"].values[weights != 0]
    if len(terms) == 1 and terms[0] != "intercept":
        return str(terms[0])
    first = moderators_of(tree).columns.iloc[effects[0]]
    return ":".join(str(value) for value in first)


def mean_row(tree: xr.DataTree, cell: Cell) -> dict[str, object]:
    """Return the mean of a cell: estimate, ci_lb, ci_ub, pi_lb, pi_ub, pi_level.

    The interval is for the true mean of the lowest level that is new; it is missing if the cell is
    in several strata.
    """
    draws = cell.weights @ term_draws(tree).values
    numbers = summary(draws)
    level = levels_of(tree)[-1]
    stratum = _stratum(tree, cell)
    ends = (np.nan, np.nan)
    if stratum is not None:
        sds = _predictive_sds(tree, cell, stratum)
        level = str(sds.columns[-1])
        ends = prediction_interval(draws, sds[level].to_numpy())
    estimate = {"estimate": numbers["mean"], "ci_lb": numbers["ci_lb"], "ci_ub": numbers["ci_ub"]}
    return estimate | {"pi_lb": ends[0], "pi_ub": ends[1], "pi_level": level}


def _predictive_sds(tree: xr.DataTree, cell: Cell, stratum: str) -> pd.DataFrame:
    """Return the sds of new effects; around the cell's mean, where they differ between means."""
    terms = tree["constant_data"].to_dataset()["term"].values[cell.weights != 0]
    if has_structure(tree) and len(terms) == 1:
        return variances_of_terms(tree)[str(terms[0])].cumsum(axis=1).pow(0.5)
    return predictive_sds(tree, stratum)


def _stratum(tree: xr.DataTree, cell: Cell) -> str | None:
    """Return the stratum of a cell's taus, None if it has several."""
    strata = list(strata_of(tree))
    if strata == [""]:
        return ""
    design = tree["constant_data"].to_dataset()
    study = design["group_study"].values[design["effect_group"].values[cell.effects]]
    codes = pd.unique(design["study_stratum"].values[study])
    return strata[codes[0]] if len(codes) == 1 else None
