"""Outliers and influential effects: as published, on the single-level model, and nested, by study.

The published analysis treats the effects of a study as independent, and so misses a study with
effects that err together. The nested version deletes entire studies from the fitted model with
fixed taus: exact for beta given the taus, in milliseconds.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import chi2

from bayesmeta.inference.reml.single_level import Floats, delete_each, fit_single
from bayesmeta.model.likelihood import Taus, columns_of, error_sums, marginal, nesting_of
from bayesmeta.robustness.influence.coverage import effects_of

OUTLYING = 1.96
ROUNDING = 1e-10  # least eigenvalue of a scaled matrix that is singular except for rounding
TausByLevel = Mapping[str, float] | pd.Series


def influence_table(design: xr.Dataset) -> pd.DataFrame:
    """Delete every effect from the single-level model, and measure the changes.

    Columns: effect, study, rstudent, dffits, cook_d, cov_r, tau2_del, qe_del, hat, weight
    (percent), `dfbetas <term>`, and

    - outlier: |rstudent| > 1.96;
    - influential: |dffits| > 3 sqrt(p / (k - p)), or cook_d above the median of chi-squared with p
      df, or hat > 3 p / k, or any |dfbetas| > 1;
    - removed: both, the rows that the published sensitivity analysis leaves out.

    What needs a fit without the effect is nan for the only effect of a cell.
    Raises BadInput: too few effects.
    Source: Viechtbauer & Cheung 2010, doi 10.1002/jrsm.11; metafor's `influence.rma.uni`.
    """
    x, y, v = (design[name].values for name in ("X", "yi", "vi"))
    k, p = x.shape
    full = fit_single(x, y, v)
    without = delete_each(x, y, v)
    change = full.beta - without.beta
    weight = 1 / (v + full.tau2)
    hat = weight * np.einsum("ki,ij,kj->k", x, full.covariance, x)
    error = v + without.tau2 + np.einsum("ki,kij,kj->k", x, without.covariance, x)
    cook = np.einsum("ki,ij,kj->k", change, np.linalg.inv(full.covariance), change)
    dffits = (x * change).sum(axis=1) / np.sqrt(hat * (without.tau2 + v))
    rstudent = (y - (x * without.beta).sum(axis=1)) / np.sqrt(error)
    dfbetas = change / _se_at(x, v, without.tau2)
    outlier = np.abs(rstudent) > OUTLYING
    moved = (np.abs(dffits) > 3 * np.sqrt(p / (k - p))) | (np.abs(dfbetas) > 1).any(axis=1)
    influential = moved | (chi2.cdf(cook, p) > 0.5) | (hat > 3 * p / k)
    columns = {
        "effect": design["effect"].values,
        "study": design["study"].values[nesting_of(design).study_of_effect],
        "rstudent": rstudent,
        "dffits": dffits,
        "cook_d": cook,
        "cov_r": _det(without.covariance) / np.linalg.det(full.covariance),
        "tau2_del": without.tau2,
        "qe_del": without.qe,
        "hat": hat,
        "weight": 100 * weight / weight.sum(),
    }
    table = pd.DataFrame(columns | _by_term(design, dfbetas))
    return table.assign(outlier=outlier, influential=influential, removed=outlier & influential)


def _by_term(design: xr.Dataset, dfbetas: Floats) -> dict[str, Floats]:
    names = [f"dfbetas {term}" for term in design["term"].values]
    return dict(zip(names, dfbetas.T, strict=True))


def _det(matrices: Floats) -> Floats:
    """Return determinants; nan of nan."""
    known = np.isfinite(matrices).all(axis=(1, 2))
    det = np.full(len(matrices), np.nan)
    det[known] = np.linalg.det(matrices[known])
    return det


def _se_at(x: Floats, v: Floats, tau2: Floats) -> Floats:
    """Return standard errors of beta (fits, p) from all effects, at every tau2 (fits,)."""
    information = np.einsum("bk,ki,kj->bij", 1 / (v + tau2[:, None]), x, x, optimize=True)
    se = np.full((len(tau2), x.shape[1]), np.nan)
    known = np.isfinite(tau2)
    se[known] = np.sqrt(np.diagonal(np.linalg.inv(information[known]), axis1=1, axis2=2))
    return se


def study_influence(design: xr.Dataset, taus: TausByLevel, *, rho: float = 0.0) -> pd.DataFrame:
    """Delete every study from the nested model, at fixed taus, and measure the changes.

    With A = X'V^-1 X, a = X'V^-1 y and A_s, a_s of a study alone: beta(-s) = (A - A_s)^-1
    (a - a_s), its covariance (A - A_s)^-1, residuals r = y_s - X_s beta(-s), chi2 = r'V_s^-1 r -
    r'V_s^-1 X_s A^-1 X_s'V_s^-1 r, and cook_d = (beta - beta(-s))' A (beta - beta(-s)).
    metafor: `rstudent`, `cooks.distance` and `dfbetas` of `rma.mv` with `cluster = study,
    reestimate = FALSE`. Source: Viechtbauer & Cheung 2010, doi 10.1002/jrsm.11.
    `taus`: standard deviation by level (study, group, effect), as `Reml.tau`; an absent level has
    none. `rho`: correlation of sampling errors within a group.
    Columns: study, k, chi2, pval (the study's deleted residuals together, chi-squared with k df),
    cook_d, influential (it is above the median of chi-squared with p df), and `dfbetas <term>`; nan
    for the only study of a cell.
    """
    squares, beta, _ = _without_each(design, taus, rho)
    p = beta.shape[1]
    total = squares.sum(axis=0)
    inverse = np.linalg.inv(total[:p, :p])
    change = inverse @ total[:p, p] - beta
    to_residual = np.column_stack([-beta, np.ones(len(beta))])
    products = np.einsum("sij,sj->si", squares, to_residual)
    explained = np.einsum("si,ij,sj->s", products[:, :p], inverse, products[:, :p])
    distance = (products * to_residual).sum(axis=1) - explained
    cook = np.einsum("si,ij,sj->s", change, total[:p, :p], change)
    k = effects_of(design)
    columns = {
        "study": design["study"].values,
        "k": k,
        "chi2": distance,
        "pval": chi2.sf(distance, k),
        "cook_d": cook,
        "influential": chi2.cdf(cook, p) > 0.5,
    }
    return pd.DataFrame(columns | _by_term(design, change / np.sqrt(np.diag(inverse))))


def deleted_residuals(design: xr.Dataset, taus: TausByLevel, *, rho: float = 0.0) -> pd.DataFrame:
    """Compare every effect with the nested model without its study, as for `study_influence`.

    Columns: effect, study, residual, se, rstudent (their ratio), outlier (|rstudent| > 1.96).
    Source: metafor's `rstudent` of `rma.mv` with `cluster = study, reestimate = FALSE`.
    """
    _, beta, covariance = _without_each(design, taus, rho)
    study = nesting_of(design).study_of_effect
    x = design["X"].values
    residual = design["yi"].values - (x * beta[study]).sum(axis=1)
    variance = design["vi"].values + sum(tau**2 for tau in dict(taus).values())
    se = np.sqrt(variance + np.einsum("ki,kij,kj->k", x, covariance[study], x))
    labels = {"effect": design["effect"].values, "study": design["study"].values[study]}
    table = pd.DataFrame(labels | {"residual": residual, "se": se, "rstudent": residual / se})
    return table.assign(outlier=table["rstudent"].abs() > OUTLYING)


def _without_each(design: xr.Dataset, taus: TausByLevel, rho: float) -> tuple[Floats, ...]:
    """Return z'V_s^-1 z (studies, q, q), z = [X, y]; beta and its covariance without a study."""
    nesting = nesting_of(design)
    p = design.sizes["term"]
    by_level = Taus(**{str(level): float(tau) for level, tau in dict(taus).items()})
    options = {"tau_effect": by_level.effect, "rho": rho, "by_study": True}
    sums = error_sums(columns_of(design), design["vi"].values, nesting, **options)
    squares = marginal(sums, by_level.above, nesting, by_study=True).S
    rest = squares.sum(axis=0) - squares
    known = np.linalg.eigvalsh(_scaled(rest[:, :p, :p]))[:, 0] > ROUNDING
    covariance = np.full((len(rest), p, p), np.nan)
    covariance[known] = np.linalg.inv(rest[known, :p, :p])
    return squares, np.einsum("sij,sj->si", covariance, rest[:, :p, p]), covariance


def _scaled(information: Floats) -> Floats:
    """Return information matrices with a unit diagonal; a zero on it stays zero."""
    size = np.sqrt(np.maximum(np.diagonal(information, axis1=1, axis2=2), 1e-300))
    return information / size[:, :, None] / size[:, None, :]
