"""How well the other studies predict every study: elpd_s = log p(y_s | y_-s).

Quadrature is exact for all studies. Otherwise it is Pareto-smoothed importance sampling; where
k-hat indicates that this fails, an approximation of the posterior is matched to the one without the
study (`matching`), or that posterior is sampled, and a bridge between both gives the elpd.
"""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.estimates.conventions import MAX_K_HAT
from bayesmeta.estimates.convergence import refuse_failed
from bayesmeta.inference.independent import independent_posterior
from bayesmeta.infrastructure.arviz import arviz_stats
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.jobs import Job, run_jobs
from bayesmeta.model.likelihood import refusal
from bayesmeta.model.spec import ModelSpec
from bayesmeta.robustness.influence import structures
from bayesmeta.robustness.influence.bridging import bridge
from bayesmeta.robustness.influence.coverage import effects_of
from bayesmeta.robustness.influence.matching import matched

DRAWS = 500  # per chain of a refit; means are then within .03 of their posterior sds
UNRELIABLE = "PSIS fails"
MODEL_COLUMNS = ["model", "elpd", "se", "difference", "difference_se", "worst_k_hat", "refitted"]
COLUMNS = ["study", "k", "elpd_psis", "k_hat", "elpd", "how", "error"]


def psis_table(tree: xr.DataTree) -> pd.DataFrame:
    """Leave out every study by importance sampling, from the draws of a single fit.

    The error is sqrt(sum_d w_d^2 (p_d / p - 1)^2 / r), with weights w_d, p_d = p(y_s | draw d), p
    their weighted mean and r the draws' efficiency. `tree`: a fit: log_likelihood with obs_study
    over (chain, draw, study), the marginal likelihood; constant_data.
    Columns: study, k (effects), elpd_psis, k_hat, error (Monte-Carlo standard error of elpd_psis;
    nan where k_hat > .7).
    Source: Vehtari, Simpson, Gelman, Yao & Gabry 2024, JMLR 25(72); ArviZ's `loo`.
    """
    log_lik = tree["log_likelihood"].dataset["obs_study"]
    draws = log_lik.sizes["chain"] * log_lik.sizes["draw"]
    effective = arviz_stats.ess(log_lik.to_dataset(), method="mean")["obs_study"].mean()
    reff = float(min(1.0, effective / draws))  # 1 for independent draws
    with warnings.catch_warnings():
        message = "Estimated shape parameter of Pareto"
        warnings.filterwarnings("ignore", message=message, category=UserWarning)
        loo = arviz_stats.loo(tree, var_name="obs_study", pointwise=True, reff=reff)
    ratio = np.exp(log_lik - loo.elpd_i) - 1
    error = np.sqrt(((np.exp(loo.log_weights) * ratio) ** 2).sum(["chain", "draw"]) / reff)
    columns = {"elpd_psis": loo.elpd_i, "k_hat": loo.pareto_k}
    columns["error"] = error.where(loo.pareto_k <= MAX_K_HAT)
    k = effects_of(tree["constant_data"].dataset)
    labels = {"study": log_lik["study"].values, "k": k}
    return pd.DataFrame(labels | {name: values.values for name, values in columns.items()})


