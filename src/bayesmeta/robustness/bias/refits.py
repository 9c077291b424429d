"""Contrasts, bias parameters and elpd by study of a model, in a single table that a job keeps."""

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.estimates.contrasts import summarise
from bayesmeta.inference import quadrature
from bayesmeta.model.design import is_small_study
from bayesmeta.model.likelihood import refusal
from bayesmeta.model.spec import ModelSpec
from bayesmeta.robustness.influence import leave_studies_out
from bayesmeta.robustness.influence.coverage import effects_of
from bayesmeta.robustness.influence.elpd import sample_checked

COLUMNS = ["part", "name", "mean", "sd", "ci_lb", "ci_ub", "p_positive", "contraction"]
Combinations = dict[str, xr.DataArray]  # weights of terms by part
Tables = tuple[pd.DataFrame, pd.DataFrame]  # estimates, studies


def refit(design: xr.Dataset, spec: ModelSpec, weights: xr.DataArray) -> pd.DataFrame:
    """Refit by quadrature where that takes the model, else by draws.

    `design`, `spec`: as for `quadrature.integrate_posterior`. `weights`: dims (contrast, term), as
    from `design.contrast_weights`.
    Columns: part ("contrast", "parameter": slopes and weights of the bias, or "study"), name; of
    the first two mean, sd, ci_lb, ci_ub (95 % equal-tailed), p_positive (of weights P(> 1)); of
    studies k, elpd, k_hat, how, as from `influence.leave_studies_out`.
    For parameters also contraction: 1 - (sd / prior sd)^2.
    Raises BadInput: a diagnostic of the sampler failed.
    """
    terms = design["term"].values
    bias = is_small_study(design)
    labels = {"contrast": terms[bias], "term": terms}
    slopes = xr.DataArray(np.eye(len(terms))[bias], labels, ("contrast", "term"))
    combinations = {"contrast": weights} | ({"parameter": slopes} if bias.any() else {})
    refit_with = _sampled if refusal(design, spec, "quadrature") else _integrated
    estimates, studies = refit_with(design, spec, combinations)
    estimates = estimates.rename(columns={"contrast": "name"})
    is_parameter = estimates["part"] == "parameter"
    of_prior = np.full(len(estimates), np.nan)
    of_prior[is_parameter] = np.resize(prior_sd(spec), is_parameter.sum())
    contraction = 1 - (estimates["sd"] / of_prior) ** 2
    estimates = estimates.assign(contraction=contraction)[COLUMNS]
    studies = studies.rename(columns={"study": "name"})[["name", "k", "elpd", "how", "k_hat"]]
    return pd.concat([estimates, studies.assign(part="study")], ignore_index=True)


def prior_sd(spec: ModelSpec) -> np.ndarray:
    """Return the prior sds of a bias model's slope or weights (1 or weights,); nan without any."""
    for key in ("weights", "slope"):
        if key in spec.priors:
            return np.atleast_1d(spec.priors[key].distribution.std())
    return np.array([np.nan])


def _integrated(design: xr.Dataset, spec: ModelSpec, combinations: Combinations) -> Tables:
    posterior = quadrature.integrate_posterior(design, spec)
    elpd = quadrature.leave_one_study_out(design, spec)["elpd"].values
    estimates = [
        quadrature.contrasts_table(posterior, weights).assign(part=part)
        for part, weights in combinations.items()
    ]
    studies = pd.DataFrame({"study": design["study"].values, "k": effects_of(design), "elpd": elpd})
    return pd.concat(estimates), studies.assign(how="exact", k_hat=np.nan)


def _sampled(design: xr.Dataset, spec: ModelSpec, combinations: Combinations) -> Tables:
    tree = sample_checked(design, spec)
    posterior = tree["posterior"].dataset
    estimates = [
        summarise(xr.dot(weights, posterior["beta"], dim="term")).assign(part=part)
        for part, weights in combinations.items()
    ]
    if "weights" in posterior:
        relative = posterior["weights"].rename(weight="contrast")
        estimates.append(summarise(relative, null=1.0).assign(part="parameter"))
    return pd.concat(estimates), leave_studies_out(tree, design, spec, workers=1)
