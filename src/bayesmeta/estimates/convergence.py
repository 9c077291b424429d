"""Can the draws be trusted? Convergence diagnostics, a verdict, and what the data cannot tell apart."""

from collections.abc import Mapping
from typing import Any

import arviz as az
import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import rankdata

from bayesmeta.infrastructure.errors import BadInput

MAX_R_HAT, MIN_ESS, MIN_BFMI = 1.01, 400, 0.3
RULES: Mapping[
    str, tuple[str, float, str]
] = {  # diagnostic: its rule, and advice where it is broken
    "divergences": ("at most", 0, "{} divergences; tune longer or use tighter priors on the taus"),
    "max_r_hat": ("below", MAX_R_HAT, f"R-hat {{:.3f}}, above {MAX_R_HAT}; draw and tune more"),
    "min_ess_bulk": ("at least", MIN_ESS, f"bulk ESS {{:.0f}}, below {MIN_ESS}; draw more"),
    "min_ess_tail": ("at least", MIN_ESS, f"tail ESS {{:.0f}}, below {MIN_ESS}; draw more"),
    "bfmi": ("at least", MIN_BFMI, f"E-BFMI {{}}, below {MIN_BFMI}; tune longer"),
}


def reported(tree: xr.DataTree) -> xr.Dataset:
    """The quantities that a report quotes: beta, the taus, and what a model estimates besides."""
    posterior = tree["posterior"].to_dataset()
    return posterior[
        ["beta", *(name for name in posterior.data_vars if name not in ("beta", "u", "w", "d"))]
    ]


def diagnose(tree: xr.DataTree) -> dict[str, Any]:
    """Convergence of everything reported.

    Returns
    -------
    dict
        passed, failures (each in words, with advice), divergences, max_r_hat, min_ess_bulk, min_ess_tail, bfmi (the
        lowest over chains; None where the sampler gives no energy), warnings (true but no failure), and the rules.

    Notes
    -----
    R-hat < 1.01 and ESS >= 400: Vehtari et al. 2021, doi 10.1214/20-BA1221. E-BFMI >= 0.3: Betancourt 2016.
    """
    draws, stats = reported(tree), tree["sample_stats"].to_dataset()
    found = {
        "divergences": int(stats["diverging"].sum()) if "diverging" in stats else 0,
        "max_r_hat": _extreme(az.rhat(draws), np.max),
        "min_ess_bulk": _extreme(az.ess(draws, method="bulk"), np.min),
        "min_ess_tail": _extreme(az.ess(draws, method="tail"), np.min),
        "bfmi": float(np.min(az.bfmi(tree).to_dataset()["energy"])) if "energy" in stats else None,
    }
    failures = _failures(found)
    rules = {"max_r_hat": MAX_R_HAT, "min_ess": MIN_ESS, "divergences": 0, "min_bfmi": MIN_BFMI}
    return {
        "passed": not failures,
        "failures": failures,
        **found,
        "warnings": aliased_levels(tree),
        "rules": rules,
    }


def diagnostics_table(found: Mapping[str, Any]) -> pd.DataFrame:
    """The numbers of `diagnose` beside their rules: diagnostic, value, rule, passed."""
    rows = [
        {
            "diagnostic": name,
            "value": found[name],
            "rule": f"{word} {limit}",
            "passed": _kept(found[name], word, limit),
        }
        for name, (word, limit, _) in RULES.items()
        if found[name] is not None
    ]
    return pd.DataFrame(rows, dtype=object)  # divergences stay a whole number


def refuse_failed(tree: xr.DataTree) -> None:
    """Raise BadInput when a diagnostic of a tree failed, for a refit that nobody looks at."""
    if failures := diagnose(tree)["failures"]:
        raise BadInput(f"the sampler's diagnostics failed: {'; '.join(failures)}")


def _kept(value: float, word: str, limit: float) -> bool:
    return (
        value < limit
        if word == "below"
        else value <= limit
        if word == "at most"
        else value >= limit
    )


