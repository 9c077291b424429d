"""The typical sampling variance of a design, for I^2."""

import numpy as np
import xarray as xr


def typical_variance(design: xr.Dataset, rho: float = 0.0) -> float:
    """Return (k - p) / tr P with P = W - W X (X'W X)^-1 X'W.

    W is the inverse of the effects' sampling covariance matrix: the known one of a design
    (`known`), or with a correlation of rho within groups. Source: the multilevel I^2 of metafor's
    documentation, after Higgins & Thompson 2002, doi 10.1002/sim.1186.
    """
    x = design["X"].values
    if "error_covariance" in design:
        W = np.linalg.inv(design["error_covariance"].values)
        return _typical(x, W @ x, np.trace(W))
    v = design["vi"].values
    group = design["effect_group"].values
    size = np.bincount(group)
    common = rho / (1 + (size - 1) * rho)
    scaled = x / np.sqrt(v)[:, None]
    by_group = np.column_stack([np.bincount(group, column) for column in scaled.T])
    sums = by_group * common[:, None]
    weighted = (scaled - sums[group]) / np.sqrt(v)[:, None] / (1 - rho)
    trace_W = ((1 - common[group]) / v).sum() / (1 - rho)
    return _typical(x, weighted, trace_W)


def _typical(x: np.ndarray, weighted: np.ndarray, trace_W: float) -> float:
    """Return (k - p) / tr P, of X, W X and tr W."""
    trace_P = trace_W - np.trace(np.linalg.solve(x.T @ weighted, weighted.T @ weighted))
    return float((len(x) - x.shape[1]) / trace_P)
