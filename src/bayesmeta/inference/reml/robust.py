"""Cluster-robust standard errors, bias-reduced (CR2), with Satterthwaite degrees of freedom; clusters are studies."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import t

from bayesmeta.inference.reml.fit import Reml, codes_of
from bayesmeta.inference.reml.tables import weights_of


def cr2_table(
    fit: Reml, *, contrasts: xr.DataArray | None = None, confidence: float = 0.95
) -> pd.DataFrame:
    r"""Tests of terms and contrasts that hold even where the model's covariances within studies are wrong.

    With M = (X' V^-1 X)^-1, residuals r and the fitted V as working model, per study s

        A_s = F_s' (F_s (V_s - X_s M X_s') F_s')^(-1/2) F_s,      V_s = F_s' F_s
        cov(beta) = M (sum_s X_s' V_s^-1 A_s r_s r_s' A_s' V_s^-1 X_s) M

    and the degrees of freedom of a contrast c match the first two moments of c' cov(beta) c under the working model.

    Parameters
    ----------
    fit : Reml
    contrasts : DataArray, optional
        Weights, dims (contrast, term), as from `design.contrast_weights`.

    Returns
    -------
    DataFrame
        term, se, df, tval, pval, ci_lb, ci_ub: the terms, then the contrasts. With a df below 4 the p-value is not to
        be trusted.

    Source: Pustejovsky & Tipton 2018, doi 10.1080/07350015.2016.1247004; clubSandwich's `vcovCR(type = "CR2")` and
    `coef_test(test = "Satterthwaite")`.
    """
    weights = weights_of(fit, contrasts)
    estimate = (weights @ fit.beta).to_numpy()
    scores, own, loads = _clusters(fit, weights.to_numpy())
    se = np.sqrt((scores**2).sum(axis=0))
    covariance = fit.covariance.to_numpy()
    df = [_satterthwaite(own[:, row], loads[:, :, row], covariance) for row in range(len(weights))]
    reach = t.ppf((1 + confidence) / 2, df) * se
    return pd.DataFrame(
        {
            "term": weights.index,
            "se": se,
            "df": df,
            "tval": estimate / se,
            "pval": 2 * t.sf(np.abs(estimate / se), df),
            "ci_lb": estimate - reach,
            "ci_ub": estimate + reach,
        }
    )


class Clusters(NamedTuple):
    """Per study and row c, with g_s = A_s' V_s^-1 X_s M c.

    scores (studies, rows): g_s' r_s. own (studies, rows): g_s' V_s g_s. loads (studies, p, rows): X_s' g_s.
    """

    scores: np.ndarray
    own: np.ndarray
    loads: np.ndarray


def _clusters(fit: Reml, weights: np.ndarray) -> Clusters:
    x, m = fit.design["X"].values, fit.covariance.to_numpy()
    r = fit.design["yi"].values - x @ fit.beta.to_numpy()
    scores, own, loads = [], [], []
    for rows in _rows_of_studies(fit):
        v = _covariance(fit, rows)
        g = _adjustment(v, x[rows] @ m @ x[rows].T) @ np.linalg.solve(v, x[rows] @ m @ weights.T)
        scores.append(g.T @ r[rows])
        own.append((g * (v @ g)).sum(axis=0))
        loads.append(x[rows].T @ g)
    return Clusters(np.array(scores), np.array(own), np.array(loads))


def _rows_of_studies(fit: Reml) -> list[np.ndarray]:
    study = codes_of(fit.design)["study"]
    order = np.argsort(study, kind="stable")
    return np.split(order, np.cumsum(np.bincount(study))[:-1])


def _covariance(fit: Reml, rows: np.ndarray) -> np.ndarray:
    """The fitted V of one study's effects, (n, n)."""
    group, v = codes_of(fit.design)["group"][rows], fit.design["vi"].values[rows]
    together = np.equal.outer(group, group)
    errors = fit.spec.rho * together * np.sqrt(np.outer(v, v))
    np.fill_diagonal(errors, v)
    shared = {"study": np.ones_like(errors), "group": together, "effect": np.eye(len(rows))}
    return errors + sum(tau**2 * shared[str(level)] for level, tau in fit.tau.items())


def _adjustment(v: np.ndarray, explained: np.ndarray) -> np.ndarray:
    """A_s; directions that the terms use up entirely are left out."""
    factor = np.linalg.cholesky(v).T
    size, direction = np.linalg.eigh(factor @ (v - explained) @ factor.T)
    kept = size > 1e-12 * np.linalg.norm(v, 2) ** 2
    root = np.where(kept, 1 / np.sqrt(np.where(kept, size, 1)), 0)
    return factor.T @ (direction * root) @ direction.T @ factor


def _satterthwaite(own: np.ndarray, loads: np.ndarray, m: np.ndarray) -> float:
    """(tr P)^2 / tr(P P) with P_st = [s = t] g_s' V_s g_s - g_s' X_s M X_t' g_t, no matrix larger than p x p."""
    mixed = ((loads @ m) * loads).sum(axis=1)
    inner = loads.T @ loads @ m
    return float(
        (own - mixed).sum() ** 2 / ((own**2).sum() - 2 * own @ mixed + (inner * inner.T).sum())
    )
