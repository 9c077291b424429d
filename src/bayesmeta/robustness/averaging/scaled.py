"""Models with priors that are narrower or wider, and the ratio of both priors at draws.

With draws of the posterior under a prior p, the evidence under another prior q of the same
parameters is that under p times the mean of q / p over the draws.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import xarray as xr

from bayesmeta.model.priors import log_prior
from bayesmeta.model.spec import ModelSpec, Prior
from bayesmeta.model.spec.families import TAU_OF

SCALES = (0.25, 0.35, 0.5, 0.71, 1.0, 1.41, 2.0, 2.83, 4.0)
SCALED_LAST = (  # families whose last parameter is the scale
    *("Normal", "StudentT", "Cauchy", "HalfNormal", "HalfStudentT", "HalfCauchy"),
    *("Exponential", "InvGamma"),
)


def ratio_name(scale: float, *, of_taus: bool) -> str:
    """Return the name of the log ratios of a scaled prior."""
    return f"{'taus' if of_taus else 'terms'} x {scale:g}"


def log_ratios(
    design: xr.Dataset, spec: ModelSpec, draws: Mapping[str, np.ndarray], *, heterogeneity: bool
) -> dict[str, np.ndarray]:
    """Return log q / p of every scaled prior at draws (draws,), by `ratio_name`.

    draws : as of `draw_prior`. Without heterogeneity the prior of the taus does not matter.
    """
    before = log_prior(design, spec, draws)
    ratios = {}
    for scale in SCALES:
        wider = log_prior(design, scaled_spec(spec, scale, of_taus=False), draws)
        ratios[ratio_name(scale, of_taus=False)] = wider["beta"] - before["beta"]
        of_taus = np.zeros(len(draws["beta"]))
        if heterogeneity:
            wider = log_prior(design, scaled_spec(spec, scale, of_taus=True), draws)
            of_taus = (wider["tau"] - before["tau"]).reshape(len(of_taus), -1).sum(1)
        ratios[ratio_name(scale, of_taus=True)] = of_taus
    return ratios


def scaled_spec(spec: ModelSpec, scale: float, *, of_taus: bool) -> ModelSpec:
    """Return a model with wider priors, of the taus or of the terms that are in it."""

    def concerns(key: str) -> bool:
        is_tau = key == "tau" or key.startswith(TAU_OF)
        return is_tau if of_taus else key in spec.parts and key != "slope"

    priors = {
        key: scaled_prior(prior, scale) if concerns(key) else prior
        for key, prior in spec.priors.items()
    }
    return replace(spec, priors=priors)


def scaled_prior(prior: Prior, scale: float) -> Prior:
    """Return a prior whose scale is multiplied, if its family has one; a point stays."""
    *others, last = prior.parameters
    if prior.family in SCALED_LAST:
        return replace(prior, parameters=(*others, last * scale))
    if prior.family in ("LogNormal", "LogStudentT"):
        at = len(prior.parameters) - 2
        moved = list(prior.parameters)
        moved[at] += float(np.log(scale))
        return replace(prior, parameters=tuple(moved))
    if prior.family == "Uniform":
        return replace(prior, parameters=tuple(scale * x for x in prior.parameters))
    if prior.family == "Gamma":
        return replace(prior, parameters=(*others, last / scale))
    return prior
