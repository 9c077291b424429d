"""Exact summaries of a quadrature's posterior."""

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.inference.quadrature.posterior import Joint, Posterior, combination, tau_quantile

BOUNDS = (0.025, 0.5, 0.975)


def terms_table(posterior: Posterior | Joint) -> pd.DataFrame:
    """Summarise each term exactly: term, mean, sd, median, ci_lb, ci_ub (95 % equal-tailed), p_positive."""
    names = list(posterior.terms)
    weights = xr.DataArray(
        np.eye(len(names)), {"contrast": names, "term": names}, ("contrast", "term")
    )
    return contrasts_table(posterior, weights).rename(columns={"contrast": "term"})


def contrasts_table(posterior: Posterior | Joint, weights: xr.DataArray) -> pd.DataFrame:
    """Summarise linear combinations of terms exactly.

    Parameters
    ----------
    weights : DataArray
        Dims (contrast, term), as from `design.contrast_weights`.

    Returns
    -------
    DataFrame
        contrast, mean, sd, median, ci_lb, ci_ub (95 % equal-tailed), p_positive.
    """
    rows = []
    for name, row in zip(
        weights["contrast"].values, weights.sel(term=list(posterior.terms)).values, strict=True
    ):
        mixture = combination(posterior, row)
        lower, median, upper = (mixture.quantile(p) for p in BOUNDS)
        rows.append(
            {
                "contrast": name,
                "mean": mixture.mean,
                "sd": mixture.sd,
                "median": median,
                "ci_lb": lower,
                "ci_ub": upper,
            }
            | {"p_positive": mixture.above(0.0)}
        )
    return pd.DataFrame(rows)


def taus_table(posterior: Posterior | Joint) -> pd.DataFrame:
    """Summarise each tau: level (of a joint posterior `human:study`), mean, sd, median, ci_lb, ci_ub (95 %)."""
    if isinstance(posterior, Joint):
        each = {name: taus_table(part) for name, part in posterior.parts.items()}
        return pd.concat(
            [table.assign(level=name + ":" + table["level"]) for name, table in each.items()]
        )
    mean = posterior.weight @ posterior.tau
    sd = np.sqrt(posterior.weight @ (posterior.tau - mean) ** 2)
    bounds = [[tau_quantile(posterior, level, p) for p in BOUNDS] for level in posterior.levels]
    table = pd.DataFrame(bounds, columns=["ci_lb", "median", "ci_ub"]).assign(mean=mean, sd=sd)
    return table.assign(level=posterior.levels)[["level", "mean", "sd", "median", "ci_lb", "ci_ub"]]
