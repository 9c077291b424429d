r"""The exact marginal likelihood of a dependence structure, beta integrated out.

    y ~ N(X beta + Z a, V),    V = E + sum of the components' covariances, in blocks of rows
    a ~ N(0, C),               Z the indicators of crossed factors (`crossed`)

The components that nest in the studies, and the known covariance E of the errors, make blocks,
whose inverses cost the cube of their size. The crossed factors are columns beside X: with
S = [X, Z, y]' V^-1 [X, Z, y] and the prior mean m and precision P of (beta, a),

    A = S_aa + P,  h = S_ay + P m,  (beta, a) ~ N(A^-1 h, A^-1)
    log p(y) = -1/2 (k log 2 pi + log|V| + S_yy + m' P m - h' A^-1 h + log|A| - log|P|)

Z'V^-1 Z has sums of entries of V^-1, which cost as many additions as the blocks have entries.
"""

from functools import cached_property
from typing import NamedTuple

import numpy as np
import xarray as xr
from scipy.sparse import coo_array, diags_array
from scipy.sparse.csgraph import connected_components

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.likelihood.arguments import columns_of
from bayesmeta.model.priors import term_prior
from bayesmeta.model.spec import ModelSpec
from bayesmeta.model.structure.components import Component, components_of
from bayesmeta.model.structure.crossed import crossed_groups
from bayesmeta.model.structure.parameters import Parameter, Values

NUMBERS_AT_ONCE = 4_000_000  # of the arrays of some draws: 32 MB
NAMES = "two random effects have the same parameters {}; leave one out, or name one"


class Evaluated(NamedTuple):
    """The posterior of (beta, a) at draws of the parameters."""

    log_likelihood: np.ndarray  # with beta and a integrated out (draws,)
    mean: np.ndarray  # of (beta, a) (draws, p + q)
    factor: np.ndarray  # lower Cholesky factor of A (draws, p + q, p + q)
    log_det: np.ndarray  # of the results' covariance given beta; nan unless flat (draws,)
    quadratic: np.ndarray  # S_yy + m' P m - h' A^-1 h (draws,)


def _nests(crossed: Component, nested: list[Component]) -> bool:
    """Return whether every unit of a factor is in a single unit of a nested one, as a block."""
    if crossed.factor is not None:
        return False
    units = len(np.unique(crossed.unit))
    pairs = (np.column_stack([crossed.unit, part.unit]) for part in nested)
    return any(len(np.unique(pair, axis=0)) == units for pair in pairs)


