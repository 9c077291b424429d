"""Exact summaries of a quadrature's posterior."""

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.inference.quadrature.posterior import Joint, Posterior, combination, tau_quantile

BOUNDS = (0.025, 0.5, 0.975)


def terms_table(posterior: Posterior | Joint) -> pd.DataFrame:
    """Summarise the terms: term, mean, sd, median, ci_lb, ci_ub (95 % equal-tailed), p_positive."""
    names = list(posterior.terms)
    labels = {"contrast": names, "term": names}
    weights = xr.DataArray(np.eye(len(names)), labels, ("contrast", "term"))
    return contrasts_table(posterior, weights).rename(columns={"contrast": "term"})


def contrasts_table(posterior: Posterior | Joint, weights: xr.DataArray) -> pd.DataFrame:
    """Summarise linear combinations of terms, weights (contrast, term), exactly.

    The columns are contrast, mean, sd, median, ci_lb, ci_ub (95 % equal-tailed), p_positive.
    """
    rows = []
    for row in weights.sel(term=list(posterior.terms)):
        mixture = combination(posterior, row.values)
        lower, median, upper = (mixture.quantile(p) for p in BOUNDS)
        moments = {"contrast": row["contrast"].item(), "mean": mixture.mean, "sd": mixture.sd}
        interval = {"median": median, "ci_lb": lower, "ci_ub": upper}
        rows.append({**moments, **interval, "p_positive": mixture.above(0.0)})
    return pd.DataFrame(rows)


def taus_table(posterior: Posterior | Joint) -> pd.DataFrame:
    """Summarise every tau: level (`human:study` of strata), mean, sd, median, ci_lb, ci_ub."""
    if isinstance(posterior, Joint):
        tables = {name: taus_table(part) for name, part in posterior.parts.items()}
        levels = {name: f"{name}:" + table["level"] for name, table in tables.items()}
        return pd.concat([table.assign(level=levels[name]) for name, table in tables.items()])
    mean = posterior.weight @ posterior.tau
    sd = np.sqrt(posterior.weight @ (posterior.tau - mean) ** 2)
    bounds = [[tau_quantile(posterior, level, p) for p in BOUNDS] for level in posterior.levels]
    table = pd.DataFrame(bounds, columns=["ci_lb", "median", "ci_ub"]).assign(mean=mean, sd=sd)
    return table.assign(level=posterior.levels)[["level", "mean", "sd", "median", "ci_lb", "ci_ub"]]
