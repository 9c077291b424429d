"""Predictions of a tree for rows that are not in its table."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.api.checks import check_frame, check_sizes
from bayesmeta.api.wording import python_errors
from bayesmeta.estimates import margins
from bayesmeta.estimates.scales import scale_of
from bayesmeta.estimates.transformed import shown_tables
from bayesmeta.infrastructure.choices import Transform, Weights, check_choice
from bayesmeta.infrastructure.errors import BadInput

At = Mapping[str, Any] | None
MAPPING = 'a mapping of moderators to values, {"dose": [1, 2]}'
SCALAR = (str, bytes, int, float, bool)


@python_errors
def predict(
    tree: xr.DataTree,
    rows: pd.DataFrame | None = None,
    *,
    at: At = None,
    transform: Transform = "auto",
    baseline: float | Sequence[float] | None = None,
) -> pd.DataFrame:
    """Predict the mean effect, and the true effect of a new study, for rows or for a grid.

    Raise BadInput if both rows and at are given, a moderator is missing, blank or unknown, or no
    row can be predicted.

    Parameters
    ----------
    tree : DataTree
        From `fit`, or from arviz.from_netcdf("posterior.nc").
    rows : DataFrame, optional
        A column per moderator. The default is the reference grid: every combination of the
        levels of categories, with numbers at their means, without the cells that have no effects.
    at : mapping, optional
        Values of moderators in the grid, {"dose": [1, 2], "phase": "memory"}.
    transform : {"auto", "none"}
        Whether the numbers are also given on the scale of the measure, such as odds ratios.
    baseline : number or sequence of numbers, optional
        Risks without treatment, above 0 and below 1. The table then has, for every risk, the
        persons per 1000 with an event under treatment, as a summary of findings; `transform` has no
        effect on it.

    Returns
    -------
    DataFrame
        With a baseline: the moderators; k, studies; baseline_per_1000; per_1000 with its 95 %
        interval (_ci_lb, _ci_ub) and the interval of a new study (_pi_lb, _pi_ub);
        difference_per_1000 with its interval.
        Without: the moderators; mean, sd, ci_lb, ci_ub (95 % equal-tailed), p_positive; by level
        pi_study_lb, pi_study_ub ...: 95 % interval for the true mean of a new study, of a new group
        in it; for a measure with a scale: scale, median_transformed, ci_lb_transformed, ...,
        pi_study_lb_transformed ...; outside: numbers beyond the range of the data; k and studies:
        effects with the categories of the row.

    Examples
    --------
    >>> import bayesmeta
    >>> tree = bayesmeta.fit(bayesmeta.example(), moderators="~ dose + phase", sampler="quadrature")
    >>> columns = ["dose", "phase", "mean", "pi_study_lb", "pi_study_ub"]
    >>> bayesmeta.predict(tree, at={"dose": [0.5, 1.5], "phase": "memory"})[columns].round(1)
       dose   phase  mean  pi_study_lb  pi_study_ub
    0   0.5  memory   0.0         -1.1          1.2
    1   1.5  memory   0.0         -1.1          1.1
    """
    check_sizes(tree)
    check_choice("transform", transform, Transform)
    table = predicted(tree, rows, at)
    if baseline is not None:
        scale = scale_of(tree["constant_data"].to_dataset()).name
        return margins.absolute_table(table, scale, np.atleast_1d(baseline).tolist())
    return shown_tables({"predicted": table}, transform)["predicted"]


def predicted(tree: xr.DataTree, rows: pd.DataFrame | None, at: At) -> pd.DataFrame:
    """Return the predictions of `predict` on all scales."""
    if rows is not None:
        if at:
            raise BadInput("at fills the reference grid and rows replace it; give one of them")
        return margins.predicted_table(tree, check_frame(rows))
    table = margins.predicted_table(tree, margins.reference_grid(tree, values_of(at)))
    return table.dropna(subset="mean").reset_index(drop=True)


@python_errors
def marginal_means(
    tree: xr.DataTree, *of: str, at: At = None, weights: Weights = "equal"
) -> pd.DataFrame:
    """Return means at the levels of moderators, averaged over the rest of the reference grid.

    Every combination of the levels of the moderators `of` gets a mean; without `of` the table has
    the mean of the complete grid. `weights` of the combinations of the other moderators are equal,
    or ("frequency") the number of their effects. `tree` and `at` are as for `predict`. Raise
    BadInput if moderators or weights are unknown, or no mean is left.

    Returns
    -------
    DataFrame
        The moderators, and numbers as in `predict`. A mean over cells without effects is left out.

    Source: R's emmeans.

    Examples
    --------
    >>> import bayesmeta
    >>> tree = bayesmeta.fit(bayesmeta.example(), moderators="~ dose + phase", sampler="quadrature")
    >>> bayesmeta.marginal_means(tree, "phase")[["phase", "mean", "sd"]].round(1)
          phase  mean   sd
    0  learning   0.1  0.2
    1    memory   0.0  0.2
    """
    return margins.marginal_table(check_sizes(tree), *of, at=values_of(at), weights=weights)


@python_errors
def marginal_contrasts(
    tree: xr.DataTree, *of: str, at: At = None, weights: Weights = "equal"
) -> pd.DataFrame:
    """Return the differences of all pairs of `marginal_means`, which has the same arguments.

    Raise BadInput if moderators or weights are unknown, or there are fewer than two means.

    Returns
    -------
    DataFrame
        contrast, mean, sd, ci_lb, ci_ub, p_positive, p_rope = P(|difference| < the model's rope).

    Examples
    --------
    >>> import bayesmeta
    >>> tree = bayesmeta.fit(bayesmeta.example(), moderators="~ dose + phase", sampler="quadrature")
    >>> bayesmeta.marginal_contrasts(tree, "phase")[["contrast", "mean", "sd"]].round(1)
                contrast  mean   sd
    0  learning - memory   0.1  0.2
    """
    means = margins.marginal_weights(check_sizes(tree), *of, at=values_of(at), weights=weights)
    if means.sizes["contrast"] < 2:
        name = ", ".join(of) or "the complete grid"
        raise BadInput(f"a difference needs two means; {name} has one")
    return margins.pairs_table(tree, means)


def values_of(at: At) -> dict[str, Sequence[Any]]:
    """Return the values of moderators as lists; raise BadInput if `at` is no mapping."""
    if at is not None and not isinstance(at, Mapping):
        raise BadInput(f"at is {at!r}; it should be {MAPPING}")
    return {
        name: [values] if isinstance(values, SCALAR) else list(values)
        for name, values in (at or {}).items()
    }
