"""An engine of its own for posteriors: dense algebra on a grid of taus."""

import itertools
from typing import NamedTuple

import numpy as np
import xarray as xr

MOST = {
    "study": 2.2,
    "group": 1.3,
    "effect": 1.2,
}  # all but a vanishing share of each posterior lies below
LEAST = {"effect": 0.55}


class Exact(NamedTuple):
    """Posterior means and sds of (beta, taus)."""

    mean: np.ndarray
    sd: np.ndarray


def exact_posterior(design: xr.Dataset, levels: tuple[str, ...], nodes: int) -> Exact:
    """Gauss-Legendre over the taus, beta integrated out.

    Each study's covariance matrix written out and inverted.

    Priors: beta ~ N(0, 1.5^2), every tau ~ HalfNormal(1).
    """
    unit, weight = np.polynomial.legendre.leggauss(nodes)
    ranges = [(LEAST.get(level, 0.0), MOST[level]) for level in levels]
    axes = [low + (high - low) * (unit + 1) / 2 for low, high in ranges]
    taus = np.array(list(itertools.product(*axes)))
    weights = np.array([np.prod(ws) for ws in itertools.product(weight, repeat=len(levels))])
    x, y, v = (design[name].values for name in ("X", "yi", "vi"))
    group = design["effect_group"].values
    study = design["group_study"].values[group]
    terms = x.shape[1]
    precision = np.tile(np.eye(terms) / 1.5**2, (len(taus), 1, 1))
    shift, log_density = np.zeros((len(taus), terms)), -0.5 * (taus**2).sum(1)
    for s in range(design.sizes["study"]):
        rows = study == s
        n, same_group = rows.sum(), np.equal.outer(group[rows], group[rows])
        parts = {"study": np.ones((n, n)), "group": same_group, "effect": np.eye(n)}
        covariance = np.diag(v[rows]) + sum(
            taus[:, i, None, None] ** 2 * parts[level] for i, level in enumerate(levels)
        )
        solved = np.linalg.solve(covariance, np.column_stack([x[rows], y[rows]]))
        precision += x[rows].T @ solved[:, :, :terms]
        shift += solved[:, :, terms] @ x[rows]
        log_density -= 0.5 * (np.linalg.slogdet(covariance)[1] + solved[:, :, terms] @ y[rows])
    covariance = np.linalg.inv(precision)
    beta = np.einsum("tij,tj->ti", covariance, shift)
    log_density += 0.5 * (np.linalg.slogdet(covariance)[1] + (shift * beta).sum(1))
    mass = weights * np.exp(log_density - log_density.max())
    mass /= mass.sum()
    first = np.column_stack([beta, taus])
    second = np.column_stack([beta**2 + np.diagonal(covariance, axis1=1, axis2=2), taus**2])
    mean = mass @ first
    return Exact(mean, np.sqrt(mass @ second - mean**2))
