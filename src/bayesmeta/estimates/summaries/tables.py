"""Summaries of the draws: terms, heterogeneity, prediction intervals, other parameters."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.estimates.contrasts import summary, term_draws
from bayesmeta.estimates.scales import scale_of, scales_of
from bayesmeta.estimates.summaries import levels
from bayesmeta.estimates.summaries.components import has_structure, names_of_parameters
from bayesmeta.estimates.summaries.structure import (
    structure_heterogeneity,
    structure_prediction,
)
from bayesmeta.estimates.transformed import with_transformed
from bayesmeta.infrastructure.arviz import arviz_stats
from bayesmeta.model.design import is_mean, typical_variance
from bayesmeta.model.priors import SCALE_OF, pooling_sd_name
from bayesmeta.model.spec import LEVELS, spec_of


def terms_table(tree: xr.DataTree) -> pd.DataFrame:
    """Summarise the terms.

    Columns: term, mean, sd, median, ci_lb, ci_ub (95 % equal-tailed), p_positive, ess_bulk,
    ess_tail, r_hat, mcse_mean; for a measure with a scale: scale (such as odds ratio; of a slope or
    a difference, ratio of odds ratios), median_transformed, ci_lb_transformed, ci_ub_transformed.
    """
    beta = tree["posterior"].to_dataset()["beta"]
    draws = term_draws(tree)
    numbers = summary(draws.values)
    p_positive = numbers.pop("p_positive")
    table = pd.DataFrame({"term": draws["term"].values} | numbers)
    table.insert(3, "median", np.median(draws.values, axis=-1))
    table = table.assign(
        p_positive=p_positive,
        ess_bulk=arviz_stats.ess(beta, method="bulk").values,
        ess_tail=arviz_stats.ess(beta, method="tail").values,
        r_hat=arviz_stats.rhat(beta).values,
        mcse_mean=arviz_stats.mcse(beta, method="mean").values,
    )
    design = tree["constant_data"].to_dataset()
    singly = xr.DataArray(
        np.eye(len(table)), {"contrast": table["term"], "term": table["term"]}, ("contrast", "term")
    )
    return with_transformed(table, scales_of(design, singly), ["median", "ci_lb", "ci_ub"])


def parameters_table(tree: xr.DataTree) -> pd.DataFrame:
    """Summarise the parameters besides terms and taus: nu, rho, publication weights, pooling sds.

    Columns: parameter (`rho`; `weights[p > .5]`), mean, sd, median, ci_lb, ci_ub (95 %
    equal-tailed), ess_bulk, r_hat. No rows if the model has no such parameter.
    """
    posterior = tree["posterior"].to_dataset()
    others = {"beta", "tau", *(f"tau_{level}" for level in LEVELS)}
    names = [name for name in names_of_parameters(posterior) if name not in others]
    names = [name for name in names if not str(name).startswith(pooling_sd_name(SCALE_OF))]
    parts = [_parameter_rows(posterior[name]) for name in names]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _parameter_rows(draws: xr.DataArray) -> pd.DataFrame:
    labels = [str(draws.name)]
    if "weight" in draws.dims:
        labels = [f"{draws.name}[{label}]" for label in draws["weight"].values]
    if "parameter" in draws.dims:
        hidden = draws["parameter"].str.startswith("partial_")  # correlations stand beside them
        draws = draws.sel(parameter=~hidden)
        labels = list(map(str, draws["parameter"].values))
    flat = draws.transpose(..., "chain", "draw").values
    flat = flat.reshape(-1, draws.sizes["chain"] * draws.sizes["draw"])
    table = pd.DataFrame({"parameter": labels} | summary(flat))
    table.insert(3, "median", np.median(flat, axis=-1))
    ess_bulk = np.atleast_1d(arviz_stats.ess(draws, method="bulk").values)
    r_hat = np.atleast_1d(arviz_stats.rhat(draws).values)
    return table.drop(columns="p_positive").assign(ess_bulk=ess_bulk, r_hat=r_hat)


def heterogeneity_table(tree: xr.DataTree) -> pd.DataFrame:
    """Summarise the levels and their total; by stratum (`human:study`) if the taus differ by it.

    Columns: level, tau_mean, tau_ci_lb, tau_ci_ub, i2_mean, i2_ci_lb, i2_ci_ub; I^2 in percent, 100
    tau_level^2 / (sum of tau^2 + typical sampling variance), as for metafor's multilevel models (of
    Student study effects, with their variance in place of the squared scale tau_study^2);
    contraction: 1 - posterior variance of tau / prior variance, near 0 where the data say nothing.
    """
    posterior = tree["posterior"].dataset
    if has_structure(tree):
        return structure_heterogeneity(tree)
    rho = float(posterior["rho"].mean()) if "rho" in posterior else spec_of(tree).rho
    parts = []
    for stratum, design in levels.strata_of(tree).items():
        part = _heterogeneity(
            levels.tau_draws(tree, stratum), levels.variance_draws(tree, stratum), design, rho
        )
        part["contraction"] = part["level"].map(levels.contractions(tree, stratum))
        labels = [levels.level_label(level, stratum) for level in part["level"]]
        parts.append(part.assign(level=labels))
    return pd.concat(parts, ignore_index=True)


def _heterogeneity(
    tau: pd.DataFrame, variance: pd.DataFrame, design: xr.Dataset, rho: float
) -> pd.DataFrame:
    """Summarise draws of the taus of a stratum (a column per level), their total, and I^2."""
    share = variance.div(variance.sum(axis=1) + typical_variance(design, rho), axis=0)
    i2 = 100 * share.fillna(1.0)  # of an infinite variance
    tau = tau.assign(total=np.sqrt(tau.pow(2).sum(axis=1)))
    i2 = i2.assign(total=i2.sum(axis=1))
    columns: dict[str, Any] = {"level": list(tau)}
    for name, draws in (("tau", tau), ("i2", i2)):
        numbers = summary(draws.to_numpy().T)
        columns |= {f"{name}_{key}": numbers[key] for key in ("mean", "ci_lb", "ci_ub")}
    return pd.DataFrame(columns)


def prediction_table(tree: xr.DataTree) -> pd.DataFrame:
    """Return intervals for the true mean of a new study, of a new group in it, and so on.

    Columns: term, level, pi_lb, pi_ub, for a measure with a scale also scale, pi_lb_transformed and
    pi_ub_transformed: 95 % equal-tailed, the exact quantiles of a mixture of
    normals with a component per draw. In a Student model a component's sd contains a random scale,
    see `predictive_sds`. A term of several strata has a row per stratum, `rat:study`. Only means
    have rows: a slope has no new studies around it.
    """
    scale = scale_of(tree["constant_data"].to_dataset())
    if has_structure(tree):
        return with_transformed(structure_prediction(tree), scale, ["pi_lb", "pi_ub"])
    beta = term_draws(tree)
    sds = {stratum: levels.predictive_sds(tree, stratum) for stratum in levels.strata_of(tree)}
    rows = []
    for level in levels.levels_of(tree):
        for term, strata in _strata_of_terms(tree).items():
            for stratum in strata:
                label = levels.level_label(level, stratum) if len(strata) > 1 else level
                sd = sds[stratum][level].to_numpy()
                interval = levels.prediction_interval(beta.sel(term=term).values, sd)
                rows.append([term, label, *interval])
    table = pd.DataFrame(rows, columns=["term", "level", "pi_lb", "pi_ub"])
    return with_transformed(table, scale, ["pi_lb", "pi_ub"])


def _strata_of_terms(tree: xr.DataTree) -> dict[str, list[str]]:
    """Return the strata of every mean: those with effects, else those in its label, else all."""
    strata = levels.strata_of(tree)
    design = tree["constant_data"].to_dataset()
    strata_by_term = {}
    for term in map(str, design["term"].values[is_mean(design)]):
        known = [name for name, part in strata.items() if not name or term in part["term"].values]
        named = [name for name in strata if f":{name}:" in f":{term}:"]
        strata_by_term[term] = known or named or list(strata)
    return strata_by_term
