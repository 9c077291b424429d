"""Studies left out of a dependence structure.

Given the parameters a study's density given all others, and the posterior of the means without it,
are exact (`structure.deletion`). Draws of the parameters are weighted by the inverse of this
density, by Pareto-smoothed importance sampling; where k-hat is above .7, the model is refitted
without the study.
"""

import warnings
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import logsumexp
from scipy.stats import norm

from bayesmeta.estimates.conventions import MAX_K_HAT
from bayesmeta.estimates.summaries import values_of
from bayesmeta.inference.structured import structured_posterior
from bayesmeta.infrastructure.arviz import arviz_stats
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.jobs import Job, run_jobs
from bayesmeta.model.spec import ModelSpec
from bayesmeta.model.structure import Structured
from bayesmeta.model.structure.deletion import Deleted, delete_each
from bayesmeta.robustness.influence.changes import changed_without
from bayesmeta.robustness.influence.coverage import effects_of, rests_alone

FEWEST = 400  # draws that are weighted, however large the table
WORK = 2e11  # multiplications
DRAWS = 500  # per chain of a refit


class LeftOut(NamedTuple):
    """Every study left out: prediction of the study, and every contrast without it."""

    studies: pd.DataFrame  # as of `elpd.leave_studies_out`
    changes: pd.DataFrame  # as of `changes.changes_table`


def leave_out(
    tree: xr.DataTree,
    design: xr.Dataset,
    spec: ModelSpec,
    weights: xr.DataArray,
    *,
    seed: int = 1,
    workers: int | None = None,
) -> LeftOut:
    """Leave out every study of a dependence structure; arguments as for `elpd.leave_studies_out`.

    `weights`: dims (contrast, term). In changes, exact is whether k-hat is at most .7, or the model
    was refitted.
    """
    combinations = weights.sel(term=design["term"].values).transpose("term", "contrast").values
    deleted = _deleted(tree, design, spec, combinations)
    log_density = xr.DataArray(
        deleted.log_density[None],
        {"chain": [0], "study": design["study"].values},
        ("chain", "draw", "study"),
    )
    given = xr.DataTree.from_dict({"log_likelihood": log_density.to_dataset(name="obs_study")})
    with warnings.catch_warnings():
        message = "Estimated shape parameter of Pareto"
        warnings.filterwarnings("ignore", message=message, category=UserWarning)
        loo = arviz_stats.loo(given, var_name="obs_study", pointwise=True, reff=1.0)
    log_weight = loo.log_weights.transpose("chain", "draw", "study").values[0]
    k_hat = loo.pareto_k.values
    elpd = loo.elpd_i.values
    relative = np.exp(deleted.log_density - elpd) - 1
    error = np.sqrt(((np.exp(log_weight) * relative) ** 2).sum(0))
    moments = _moments(deleted, np.exp(log_weight))
    labels = {"study": design["study"].values, "k": effects_of(design)}
    studies = pd.DataFrame(labels | {"elpd_psis": elpd, "k_hat": k_hat, "elpd": elpd})
    studies = studies.assign(how="PSIS", error=error)
    poor = [str(study) for study in studies["study"][~(studies["k_hat"] <= MAX_K_HAT)]]
    jobs = [Job(f"without {x}", refit_without, (x, design, spec, weights, seed)) for x in poor]
    done = run_jobs(jobs, title="refitting without studies", workers=workers)
    for study in poor:
        at = int(np.flatnonzero(studies["study"] == study)[0])
        if f"without {study}" not in done.tables:
            studies.loc[at, ["how", "error"]] = "PSIS fails", np.nan
            continue
        table = done.tables[f"without {study}"]
        studies.loc[at, ["elpd", "how"]] = table["elpd"].iloc[0], "refitted"
        studies.loc[at, "error"] = table["error"].iloc[0]
        for name in ("mean", "sd", "p_positive"):
            moments[name][at] = table[name].to_numpy()
    exact = np.array(studies["how"] != "PSIS fails")
    return LeftOut(studies, _changes(tree, design, weights, moments, exact))


