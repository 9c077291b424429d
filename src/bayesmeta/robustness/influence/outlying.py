r"""Which studies the others predict badly, and which of them move the result: a Baujat plot for nested models.

Without the study, b = E[beta | y_-s] and C = Cov(beta | y_-s), and the covariance of its effects is
on average W = E[V_s | y_-s], which is linear in the squared taus. With r = y_s - X_s b and z'V_s^-1
z from the kernel

    misfit    = r' (W + X_s C X_s')^-1 r / n_s = (c_rr - c_rX C (I + c_XX C)^-1 c_Xr) / n_s
    influence = (E[beta | y] - b)' Cov(beta | y)^-1 (E[beta | y] - b) / p

The misfit is near one for a study like the others, of any size. (Up to the constant n_s it is also
-2 (elpd_s - what elpd_s would be expected to be) of a normal prediction, so that nothing is gained
by taking that.)
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import chi2

from bayesmeta.inference.quadrature import Posterior, integrate_taus
from bayesmeta.inference.quadrature.density import (
    NUMBERS_AT_ONCE,
    DesignArrays,
    arrays_of,
    condition,
    products_by_study,
)
from bayesmeta.model.design import is_small_study, split_strata
from bayesmeta.model.likelihood import Taus
from bayesmeta.model.spec import ModelSpec
from bayesmeta.robustness.influence.coverage import effects_of


def baujat_table(design: xr.Dataset, spec: ModelSpec, left_out: xr.Dataset) -> pd.DataFrame:
    """How badly the others predict each study, and how far it moves the terms.

    Columns: study, k (effects), misfit (squared Mahalanobis distance of its effects from their
    prediction by the others, per effect: about 1), pval (of the distance, chi-squared with k df),
    influence (squared shift of all terms without it, in posterior covariances, per term), cell (the
    term with most of its effects). Where strata are independent, the terms are those of the study's
    stratum. A term of which no other study has effects moves to its prior.

    Parameters
    ----------
    design, spec : a model that quadrature takes
    left_out : from `quadrature.leave_one_study_out(design, spec)`

    Notes
    -----
    Means and variances without the study are exact; correlations of the terms are those at the
    taus' root mean squares. Source: Baujat, Mahe, Pignon & Hill 2002, doi 10.1002/sim.1221, for one
    effect per study.
    """
    parts = split_strata(design, spec) if spec.tau_by else {"": (design, spec)}
    found = [
        _of_stratum(
            own, single, left_out.sel(study=own["study"].values, term=own["term"].values), name
        )
        for name, (own, single) in parts.items()
    ]
    return pd.concat(found).loc[design["study"].values].reset_index()


def _of_stratum(
    design: xr.Dataset, spec: ModelSpec, left_out: xr.Dataset, stratum: str
) -> pd.DataFrame:
    labels = [f"{stratum}:{level}" if stratum else level for level in spec.levels]
    squares = left_out["tau_mean"] ** 2 + left_out["tau_sd"] ** 2
    taus = np.sqrt(squares.sel(level=labels).transpose("level", "study").values)
    mean, sd = left_out["mean"].values, left_out["sd"].values
    k = effects_of(design)
    distance = _distances(
        arrays_of(design, spec), dict(zip(spec.levels, taus, strict=True)), mean, sd
    )
    whole, covariance = _moments(integrate_taus(design, spec))
    shift = mean - whole
    cells = (
        (design["X"].isel(term=~is_small_study(design)) != 0)
        .groupby(_study_names(design))
        .sum()
        .idxmax("term")
    )
    return pd.DataFrame(
        {
            "k": k,
            "misfit": distance / k,
            "pval": chi2.sf(distance, k),
            "influence": (shift * np.linalg.solve(covariance, shift.T).T).sum(1) / len(whole),
            "cell": cells.sel(study=design["study"].values).values,
        },
        pd.Index(design["study"].values, name="study"),
    )


def _study_names(design: xr.Dataset) -> xr.DataArray:
    names = design["study"].values[design["group_study"].values[design["effect_group"].values]]
    return xr.DataArray(names, dims="effect", name="study")


def _distances(
    arrays: DesignArrays, taus: Mapping[str, np.ndarray], mean: np.ndarray, sd: np.ndarray
) -> np.ndarray:
    """Return the module's c_rr - c_rX C (I + c_XX C)^-1 c_Xr of each study, each at its taus (studies,)."""
    studies, size = arrays.nesting.studies, arrays.columns.shape[1]
    at_once = max(1, NUMBERS_AT_ONCE // (studies * size**2))
    chunks = [
        np.arange(start, min(start + at_once, studies)) for start in range(0, studies, at_once)
    ]
    return np.concatenate(
        [_distances_of(arrays, chunk, taus, mean[chunk], sd[chunk]) for chunk in chunks]
    )


def _distances_of(
    arrays: DesignArrays,
    studies: np.ndarray,
    taus: Mapping[str, np.ndarray],
    mean: np.ndarray,
    sd: np.ndarray,
) -> np.ndarray:
    S, L = products_by_study(
        arrays, Taus(**{level: tau[None, studies] for level, tau in taus.items()})
    )
    node = np.arange(len(studies))
    study_S, study_L = np.moveaxis(S[studies, ..., node], 0, -1), L[studies, node]
    effects = arrays.effects.sum() - arrays.effects[studies]
    others = condition(
        S.sum(0) - study_S, L.sum(0) - study_L, effects, arrays.prior, arrays.log_det_prior
    )
    covariance = np.moveaxis(others.covariance, -1, 0)
    scale = sd / np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
    covariance = covariance * scale[:, :, None] * scale[:, None, :]
    products = np.moveaxis(study_S, -1, 0)
    to_residual = np.column_stack([-mean, np.ones(len(mean))])
    h = np.einsum("sij,sj->si", products, to_residual)
    inner = np.eye(mean.shape[1]) + products[:, :-1, :-1] @ covariance
    explained = (covariance @ np.linalg.solve(inner, h[:, :-1, None]))[..., 0]
    return (to_residual * h).sum(1) - (h[:, :-1] * explained).sum(1)


def _moments(posterior: Posterior) -> tuple[np.ndarray, np.ndarray]:
    """Mean (p,) and covariance (p, p) of the terms."""
    mean = posterior.weight @ posterior.beta
    apart = posterior.beta - mean
    within = np.einsum("n,nij->ij", posterior.weight, posterior.covariance)
    return mean, within + np.einsum("n,ni,nj->ij", posterior.weight, apart, apart)
