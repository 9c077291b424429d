"""Cluster-robust standard errors (CR2) with Satterthwaite degrees of freedom, by study."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.inference.reml.criterion import refuse_blocks
from bayesmeta.inference.reml.fit import Reml, codes_of
from bayesmeta.inference.reml.tables import t_test, weights_of

MIN_DF = 4  # below it the Satterthwaite approximation fails: doi 10.1037/met0000011
FEW_DF = f"fewer than {MIN_DF} degrees of freedom: do not rely on CR2 intervals and p-values"


def cr2_table(
    fit: Reml, *, contrasts: xr.DataArray | None = None, confidence: float = 0.95
) -> pd.DataFrame:
    """Test terms and contrasts even where the model's covariances within studies are wrong.

    With M = (X' V^-1 X)^-1, residuals r and the fitted V as working model, per study s

        A_s = F_s' (F_s (V_s - X_s M X_s') F_s')^(-1/2) F_s,      V_s = F_s' F_s
        cov(beta) = M (sum_s X_s' V_s^-1 A_s r_s r_s' A_s' V_s^-1 X_s) M

    and the degrees of freedom of a contrast c match the first two moments of c' cov(beta) c under
    the working model. `contrasts` are weights (contrast, term). The columns are term, se, df, tval,
    pval, ci_lb, ci_ub, caution: the terms, then the contrasts. With a df below 4 p-value and
    interval are not reliable, and `caution` says so; otherwise it is empty.

    Source: Pustejovsky & Tipton 2018, doi 10.1080/07350015.2016.1247004; clubSandwich's
    `vcovCR(type = "CR2")` and `coef_test(test = "Satterthwaite")`. Raise BadInput for a dependence
    structure, or shared controls.
    """
    refuse_blocks(fit.spec, "CR2 needs")
    weights = weights_of(fit, contrasts)
    estimate = (weights @ fit.beta).to_numpy()
    clusters = _clusters(fit, weights.to_numpy())
    se = np.sqrt((clusters.scores**2).sum(axis=0))
    df = _satterthwaite(clusters, fit.covariance.to_numpy())
    columns = {"term": weights.index, "se": se, "df": df}
    caution = np.where(df < MIN_DF, FEW_DF, "")
    return pd.DataFrame({**columns, **t_test(estimate, se, df, confidence), "caution": caution})


class Clusters(NamedTuple):
    """Per study and row c, with g_s = A_s' V_s^-1 X_s M c."""

    scores: np.ndarray  # g_s' r_s (studies, rows)
    variances: np.ndarray  # g_s' V_s g_s (studies, rows)
    loads: np.ndarray  # X_s' g_s (studies, p, rows)


def _clusters(fit: Reml, weights: np.ndarray) -> Clusters:
    x = fit.design["X"].values
    m = fit.covariance.to_numpy()
    r = fit.design["yi"].values - x @ fit.beta.to_numpy()
    by_study = []
    study = codes_of(fit.design)["study"]
    order = np.argsort(study, kind="stable")
    for rows in np.split(order, np.cumsum(np.bincount(study))[:-1]):
        v = _covariance(fit, rows)
        g = _adjustment(v, x[rows] @ m @ x[rows].T) @ np.linalg.solve(v, x[rows] @ m @ weights.T)
        by_study.append((g.T @ r[rows], (g * (v @ g)).sum(axis=0), x[rows].T @ g))
    return Clusters(*(np.array(part) for part in zip(*by_study, strict=True)))


def _covariance(fit: Reml, rows: np.ndarray) -> np.ndarray:
    group = codes_of(fit.design)["group"][rows]
    v = fit.design["vi"].values[rows]
    together = np.equal.outer(group, group)
    errors = fit.spec.rho * together * np.sqrt(np.outer(v, v))
    np.fill_diagonal(errors, v)
    shared = {"study": np.ones_like(errors), "group": together, "effect": np.eye(len(rows))}
    return errors + sum(tau**2 * shared[str(level)] for level, tau in fit.tau.items())


def _adjustment(v: np.ndarray, explained: np.ndarray) -> np.ndarray:
    """Return A_s without the directions that the terms use up entirely."""
    factor = np.linalg.cholesky(v).T
    size, direction = np.linalg.eigh(factor @ (v - explained) @ factor.T)
    kept = size > 1e-12 * np.linalg.norm(v, 2) ** 2
    root = np.where(kept, 1 / np.sqrt(np.where(kept, size, 1)), 0)
    return factor.T @ (direction * root) @ direction.T @ factor


def _satterthwaite(clusters: Clusters, m: np.ndarray) -> np.ndarray:
    """Return (tr P)^2 / tr(P P), P_st = [s = t] g_s' V_s g_s - g_s' X_s M X_t' g_t."""
    _, variances, loads = clusters
    mixed = np.einsum("spr,pq,sqr->sr", loads, m, loads, optimize=True)
    inner = np.einsum("spr,sqr,qt->rpt", loads, loads, m, optimize=True)  # no larger than p x p
    squares = (variances**2 - 2 * variances * mixed).sum(0) + np.einsum("rpt,rtp->r", inner, inner)
    return (variances - mixed).sum(0) ** 2 / squares
