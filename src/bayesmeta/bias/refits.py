"""A model's contrasts, its bias parameters, and how well it predicts each study unseen: one table, so that it keeps."""

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta import quadrature
from bayesmeta.checks import diagnose
from bayesmeta.design import slopes_of
from bayesmeta.errors import BadInput
from bayesmeta.influence import leave_studies_out
from bayesmeta.sampling import sample_posterior, start_jax
from bayesmeta.spec import ModelSpec

COLUMNS = ["part", "name", "mean", "sd", "ci_lb", "ci_ub", "p_positive"]


def refit(design: xr.Dataset, spec: ModelSpec, weights: xr.DataArray, seed: int = 1) -> pd.DataFrame:
    """Refit by quadrature where that takes the model, else by NUTS.

    Parameters
    ----------
    design, spec : Dataset, ModelSpec
        As for `quadrature.integrate_posterior`.
    weights : DataArray
        Dims (contrast, term), as from `contrasts.contrast_weights`.
    seed : int
        Of NUTS.

    Returns
    -------
    DataFrame
        part ("contrast", "parameter": slopes and weights of the bias, or "study"), name; of the first two mean, sd,
        ci_lb, ci_ub (95 % equal-tailed), p_positive (of weights P(> 1)); of studies k, elpd, k_hat, how, as from
        `influence.leave_studies_out`.

    Raises
    ------
    BadInput
        A diagnostic of the sampler failed.
    """
    start_jax(devices=4)
    try:
        posterior = quadrature.integrate_posterior(design, spec)
        left_out = quadrature.leave_one_study_out(design, spec)
    except BadInput:  # not a model for quadrature
        return _sampled(design, spec, weights, seed)
    slopes = _slope_weights(design)
    rows = [
        quadrature.contrasts_table(posterior, each).assign(part=part)
        for part, each in (("contrast", weights), ("parameter", slopes))
        if each.size
    ]
    estimates = pd.concat(rows).rename(columns={"contrast": "name"})[COLUMNS]
    size = np.bincount(design["group_study"].values[design["effect_group"].values])
    studies = pd.DataFrame({"name": design["study"].values, "k": size, "elpd": left_out["elpd"].values, "how": "exact"})
    return pd.concat([estimates, studies.assign(part="study", k_hat=np.nan)], ignore_index=True)


def _slope_weights(design: xr.Dataset) -> xr.DataArray:
    """The slopes of a bias, each by itself (contrast, term)."""
    terms, slopes = design["term"].values, slopes_of(design)
    return xr.DataArray(np.eye(len(terms))[slopes], {"contrast": terms[slopes], "term": terms}, ("contrast", "term"))


def _sampled(design: xr.Dataset, spec: ModelSpec, weights: xr.DataArray, seed: int) -> pd.DataFrame:
    tree = sample_posterior(design, spec, seed=seed)
    if failures := diagnose(tree)["failures"]:
        raise BadInput(f"the sampler's diagnostics failed: {'; '.join(failures)}")
    posterior = tree["posterior"].dataset
    parts = [
        _summarised(part, xr.dot(each, posterior["beta"], dim="term").rename(contrast="name"), 0.0)
        for part, each in (("contrast", weights), ("parameter", _slope_weights(design)))
        if each.size
    ]
    if "weights" in posterior:
        parts.append(_summarised("parameter", posterior["weights"].rename(weight="name"), 1.0))
    studies = leave_studies_out(tree, design, spec, exact=False, seed=seed, workers=1)
    studies = studies.rename(columns={"study": "name"})[["name", "k", "elpd", "how", "k_hat"]]
    return pd.concat([*parts, studies.assign(part="study")], ignore_index=True)


def _summarised(part: str, draws: xr.DataArray, null: float) -> pd.DataFrame:
    """Draws over `name`; p_positive is P(> null)."""
    flat = draws.stack(sample=("chain", "draw")).transpose("name", "sample")
    lower, upper = flat.quantile([0.025, 0.975], "sample").values
    moments = {
        "mean": flat.mean("sample"),
        "sd": flat.std("sample", ddof=1),
        "p_positive": (flat > null).mean("sample"),
    }
    named = {key: values.values for key, values in moments.items()}
    return pd.DataFrame({"part": part, "name": flat["name"].values, **named, "ci_lb": lower, "ci_ub": upper})[COLUMNS]
