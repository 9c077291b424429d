"""Outliers and influential effects: as published, on the single-level model, and nested, by study.

The published analysis treats the effects of a study as independent when it asks what one of them
does to the result, and so misses a study whose effects err together. The nested version deletes
whole studies from the model that was fitted, with its taus held at given values: exact for beta
given the taus, and a matter of milliseconds.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import chi2

from bayesmeta.inference.reml.single_level import Floats, delete_each, fit_single
from bayesmeta.model.likelihood import Taus, columns_of, error_sums, marginal, nesting_of

OUTLYING = 1.96
TausByLevel = Mapping[str, float] | pd.Series


def influence_table(design: xr.Dataset) -> pd.DataFrame:
    """What deleting each effect does to the single-level model.

    Raises BadInput: too few effects.
    Source: Viechtbauer & Cheung 2010, doi 10.1002/jrsm.11; metafor's `influence.rma.uni`.

    Parameters
    ----------
    design : from `design.build_design`

    Returns
    -------
    DataFrame
        effect, study, rstudent, dffits, cook_d, cov_r, tau2_del, qe_del, hat, weight (percent), `dfbetas <term>`, and

        - outlier: |rstudent| > 1.96;
        - influential: |dffits| > 3 sqrt(p / (k - p)), or cook_d above the median of chi-squared with p df, or
          hat > 3 p / k, or any |dfbetas| > 1;
        - removed: both, the rows that the published sensitivity analysis leaves out.

        What needs a fit without the effect is nan for the only effect of a cell.
    """
    x, y, v = (design[name].values for name in ("X", "yi", "vi"))
    full, without = fit_single(x, y, v), delete_each(x, y, v)
    (k, p), change = x.shape, full.beta - without.beta
    weight = 1 / (v + full.tau2)
    hat = weight * np.einsum("ki,ij,kj->k", x, full.covariance, x)
    error = v + without.tau2 + np.einsum("ki,kij,kj->k", x, without.covariance, x)
    cook = np.einsum("ki,ij,kj->k", change, np.linalg.inv(full.covariance), change)
    dffits = (x * change).sum(axis=1) / np.sqrt(hat * (without.tau2 + v))
    dfbetas = change / _se_at(x, v, without.tau2)
    table = pd.DataFrame(
        {
            "effect": design["effect"].values,
            "study": design["study"].values[nesting_of(design).study_of_effect],
            "rstudent": (y - (x * without.beta).sum(axis=1)) / np.sqrt(error),
            "dffits": dffits,
            "cook_d": cook,
            "cov_r": _det(without.covariance) / np.linalg.det(full.covariance),
            "tau2_del": without.tau2,
            "qe_del": without.qe,
            "hat": hat,
            "weight": 100 * weight / weight.sum(),
        }
        | {
            f"dfbetas {term}": values
            for term, values in zip(design["term"].values, dfbetas.T, strict=True)
        }
    )
    moved = (np.abs(dffits) > 3 * np.sqrt(p / (k - p))) | (np.abs(dfbetas) > 1).any(axis=1)
    table["outlier"] = table["rstudent"].abs() > OUTLYING
    table["influential"] = moved | (chi2.cdf(cook, p) > 0.5) | (hat > 3 * p / k)
    return table.assign(removed=table["outlier"] & table["influential"])


def _det(matrices: Floats) -> Floats:
    """Determinants; nan of nan."""
    known = np.isfinite(matrices).all(axis=(1, 2))
    det = np.full(len(matrices), np.nan)
    det[known] = np.linalg.det(matrices[known])
    return det


def _se_at(x: Floats, v: Floats, tau2: Floats) -> Floats:
    """Standard errors of beta (fits, p) from all effects, at each of the tau2 (fits,)."""
    information = np.einsum("bk,ki,kj->bij", 1 / (v + tau2[:, None]), x, x, optimize=True)
    se = np.full((len(tau2), x.shape[1]), np.nan)
    known = np.isfinite(tau2)
    se[known] = np.sqrt(np.diagonal(np.linalg.inv(information[known]), axis1=1, axis2=2))
    return se


def study_influence(design: xr.Dataset, taus: TausByLevel, *, rho: float = 0.0) -> pd.DataFrame:
    """What deleting each study does to the nested model, at fixed taus.

    Columns: study, k, chi2, pval (the study's deleted residuals together, chi-squared with k df),
    cook_d, influential (it is above the median of chi-squared with p df), and `dfbetas <term>`; nan
    for the only study of a cell.

    Parameters
    ----------
    design : from `design.build_design`
    taus : standard deviation by level (study, group, effect), held fixed: `Reml.tau`, say; an
        absent level has none
    rho : correlation of sampling errors within a group

    Notes
    -----
    With A = X'V^-1 X, a = X'V^-1 y and a study's own A_s, a_s: beta(-s) = (A - A_s)^-1 (a - a_s),
    its covariance (A - A_s)^-1, residuals r = y_s - X_s beta(-s), chi2 = r'V_s^-1 r - r'V_s^-1 X_s
    A^-1 X_s'V_s^-1 r, and cook_d = (beta - beta(-s))' A (beta - beta(-s)). metafor: `rstudent`,
    `cooks.distance` and `dfbetas` of `rma.mv` with `cluster = study, reestimate = FALSE`. Source:
    Viechtbauer & Cheung 2010, doi 10.1002/jrsm.11.
    """
    squares, beta, _ = _without_each(design, taus, rho)
    p, total = beta.shape[1], squares.sum(axis=0)
    inverse = np.linalg.inv(total[:p, :p])
    change = inverse @ total[:p, p] - beta
    combination = np.column_stack([-beta, np.ones(len(beta))])
    pulled = np.einsum("sij,sj->si", squares, combination)
    own = (pulled * combination).sum(axis=1) - np.einsum(
        "si,ij,sj->s", pulled[:, :p], inverse, pulled[:, :p]
    )
    cook = np.einsum("si,ij,sj->s", change, total[:p, :p], change)
    k = np.bincount(nesting_of(design).study_of_effect)
    dfbetas = change / np.sqrt(np.diag(inverse))
    return pd.DataFrame(
        {
            "study": design["study"].values,
            "k": k,
            "chi2": own,
            "pval": chi2.sf(own, k),
            "cook_d": cook,
            "influential": chi2.cdf(cook, p) > 0.5,
        }
        | {
            f"dfbetas {term}": values
            for term, values in zip(design["term"].values, dfbetas.T, strict=True)
        }
    )


def deleted_residuals(design: xr.Dataset, taus: TausByLevel, *, rho: float = 0.0) -> pd.DataFrame:
    """Each effect against the nested model without its study, at fixed taus; arguments as `study_influence`.

    Columns: effect, study, residual, se, rstudent (their ratio), outlier (|rstudent| > 1.96).
    Source: metafor's `rstudent` of `rma.mv` with `cluster = study, reestimate = FALSE`.
    """
    _, beta, covariance = _without_each(design, taus, rho)
    study, x = nesting_of(design).study_of_effect, design["X"].values
    residual = design["yi"].values - (x * beta[study]).sum(axis=1)
    variance = design["vi"].values + sum(tau**2 for tau in dict(taus).values())
    se = np.sqrt(variance + np.einsum("ki,kij,kj->k", x, covariance[study], x))
    return pd.DataFrame(
        {
            "effect": design["effect"].values,
            "study": design["study"].values[study],
            "residual": residual,
            "se": se,
            "rstudent": residual / se,
            "outlier": np.abs(residual / se) > OUTLYING,
        }
    )


def _without_each(
    design: xr.Dataset, taus: TausByLevel, rho: float
) -> tuple[Floats, Floats, Floats]:
    """Each study's z'V_s^-1 z (studies, q, q) of z = [X, y], and beta, its covariance, without each study."""
    nesting, p = nesting_of(design), design.sizes["term"]
    by_level = Taus(**{str(level): float(tau) for level, tau in dict(taus).items()})
    options = {"tau_effect": by_level.effect, "rho": rho, "by_study": True}
    sums = error_sums(columns_of(design), design["vi"].values, nesting, **options)
    squares = marginal(sums, by_level.above, nesting, by_study=True).S
    rest = squares.sum(axis=0) - squares
    known = np.linalg.eigvalsh(_scaled(rest[:, :p, :p]))[:, 0] > 1e-10
    covariance = np.full((len(rest), p, p), np.nan)
    covariance[known] = np.linalg.inv(rest[known, :p, :p])
    return squares, np.einsum("sij,sj->si", covariance, rest[:, :p, p]), covariance


def _scaled(information: Floats) -> Floats:
    """Information matrices with a unit diagonal; a zero on it stays zero."""
    size = np.sqrt(np.maximum(np.diagonal(information, axis1=1, axis2=2), 1e-300))
    return information / size[:, :, None] / size[:, None, :]