def _extreme(values: Any, choose: Any) -> float:
    return float(choose([choose(values[name].values) for name in values.data_vars]))


def _failures(found: Mapping[str, Any]) -> list[str]:
    """Advice for every rule that is broken; a number that the sampler does not give breaks none."""
    known = {name: value for name, value in found.items() if value is not None}
    rules = [(known[name], *rule) for name, rule in RULES.items() if name in known]
    return [
        advice.format(value)
        for value, word, limit, advice in rules
        if not _kept(value, word, limit)
    ]


def aliased_levels(tree: xr.DataTree) -> list[str]:
    """Say when most studies have one group, so that the data hardly tell study from group variance.

    The evidence beside the count is the posterior correlation of the two variances. Each stratum by itself.
    """
    posterior, design = tree["posterior"].to_dataset(), tree["constant_data"].to_dataset()
    if "tau_study" not in posterior or "tau_group" not in posterior:
        return []
    variances, groups = (
        posterior[["tau_study", "tau_group"]] ** 2,
        np.bincount(design["group_study"].values),
    )
    if "stratum" not in variances.dims:
        return _aliased("", variances, groups)
    return [
        message
        for code, name in enumerate(variances["stratum"].values)
        for message in _aliased(
            f"{name}: ", variances.sel(stratum=name), groups[design["study_stratum"].values == code]
        )
    ]


def _aliased(whose: str, variances: xr.Dataset, groups: np.ndarray) -> list[str]:
    """The message of `aliased_levels`, from two variances and the number of groups of each study."""
    single, studies = int((groups == 1).sum()), int((groups > 0).sum())
    study, group = (variances[name].values.ravel() for name in ("tau_study", "tau_group"))
    correlation = float(np.corrcoef(study, group)[0, 1])
    if single / studies < 0.8 and correlation > -0.7:
        return []
    return [
        f"{whose}study and group variance are nearly aliased: {single} of {studies} studies have a single group, "
        f"posterior correlation of the variances {correlation:.2f}; trust their sum, not the split"
    ]


def trace_table(tree: xr.DataTree, *, keep: int = 250) -> pd.DataFrame:
    """Draws of everything reported, thinned to about `keep` per chain: parameter, chain, draw, value."""
    draws = _by_parameter(tree)
    return draws[draws["draw"] % max(1, (draws["draw"].max() + 1) // keep) == 0].reset_index(
        drop=True
    )


def rank_table(tree: xr.DataTree, *, bins: int = 20) -> pd.DataFrame:
    """Histograms of the ranks of each chain's draws among all: parameter, chain, bin, count, expected.

    Source: Vehtari et al. 2021, doi 10.1214/20-BA1221.
    """
    draws = _by_parameter(tree)
    ranks = draws.groupby("parameter", sort=False)["value"].transform(
        lambda x: (rankdata(x) - 0.5) / len(x)
    )
    placed = draws.assign(
        bin=pd.Categorical((ranks * bins).astype(int), range(bins)),
        parameter=pd.Categorical(draws["parameter"], draws["parameter"].unique()),
    )
    counts = (
        placed.groupby(["parameter", "chain", "bin"], observed=False)
        .size()
        .rename("count")
        .reset_index()
    )
    counts = counts.astype({"bin": int, "parameter": str})
    per_chain = len(draws) / draws["parameter"].nunique() / draws["chain"].nunique()
    return counts.assign(expected=per_chain / bins)


def _by_parameter(tree: xr.DataTree) -> pd.DataFrame:
    draws = reported(tree)
    parts = [
        draws["beta"]
        .to_series()
        .rename("value")
        .reset_index()
        .rename(columns={"term": "parameter"})
    ]
    for name in list(draws.data_vars)[1:]:
        part = draws[name].to_series().rename("value").reset_index()
        of = [dim for dim in ("stratum", "weight") if dim in part]
        label = f"{name}[" + part[of[0]] + "]" if of else str(name)
        parts.append(part.assign(parameter=label))
    return pd.concat(parts, ignore_index=True)[["parameter", "chain", "draw", "value"]]