class Structured:
    """Likelihood of results with any dependence structure."""

    def __init__(self, design: xr.Dataset, spec: ModelSpec) -> None:
        self.spec = spec
        self.components = components_of(design, spec)
        nested = [part for part in self.components if not part.crossed]
        crossed = [part for part in self.components if part.crossed and not _nests(part, nested)]
        self.nested = [part for part in self.components if part not in crossed]
        tau = spec.priors["tau"].distribution
        self.parameters: list[Parameter] = []
        for component in self.components:
            self.parameters += component.parameters(tau)
        names = [item.name for item in self.parameters]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise BadInput(NAMES.format(repeated))
        self.columns = columns_of(design)  # [X, y] (k, p + 1)
        self.terms = self.columns.shape[1] - 1
        self.crossed = crossed_groups(crossed)
        self.units = [group.units for group in self.crossed]
        self.prior = term_prior(design, spec)
        self.errors = errors_of(design)
        self.blocks = self._blocks()

    def _blocks(self) -> list[np.ndarray]:
        """Return the rows that depend on each other, blocks of equal size together (n, m)."""
        k = len(self.columns)
        pairs = [(np.arange(k), k * (at + 1) + part.unit) for at, part in enumerate(self.nested)]
        pairs.append(self.errors.coords)
        size = k * (len(self.nested) + 1)
        rows, others = (np.concatenate([pair[at] for pair in pairs]) for at in (0, 1))
        graph = coo_array((np.ones(len(rows)), (rows, others)), shape=(size, size))
        block = connected_components(graph, directed=False)[1][:k]
        of_block = [np.flatnonzero(block == name) for name in np.unique(block)]
        sizes = sorted({len(rows) for rows in of_block})
        return [np.array([rows for rows in of_block if len(rows) == size]) for size in sizes]

    @cached_property
    def block_errors(self) -> list[np.ndarray]:
        """Return the covariance of the errors of the blocks of every size (n, m, m)."""
        errors = self.errors.tocsr()
        return [
            np.array([errors[rows][:, rows].toarray() for rows in of_size])
            for of_size in self.blocks
        ]

    @property
    def draws_at_once(self) -> int:
        """Return the number of draws that fit in memory at once."""
        q = self.columns.shape[1] + sum(self.units)
        numbers = 3 * sum(rows.size * (rows.shape[1] + q) for rows in self.blocks) + 3 * q**2
        return max(1, NUMBERS_AT_ONCE // numbers)

    def covariances(self, values: Values) -> list[np.ndarray]:
        """Return V of the blocks of every size (draws, n, m, m)."""
        of_components = [(part, part.matrix.covariance(values)) for part in self.nested]
        parts = []
        for rows, errors in zip(self.blocks, self.block_errors, strict=True):
            V = errors[None]
            for component, G in of_components:
                V = V + component.covariance(G, values, rows)
            parts.append(V)
        return parts

    def derived(self, values: Values) -> dict[str, np.ndarray]:
        """Return correlations that are not parameters themselves, and shares of variance (draws,).

        The heritability of a factor with known correlations is the share of its variance in that
        of all random effects.
        """
        found = {}
        for component in self.components:
            matrix = component.matrix
            if matrix.kind == "UN" and len(matrix.correlation_names) > 1:
                correlations = matrix.correlations(values)
                for i, j in zip(*np.tril_indices(len(matrix.categories), -1), strict=True):
                    pair = f"{matrix.categories[j]}, {matrix.categories[i]}"
                    found[f"rho_{matrix.name}[{pair}]"] = correlations[:, i, j]
        total = sum((part.matrix.sds(values) ** 2).mean(1) for part in self.components)
        for component in self.components:
            if component.factor is not None:
                share = component.matrix.sds(values)[:, 0] ** 2 / total
                found[f"heritability_{component.name.removesuffix(':correlated')}"] = share
        return found

    def precision(self, values: Values, *, flat: bool) -> tuple[np.ndarray, np.ndarray]:
        """Return P (draws, p + q, p + q) of (beta, a), and log|P|; `flat` counts none of beta."""
        draws = len(next(iter(values.values())))
        size = self.terms + sum(self.units)
        P = np.zeros((draws, size, size))
        log_det = np.zeros(draws)
        if not flat:
            inverse = np.linalg.inv(self.prior.fixed)
            P[:, : self.terms, : self.terms] = inverse
            log_det = log_det + np.linalg.slogdet(inverse)[1]
        start = self.terms
        for group in self.crossed:
            place = slice(start, start + group.units)
            P[:, place, place], of_group = group.precision(values)
            log_det = log_det + of_group
            start += group.units
        return P, log_det

    @cached_property
    def places(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the places of [X, Z, y] for an entry of V^-1, and for a row, by crossed factor.

        Of pairs of units in Z'V^-1 Z (factors^2, entries), of units in Z'V^-1 [X, y] (factors, k).
        """
        offsets = np.cumsum([0, *self.units])[:-1]
        unit = np.array([at + x.unit for at, x in zip(offsets, self.crossed, strict=True)])
        q = sum(self.units)
        by_pair = [
            np.concatenate(
                [(a[rows][:, :, None] * q + b[rows][:, None, :]).ravel() for rows in self.blocks]
            )
            for a in unit
            for b in unit
        ]
        return np.array(by_pair), unit

    def products(self, values: Values) -> tuple[np.ndarray, np.ndarray]:
        """Return S (draws, q, q) and log|V| (draws,)."""
        draws = len(next(iter(values.values())))
        log_det = np.zeros(draws)
        inverses = []
        solved = np.empty((draws, *self.columns.shape))
        for rows, V in zip(self.blocks, self.covariances(values), strict=True):
            z = self.columns[rows]
            if V.shape[-1] == 1:
                log_det = log_det + np.log(V[..., 0, 0]).sum(1)
                inverse = 1 / V
                solved[:, rows] = z * inverse
            elif self.crossed:
                log_det = log_det + np.linalg.slogdet(V)[1].sum(1)
                inverse = np.linalg.inv(V)
                solved[:, rows] = inverse @ z
            else:
                log_det = log_det + np.linalg.slogdet(V)[1].sum(1)
                inverse = V
                solved[:, rows] = np.linalg.solve(V, z)
            inverses.append(np.broadcast_to(inverse, (draws, *inverse.shape[1:])))
        S = self.columns.T @ solved
        if self.crossed:
            flat = np.concatenate([inverse.reshape(draws, -1) for inverse in inverses], 1)
            S = self._with_crossed(S, solved, flat)
        return S, log_det

    def _with_crossed(self, S: np.ndarray, solved: np.ndarray, inverse: np.ndarray) -> np.ndarray:
        """Return S with the columns of the crossed factors between X and y."""
        of_pairs, of_rows = self.places
        q = sum(self.units)
        p = self.terms
        whole = np.zeros((len(S), p + q + 1, p + q + 1))
        outer = np.array([*range(p), p + q])
        whole[:, outer[:, None], outer] = S
        for draw in range(len(S)):
            weights = np.broadcast_to(inverse[draw], of_pairs.shape).ravel()
            pairs = np.bincount(of_pairs.ravel(), weights, q * q)
            whole[draw, p : p + q, p : p + q] = pairs.reshape(q, q)
            for at, column in zip(outer, solved[draw].T, strict=True):
                both = np.bincount(of_rows.ravel(), np.tile(column, len(of_rows)), q)
                whole[draw, p : p + q, at] = both
                whole[draw, at, p : p + q] = both
        return whole

    def row_sums(self, values: Values) -> np.ndarray:
        """Return the sums of the rows of the results' inverse covariance (k,), at one draw."""
        units = [np.eye(group.units)[group.unit] for group in self.crossed]
        targets = np.column_stack([np.ones(len(self.columns)), *units])
        solved = np.empty_like(targets)
        for rows, V in zip(self.blocks, self.covariances(values), strict=True):
            solved[rows] = np.linalg.solve(V[0], targets[rows])
        P = self.precision(values, flat=True)[0][0, self.terms :, self.terms :]
        inner = targets[:, 1:].T @ solved[:, 1:] + P
        loss = np.linalg.solve(inner, targets[:, 1:].T @ solved[:, 0])
        return np.asarray(solved[:, 0] - solved[:, 1:] @ loss)

    def evaluate(self, values: Values, *, flat: bool = False) -> Evaluated:
        """Evaluate at parameters (draws,); `flat` takes a flat prior of beta, as REML does."""
        draws = len(next(iter(values.values())))
        size = self.draws_at_once
        parts = []
        for start in range(0, draws, size):
            some = {name: value[start : start + size] for name, value in values.items()}
            parts.append(self._evaluate(some, flat))
        return Evaluated(*(np.concatenate(part) for part in zip(*parts, strict=True)))

    def _evaluate(self, values: Values, flat: bool) -> Evaluated:
        S, log_det = self.products(values)
        P, of_prior = self.precision(values, flat=flat)
        m = np.zeros(P.shape[-1])
        m[: self.terms] = 0 if flat else self.prior.mean
        h = S[:, :-1, -1] + P @ m
        factor = cholesky(S[:, :-1, :-1] + P)
        mean = np.linalg.solve(S[:, :-1, :-1] + P, h[..., None])[..., 0]
        log_pivots = 2 * np.log(np.diagonal(factor, axis1=1, axis2=2))
        quadratic = S[:, -1, -1] + (P @ m) @ m - (h * mean).sum(1)
        constant = (len(self.columns) - self.terms * flat) * np.log(2 * np.pi)
        all_log_det = log_det + log_pivots.sum(1) - of_prior
        log_likelihood = -0.5 * (constant + all_log_det + quadratic)
        given_beta = np.full(len(S), np.nan)
        if flat:
            of_crossed = (S[:, :-1, :-1] + P)[:, self.terms :, self.terms :]
            given_beta = log_det + np.linalg.slogdet(of_crossed)[1] - of_prior
        return Evaluated(log_likelihood, mean, factor, given_beta, quadratic)


def cholesky(matrices: np.ndarray) -> np.ndarray:
    """Return lower Cholesky factors (draws, q, q), nan of a matrix that has none."""
    try:
        return np.linalg.cholesky(matrices)
    except np.linalg.LinAlgError:
        if len(matrices) == 1:
            return np.full_like(matrices, np.nan)
        return np.concatenate([cholesky(matrix[None]) for matrix in matrices])


def errors_of(design: xr.Dataset) -> coo_array:
    """Return the known covariance of the errors (k, k), sparse."""
    if "error_covariance" in design:
        return coo_array(design["error_covariance"].values)
    return diags_array(design["vi"].values).tocoo()
