"""Convergence diagnostics of the draws, a verdict, and variances that the data cannot separate."""

import operator
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import rankdata

from bayesmeta.estimates.conflicts import prior_conflicts
from bayesmeta.estimates.contrasts import contrast_draws
from bayesmeta.estimates.conventions import INTERVAL, MAX_K_HAT, PLURALS
from bayesmeta.estimates.summaries import levels_of, strata_of, tau_draws
from bayesmeta.estimates.summaries.components import names_of_parameters
from bayesmeta.estimates.summaries.levels import contractions, level_label
from bayesmeta.estimates.text import number_text
from bayesmeta.infrastructure.arviz import arviz_stats
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.priors import prior_moments_of_tau
from bayesmeta.model.spec import spec_of
from bayesmeta.model.structure import aliased, components_of

MAX_R_HAT = 1.01
MIN_ESS = 400
MIN_BFMI = 0.3
RULES: Mapping[str, tuple[str, float, str]] = {  # diagnostic: comparison, limit, advice on failure
    "divergences": ("at most", 0, "{} divergences; tune longer or use tighter priors on the taus"),
    "max_r_hat": ("below", MAX_R_HAT, f"R-hat {{:.3f}}, above {MAX_R_HAT}; draw and tune more"),
    "min_ess_bulk": ("at least", MIN_ESS, f"bulk ESS {{:.0f}}, below {MIN_ESS}; draw more"),
    "min_ess_tail": ("at least", MIN_ESS, f"tail ESS {{:.0f}}, below {MIN_ESS}; draw more"),
    "k_hat": (
        "at most",
        MAX_K_HAT,
        f"k-hat of the importance weights {{:.2f}}, above {MAX_K_HAT}; use --sampler numpyro",
    ),
    "bfmi": ("at least", MIN_BFMI, f"E-BFMI {{}}, below {MIN_BFMI}; tune longer"),
}
OBEYS = {"at most": operator.le, "below": operator.lt, "at least": operator.ge}
FEW_UNITS = 5  # simulated, HalfNormal(1), true tau 0, 2, 3, 5 studies: means .53, .40, .26
MOST_SINGLE = 0.8  # share of studies with a single group from which the levels are hard to separate
STRONG_CORRELATION = -0.7  # of both variances in the posterior: their sum is fixed, not the split


def reported(tree: xr.DataTree) -> xr.Dataset:
    """Return the draws of the quantities that a report quotes: all but the random effects."""
    posterior = tree["posterior"].to_dataset()
    others = [name for name in names_of_parameters(posterior) if name != "beta"]
    return posterior[["beta", *others]]


def diagnose(tree: xr.DataTree) -> dict[str, Any]:
    """Return the convergence diagnostics of every reported quantity.

    Keys: passed, failures (in words, with advice), divergences, max_r_hat, min_ess_bulk,
    min_ess_tail, bfmi (the lowest over chains; None if the sampler gives no energy), k_hat (of
    importance weights, or None; the bulk ESS is then at most theirs), warnings (that do not count
    as failures), and the rules. R-hat < 1.01 and ESS >= 400: Vehtari et al. 2021, doi
    10.1214/20-BA1221. E-BFMI >= 0.3: Betancourt 2016.
    """
    draws = reported(tree)
    stats = tree["sample_stats"].to_dataset()
    values: dict[str, Any] = {
        "divergences": int(stats["diverging"].sum()) if "diverging" in stats else 0,
        "max_r_hat": float(_numbers(arviz_stats.rhat(draws)).max()),
        "min_ess_bulk": float(_numbers(arviz_stats.ess(draws, method="bulk")).min()),
        "min_ess_tail": float(_numbers(arviz_stats.ess(draws, method="tail")).min()),
        "bfmi": None,
        "k_hat": tree["posterior"].attrs.get("k_hat"),
    }
    if "importance_ess" in tree["posterior"].attrs:
        independent = float(tree["posterior"].attrs["importance_ess"])
        values["min_ess_bulk"] = min(values["min_ess_bulk"], independent)
    if "energy" in stats:
        values["bfmi"] = float(np.min(arviz_stats.bfmi(tree).to_dataset()["energy"]))
    failures = [
        advice.format(values[name])
        for name, (comparison, limit, advice) in RULES.items()
        if values[name] is not None and not OBEYS[comparison](values[name], limit)
    ]
    rules = {"max_r_hat": MAX_R_HAT, "min_ess": MIN_ESS, "divergences": 0, "min_bfmi": MIN_BFMI}
    verdict = {"passed": not failures, "failures": failures}
    conflicts = prior_conflicts(tree["constant_data"].to_dataset(), spec_of(tree))
    warnings = [*conflicts, *few_units(tree), *aliased_levels(tree), *coarse_grid(tree)]
    return verdict | values | {"warnings": warnings, "rules": rules}


