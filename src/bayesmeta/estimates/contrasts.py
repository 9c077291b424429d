"""Draws and summaries of linear combinations of terms (notation: `model.design.contrasts`)."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.estimates.conventions import INTERVAL
from bayesmeta.estimates.scales import scale_of, scales_of
from bayesmeta.estimates.transformed import transformed
from bayesmeta.model.spec import spec_of


def contrasts_of(tree: xr.DataTree) -> xr.DataArray:
    """Return the weights (contrast, term) of every single term, then of the model's contrasts."""
    weights = tree["constant_data"].dataset["contrast_weights"]
    return weights.transpose("contrast", "term").drop_attrs()


def contrast_draws(tree: xr.DataTree, *, group: str = "posterior") -> xr.DataArray:
    """Return draws of the contrasts (chain, draw, contrast); `group` may be `prior`."""
    return weighted_draws(tree, contrasts_of(tree), group=group)


def weighted_draws(
    tree: xr.DataTree, weights: xr.DataArray, *, group: str = "posterior"
) -> xr.DataArray:
    """Return draws (chain, draw, contrast) of weights (contrast, term); posterior or prior."""
    draws = xr.dot(weights, tree[group].dataset["beta"], dim="term")
    return draws.transpose("chain", "draw", "contrast")


def term_draws(tree: xr.DataTree, group: str = "posterior") -> xr.DataArray:
    """Return the draws of the terms (term, sample), chain after chain."""
    beta = tree[group].to_dataset()["beta"]
    flat = beta.stack(sample=("chain", "draw"), create_index=False)  # an index takes a second
    return flat.transpose("term", "sample")


def contrasts_table(tree: xr.DataTree) -> pd.DataFrame:
    """Summarise the contrasts.

    Columns: contrast, mean, sd, ci_lb, ci_ub (95 % equal-tailed), p_positive, p_rope: P(|contrast|
    < the model's rope); for a measure with a scale: scale (such as ratio of odds ratios),
    median_transformed, ci_lb_transformed, ci_ub_transformed, see `estimates.scales`. The unit of a
    moderator is arbitrary, so p_rope of a slope refers to the change over a standard deviation of
    its moderator.
    """
    weights = contrasts_of(tree)
    return summarise_with_rope(tree, weights, steps_of(tree, weights))


def summarise_with_rope(
    tree: xr.DataTree,
    weights: xr.DataArray,
    steps: xr.DataArray | float = 1.0,
    *,
    rope: float | None = None,
) -> pd.DataFrame:
    """Summarise combinations of terms, with p_rope of the combinations times `steps`.

    The region of practical equivalence is within `rope` of zero; the model's rope by default.
    """
    draws = weighted_draws(tree, weights)
    inside = abs(draws * steps) < (spec_of(tree).rope if rope is None else rope)
    table = summarise(draws).assign(p_rope=inside.mean(("chain", "draw")).values)
    return table.assign(**transformed_draws(tree, weights, draws))


def transformed_draws(
    tree: xr.DataTree, weights: xr.DataArray, draws: xr.DataArray
) -> dict[str, Any]:
    """Return the median and the interval of combinations of terms on the scale of the measure."""
    design = tree["constant_data"].to_dataset()
    if not scale_of(design).name:
        return {}
    lower, median, upper = draws.quantile([INTERVAL[0], 0.5, INTERVAL[1]], ("chain", "draw")).values
    ends = {"median": median, "ci_lb": lower, "ci_ub": upper}
    return transformed(scales_of(design, weights), ends)


def steps_of(tree: xr.DataTree, weights: xr.DataArray) -> xr.DataArray:
    """Return the factor (contrast,) that turns a contrast into a change per moderator sd.

    It is the standard deviation of the moderator if the contrast combines slopes of the same
    moderator, and 1 for a contrast of means or of slopes with different units.
    """
    design = tree["constant_data"].dataset
    if "standardised" not in design:
        return xr.ones_like(weights["contrast"], float)
    terms = weights["term"].values
    units = np.diag(design["standardised"].sel(standard=terms, term=terms))
    involved = [np.unique(units[row != 0]) for row in weights.transpose("contrast", "term").values]
    steps = [float(unit[0]) if len(unit) == 1 else 1.0 for unit in involved]
    return xr.DataArray(steps, {"contrast": weights["contrast"].values}, ("contrast",))


def standardised_table(tree: xr.DataTree) -> pd.DataFrame:
    """Summarise the terms of a model with centred and scaled moderators.

    Columns: term (a slope per standard deviation, the intercept at the moderators' means), unit
    (factor by which a term of tables/terms.csv is multiplied), mean, sd, ci_lb, ci_ub (95 %
    equal-tailed), p_positive, p_rope. No rows if no moderator is a number.
    """
    design = tree["constant_data"].dataset
    if "standardised" not in design:
        return pd.DataFrame()
    weights = design["standardised"].rename(standard="contrast")
    table = summarise_with_rope(tree, weights)
    table.insert(1, "unit", np.diag(weights.transpose("contrast", "term")))
    return table.rename(columns={"contrast": "term"})


def summarise(draws: xr.DataArray, *, null: float = 0.0) -> pd.DataFrame:
    """Summarise draws (chain, draw, contrast): contrast, then `summary` with P(> null)."""
    flat = draws.transpose("contrast", "chain", "draw").values.reshape(draws.sizes["contrast"], -1)
    return pd.DataFrame({"contrast": draws["contrast"].values} | summary(flat, null))


def summary(draws: np.ndarray, null: float = 0.0) -> dict[str, Any]:
    """Return mean, sd, ci_lb, ci_ub (95 % equal-tailed) and p_positive of draws (..., sample)."""
    lower, upper = np.quantile(draws, INTERVAL, axis=-1)
    return {
        "mean": draws.mean(axis=-1),
        "sd": draws.std(axis=-1, ddof=1),
        "ci_lb": lower,
        "ci_ub": upper,
        "p_positive": (draws > null).mean(axis=-1),
    }
