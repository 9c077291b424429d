"""Strata that share neither terms nor taus are independent: what is asked of all is put together from each."""

from collections.abc import Iterator

import numpy as np
import xarray as xr

from bayesmeta.inference.quadrature.deletion import delete_studies
from bayesmeta.inference.quadrature.posterior import Posterior, combination, integrate_taus
from bayesmeta.inference.quadrature.tables import taus_table
from bayesmeta.model.design import split_strata
from bayesmeta.model.likelihood import tau_labels
from bayesmeta.model.spec import ModelSpec


def leave_one_study_out(
    design: xr.Dataset,
    spec: ModelSpec,
    *,
    weights: xr.DataArray | None = None,
    tolerance: float = 1e-6,
) -> xr.Dataset:
    """Posterior without each study, and how well it predicts that study.

    Parameters
    ----------
    design, spec : Dataset, ModelSpec
        As for `integrate_posterior`.
    weights : DataArray, optional
        Dims (contrast, term): linear combinations to follow besides the terms.
    tolerance : float
        Studies whose estimated error on the shared grid is above it are refitted on a grid of their own.

    Returns
    -------
    Dataset
        Over study: elpd, exact log p(y_s | y_-s); error, as `Posterior.error`; own_grid, whether it was refitted.
        Over (study, term): mean, sd; (study, level): tau_mean, tau_sd; (study, contrast): contrast_mean, contrast_sd.
        Every posterior is that without the study.

    Notes
    -----
    A term that only the left-out study informs has its prior.
    """
    if not spec.tau_by:
        return delete_studies(design, spec, weights=weights, tolerance=tolerance)
    parts = split_strata(design, spec)
    whole = {name: integrate_taus(*part, tolerance=tolerance) for name, part in parts.items()}
    found = []
    for name, (own, single) in parts.items():
        inside = None if weights is None else weights.sel(term=own["term"].values)
        inside = None if inside is None else inside[(inside != 0).any("term").values]
        deleted = delete_studies(own, single, weights=inside, tolerance=tolerance)
        deleted = deleted.assign_coords(level=[f"{name}:{level}" for level in single.levels])
        others = {other: posterior for other, posterior in whole.items() if other != name}
        found.append(_with_others(deleted, others, weights))
    order = {"term": design["term"].values, "level": tau_labels(design, spec)}
    together = xr.concat(found, dim="study", join="outer", data_vars="minimal").sel(
        study=design["study"].values
    )
    return together.reindex(order)


def _with_others(
    deleted: xr.Dataset, others: dict[str, Posterior], weights: xr.DataArray | None
) -> xr.Dataset:
    """Add terms and taus of strata that lose no study, and their part of each contrast."""
    studies = xr.ones_like(deleted["elpd"])
    merged = [deleted[["elpd", "error", "own_grid", "mean", "sd", "tau_mean", "tau_sd"]]]
    for name, posterior in others.items():
        terms, taus = _moments(posterior), taus_table(posterior)
        levels = [f"{name}:{level}" for level in taus["level"]]
        part = xr.Dataset(
            {"mean": ("term", terms[0]), "sd": ("term", terms[1])}
            | {
                "tau_mean": ("level", taus["mean"].to_numpy()),
                "tau_sd": ("level", taus["sd"].to_numpy()),
            },
            {"term": list(posterior.terms), "level": levels},
        )
        merged.append(part * studies)
    together = xr.merge(merged, join="outer", compat="no_conflicts")
    if weights is None:
        return together
    moments = deleted[["contrast_mean", "contrast_sd"]].reindex(
        contrast=weights["contrast"].values, fill_value=0.0
    )
    mean, variance = moments["contrast_mean"], moments["contrast_sd"] ** 2
    for posterior in others.values():
        shift, added = zip(*_parts(posterior, weights), strict=True)
        mean = mean + xr.DataArray(
            list(shift), {"contrast": weights["contrast"].values}, "contrast"
        )
        variance = variance + xr.DataArray(
            list(added), {"contrast": weights["contrast"].values}, "contrast"
        )
    return together.assign(contrast_mean=mean, contrast_sd=np.sqrt(variance))


def _moments(posterior: Posterior) -> tuple[np.ndarray, np.ndarray]:
    """Mean and sd of each term (p,)."""
    mixtures = [combination(posterior, row) for row in np.eye(len(posterior.terms))]
    return np.array([one.mean for one in mixtures]), np.array([one.sd for one in mixtures])


def _parts(posterior: Posterior, weights: xr.DataArray) -> Iterator[tuple[float, float]]:
    """Mean and variance of a stratum's part of each contrast."""
    for row in weights.sel(term=list(posterior.terms)).values:
        mixture = combination(posterior, row) if row.any() else None
        yield (0.0, 0.0) if mixture is None else (mixture.mean, mixture.sd**2)
