"""How much the priors decide: power-scaled sensitivity, and refits under other priors."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.estimates.contrasts import contrast_draws
from bayesmeta.estimates.summaries import levels_of
from bayesmeta.estimates.summaries.components import has_structure
from bayesmeta.inference.quadrature import contrasts_table, integrate_posterior, taus_table
from bayesmeta.infrastructure.arviz import arviz_stats
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.jobs import Job, run_jobs
from bayesmeta.model.spec import ModelSpec
from bayesmeta.model.spec.other_priors import OTHER_PRIORS

THRESHOLD = 0.05
SAMPLE = ("chain", "draw")
BASE = "base"
PARTS = {"beta": "terms", "tau_study": "taus", "tau_group": "taus", "tau_effect": "taus"}
SUMMARY = ["contrast", "mean", "sd", "ci_lb", "ci_ub", "p_positive"]
COLUMNS = ["prior", "label", *SUMMARY, "shift"]


class PriorRefits(NamedTuple):
    """The table of `refit_priors`, and by name of a prior why there is no refit under it."""

    table: pd.DataFrame
    refused: dict[str, str]


def psense_table(tree: xr.DataTree) -> pd.DataFrame:
    r"""Return the sensitivity of contrasts and taus to the power of the prior and the likelihood.

    With the posterior of power alpha of a component, for the prior
    p_alpha \propto p(theta)^alpha p(y | theta),

        D = [d(p_.99, p_1) / log2(1 / .99) + d(p_1.01, p_1) / log2(1.01)] / 2,

    d the cumulative Jensen-Shannon distance; ArviZ's importance-weighted estimate. The likelihood
    is marginal: the random effects are integrated out, so that their distribution belongs to it and
    not to the prior. Where a pooling sd of the terms is estimated, their prior is scaled given it;
    that the terms depend on it is the purpose of partial pooling.
    `tree`: of `sample_posterior` or `quadrature_posterior`, or read from posterior.nc.
    Columns: contrast (every term, every contrast, then `tau_study` and so on, of a stratum
    `tau_human:study`); prior, likelihood: D; diagnosis: `neither`, or where the prior's reaches .05
    `prior-data conflict` if the likelihood's does, too, and `prior dominates` if not; prior_terms,
    prior_taus and prior_<name> of any other parameter: D of that prior alone; whose: the parts with
    a prior that reaches .05 by itself.
    Raises BadInput: the tree lacks the densities that are scaled.
    Source: Kallioinen, Paananen, Bürkner & Vehtari 2024, doi 10.1007/s11222-023-10366-5.
    """
    scaled = _scaled_tree(tree)
    names = scaled["log_prior"].data_vars
    parts = sorted(names, key=lambda part: (part != "terms", part != "taus"))
    table = pd.DataFrame({"contrast": scaled["posterior"]["value"]["contrast"].values})
    table["prior"] = _sensitivity(scaled, "prior", parts)
    table["likelihood"] = _sensitivity(scaled, "likelihood", ["obs_study"])
    reached = table[["prior", "likelihood"]] >= THRESHOLD
    strong = np.where(reached["likelihood"], "prior-data conflict", "prior dominates")
    table["diagnosis"] = np.where(reached["prior"], strong, "neither")
    for part in parts:
        table[f"prior_{part}"] = _sensitivity(scaled, "prior", [part])
    above = table[[f"prior_{part}" for part in parts]].to_numpy() >= THRESHOLD
    return table.assign(whose=[", ".join(np.array(parts, str)[row]) for row in above])


def _sensitivity(scaled: xr.DataTree, group: str, names: list[str]) -> Sequence[float]:
    table = arviz_stats.psense(scaled, group=group, group_var_names=names)
    return [float(value) for value in table["value"].values]


def _scaled_tree(tree: xr.DataTree) -> xr.DataTree:
    """Return what ArviZ needs: quantities, log-likelihood per study, and the log prior in parts."""
    complete = {"/log_prior", "/log_likelihood"} <= set(tree.groups)
    if not complete or "obs_study" not in tree["log_likelihood"].data_vars:
        needs = "power-scaling needs log_prior and log_likelihood/obs_study, which the fit lacks"
        raise BadInput(f"{needs}; fit it again with `bayesmeta fit`")
    log_prior: dict[str, xr.DataArray] = {}
    for name, density in tree["log_prior"].dataset.data_vars.items():
        part = PARTS.get(str(name), str(name))
        summed = density.sum([dim for dim in density.dims if dim not in SAMPLE])
        log_prior[part] = log_prior.get(part, 0.0) + summed
    flat = [part for part, density in log_prior.items() if np.ptp(density.values) == 0]
    for part in flat:  # a power of a uniform density changes nothing
        del log_prior[part]
    groups = {
        "posterior": xr.Dataset({"value": _quantities(tree)}),
        "log_likelihood": tree["log_likelihood"].dataset[["obs_study"]],
        "log_prior": xr.Dataset(log_prior),
    }
    return xr.DataTree.from_dict(groups)


def _quantities(tree: xr.DataTree) -> xr.DataArray:
    """Return draws of every term, contrast and tau (chain, draw, contrast)."""
    posterior = tree["posterior"].dataset
    draws = [contrast_draws(tree)]
    if has_structure(tree):
        names = [f"tau_{level}" for level in levels_of(tree)]
        taus = posterior["tau"].rename(level="contrast").assign_coords(contrast=names)
        return xr.concat([*draws, taus], "contrast").transpose(*SAMPLE, "contrast")
    strata = posterior["stratum"].values if "stratum" in posterior.dims else [""]
    for stratum in strata:
        for level in levels_of(tree):
            tau = posterior[f"tau_{level}"]
            name = f"tau_{stratum}:{level}" if stratum else f"tau_{level}"
            tau = tau.sel(stratum=stratum, drop=True) if stratum else tau
            draws.append(tau.expand_dims(contrast=[name], axis=-1))
    return xr.concat(draws, "contrast").transpose(*SAMPLE, "contrast")


def refit_priors(
    design: xr.Dataset, spec: ModelSpec, weights: xr.DataArray, **options: Any
) -> PriorRefits:
    """Refit by quadrature under every other prior that applies (`spec.other_priors`).

    Columns of the table: prior (base first), label, contrast (then the taus, as in `psense_table`),
    mean, sd, ci_lb, ci_ub (95 % equal-tailed), p_positive (none for a tau), shift: of the mean from
    the base's, in the base's sds. It has no rows where quadrature does not take the base.
    `design`, `spec`: as for `quadrature.integrate_posterior`. `weights`: dims (contrast, term), as
    from `design.contrast_weights`. `options`: steps, workers, cache and others of `jobs.run_jobs`.
    """
    versions = {BASE: spec}
    labels = {BASE: "base analysis"}
    for other in OTHER_PRIORS:
        if (changed := other.replaced_in(spec)) is not None:
            versions[other.name] = changed
            labels[other.name] = other.label
    jobs = [Job(name, refit, (design, version, weights)) for name, version in versions.items()]
    done = run_jobs(jobs, title="refitting under other priors", **options)
    if BASE in done.refused:
        return PriorRefits(pd.DataFrame(columns=COLUMNS), done.refused)
    rows = [table.assign(prior=name, label=labels[name]) for name, table in done.tables.items()]
    table = pd.concat(rows, ignore_index=True)
    base = done.tables[BASE].set_index("contrast")
    mean, sd = (table["contrast"].map(base[name]) for name in ("mean", "sd"))
    return PriorRefits(table.assign(shift=(table["mean"] - mean) / sd)[COLUMNS], done.refused)


def refit(design: xr.Dataset, spec: ModelSpec, weights: xr.DataArray) -> pd.DataFrame:
    """Refit by quadrature; return the contrasts, then the taus, with the columns of `SUMMARY`."""
    posterior = integrate_posterior(design, spec)
    taus = taus_table(posterior)
    taus = taus.assign(contrast="tau_" + taus["level"])
    return pd.concat([contrasts_table(posterior, weights), taus], ignore_index=True)[SUMMARY]
