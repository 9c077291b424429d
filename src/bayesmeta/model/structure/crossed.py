r"""Effects of a factor that crosses the blocks: a ~ N(0, C), as coefficients of indicators.

    C = tau_1^2 I + tau_2^2 R = Q diag(d) Q',    d = tau_1^2 + tau_2^2 lambda

with R = Q diag(lambda) Q' the known correlation of the units, if there is one, whose eigenvalues
lambda and vectors Q are computed once. Given a, its parts without and with the correlation are
independent normals in the coordinates Q'a.
"""

from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.random import Generator

from bayesmeta.model.structure.components import Component
from bayesmeta.model.structure.parameters import Values


class Crossed:
    """The effects of a factor, of one component or of one without and one with a correlation."""

    def __init__(self, components: Sequence[Component]) -> None:
        self.components = list(components)
        first = self.components[0]
        self.unit = first.unit
        self.units = len(first.labels)
        self.vectors: np.ndarray | None = None
        self.eigenvalues = [np.ones(self.units) for _ in self.components]
        for at, component in enumerate(self.components):
            if component.factor is not None:
                R = component.factor @ component.factor.T
                self.eigenvalues[at], self.vectors = np.linalg.eigh(R)

    def variances(self, values: Values) -> list[np.ndarray]:
        """Return the parts of d, by component (draws, units)."""
        taus = [values[part.matrix.tau_names[0]] for part in self.components]
        pairs = zip(taus, self.eigenvalues, strict=True)
        return [tau[:, None] ** 2 * eigenvalues for tau, eigenvalues in pairs]

    def precision(self, values: Values) -> tuple[np.ndarray, np.ndarray]:
        """Return the inverse of C (draws, units, units), and its log determinant (draws,)."""
        d = sum(self.variances(values), np.zeros(1))
        log_det = -np.log(d).sum(1)
        if self.vectors is None:
            return np.eye(self.units) / d[:, None], log_det
        return (self.vectors / d[:, None]) @ self.vectors.T, log_det

    def split(self, rng: Generator, a: np.ndarray, values: Values) -> dict[str, np.ndarray]:
        """Return draws of the effects of every component, given their sum a (draws, units)."""
        parts = self.variances(values)
        if len(parts) == 1:
            return {self.components[0].name: a}
        first, second = parts
        Q = np.eye(self.units) if self.vectors is None else self.vectors
        rotated = a @ Q
        share = first / (first + second)
        noise = np.sqrt(share * second) * rng.standard_normal(a.shape)
        of_first = (share * rotated + noise) @ Q.T
        names = [part.name for part in self.components]
        return {names[0]: of_first, names[1]: a - of_first}


class CrossedFactors:
    """The columns Z of all crossed factors, one factor after the other."""

    def __init__(self, components: Sequence[Component], blocks: Sequence[np.ndarray]) -> None:
        self.groups = _groups(components)
        self.blocks = blocks
        self.count = sum(group.units for group in self.groups)

    @property
    def slices(self) -> list[slice]:
        """Return the columns of every factor."""
        ends = np.cumsum([0, *(group.units for group in self.groups)])
        return [slice(int(start), int(end)) for start, end in pairwise(ends)]

    def fill(self, P: np.ndarray, values: Values) -> np.ndarray:
        """Set the prior precision of a in P (draws, columns, columns); return its log det."""
        log_det = np.zeros(len(P))
        for place, group in zip(self.slices, self.groups, strict=True):
            P[:, place, place], of_group = group.precision(values)
            log_det = log_det + of_group
        return log_det

    @cached_property
    def places(self) -> tuple[np.ndarray, np.ndarray]:
        """Return where in Z'V^-1 Z an entry of V^-1 counts, and the column of every row.

        Shapes: (factors^2, entries) for pairs of factors, (factors, k) for factors.
        """
        pairs = zip(self.slices, self.groups, strict=True)
        column = np.array([place.start + group.unit for place, group in pairs])
        of_entries = [
            np.concatenate(
                [
                    (a[rows][:, :, None] * self.count + b[rows][:, None, :]).ravel()
                    for rows in self.blocks
                ]
            )
            for a in column
            for b in column
        ]
        return np.array(of_entries), column

    def extended(
        self, S: np.ndarray, solved: np.ndarray, inverses: Sequence[np.ndarray]
    ) -> np.ndarray:
        """Return S = [X, y]'V^-1 [X, y] (draws, q, q) with Z before X.

        solved : V^-1 [X, y] (draws, k, q). inverses : of the blocks (draws, n, m, m).
        """
        of_entries, column = self.places
        count = self.count
        entries = np.concatenate([inverse.reshape(len(S), -1) for inverse in inverses], 1)
        size = count + S.shape[-1]
        joined = np.zeros((len(S), size, size))
        joined[:, count:, count:] = S
        for draw in range(len(S)):
            weights = np.broadcast_to(entries[draw], of_entries.shape).ravel()
            sums = np.bincount(of_entries.ravel(), weights, count**2)
            joined[draw, :count, :count] = sums.reshape(count, count)
            for at, values in enumerate(solved[draw].T, start=count):
                both = np.bincount(column.ravel(), np.tile(values, len(column)), count)
                joined[draw, :count, at] = joined[draw, at, :count] = both
        return joined


def _groups(components: Sequence[Component]) -> list[Crossed]:
    """Return the crossed factors; the two components of the same units are one."""
    groups: list[list[Component]] = []
    for component in components:
        for group in groups:
            same = np.array_equal(group[0].unit, component.unit)
            if same and len(group) == 1 and (component.factor is None) != (group[0].factor is None):
                group.append(component)
                break
        else:
            groups.append([component])
    return [Crossed(group) for group in groups]
