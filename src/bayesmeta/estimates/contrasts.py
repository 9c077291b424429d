"""Estimands: linear combinations of terms, by draws; how they are written is in `design.contrasts`."""

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.model.spec import spec_of

SETTLED = 0.975  # a sign is settled by a 95 % equal-tailed interval that excludes zero


def contrasts_of(tree: xr.DataTree) -> xr.DataArray:
    """Weights of every term by itself, then of the contrasts that the tree's model names, dims (contrast, term)."""
    return (
        tree["constant_data"].dataset["contrast_weights"].transpose("contrast", "term").drop_attrs()
    )


def contrast_draws(tree: xr.DataTree, *, group: str = "posterior") -> xr.DataArray:
    """Draws of the contrasts, dims (chain, draw, contrast); `group` may be `prior`."""
    return weighted_draws(tree, contrasts_of(tree), group=group)


def weighted_draws(
    tree: xr.DataTree, weights: xr.DataArray, *, group: str = "posterior"
) -> xr.DataArray:
    """Draws of combinations of terms, weights (contrast, term), dims (chain, draw, contrast)."""
    return xr.dot(weights, tree[group].dataset["beta"], dim="term").transpose(
        "chain", "draw", "contrast"
    )


def contrasts_table(tree: xr.DataTree) -> pd.DataFrame:
    """Summarise contrasts.

    Returns
    -------
    DataFrame
        contrast, mean, sd, ci_lb, ci_ub (95 % equal-tailed), p_positive, p_rope = P(|contrast| < the model's rope); of
        a slope that of a moderator's standard deviation, because its unit is arbitrary.
    """
    weights = contrasts_of(tree)
    draws = weighted_draws(tree, weights)
    inside = abs(draws * steps_of(tree, weights)) < spec_of(tree).rope
    return summarise(draws).assign(p_rope=inside.mean(("chain", "draw")).values)


def steps_of(tree: xr.DataTree, weights: xr.DataArray) -> xr.DataArray:
    """What a standard deviation of its moderator makes of each contrast, dims (contrast,); 1 where it has no unit."""
    design = tree["constant_data"].dataset
    if "standardised" not in design:
        return xr.ones_like(weights["contrast"], float)
    steps = np.diag(
        design["standardised"].sel(standard=weights["term"].values, term=weights["term"].values)
    )
    involved = [np.unique(steps[row != 0]) for row in weights.transpose("contrast", "term").values]
    found = [float(own[0]) if len(own) == 1 else 1.0 for own in involved]
    return xr.DataArray(found, {"contrast": weights["contrast"].values}, ("contrast",))


def standardised_table(tree: xr.DataTree) -> pd.DataFrame:
    """What the terms are of moderators that are centred and scaled; no rows where no moderator is a number.

    Returns
    -------
    DataFrame
        term (a slope is per standard deviation, the intercept is at the moderators' means), unit (what a term in
        tables/terms.csv is multiplied by), mean, sd, ci_lb, ci_ub (95 % equal-tailed), p_positive, p_rope.
    """
    design = tree["constant_data"].dataset
    if "standardised" not in design:
        return pd.DataFrame()
    weights = design["standardised"].rename(standard="contrast")
    draws = weighted_draws(tree, weights)
    table = summarise(draws).assign(
        p_rope=(abs(draws) < spec_of(tree).rope).mean(("chain", "draw")).values
    )
    table.insert(1, "unit", np.diag(weights.transpose("contrast", "term")))
    return table.rename(columns={"contrast": "term"})


def summarise(draws: xr.DataArray, *, null: float = 0.0) -> pd.DataFrame:
    """Summarise draws over (chain, draw, contrast).

    Returns
    -------
    DataFrame
        contrast, mean, sd, ci_lb, ci_ub (95 % equal-tailed), p_positive = P(> null).
    """
    flat = draws.stack(sample=("chain", "draw"))
    lower, upper = flat.quantile([0.025, 0.975], "sample")
    columns = {
        "mean": flat.mean("sample"),
        "sd": flat.std("sample", ddof=1),
        "ci_lb": lower,
        "ci_ub": upper,
    }
    columns["p_positive"] = (flat > null).mean("sample")
    return pd.DataFrame(
        {"contrast": draws["contrast"].values}
        | {name: part.values for name, part in columns.items()}
    )
