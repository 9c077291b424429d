"""Refits of an analysis: exact, without the worst study, or sampled; a row per contrast."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.estimates.contrasts import summarise
from bayesmeta.inference.independent import has_wide_grid
from bayesmeta.inference.quadrature import contrasts_table, integrate_posterior, leave_one_study_out
from bayesmeta.model.likelihood import refusal
from bayesmeta.model.spec import ModelSpec
from bayesmeta.robustness.influence.coverage import informs
from bayesmeta.robustness.influence.elpd import sample_checked

Refit = Callable[[Any, ModelSpec, xr.DataArray], pd.DataFrame]  # of a design, or an effect table

COLUMNS = ["contrast", "mean", "sd", "ci_lb", "ci_ub", "p_positive"]
CANDIDATES = 3  # studies refitted per contrast: the approximation may exchange near ties


def refit(design: xr.Dataset, spec: ModelSpec, weights: xr.DataArray) -> pd.DataFrame:
    """Refit by quadrature where that takes the model, else by draws; a table as from `integrated`.

    Raises BadInput: the sampler's diagnostics failed, or the quadrature does not converge.
    """
    if refusal(design, spec, "quadrature"):
        return sampled(design, spec, weights).drop(columns="log_evidence")
    return (sampled if has_wide_grid(spec) else integrated)(design, spec, weights)


def integrated(design: xr.Dataset, spec: ModelSpec, weights: xr.DataArray) -> pd.DataFrame:
    """Refit by quadrature.

    `design`, `spec`: as for `quadrature.integrate_posterior`. `weights`: dims (contrast, term), as
    from `design.contrast_weights`.
    Columns: contrast, mean, sd, ci_lb, ci_ub (95 % equal-tailed), p_positive, and log_evidence, log
    p(y), in every row.
    """
    posterior = integrate_posterior(design, spec)
    table = contrasts_table(posterior, weights)[COLUMNS]
    return table.assign(log_evidence=posterior.log_marginal_likelihood)


def worst_study(design: xr.Dataset, spec: ModelSpec, weights: xr.DataArray) -> pd.DataFrame:
    """Refit without the study that costs the conclusion of a contrast most, as `integrated`.

    The conclusion is the sign that all studies favour. Candidates have the lowest mean / sd in that
    direction when left out; of these, refitted by quadrature, the least probable conclusion is
    exact.
    Columns: contrast, mean, sd, ci_lb, ci_ub, p_positive, note: the study, and the terms of the
    contrast that need its data (they have their prior then).
    """
    base = integrated(design, spec, weights).set_index("contrast")
    sign = pd.Series(np.where(base["p_positive"] >= 0.5, 1, -1), base.index)
    left_out = leave_one_study_out(design, spec, weights=weights)
    score = sign.to_xarray() * left_out["contrast_mean"] / left_out["contrast_sd"]
    score = score.sel(contrast=base.index).transpose("study", "contrast")
    nearest = score["study"].values[np.argsort(score.values, axis=0)[:CANDIDATES]]
    refitted = [
        without(str(study), design, spec, weights[(nearest == study).any(0)])
        for study in np.unique(nearest)
    ]
    rows = pd.concat(refitted, ignore_index=True)
    p_conclusion = rows["p_positive"] * rows["contrast"].map(sign)
    least = p_conclusion.groupby(rows["contrast"]).idxmin()
    return rows.loc[least[base.index]].reset_index(drop=True)


def without(study: str, design: xr.Dataset, spec: ModelSpec, weights: xr.DataArray) -> pd.DataFrame:
    """Refit by quadrature without a study; a table as from `worst_study`."""
    rows = contrasts_table(integrate_posterior(design, spec, without=[study]), weights)[COLUMNS]
    of_others = informs(design)[design["study"].values != study].any(0)
    alone = design["term"].values[~of_others]
    lost = [", ".join(alone[row.sel(term=alone).values != 0]) for row in weights]
    only = [f", the only study of {terms}" if terms else "" for terms in lost]
    return rows.assign(note=[f"without {study}{note}" for note in only])


def sampled(design: xr.Dataset, spec: ModelSpec, weights: xr.DataArray) -> pd.DataFrame:
    """Refit by draws; a table as from `integrated`. Raise BadInput if they fail."""
    posterior = sample_checked(design, spec)["posterior"].dataset
    table = summarise(xr.dot(weights, posterior["beta"], dim="term"))[COLUMNS]
    return table.assign(log_evidence=posterior.attrs.get("log_marginal_likelihood", np.nan))
