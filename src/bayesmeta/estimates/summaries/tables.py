"""Summaries of the draws: terms, heterogeneity, prediction intervals, other parameters."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.estimates.conventions import INTERVAL
from bayesmeta.estimates.summaries.levels import (
    level_label,
    levels_of,
    prediction_interval,
    predictive_sds,
    strata_of,
    tau_draws,
)
from bayesmeta.infrastructure.arviz import arviz_stats
from bayesmeta.model.design import is_mean, typical_variance
from bayesmeta.model.spec import LEVELS, spec_of


def terms_table(tree: xr.DataTree) -> pd.DataFrame:
    """Summarise the terms.

    Returns
    -------
    DataFrame
        term, mean, sd, median, ci_lb, ci_ub (95 % equal-tailed), p_positive, ess_bulk, ess_tail,
        r_hat, mcse_mean.
    """
    beta = tree["posterior"].to_dataset()[["beta"]]
    draws = beta["beta"].stack(sample=("chain", "draw"))
    bounds = draws.quantile(INTERVAL, "sample")
    return pd.DataFrame(
        {
            "term": draws["term"].values,
            "mean": draws.mean("sample").values,
            "sd": draws.std("sample", ddof=1).values,
            "median": draws.median("sample").values,
            "ci_lb": bounds[0].values,
            "ci_ub": bounds[1].values,
            "p_positive": (draws > 0).mean("sample").values,
            "ess_bulk": arviz_stats.ess(beta, method="bulk")["beta"].values,
            "ess_tail": arviz_stats.ess(beta, method="tail")["beta"].values,
            "r_hat": arviz_stats.rhat(beta)["beta"].values,
            "mcse_mean": arviz_stats.mcse(beta, method="mean")["beta"].values,
        }
    )


def parameters_table(tree: xr.DataTree) -> pd.DataFrame:
    """Summarise the parameters besides terms and taus: nu, rho, publication weights, pooling sds.

    Returns
    -------
    DataFrame
        parameter (`rho`; `weights[p > .5]`), mean, sd, median, ci_lb, ci_ub (95 % equal-tailed),
        ess_bulk, r_hat. No rows if the model has no such parameter.
    """
    posterior = tree["posterior"].to_dataset()
    others = {"beta", "u", "w", "d", *(f"tau_{level}" for level in LEVELS)}
    names = [str(name) for name in posterior.data_vars if name not in others]
    return pd.DataFrame([row for name in names for row in _parameter_rows(posterior[[name]], name)])


def _parameter_rows(draws: xr.Dataset, name: str) -> list[dict[str, Any]]:
    """Return a row for a scalar parameter, or for every element of a vector of weights."""
    bulk = np.atleast_1d(arviz_stats.ess(draws, method="bulk")[name].values)
    r_hat = np.atleast_1d(arviz_stats.rhat(draws)[name].values)
    flat = draws[name].stack(sample=("chain", "draw"))
    flat = flat if flat.ndim == 2 else flat.expand_dims("weight")
    rows = []
    for at, element in enumerate(flat.transpose(..., "sample")):
        labelled = "weight" in element.coords
        lower, median, upper = np.quantile(element.values, [INTERVAL[0], 0.5, INTERVAL[1]])
        rows.append(
            {
                "parameter": f"{name}[{element['weight'].item()}]" if labelled else name,
                "mean": element.values.mean(),
                "sd": element.values.std(ddof=1),
                "median": median,
                "ci_lb": lower,
                "ci_ub": upper,
                "ess_bulk": bulk[at],
                "r_hat": r_hat[at],
            }
        )
    return rows


def heterogeneity_table(tree: xr.DataTree) -> pd.DataFrame:
    """Summarise the levels and their total; by stratum (`human:study`) if the taus differ by it.

    Returns
    -------
    DataFrame
        level, tau_mean, tau_ci_lb, tau_ci_ub, i2_mean, i2_ci_lb, i2_ci_ub; I^2 in percent,
        100 tau_level^2 / (sum of tau^2 + typical sampling variance), as for metafor's multilevel
        models.
    """
    posterior = tree["posterior"].dataset
    rho = float(posterior["rho"].mean()) if "rho" in posterior else spec_of(tree).rho
    parts = []
    for stratum, design in strata_of(tree).items():
        part = _heterogeneity(tau_draws(tree, stratum), design, rho)
        parts.append(part.assign(level=[level_label(level, stratum) for level in part["level"]]))
    return pd.concat(parts, ignore_index=True)


def _heterogeneity(tau: pd.DataFrame, design: xr.Dataset, rho: float) -> pd.DataFrame:
    """Summarise draws of the taus of a stratum (a column per level), their total, and I^2."""
    total = tau.pow(2).sum(axis=1)
    i2 = 100 * tau.pow(2).div(total + typical_variance(design, rho), axis=0)
    tau = tau.assign(total=np.sqrt(total))
    i2 = i2.assign(total=i2.sum(axis=1))
    columns: dict[str, pd.Series] = {}
    for name, draws in (("tau", tau), ("i2", i2)):
        bounds = draws.quantile(list(INTERVAL))
        columns |= {
            f"{name}_mean": draws.mean(),
            f"{name}_ci_lb": bounds.iloc[0],
            f"{name}_ci_ub": bounds.iloc[1],
        }
    return pd.DataFrame(columns).rename_axis("level").reset_index()


def prediction_table(tree: xr.DataTree) -> pd.DataFrame:
    """Return intervals for the true mean of a new study, of a new group in it, and so on.

    Returns
    -------
    DataFrame
        term, level, pi_lb, pi_ub: 95 % equal-tailed, the exact quantiles of a mixture of normals
        with a component per draw. In a Student model a component's sd contains a random scale, see
        `predictive_sds`. A term of several strata has a row per stratum, `rat:study`. Only means
        have rows: a slope has no new studies around it.
    """
    beta = tree["posterior"].dataset["beta"].stack(sample=("chain", "draw"))
    sds = {stratum: predictive_sds(tree, stratum) for stratum in strata_of(tree)}
    rows = []
    for level in levels_of(tree):
        for term, strata in _strata_of_terms(tree).items():
            for stratum in strata:
                means = beta.sel(term=term).values
                lower, upper = prediction_interval(means, sds[stratum][level].to_numpy())
                label = level_label(level, stratum) if len(strata) > 1 else level
                rows.append({"term": term, "level": label, "pi_lb": lower, "pi_ub": upper})
    return pd.DataFrame(rows, columns=["term", "level", "pi_lb", "pi_ub"])


def _strata_of_terms(tree: xr.DataTree) -> dict[str, list[str]]:
    """Return the strata of every mean's effects; for a mean without effects those in its label.

    If the label names no stratum either, the mean belongs to all of them.
    """
    strata = strata_of(tree)
    design = tree["constant_data"].to_dataset()
    strata_by_term = {}
    for term in map(str, design["term"].values[is_mean(design)]):
        with_effects = [
            name for name, part in strata.items() if name == "" or term in part["term"].values
        ]
        named = [name for name in strata if name in term.split(":")]
        strata_by_term[term] = with_effects or named or list(strata)
    return strata_by_term
