"""What the draws say, as tables: terms, heterogeneity, prediction, other parameters."""

import arviz as az
import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.estimates.summaries.spreads import (
    BOUNDS,
    labelled,
    levels_of,
    mixture_quantile,
    spread_draws,
    strata_of,
    tau_draws,
)
from bayesmeta.model.design import is_mean, typical_variance
from bayesmeta.model.spec import LEVELS, spec_of


def terms_table(tree: xr.DataTree) -> pd.DataFrame:
    """Term, mean, sd, median, ci_lb, ci_ub (95 % equal-tailed), p_positive, ess_bulk, ess_tail, r_hat, mcse_mean."""
    beta = tree["posterior"].to_dataset()[["beta"]]
    draws = beta["beta"].stack(sample=("chain", "draw"))
    bounds = draws.quantile(BOUNDS, "sample")
    return pd.DataFrame(
        {
            "term": draws["term"].values,
            "mean": draws.mean("sample").values,
            "sd": draws.std("sample", ddof=1).values,
            "median": draws.median("sample").values,
            "ci_lb": bounds[0].values,
            "ci_ub": bounds[1].values,
            "p_positive": (draws > 0).mean("sample").values,
            "ess_bulk": az.ess(beta, method="bulk")["beta"].values,
            "ess_tail": az.ess(beta, method="tail")["beta"].values,
            "r_hat": az.rhat(beta)["beta"].values,
            "mcse_mean": az.mcse(beta, method="mean")["beta"].values,
        }
    )


def parameters_table(tree: xr.DataTree) -> pd.DataFrame:
    """What a model estimates besides terms and taus (nu, rho, weights of a selection, spreads); no rows where nothing.

    Returns
    -------
    DataFrame
        parameter (`rho`; `weights[p > .5]`), mean, sd, median, ci_lb, ci_ub (95 % equal-tailed), ess_bulk, r_hat.
    """
    posterior = tree["posterior"].to_dataset()
    known = {"beta", "u", "w", "d", *(f"tau_{level}" for level in LEVELS)}
    rows = []
    for name in (str(name) for name in posterior.data_vars if name not in known):
        draws = posterior[[name]]
        bulk, r_hat = (
            np.atleast_1d(found[name].values)
            for found in (az.ess(draws, method="bulk"), az.rhat(draws))
        )
        flat = draws[name].stack(sample=("chain", "draw"))
        flat = flat if flat.ndim == 2 else flat.expand_dims("weight")
        for at, own in enumerate(flat.transpose(..., "sample")):
            label = f"{name}[{own['weight'].item()}]" if "weight" in own.coords else name
            lower, median, upper = np.quantile(own.values, [BOUNDS[0], 0.5, BOUNDS[1]])
            numbers = {"mean": own.values.mean(), "sd": own.values.std(ddof=1), "median": median}
            numbers |= {"ci_lb": lower, "ci_ub": upper, "ess_bulk": bulk[at], "r_hat": r_hat[at]}
            rows.append({"parameter": label} | numbers)
    return pd.DataFrame(rows)


def heterogeneity_table(tree: xr.DataTree) -> pd.DataFrame:
    """Summarise the levels and their total; where taus differ by stratum, each stratum's (`human:study`).

    Returns
    -------
    DataFrame
        level, tau_mean, tau_ci_lb, tau_ci_ub, i2_mean, i2_ci_lb, i2_ci_ub; I^2 in percent,
        100 tau_level^2 / (sum of tau^2 + typical sampling variance), as for metafor's multilevel models.
    """
    posterior = tree["posterior"].dataset
    rho = float(posterior["rho"].mean()) if "rho" in posterior else spec_of(tree).rho
    parts = []
    for stratum, design in strata_of(tree).items():
        part = _heterogeneity(tau_draws(tree, stratum), design, rho)
        parts.append(part.assign(level=[labelled(level, stratum) for level in part["level"]]))
    return pd.concat(parts, ignore_index=True)


def _heterogeneity(tau: pd.DataFrame, design: xr.Dataset, rho: float) -> pd.DataFrame:
    total = tau.pow(2).sum(axis=1)
    i2 = 100 * tau.pow(2).div(total + typical_variance(design, rho), axis=0)
    tau["total"], i2["total"] = np.sqrt(total), i2.sum(axis=1)
    columns: dict[str, pd.Series] = {}
    for name, draws in (("tau", tau), ("i2", i2)):
        bounds = draws.quantile(list(BOUNDS))
        columns |= {
            f"{name}_mean": draws.mean(),
            f"{name}_ci_lb": bounds.iloc[0],
            f"{name}_ci_ub": bounds.iloc[1],
        }
    return pd.DataFrame(columns).rename_axis("level").reset_index()


def prediction_table(tree: xr.DataTree) -> pd.DataFrame:
    """Intervals for the true mean of a new study, of a new group in it, and for a new true effect in that.

    Returns
    -------
    DataFrame
        term, level, pi_lb, pi_ub: 95 % equal-tailed, exact quantiles of the mixture of normals over the draws. A term
        of several strata has a row for each, `rat:study`. Only means have a row: a slope has no new studies around it.
    """
    beta = tree["posterior"].dataset["beta"].stack(sample=("chain", "draw"))
    spreads = {stratum: spread_draws(tree, stratum) for stratum in strata_of(tree)}
    rows = []
    for level in levels_of(tree):
        for term, strata in _strata_of_terms(tree).items():
            for stratum in strata:
                means, sds = beta.sel(term=term).values, spreads[stratum][level].to_numpy()
                lower, upper = (mixture_quantile(p, means, sds) for p in BOUNDS)
                label = labelled(level, stratum) if len(strata) > 1 else level
                rows.append({"term": term, "level": label, "pi_lb": lower, "pi_ub": upper})
    return pd.DataFrame(rows, columns=["term", "level", "pi_lb", "pi_ub"])


def _strata_of_terms(tree: xr.DataTree) -> dict[str, list[str]]:
    """Strata that each term's effects are in; of a term without effects, the one that its label names, or all."""
    strata, found, design = strata_of(tree), {}, tree["constant_data"].to_dataset()
    for term in map(str, design["term"].values[is_mean(design)]):
        own = [
            name for name, design in strata.items() if name == "" or term in design["term"].values
        ]
        found[term] = own or [name for name in strata if name in term.split(":")] or list(strata)
    return found
