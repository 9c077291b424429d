"""A model's contrasts, its bias parameters, and how well it predicts each study unseen: one table, so that it keeps."""

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.estimates.contrasts import summarise
from bayesmeta.estimates.convergence import refuse_failed
from bayesmeta.inference import quadrature
from bayesmeta.model.design import is_small_study
from bayesmeta.model.likelihood import nesting_of, refusal
from bayesmeta.model.spec import ModelSpec
from bayesmeta.robustness.influence import leave_studies_out

COLUMNS = ["part", "name", "mean", "sd", "ci_lb", "ci_ub", "p_positive"]


def refit(
    design: xr.Dataset, spec: ModelSpec, weights: xr.DataArray, seed: int = 1
) -> pd.DataFrame:
    """Refit by quadrature where that takes the model, else by NUTS.

    Columns: part ("contrast", "parameter": slopes and weights of the bias, or "study"), name; of
    the first two mean, sd, ci_lb, ci_ub (95 % equal-tailed), p_positive (of weights P(> 1)); of
    studies k, elpd, k_hat, how, as from `influence.leave_studies_out`.
    Raises BadInput: a diagnostic of the sampler failed.

    Parameters
    ----------
    design, spec : as for `quadrature.integrate_posterior`
    weights : dims (contrast, term), as from `design.contrast_weights`
    seed : of NUTS
    """
    if refusal(design, spec, "quadrature"):
        return _sampled(design, spec, weights, seed)
    posterior = quadrature.integrate_posterior(design, spec)
    left_out = quadrature.leave_one_study_out(design, spec)
    slopes = _slope_weights(design)
    rows = [
        quadrature.contrasts_table(posterior, each).assign(part=part)
        for part, each in (("contrast", weights), ("parameter", slopes))
        if each.size
    ]
    estimates = pd.concat(rows).rename(columns={"contrast": "name"})[COLUMNS]
    size = np.bincount(nesting_of(design).study_of_effect)
    studies = pd.DataFrame(
        {"name": design["study"].values, "k": size, "elpd": left_out["elpd"].values, "how": "exact"}
    )
    return pd.concat([estimates, studies.assign(part="study", k_hat=np.nan)], ignore_index=True)


def _slope_weights(design: xr.Dataset) -> xr.DataArray:
    """The slopes of a bias, each by itself (contrast, term)."""
    terms, slopes = design["term"].values, is_small_study(design)
    return xr.DataArray(
        np.eye(len(terms))[slopes], {"contrast": terms[slopes], "term": terms}, ("contrast", "term")
    )


def _sampled(design: xr.Dataset, spec: ModelSpec, weights: xr.DataArray, seed: int) -> pd.DataFrame:
    from bayesmeta.inference.nuts import sample_posterior  # PyMC and JAX, for these models alone

    tree = sample_posterior(design, spec, seed=seed)
    refuse_failed(tree)
    posterior = tree["posterior"].dataset
    parts = [
        summarise(xr.dot(each, posterior["beta"], dim="term")).assign(part=part)
        for part, each in (("contrast", weights), ("parameter", _slope_weights(design)))
        if each.size
    ]
    if "weights" in posterior:
        relative = posterior["weights"].rename(weight="contrast")
        parts.append(summarise(relative, null=1.0).assign(part="parameter"))
    estimates = pd.concat(parts).rename(columns={"contrast": "name"})[COLUMNS]
    studies = leave_studies_out(tree, design, spec, seed=seed, workers=1)
    studies = studies.rename(columns={"study": "name"})[["name", "k", "elpd", "how", "k_hat"]]
    return pd.concat([estimates, studies.assign(part="study")], ignore_index=True)