def interval_error(tree: xr.DataTree) -> dict[str, Any]:
    """Return the largest Monte-Carlo error of an end of the 95 % intervals of terms and contrasts.

    Keys: interval_mcse, and interval_of, the term or contrast that has it.
    """
    draws = contrast_draws(tree).to_dataset(name="draws")
    ends = [arviz_stats.mcse(draws, method="quantile", prob=end)["draws"] for end in INTERVAL]
    largest = np.maximum(*(end.transpose("contrast").values for end in ends))
    place = int(np.nanargmax(largest))
    return {
        "interval_mcse": float(largest[place]),
        "interval_of": str(draws["contrast"].values[place]),
    }


def _numbers(values: xr.Dataset) -> np.ndarray:
    """Return all numbers of a dataset; a missing number, which breaks a rule, stays among them."""
    return np.concatenate([np.ravel(values[name]) for name in values.data_vars])


def diagnostics_table(values: Mapping[str, Any]) -> pd.DataFrame:
    """Return the numbers of `diagnose` beside their rules: diagnostic, value, rule, passed."""
    rows = [
        (name, values[name], f"{comparison} {limit}", OBEYS[comparison](values[name], limit))
        for name, (comparison, limit, _) in RULES.items()
        if values[name] is not None
    ]
    columns = ["diagnostic", "value", "rule", "passed"]
    return pd.DataFrame(rows, columns=columns, dtype=object)  # divergences stay an integer


def refuse_failed(tree: xr.DataTree) -> None:
    """Raise BadInput if a diagnostic failed, for a refit without a report."""
    if failures := diagnose(tree)["failures"]:
        raise BadInput(f"the sampler's diagnostics failed: {'; '.join(failures)}")


def few_units(tree: xr.DataTree) -> list[str]:
    """Return warnings of taus of so few units that their prior has much influence."""
    warnings = []
    for stratum, design in strata_of(tree).items():
        units = _units_of(tree, design)
        for level in (level for level in units if units[level] <= FEW_UNITS):
            spec = spec_of(tree)
            prior = spec.tau_prior(level)
            mean = float(tau_draws(tree, stratum)[level].mean())
            prior_mean, _ = prior_moments_of_tau(spec, level)
            contraction = contractions(tree, stratum)[level]
            warnings.append(
                f"tau of {level_label(level, stratum)} is estimated from {units[level]} "
                f"{PLURALS.get(level, 'units')}, so that its prior, {prior}, has much influence: "
                f"posterior mean {number_text(mean)}, prior mean {number_text(prior_mean)}, "
                f"contraction {number_text(contraction)}. Prediction intervals are wide for this "
                "reason, too; bayesmeta check shows the results under other priors"
            )
    return warnings


def _units_of(tree: xr.DataTree, design: xr.Dataset) -> dict[str, int]:
    """Return the number of units of every level, or random effect of a structure, with a tau."""
    spec = spec_of(tree)
    if not spec.is_structured:
        return {level: design.sizes[level] for level in levels_of(tree)}
    names = {part.name: len(part.labels) for part in components_of(design, spec)}
    return {level: names[level] for level in levels_of(tree) if level in names}


