"""Draws of how far true effects lie from their mean, by level and stratum."""

import numpy as np
import pandas as pd
import xarray as xr
from scipy.optimize import brentq
from scipy.stats import norm

from bayesmeta.model.design import of_stratum
from bayesmeta.model.spec import LEVELS

BOUNDS = (0.025, 0.975)


def levels_of(tree: xr.DataTree) -> list[str]:
    """Random-effect levels of a tree's model, highest first."""
    return [level for level in LEVELS if f"tau_{level}" in tree["posterior"].data_vars]


def strata_of(tree: xr.DataTree) -> dict[str, xr.Dataset]:
    """Design of each stratum in which the taus are alike; `{"": whole design}` where they do not differ."""
    design = tree["constant_data"].to_dataset()
    if "stratum" not in design.dims:
        return {"": design}
    return {str(name): of_stratum(design, name) for name in design["stratum"].values}


def tau_draws(tree: xr.DataTree, stratum: str, *, which: str = "posterior") -> pd.DataFrame:
    """Draws of each level's tau in a stratum, chains one after the other: a column per level."""
    taus = tree[which].to_dataset()[[f"tau_{level}" for level in levels_of(tree)]]
    taus = taus.sel(stratum=stratum) if stratum else taus
    return pd.DataFrame({level: taus[f"tau_{level}"].values.ravel() for level in levels_of(tree)})


def spread_draws(tree: xr.DataTree, stratum: str) -> pd.DataFrame:
    """Of true effects around their mean: the sd of a new study's, of a new group's in it, and so on, a column each.

    A draw with heavy tails has a scale of its own, so that the draws together are the t distribution.
    """
    variances, posterior = tau_draws(tree, stratum).pow(2), tree["posterior"].dataset
    if "nu" in posterior and "study" in variances:
        nu = posterior["nu"].values.ravel()
        variances["study"] *= nu / np.random.default_rng(1).chisquare(nu)
    return variances.cumsum(axis=1).pow(0.5)


def mixture_quantile(p: float, mean: np.ndarray, sd: np.ndarray) -> float:
    """Quantile of an equal mixture of normals with means and sds (draws,)."""
    reach = 8 * sd.max() + np.ptp(mean) + 1e-9
    low, high = mean.min() - reach, mean.max() + reach
    return float(brentq(lambda x: norm.cdf((x - mean) / sd).mean() - p, low, high, xtol=1e-10))


def labelled(level: str, stratum: str) -> str:
    """Name of a level's row in a stratum: `rat:study`."""
    return f"{stratum}:{level}" if stratum else level
