"""Summaries of a dependence structure: its taus, shares of variance, and prediction intervals."""

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.estimates.contrasts import summary, term_draws
from bayesmeta.estimates.summaries.components import (
    mean_variances,
    values_of,
    variances_of_terms,
)
from bayesmeta.estimates.summaries.levels import prediction_interval
from bayesmeta.model.design import typical_variance
from bayesmeta.model.spec import spec_of
from bayesmeta.model.structure import components_of

POINTS = 41  # of a curve
NUMBERS = ("mean", "ci_lb", "ci_ub")


def tau_along_table(tree: xr.DataTree) -> pd.DataFrame:
    """Return tau along the moderators of a scale formula; no rows without one.

    Columns: level, moderator, x, tau_mean, tau_ci_lb, tau_ci_ub; other moderators are at their
    means.
    """
    spec = spec_of(tree)
    if not spec.scale:
        return pd.DataFrame()
    values = values_of(tree)
    rows = []
    for part in components_of(tree["constant_data"].to_dataset(), spec):
        for name, (moderator, centred) in zip(part.slope_names, part.along.items(), strict=True):
            for x in np.linspace(centred.min(), centred.max(), POINTS):
                tau = values[part.matrix.tau_names[0]] * np.exp(values[name] * x)
                numbers = {f"tau_{key}": float(summary(tau[None])[key][0]) for key in NUMBERS}
                at = x + part.means[str(moderator)]
                rows.append({"level": part.name, "moderator": moderator, "x": at, **numbers})
    return pd.DataFrame(rows)


def structure_heterogeneity(tree: xr.DataTree) -> pd.DataFrame:
    """Summarise every tau and the total, with columns as for `heterogeneity_table`.

    I^2 has a row per random effect, averaged over the means; the sd of a category has none.
    """
    design = tree["constant_data"].to_dataset()
    taus = tree["posterior"]["tau"].to_dataset()["tau"]
    variance = mean_variances(tree)
    share = 100 * variance.div(variance.sum(axis=1) + typical_variance(design), axis=0)
    total = np.sqrt(variance.sum(axis=1))
    spec = spec_of(tree)
    rows = []
    for level in map(str, taus["level"].values):
        draws = taus.sel(level=level).values.ravel()
        prior = spec.tau_prior(level.split("[")[0]).distribution.var()
        i2 = share[level].to_numpy() if level in share else np.full(len(draws), np.nan)
        rows.append({"level": level, **_ends(draws, i2), "contraction": 1 - draws.var() / prior})
    rows.append({"level": "total", **_ends(total.to_numpy(), share.sum(axis=1).to_numpy())})
    return pd.DataFrame(rows)


def _ends(tau: np.ndarray, i2: np.ndarray) -> dict[str, float]:
    both = {"tau": summary(tau[None]), "i2": summary(i2[None])}
    return {f"{name}_{key}": float(both[name][key][0]) for name in both for key in NUMBERS}


def structure_prediction(tree: xr.DataTree) -> pd.DataFrame:
    """Return intervals for new true effects: term, level, pi_lb, pi_ub.

    Every random effect adds its variance to those before it; the last row of a term has all.
    """
    beta = term_draws(tree)
    rows = []
    for term, variance in variances_of_terms(tree).items():
        sds = np.sqrt(variance.cumsum(axis=1))
        for level in sds:
            mean = beta.sel(term=term).values
            rows.append([term, level, *prediction_interval(mean, sds[level].to_numpy())])
    return pd.DataFrame(rows, columns=["term", "level", "pi_lb", "pi_ub"])
