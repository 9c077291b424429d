"""How much the priors decide: power-scaled sensitivity of each conclusion, and refits under other priors."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import arviz as az
import pandas as pd
import xarray as xr

from bayesmeta.estimates.contrasts import contrast_draws
from bayesmeta.estimates.summaries import levels_of
from bayesmeta.inference.quadrature import contrasts_table, integrate_posterior, taus_table
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.jobs import Job, run_jobs
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.model.spec import ModelSpec
from bayesmeta.model.spec.other_priors import OTHER_PRIORS

THRESHOLD = 0.05
SAMPLE = ("chain", "draw")
BASE, BASE_LABEL = "base", "base analysis"
PARTS = {"beta": "terms", "tau_study": "taus", "tau_group": "taus", "tau_effect": "taus"}
COLUMNS = ["prior", "label", "contrast", "mean", "sd", "ci_lb", "ci_ub", "p_positive", "shift"]


class PriorRefits(NamedTuple):
    """The table of `refit_priors`, and by name of the prior why it was not refitted under it."""

    table: pd.DataFrame
    refused: dict[str, str]


def psense_table(tree: xr.DataTree) -> pd.DataFrame:
    r"""Sensitivity of each contrast and each tau to the power of the prior and of the likelihood.

    With the posterior of power alpha of one component, p_alpha \propto p(theta)^alpha p(y | theta)
    for the prior,

        D = [d(p_.99, p_1) / log2(1 / .99) + d(p_1.01, p_1) / log2(1.01)] / 2,

    d the cumulative Jensen-Shannon distance; ArviZ's importance-weighted estimate. The likelihood
    is marginal: the random effects are integrated out, so that their distribution belongs to it and
    not to the prior.

    Columns: contrast (every term, every contrast, then `tau_study` and so on, of a stratum
    `tau_human:study`); prior, likelihood: D; diagnosis: `neither`, or where the prior's reaches .05
    `prior-data conflict` if the likelihood's does, too, and `prior dominates` if not; prior_terms,
    prior_taus and prior_<name> of any other parameter: D of that prior alone; whose: the parts
    whose prior reaches .05 by itself.
    Raises BadInput: the tree lacks the densities that are scaled.

    Parameters
    ----------
    tree : of `sampling.sample_posterior` or `quadrature.quadrature_posterior`, or read from
        posterior.nc

    Notes
    -----
    Source: Kallioinen, Paananen, Bürkner & Vehtari 2024, doi 10.1007/s11222-023-10366-5. Where a
    spread of the terms is estimated, their prior is scaled given it; that they answer to it is what
    partial pooling is for.
    """
    scaled, parts = _scaled_tree(tree)
    table = pd.DataFrame({"contrast": scaled["posterior"]["value"]["contrast"].values})
    table["prior"] = _sensitivity(scaled, "prior", parts)
    table["likelihood"] = _sensitivity(scaled, "likelihood", ["obs_study"])
    table["diagnosis"] = [_diagnosis(*row) for row in table[["prior", "likelihood"]].to_numpy()]
    for part in parts:
        table[f"prior_{part}"] = _sensitivity(scaled, "prior", [part])
    felt = table[[f"prior_{part}" for part in parts]].to_numpy() >= THRESHOLD
    return table.assign(
        whose=[", ".join(part for part, own in zip(parts, row, strict=True) if own) for row in felt]
    )


def _diagnosis(prior: float, likelihood: float) -> str:
    if prior < THRESHOLD:
        return "neither"
    return "prior-data conflict" if likelihood >= THRESHOLD else "prior dominates"


def _sensitivity(scaled: xr.DataTree, group: str, names: Sequence[str]) -> list[float]:
    found = az.psense(scaled, group=group, group_var_names=list(names))
    return [float(value) for value in found["value"].values]


def _scaled_tree(tree: xr.DataTree) -> tuple[xr.DataTree, list[str]]:
    """What ArviZ wants: quantities, log-likelihood per study, and the log prior in parts, which are named beside it."""
    if (
        not {"/log_prior", "/log_likelihood"} <= set(tree.groups)
        or "obs_study" not in tree["log_likelihood"].data_vars
    ):
        raise BadInput(
            "the fit lacks log_prior or log_likelihood/obs_study, which power-scaling needs; fit it again with "
            "`bayesmeta fit`"
        )
    log_prior: dict[str, xr.DataArray] = {}
    for name, density in tree["log_prior"].dataset.data_vars.items():
        part = PARTS.get(str(name), str(name))
        log_prior[part] = log_prior.get(part, 0.0) + density.sum(
            [dim for dim in density.dims if dim not in SAMPLE]
        )
    groups = {
        "posterior": xr.Dataset({"value": quantities(tree)}),
        "log_likelihood": tree["log_likelihood"].dataset[["obs_study"]],
        "log_prior": xr.Dataset(log_prior),
    }
    return xr.DataTree.from_dict(groups), sorted(
        log_prior, key=lambda part: (part != "terms", part != "taus")
    )


def quantities(tree: xr.DataTree) -> xr.DataArray:
    """Draws of every term, contrast and tau, dims (chain, draw, contrast)."""
    posterior, found = tree["posterior"].dataset, [contrast_draws(tree)]
    strata = posterior["stratum"].values if "stratum" in posterior.dims else [""]
    for stratum in strata:
        for level in levels_of(tree):
            tau = posterior[f"tau_{level}"]
            name = f"tau_{stratum}:{level}" if stratum else f"tau_{level}"
            tau = tau.sel(stratum=stratum, drop=True) if stratum else tau
            found.append(tau.expand_dims(contrast=[name], axis=-1))
    return xr.concat(found, "contrast").transpose(*SAMPLE, "contrast")


def refit_priors(
    design: xr.Dataset,
    spec: ModelSpec,
    weights: xr.DataArray,
    *,
    steps: Steps | None = None,
    workers: int | None = None,
    dask: str | None = None,
    cache: Path | None = None,
) -> PriorRefits:
    """Refit exactly under each other prior that applies (`spec.other_priors`), by quadrature.

    Returns: table: prior (base first), label, contrast (then the taus, as in `psense_table`), mean,
    sd, ci_lb, ci_ub (95 % equal-tailed), p_positive (none for a tau), shift: of the mean from the
    base's, in the base's sds. It has no rows where quadrature does not take the base; refused says
    why.

    Parameters
    ----------
    design, spec : as for `quadrature.integrate_posterior`
    weights : dims (contrast, term), as from `design.contrast_weights`
    steps, workers, dask, cache : as for `jobs.run_jobs`
    """
    versions = {BASE: spec} | {
        other.name: changed
        for other in OTHER_PRIORS
        if (changed := other.replaced_in(spec)) is not None
    }
    jobs = [Job(name, refit, (design, version, weights)) for name, version in versions.items()]
    done = run_jobs(
        jobs,
        steps=steps,
        title="refitting under other priors",
        workers=workers,
        dask=dask,
        cache=cache,
    )
    if BASE in done.refused:
        return PriorRefits(pd.DataFrame(columns=COLUMNS), done.refused)
    labels = {BASE: BASE_LABEL} | {other.name: other.label for other in OTHER_PRIORS}
    rows = [table.assign(prior=name, label=labels[name]) for name, table in done.tables.items()]
    base = done.tables[BASE].set_index("contrast")
    table = pd.concat(rows, ignore_index=True)
    shift = (table["mean"] - table["contrast"].map(base["mean"])) / table["contrast"].map(
        base["sd"]
    )
    return PriorRefits(table.assign(shift=shift)[COLUMNS], done.refused)


def refit(design: xr.Dataset, spec: ModelSpec, weights: xr.DataArray) -> pd.DataFrame:
    """One refit by quadrature: contrast, mean, sd, ci_lb, ci_ub, p_positive; then each tau.

    Raises BadInput: quadrature does not take the model.
    """
    posterior = integrate_posterior(design, spec)
    taus = taus_table(posterior)
    taus = taus.assign(contrast="tau_" + taus["level"])
    both = pd.concat([contrasts_table(posterior, weights), taus], ignore_index=True)
    return both[["contrast", "mean", "sd", "ci_lb", "ci_ub", "p_positive"]]
