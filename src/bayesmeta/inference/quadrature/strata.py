"""Strata that share neither terms nor taus are independent: their results are put together."""

import numpy as np
import xarray as xr

from bayesmeta.inference.quadrature.deletion import Weights, delete_studies
from bayesmeta.inference.quadrature.posterior import (
    Posterior,
    combination,
    integrate_taus,
    taus_table,
)
from bayesmeta.model.design import split_strata
from bayesmeta.model.likelihood import tau_labels
from bayesmeta.model.spec import ModelSpec


def leave_one_study_out(
    design: xr.Dataset, spec: ModelSpec, *, weights: Weights = None, tolerance: float = 1e-6
) -> xr.Dataset:
    """Return the posterior without each study, and how well it predicts that study.

    `weights` (contrast, term) are linear combinations to follow besides the terms. A study with an
    estimated error above `tolerance` on the shared grid gets a separate grid.

    The result has, over study: elpd, exact log p(y_s | y_-s); error, as `Posterior.error`;
    own_grid, whether the study had a separate grid. Over (study, term): mean, sd; (study, level):
    tau_mean, tau_sd; (study, contrast): contrast_mean, contrast_sd. Every posterior is that without
    the study; a term that only this study informs has its prior.
    """
    if not spec.tau_by:
        return delete_studies(design, spec, weights, tolerance)
    parts = split_strata(design, spec)
    posteriors = {name: integrate_taus(*part, tolerance=tolerance) for name, part in parts.items()}
    by_stratum = []
    for name, (part, single) in parts.items():
        inside = None
        if weights is not None:
            inside = weights.sel(term=part["term"].values)
            inside = inside[(inside != 0).any("term").values]
        deleted = delete_studies(part, single, inside, tolerance)
        deleted = deleted.assign_coords(level=[f"{name}:{level}" for level in single.levels])
        others = {other: posterior for other, posterior in posteriors.items() if other != name}
        by_stratum.append(_with_others(deleted, others, weights))
    order = {"term": design["term"].values, "level": tau_labels(design, spec)}
    together = xr.concat(by_stratum, dim="study", join="outer", data_vars="minimal")
    return together.sel(study=design["study"].values).reindex(order)


def _with_others(deleted: xr.Dataset, others: dict[str, Posterior], weights: Weights) -> xr.Dataset:
    """Add terms and taus of strata that lose no study, and their part of every contrast."""
    studies = xr.ones_like(deleted["elpd"])
    merged = [deleted[["elpd", "error", "own_grid", "mean", "sd", "tau_mean", "tau_sd"]]]
    for name, posterior in others.items():
        mean, sd = _moments(posterior, np.eye(len(posterior.terms)))
        taus = taus_table(posterior)
        of_taus = {f"tau_{key}": ("level", taus[key].to_numpy()) for key in ("mean", "sd")}
        levels = [f"{name}:{level}" for level in taus["level"]]
        labels = {"term": list(posterior.terms), "level": levels}
        part = xr.Dataset({"mean": ("term", mean), "sd": ("term", sd), **of_taus}, labels)
        merged.append(part * studies)
    together = xr.merge(merged, join="outer", compat="no_conflicts")
    if weights is None:
        return together
    moments = deleted[["contrast_mean", "contrast_sd"]]
    moments = moments.reindex(contrast=weights["contrast"].values, fill_value=0.0)
    mean_of_all = moments["contrast_mean"]
    variance = moments["contrast_sd"] ** 2
    for posterior in others.values():
        of_terms = weights.sel(term=list(posterior.terms)).transpose("contrast", "term")
        mean, sd = _moments(posterior, of_terms.values)
        mean_of_all = mean_of_all + xr.DataArray(mean, dims="contrast")
        variance = variance + xr.DataArray(sd**2, dims="contrast")
    return together.assign(contrast_mean=mean_of_all, contrast_sd=np.sqrt(variance))


def _moments(posterior: Posterior, rows: np.ndarray) -> np.ndarray:
    """Return mean and sd (2, n) of combinations of terms (n, p), 0 of a row of zeros."""
    moments = np.zeros((2, len(rows)))
    for at in np.flatnonzero(rows.any(axis=1)):
        mixture = combination(posterior, rows[at])
        moments[:, at] = mixture.mean, mixture.sd
    return moments
