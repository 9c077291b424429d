"""Blocks of rows that depend on each other, and the known covariance of the errors."""

import numpy as np
import xarray as xr
from scipy.sparse import coo_array, diags_array
from scipy.sparse.csgraph import connected_components

from bayesmeta.model.likelihood.buckets import shared_errors
from bayesmeta.model.spec import ModelSpec
from bayesmeta.model.structure.components import Component


def errors_of(design: xr.Dataset, spec: ModelSpec) -> coo_array:
    """Return the known covariance of the errors (k, k), sparse."""
    if "error_covariance" in design:
        return coo_array(design["error_covariance"].values)
    if spec.shared_controls:
        covariance = np.diag(design["vi"].values)
        for bucket in shared_errors(design, spec)[1]:
            rows = bucket.effects
            errors = bucket.fixed + spec.rho * bucket.rising
            covariance[rows[:, :, None], rows[:, None, :]] = errors
        return coo_array(covariance)
    return diags_array(design["vi"].values).tocoo()


def blocks_of(nested: list[Component], errors: coo_array) -> list[np.ndarray]:
    """Return the rows that depend on each other, blocks of equal size together (n, m)."""
    k = errors.shape[0]
    pairs = [(np.arange(k), k * (at + 1) + part.unit) for at, part in enumerate(nested)]
    pairs.append(errors.coords)
    size = k * (len(nested) + 1)
    rows, others = (np.concatenate([pair[at] for pair in pairs]) for at in (0, 1))
    graph = coo_array((np.ones(len(rows)), (rows, others)), shape=(size, size))
    block = connected_components(graph, directed=False)[1][:k]
    of_block = [np.flatnonzero(block == name) for name in np.unique(block)]
    sizes = sorted({len(rows) for rows in of_block})
    return [np.array([rows for rows in of_block if len(rows) == size]) for size in sizes]