def coarse_grid(tree: xr.DataTree) -> list[str]:
    """Return a warning if quadrature did not reach its tolerance."""
    attrs = tree["posterior"].attrs
    if attrs.get("quadrature_converged", 1):
        return []
    return [f"the estimated error of quadrature is {attrs['quadrature_error']:.1e}; use NUTS"]


def aliased_levels(tree: xr.DataTree) -> list[str]:
    """Return warnings by stratum of nearly aliased variances: single groups, their correlation."""
    posterior = tree["posterior"].to_dataset()
    design = tree["constant_data"].to_dataset()
    spec = spec_of(tree)
    if spec.is_structured:
        return aliased(components_of(design, spec))
    if "tau_study" not in posterior or "tau_group" not in posterior:
        return []
    variances = posterior[["tau_study", "tau_group"]] ** 2
    groups = np.bincount(design["group_study"].values)
    if "stratum" not in variances.dims:
        return _aliased("", variances, groups)
    warnings = []
    for code, name in enumerate(variances["stratum"].values):
        of_stratum = groups[design["study_stratum"].values == code]
        warnings += _aliased(f"{name}: ", variances.sel(stratum=name), of_stratum)
    return warnings


def _aliased(prefix: str, variances: xr.Dataset, groups: np.ndarray) -> list[str]:
    single = int((groups == 1).sum())
    studies = int((groups > 0).sum())
    study, group = (variances[name].values.ravel() for name in ("tau_study", "tau_group"))
    correlation = float(np.corrcoef(study, group)[0, 1])
    if single / studies < MOST_SINGLE and correlation > STRONG_CORRELATION:
        return []
    evidence = f"{single} of {studies} studies have a single group, posterior correlation of the "
    evidence += f"variances {correlation:.2f}; interpret their sum, not the split"
    return [f"{prefix}study and group variance are nearly aliased: {evidence}"]


def trace_table(tree: xr.DataTree, *, keep: int = 250) -> pd.DataFrame:
    """Return draws thinned to about `keep` per chain: parameter, chain, draw, value."""
    draws = _by_parameter(tree)
    interval = max(1, (draws["draw"].max() + 1) // keep)
    return draws[draws["draw"] % interval == 0].reset_index(drop=True)


def rank_table(tree: xr.DataTree, *, bins: int = 20) -> pd.DataFrame:
    """Return histograms, by chain, of the ranks of its draws among all draws.

    Columns: parameter, chain, bin, count, expected. Source: Vehtari et al. 2021, doi
    10.1214/20-BA1221.
    """
    draws = _by_parameter(tree)
    values = draws.groupby("parameter", sort=False)["value"]
    ranks = values.transform(lambda value: (rankdata(value) - 0.5) / len(value))
    binned = draws.assign(
        bin=pd.Categorical((ranks * bins).astype(int), range(bins)),
        parameter=pd.Categorical(draws["parameter"], draws["parameter"].unique()),
    )
    sizes = binned.groupby(["parameter", "chain", "bin"], observed=False).size().rename("count")
    counts = sizes.reset_index().astype({"bin": int, "parameter": str})
    per_chain = len(draws) / draws["parameter"].nunique() / draws["chain"].nunique()
    return counts.assign(expected=per_chain / bins)


def _by_parameter(tree: xr.DataTree) -> pd.DataFrame:
    """Return the draws of every reported quantity in long form: parameter, chain, draw, value."""
    draws = reported(tree)
    parts = []
    for name, values in draws.data_vars.items():
        part = values.to_series().rename("value").reset_index()
        labels = [dim for dim in ("term", "stratum", "weight") if dim in part]
        parameter = f"{name}[" + part[labels[0]] + "]" if labels else str(name)
        parts.append(part.assign(parameter=part["term"] if name == "beta" else parameter))
    return pd.concat(parts, ignore_index=True)[["parameter", "chain", "draw", "value"]]
