"""Nested levels: the membership of units in the units of the level above, and sums over members."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import accumulate
from math import prod
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from bayesmeta.model.likelihood.arrays import Array, namespace, with_node_axes


class Members:
    """Membership of units in the units of a level above."""

    def __init__(self, parent: np.ndarray, count: int, *, trivial: bool = False) -> None:
        self.parent = np.asarray(parent, int)  # the unit above of every unit (units,)
        self.count = count  # number of units above
        self.trivial = trivial  # whether the units above are the units themselves

    @cached_property
    def _incidence(self) -> csr_array:
        columns = np.arange(len(self.parent))
        shape = (self.count, len(self.parent))
        return csr_array((np.ones(len(columns)), (self.parent, columns)), shape=shape)

    def sum(self, x: Array) -> Array:
        """Return the sums over the members of every unit above: (units, ...) to (count, ...)."""
        if self.trivial:
            return x
        if isinstance(x, np.ndarray):
            flat = x.reshape(len(x), prod(x.shape[1:]))
            return (self._incidence @ flat).reshape(self.count, *x.shape[1:])
        return sys.modules["jax"].ops.segment_sum(x, self.parent, self.count)


@dataclass(frozen=True, eq=False)
class Nesting:
    """Nested levels, lowest first: effects in groups, groups in studies, and so on."""

    levels: tuple[Members, ...]

    @classmethod
    def of(cls, *parents: np.ndarray, counts: Sequence[int] | None = None) -> "Nesting":
        """Return the nesting of parents (units,), lowest first; `counts` allow empty last units."""
        sizes = counts or [int(parent.max()) + 1 for parent in parents]
        levels = zip(parents, sizes, strict=True)
        return cls(tuple(Members(parent, size) for parent, size in levels))

    @property
    def group_of_effect(self) -> np.ndarray:
        """Return the unit of the lowest level of every effect (k,)."""
        return self.levels[0].parent

    @property
    def study_of_group(self) -> np.ndarray:
        """Return the unit of the highest level of every unit of the lowest level (groups,)."""
        return self.to_study[0].parent

    @cached_property
    def study_of_effect(self) -> np.ndarray:
        """Return the unit of the highest level of every effect (k,)."""
        return self.study_of_group[self.group_of_effect]

    @property
    def studies(self) -> int:
        """Return the number of units of the highest level."""
        return self.levels[-1].count

    @property
    def groups(self) -> int:
        """Return the number of units of the lowest level."""
        return self.levels[0].count

    @cached_property
    def to_study(self) -> tuple[Members, ...]:
        """Return the membership of every level's units in the highest level, lowest level first."""
        parents = [members.parent for members in reversed(self.levels[1:])]
        identity = np.arange(self.studies)
        chains = list(accumulate(parents, lambda above, below: above[below], initial=identity))
        below = [Members(parent, self.studies) for parent in reversed(chains[1:])]
        return (*below, Members(identity, self.studies, trivial=True))

    @cached_property
    def effects_of_study(self) -> Members:
        """Return the membership of the effects in the highest level."""
        return Members(self.study_of_effect, self.studies)


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
    """Return the sum over units of factor z z' (q, q, ...) of (units, q, ...) and (units, ...)."""
    xp = namespace(z, factor)
    columns = xp.moveaxis(z, (0, 1), (-1, -2)).copy()  # contiguous, for a fast matrix product
    if z.ndim == factor.ndim + 1:
        weighted = columns * xp.moveaxis(factor, 0, -1)[..., None, :]
        return xp.moveaxis(weighted @ xp.swapaxes(columns, -1, -2), (-2, -1), (0, 1))
    node_axes = z.ndim - 2  # products of pairs, made once, meet all factors in one matrix product
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