def _deleted(
    tree: xr.DataTree, design: xr.Dataset, spec: ModelSpec, combinations: np.ndarray
) -> Deleted:
    likelihood = Structured(design, spec)
    values = values_of(tree)
    draws = len(next(iter(values.values())))
    size = len(likelihood.columns) * (likelihood.units + likelihood.terms) ** 2
    kept = int(max(FEWEST, WORK / size))
    some = slice(None, None, max(1, draws // kept))
    return delete_each(likelihood, {name: x[some] for name, x in values.items()}, combinations)


def _moments(deleted: Deleted, weight: np.ndarray) -> dict[str, np.ndarray]:
    """Return moments of combinations without every study (studies, n); weight (draws, studies)."""
    w = (weight / weight.sum(0))[..., None]
    mean = (w * deleted.mean).sum(0)
    square = (w * (deleted.variance + (deleted.mean - mean) ** 2)).sum(0)
    positive = (w * norm.cdf(deleted.mean / np.sqrt(deleted.variance))).sum(0)
    return {"mean": mean, "sd": np.sqrt(square), "p_positive": positive}


def refit_without(
    study: str, design: xr.Dataset, spec: ModelSpec, weights: xr.DataArray, seed: int
) -> pd.DataFrame:
    """Refit without a study: contrast, mean, sd, p_positive; elpd of the study and its error.

    Raise BadInput if the model cannot be fitted without it, or the draws have not forgotten their
    weights.
    """
    part = without_study(design, study)
    tree = structured_posterior(part, spec, draws=DRAWS, seed=seed, parameters_only=True)
    if tree["posterior"].attrs.get("k_hat", 0.0) > MAX_K_HAT:
        raise BadInput(f"the draws without {study} cannot be trusted")
    combinations = weights.sel(term=design["term"].values).transpose("term", "contrast").values
    at = int(np.flatnonzero(design["study"].values == study)[0])
    deleted = delete_each(Structured(design, spec), values_of(tree), combinations)
    moments = _moments(deleted, np.ones_like(deleted.log_density))
    log_p = deleted.log_density[:, at]
    elpd = float(logsumexp(log_p) - np.log(len(log_p)))
    error = float(np.std(np.exp(log_p - elpd)) / np.sqrt(len(log_p)))
    labels = {"contrast": weights["contrast"].values, "elpd": elpd, "error": error}
    return pd.DataFrame(labels | {name: values[at] for name, values in moments.items()})


def without_study(design: xr.Dataset, study: str) -> xr.Dataset:
    """Return a design without the rows of a study, with all terms."""
    left = design["study"].values != study
    of_effects = design["group_study"].values[design["effect_group"].values]
    effects = left[of_effects]
    groups, group = np.unique(design["effect_group"].values[effects], return_inverse=True)
    studies, of_groups = np.unique(design["group_study"].values[groups], return_inverse=True)
    chosen = {"effect": effects, "other_effect": effects, "group": groups, "study": studies}
    part = design.isel(chosen, missing_dims="ignore")
    return part.assign(effect_group=("effect", group), group_study=("group", of_groups))


def _changes(
    tree: xr.DataTree,
    design: xr.Dataset,
    weights: xr.DataArray,
    moments: dict[str, np.ndarray],
    exact: np.ndarray,
) -> pd.DataFrame:
    draws = xr.dot(weights, tree["posterior"]["beta"], dim="term").transpose("contrast", ...)
    flat = draws.values.reshape(len(draws), -1)
    positive = (flat > 0).mean(1)[:, None]
    sign = np.where(positive >= 0.5, 1, -1)
    shape = (len(flat), design.sizes["study"])
    p = moments["p_positive"].T
    columns = {
        "k": effects_of(design)[None],
        "p_direction": np.where(sign > 0, positive, 1 - positive),
        "p_without": np.where(sign > 0, p, 1 - p),
        "mean": flat.mean(1)[:, None],
        "mean_without": moments["mean"].T,
        "shift": (moments["mean"].T - flat.mean(1)[:, None]) / flat.std(1)[:, None],
        "exact": exact[None],
        "alone": rests_alone(design, weights),
    }
    labels = [weights["contrast"].values, design["study"].values]
    index = pd.MultiIndex.from_product(labels, names=["contrast", "study"])
    spread = {name: np.broadcast_to(x, shape).ravel() for name, x in columns.items()}
    return changed_without(pd.DataFrame(spread, index).reset_index())
