"""Sums over units of weighted products z z', for every study or over all studies."""

from functools import cache
from typing import NamedTuple

import numpy as np

from bayesmeta.model.likelihood.arrays import Array, namespace, with_node_axes
from bayesmeta.model.likelihood.nesting import Members


class Totals(NamedTuple):
    """Form of the sums: for every study, or over all studies, which may have weights (studies,)."""

    by_study: bool
    weights: Array | None

    def collect(
        self, z: Array, factor: Array, log_det: Array, to_study: Members
    ) -> tuple[Array, Array]:
        """Return the sums over units of factor z z' and of log_det, of membership `to_study`.

        z (units, q, ...), factor and log_det (units, ...) become (q, q, ...) and (...), or by study
        (studies, q, q, ...) and (studies, ...).
        """
        if self.by_study:
            return to_study.sum(products_by_unit(z, factor)), to_study.sum(log_det)
        if self.weights is not None:
            weight = with_node_axes(self.weights[to_study.parent], factor)
            factor = factor * weight
            log_det = log_det * weight
        return sum_of_products(z, factor), log_det.sum(0)


def products_by_unit(z: Array, factor: Array) -> Array:
    """Return factor z z' of every unit (units, q, q, ...)."""
    z = with_node_axes(z, factor, axes=1)
    return z[:, :, None] * z[:, None, :] * factor[:, None, None]


def sum_of_products(z: Array, factor: Array) -> Array:
    """Return the sum over units of factor z z' (q, q, ...), from (units, q, ...) and (units, ...).

    Where the factor has more last axes than z, products of pairs are made once and meet all factors
    in a single matrix product.
    """
    xp = namespace(z, factor)
    columns = xp.moveaxis(z, (0, 1), (-1, -2)).copy()  # contiguous, for a fast matrix product
    if z.ndim == factor.ndim + 1:
        weighted = columns * xp.moveaxis(factor, 0, -1)[..., None, :]
        return xp.moveaxis(weighted @ xp.swapaxes(columns, -1, -2), (-2, -1), (0, 1))
    node_axes = z.ndim - 2
    q = z.shape[1]
    rows, others, pair = _pairs(q)
    products = columns[..., rows, :] * columns[..., others, :]
    flat = xp.moveaxis(factor.reshape(*factor.shape[: 1 + node_axes], -1), 0, -2)
    full = (products @ flat)[..., pair, :]
    return xp.moveaxis(full, (-3, -2), (0, 1)).reshape(q, q, *factor.shape[1:])


@cache
def _pairs(q: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the pairs of q columns: first, second (pairs,) and the pair of every entry (q, q)."""
    rows, columns = np.triu_indices(q)
    pair = np.zeros((q, q), int)
    pair[rows, columns] = pair[columns, rows] = np.arange(len(rows))
    return rows, columns, pair
