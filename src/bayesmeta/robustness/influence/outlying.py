r"""Studies that the others predict badly, and studies that move the result: a nested Baujat plot.

Without the study, b = E[beta | y_-s] and C = Cov(beta | y_-s), and the covariance of its effects is
on average W = E[V_s | y_-s], which is linear in the squared taus. With r = y_s - X_s b and
c = z'V_s^-1 z from the kernel

    misfit    = r' (W + X_s C X_s')^-1 r / n_s = (c_rr - c_rX C (I + c_XX C)^-1 c_Xr) / n_s
    influence = (E[beta | y] - b)' Cov(beta | y)^-1 (E[beta | y] - b) / p

The misfit is near 1 for a study like the others, of any size. (Up to the constant n_s it is also
-2 (elpd_s - the expected elpd_s) of a normal prediction, so that this would show nothing more.)
"""

import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import chi2

from bayesmeta.inference.quadrature import Posterior, density, integrate_taus
from bayesmeta.inference.quadrature.truncation import limited_moments
from bayesmeta.model.design import is_small_study, split_strata
from bayesmeta.model.likelihood import Taus
from bayesmeta.model.spec import ModelSpec
from bayesmeta.robustness.influence.coverage import effects_of

Floats = np.ndarray


def baujat_table(design: xr.Dataset, spec: ModelSpec, left_out: xr.Dataset) -> pd.DataFrame:
    """Compare every study with its prediction by the others, and the terms with and without it.

    Means and variances without the study are exact; correlations of the terms are those at the
    taus' root mean squares. Source: Baujat, Mahe, Pignon & Hill 2002, doi 10.1002/sim.1221, for a
    single effect per study. `design`, `spec`: a model that quadrature takes. `left_out`: from
    `quadrature.leave_one_study_out(design, spec)`.
    Columns: study, k (effects), misfit (squared Mahalanobis distance of its effects from their
    prediction by the others, per effect: about 1), pval (of the distance, chi-squared with k df),
    influence (squared shift of all terms without it, in posterior covariances, per term), cell (the
    term with most of its effects). Where strata are independent, the terms are those of the study's
    stratum. A term of which no other study has effects moves to its prior.
    """
    parts = split_strata(design, spec) if spec.tau_by else {"": (design, spec)}
    tables = [_rows(*part, left_out, name) for name, part in parts.items()]
    return pd.concat(tables).loc[design["study"].values].reset_index()


def _rows(design: xr.Dataset, spec: ModelSpec, left_out: xr.Dataset, stratum: str) -> pd.DataFrame:
    studies = design["study"].values
    left_out = left_out.sel(study=studies, term=design["term"].values)
    labels = [f"{stratum}:{level}" if stratum else level for level in spec.levels]
    squares = left_out["tau_mean"] ** 2 + left_out["tau_sd"] ** 2
    roots = np.sqrt(squares.sel(level=labels).transpose("level", "study").values)
    taus = dict(zip(spec.levels, roots, strict=True))
    mean = left_out["mean"].values
    k = effects_of(design)
    distance = _distances(density.arrays_of(design, spec), taus, mean, left_out["sd"].values)
    of_all, covariance = _moments(integrate_taus(design, spec))
    shift = mean - of_all
    influence = (shift * np.linalg.solve(covariance, shift.T).T).sum(1) / len(of_all)
    study = studies[design["group_study"].values[design["effect_group"].values]]
    in_cell = design["X"].isel(term=~is_small_study(design)) != 0
    count = in_cell.groupby(xr.DataArray(study, dims="effect", name="study")).sum()
    table = pd.DataFrame({"k": k, "misfit": distance / k}, pd.Index(studies, name="study"))
    cell = count.idxmax("term").sel(study=studies).values
    return table.assign(pval=chi2.sf(distance, k), influence=influence, cell=cell)


def _distances(
    arrays: density.DesignArrays, taus: dict[str, Floats], mean: Floats, sd: Floats
) -> np.ndarray:
    """Return the module's c_rr - c_rX C (I + c_XX C)^-1 c_Xr of every study at its taus."""
    studies = np.arange(arrays.nesting.studies)
    at_once = max(1, density.NUMBERS_AT_ONCE // (len(studies) * arrays.columns.shape[1] ** 2))
    chunks = [studies[start : start + at_once] for start in studies[::at_once]]
    return np.concatenate([_distances_of(arrays, chunk, taus, mean, sd) for chunk in chunks])


def _distances_of(
    arrays: density.DesignArrays, studies: Floats, taus: dict[str, Floats], mean: Floats, sd: Floats
) -> np.ndarray:
    at_nodes = Taus(**{level: tau[None, studies] for level, tau in taus.items()})
    S, L = density.products_by_study(arrays, at_nodes)
    node = np.arange(len(studies))
    study_S = np.moveaxis(S[studies, ..., node], 0, -1)
    rest = (S.sum(0) - study_S, L.sum(0) - L[studies, node])
    effects = arrays.effects.sum() - arrays.effects[studies]
    others = density.condition(*rest, effects, arrays.prior, arrays.log_det_prior)
    covariance = np.moveaxis(others.covariance, -1, 0)
    scale = sd[studies] / np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
    covariance = covariance * scale[:, :, None] * scale[:, None, :]
    products = np.moveaxis(study_S, -1, 0)
    to_residual = np.column_stack([-mean[studies], np.ones(len(studies))])
    h = np.einsum("sij,sj->si", products, to_residual)
    inner = np.eye(mean.shape[1]) + products[:, :-1, :-1] @ covariance
    explained = (covariance @ np.linalg.solve(inner, h[:, :-1, None]))[..., 0]
    return (to_residual * h).sum(1) - (h[:, :-1] * explained).sum(1)


def _moments(posterior: Posterior) -> tuple[np.ndarray, np.ndarray]:
    """Return mean (p,) and covariance (p, p) of the terms."""
    beta, covariance = limited_moments(posterior.limits, posterior.beta, posterior.covariance)
    mean = posterior.weight @ beta
    apart = beta - mean
    within = np.einsum("n,nij->ij", posterior.weight, covariance)
    return mean, within + np.einsum("n,ni,nj->ij", posterior.weight, apart, apart)
