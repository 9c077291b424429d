r"""The exact marginal likelihood of a dependence structure, beta integrated out.

    y ~ N(X beta + Z c, V),    V = E + sum of the components' covariances, in blocks of rows
    c = tau z, z ~ N(0, I),    Z the columns of crossed factors, with any known correlation

The components that nest in the studies, and the known covariance E of the errors, make blocks,
whose inverses cost the cube of their size. The crossed factors are columns beside X: with
S = [X, tau Z, y]' V^-1 [X, tau Z, y] and the prior mean m and precision P of (beta, z),

    A = S_aa + P,  h = S_ay + P m,  (beta, z) ~ N(A^-1 h, A^-1)
    log p(y) = -1/2 (k log 2 pi + log|V| + S_yy + m' P m - h' A^-1 h + log|A| - log|P|)
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
from bayesmeta.model.structure.parameters import Parameter, Values

NUMBERS_AT_ONCE = 4_000_000  # of the arrays of some draws: 32 MB
NAMES = "two random effects have the same parameters {}; leave one out, or name one"


class Evaluated(NamedTuple):
    """The posterior of (beta, z) at draws of the parameters."""

    log_likelihood: np.ndarray  # with beta and z integrated out (draws,)
    mean: np.ndarray  # of (beta, z) (draws, p + q)
    factor: np.ndarray  # lower Cholesky factor of A (draws, p + q, p + q)
    log_det: np.ndarray  # of the results' covariance given beta (draws,)
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
        self.crossed = [
            part for part in self.components if part.crossed and not _nests(part, nested)
        ]
        self.nested = [part for part in self.components if part not in self.crossed]
        tau = spec.priors["tau"].distribution
        self.parameters: list[Parameter] = []
        for component in self.components:
            self.parameters += component.parameters(tau)
        names = [item.name for item in self.parameters]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise BadInput(NAMES.format(repeated))
        columns = columns_of(design)
        self.terms = columns.shape[1] - 1
        of_crossed = [component.columns() for component in self.crossed]
        self.columns = np.column_stack([columns[:, :-1], *of_crossed, columns[:, -1]])
        self.units = [part.shape[1] for part in of_crossed]
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
        q = self.columns.shape[1]
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
        for component in self.crossed:
            if component.factor is not None:
                share = component.matrix.sds(values)[:, 0] ** 2 / total
                found[f"heritability_{component.name.removesuffix(':correlated')}"] = share
        return found

    def scales(self, values: Values) -> np.ndarray:
        """Return tau of the columns of crossed factors, 1 of the others (draws, q)."""
        draws = len(next(iter(values.values())))
        taus = [
            np.repeat(values[part.matrix.tau_names[0]][:, None], units, axis=1)
            for part, units in zip(self.crossed, self.units, strict=True)
        ]
        return np.hstack([np.ones((draws, self.terms)), *taus, np.ones((draws, 1))])

    def precision(self, *, flat: bool) -> tuple[np.ndarray, float]:
        """Return P (p + q, p + q) of (beta, z), and its log determinant; `flat`: none of beta."""
        P = np.eye(self.terms + sum(self.units))
        of_terms = slice(self.terms)
        if flat:
            P[of_terms, of_terms] = 0
            return P, 0.0
        P[of_terms, of_terms] = np.linalg.inv(self.prior.fixed)
        return P, float(np.linalg.slogdet(P)[1])

    def products(self, values: Values) -> tuple[np.ndarray, np.ndarray]:
        """Return S (draws, q, q) and log|V| (draws,)."""
        S: np.ndarray | float = 0.0
        log_det: np.ndarray | float = 0.0
        for rows, V in zip(self.blocks, self.covariances(values), strict=True):
            z = self.columns[rows]
            if V.shape[-1] == 1:
                log_det = log_det + np.log(V[..., 0, 0]).sum(1)
                solved = z / V
            else:
                log_det = log_det + np.linalg.slogdet(V)[1].sum(1)
                solved = np.linalg.solve(V, z)
            flat = z.reshape(-1, z.shape[-1])
            S = S + flat.T @ solved.reshape(len(solved), -1, z.shape[-1])
        return np.asarray(S), np.asarray(log_det)

    def row_sums(self, values: Values) -> np.ndarray:
        """Return the sums of the rows of the results' inverse covariance (k,), at one draw."""
        z = self.columns[:, self.terms : -1]
        targets = np.column_stack([np.ones(len(z)), z])
        solved = np.empty_like(targets)
        for rows, V in zip(self.blocks, self.covariances(values), strict=True):
            solved[rows] = np.linalg.solve(V[0], targets[rows])
        tau = self.scales(values)[0, self.terms : -1]
        inner = z.T @ solved[:, 1:] + np.diag(1 / tau**2)
        return np.asarray(solved[:, 0] - solved[:, 1:] @ np.linalg.solve(inner, z.T @ solved[:, 0]))

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
        scales = self.scales(values)
        S = S * scales[:, :, None] * scales[:, None]
        P, of_prior = self.precision(flat=flat)
        m = np.zeros(P.shape[-1])
        m[: self.terms] = 0 if flat else self.prior.mean
        h = S[:, :-1, -1] + P @ m
        factor = cholesky(S[:, :-1, :-1] + P)
        half = np.linalg.solve(factor, h[..., None])[..., 0]
        mean = np.linalg.solve(factor.swapaxes(1, 2), half[..., None])[..., 0]
        log_pivots = 2 * np.log(np.diagonal(factor, axis1=1, axis2=2))
        quadratic = S[:, -1, -1] + m @ P @ m - (half**2).sum(1)
        constant = (len(self.columns) - self.terms * flat) * np.log(2 * np.pi)
        all_log_det = log_det + log_pivots.sum(1) - of_prior
        log_likelihood = -0.5 * (constant + all_log_det + quadratic)
        of_crossed = slice(self.terms, -1)
        identity = np.eye(P.shape[-1] - self.terms)
        z_first = np.linalg.slogdet(S[:, of_crossed, of_crossed] + identity)[1]
        return Evaluated(log_likelihood, mean, factor, log_det + z_first, quadratic)


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