def leave_studies_out(
    tree: xr.DataTree,
    design: xr.Dataset,
    spec: ModelSpec,
    *,
    left_out: xr.Dataset | None = None,
    seed: int = 1,
    workers: int | None = None,
) -> pd.DataFrame:
    """Leave out every study: exactly if possible, refitted where importance sampling fails.

    `tree`: a fit of the model, for `psis_table`. `design`, `spec`: design and model of the fit.
    `left_out`: from `quadrature.leave_one_study_out`, for a model that it takes: exact. `seed`:
    seed of the refits. `workers`: as for `jobs.run_jobs`, which stores the refits.
    Columns: study, k, elpd_psis, k_hat, elpd, how ("exact", "PSIS", "matched", "refitted", or
    "PSIS fails" if the sampler fails, too), error: of the quadrature, or Monte-Carlo standard
    error.
    """
    if spec.is_structured and left_out is None:
        terms = design["term"].values
        every = xr.DataArray(np.eye(len(terms)), {"contrast": terms, "term": terms})
        return structures.leave_out(tree, design, spec, every, seed=seed, workers=workers).studies
    table = psis_table(tree)
    if left_out is not None:
        exact = left_out.sel(study=table["study"].to_numpy())
        table = table.assign(elpd=exact["elpd"].values, error=exact["error"].values, how="exact")
        return table[COLUMNS]
    table = table.assign(elpd=table["elpd_psis"], how="PSIS")[COLUMNS]
    table = table.set_index("study", drop=False)
    surprising = table.index[~(table["k_hat"] <= MAX_K_HAT)]
    if "candidates" in tree.children:
        candidates = tree["candidates"].to_dataset()
        for study in surprising:
            comparison = matched(candidates, str(study), design, spec, seed)
            if comparison.is_reliable:
                columns = ["elpd", "error", "k_hat", "how"]
                table.loc[study, columns] = *comparison, "matched"
        surprising = table.index[~(table["k_hat"] <= MAX_K_HAT)]
    jobs = {
        study: Job(f"without {study}", refit_without, (str(study), design, spec, seed))
        for study in surprising
    }
    done = run_jobs(list(jobs.values()), title="refitting without studies", workers=workers)
    for study, job in jobs.items():
        table.loc[study, "how"] = UNRELIABLE
        if job.name in done.tables:
            draws = done.tables[job.name].set_index(["chain", "draw"])
            given = tree["log_likelihood"].dataset["obs_study"].sel(study=study, drop=True)
            elpd, error = bridge(draws["log_lik"].to_xarray(), given)
            table.loc[study, ["elpd", "error", "how"]] = elpd, error, "refitted"
    return table.reset_index(drop=True)


def refit_without(study: str, design: xr.Dataset, spec: ModelSpec, seed: int) -> pd.DataFrame:
    """Sample without a study; return its log-likelihood (chain, draw, log_lik) or BadInput."""
    tree = sample_checked(design, spec, without=[study], seed=seed)
    log_lik = tree["log_likelihood"].dataset["obs_study"].sel(study=study, drop=True)
    return log_lik.to_series().rename("log_lik").reset_index()


def sample_checked(
    design: xr.Dataset, spec: ModelSpec, *, draws: int = DRAWS, **options: Any
) -> xr.DataTree:
    """Draw from a posterior, by importance or else by NUTS; raise BadInput if that failed."""
    if not refusal(design, spec, "importance"):
        tree = independent_posterior(
            design, spec, draws=draws, wide_grid=False, parameters_only=True, **options
        )
        if tree["posterior"].attrs.get("k_hat", 0.0) <= MAX_K_HAT:
            refuse_failed(tree)
            return tree
    from bayesmeta.inference.nuts import sample_posterior  # PyMC and JAX, where needed

    tree = sample_posterior(design, spec, draws=draws, **options)
    refuse_failed(tree)
    return tree


def elpd_table(by_model: Mapping[str, pd.DataFrame], against: str) -> pd.DataFrame:
    """Compare models by how well they predict unseen studies.

    With n studies, a standard error is sqrt(n) times the sd over studies of the elpd, or of its
    difference. Source: Vehtari, Gelman & Gabry 2017, doi 10.1007/s11222-016-9696-4. `by_model`:
    name of a model to its table from `leave_studies_out`; all of the same studies, in any order.
    `against`: the model that the others are compared with.
    Columns: model, elpd (the sum over studies), se, difference (above zero: better than `against`),
    difference_se, worst_k_hat, refitted (the number of studies); in the given order. Raises
    BadInput: `against` is not a name in `by_model`; the models are of other studies or effects.
    """
    if against not in by_model:
        models = ", ".join(by_model)
        raise BadInput(f"no model '{against}' to compare with; the models are: {models}")
    tables = {name: table.set_index("study") for name, table in by_model.items()}
    base = tables[against]
    rows = []
    for name, table in tables.items():
        if not table["k"].sort_index().equals(base["k"].sort_index()):
            sizes = [f"{part['k'].sum()} effects in {len(part)} studies" for part in (table, base)]
            problem = f"models '{name}' and '{against}' were fitted to other studies or effects"
            raise BadInput(f"{problem} ({', '.join(sizes)}); compare models of the same data")
        difference = table["elpd"] - base["elpd"]
        se, difference_se = (np.sqrt(len(table)) * x.std() for x in (table["elpd"], difference))
        refitted = int((table["how"] == "refitted").sum())
        elpd = (table["elpd"].sum(), se, difference.sum(), difference_se)
        rows.append((name, *elpd, table["k_hat"].max(), refitted))
    return pd.DataFrame(rows, columns=MODEL_COLUMNS)
