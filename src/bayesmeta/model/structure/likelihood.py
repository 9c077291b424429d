r"""The exact marginal likelihood of a dependence structure, beta integrated out.

    y ~ N(X beta + Z a, V),    V = E + sum of the components' covariances, in blocks of rows
    a ~ N(0, C),               Z the indicators of crossed factors (`crossed`)

The components that nest in the studies, and the known covariance E of the errors, make blocks,
whose inverses cost the cube of their size. The crossed factors are columns beside X: with
S = [Z, X, y]' V^-1 [Z, X, y] and the prior mean m and precision P of (a, beta),

    A = S_aa + P,  h = S_ay + P m,  (a, beta) ~ N(A^-1 h, A^-1)
    log p(y) = -1/2 (k log 2 pi + log|V| + S_yy + m' P m - h' A^-1 h + log|A| - log|P|)

Z'V^-1 Z has sums of entries of V^-1, which cost as many additions as the blocks have entries.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from scipy.linalg import solve_triangular

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.likelihood.arguments import columns_of
from bayesmeta.model.priors import TermPrior, term_prior
from bayesmeta.model.spec import ModelSpec
from bayesmeta.model.structure.blocks import blocks_of, errors_of
from bayesmeta.model.structure.checking import refuse_moderators
from bayesmeta.model.structure.components import Component, components_of
from bayesmeta.model.structure.crossed import CrossedFactors
from bayesmeta.model.structure.parameters import Parameter, Values
from bayesmeta.model.structure.small_blocks import LARGEST, Factors

SMALL = 32  # rows of a triangle
NUMBERS_AT_ONCE = 4_000_000  # of the arrays of some draws: 32 MB
NAMES = "two random effects have the same parameters {}; leave one out, or name one"


class Conditional(NamedTuple):
    """The posterior of (a, beta) at draws of the parameters, and what is left without them."""

    half: np.ndarray  # F^-1 h, with A = F F' (draws, q + p)
    factor: np.ndarray  # F, lower Cholesky factor of A (draws, q + p, q + p)
    log_det: np.ndarray  # log|V| - log|P| (draws,)
    quadratic: np.ndarray  # S_yy + m' P m - h' A^-1 h (draws,)

    @property
    def log_pivots(self) -> np.ndarray:
        """Return the terms of log|A|, those of crossed factors first (draws, q + p)."""
        return 2 * np.log(np.diagonal(self.factor, axis1=1, axis2=2))

    def coefficients(self, noise: np.ndarray) -> np.ndarray:
        """Return (a, beta) of standard normal noise; the mean where it is 0 (draws, q + p)."""
        return _solve_triangular(self.factor, self.half + noise, transposed=True)


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
        refuse_moderators(self.components, design)
        nested = [part for part in self.components if not part.crossed]
        crossed = [part for part in self.components if part.crossed and not _nests(part, nested)]
        self.nested = [part for part in self.components if part not in crossed]
        self.parameters: list[Parameter] = []
        for component in self.components:
            tau = spec.tau_prior(component.name).distribution
            self.parameters += component.parameters(tau)
        names = [item.name for item in self.parameters]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise BadInput(NAMES.format(repeated))
        self.columns = columns_of(design)  # [X, y] (k, p + 1)
        self.terms = self.columns.shape[1] - 1
        self.design = design
        self.errors = errors_of(design, spec)
        self.blocks = blocks_of(self.nested, self.errors)
        self.crossed = CrossedFactors(crossed, self.blocks)
        self.units = self.crossed.count  # columns of Z

    @cached_property
    def prior(self) -> TermPrior:
        """Return the prior of beta."""
        return term_prior(self.design, self.spec)

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
        q = self.columns.shape[1] + self.units
        numbers = 3 * sum(rows.size * (rows.shape[1] + q) for rows in self.blocks) + 3 * q**2
        return max(1, NUMBERS_AT_ONCE // numbers)

    def covariances(
        self, values: Values, chosen: Sequence[np.ndarray] | None = None
    ) -> list[np.ndarray]:
        """Return V of the blocks of every size (draws, n, m, m).

        chosen : positions of some of the blocks of every size, for V of these alone.
        """
        of_components = [(part, part.matrix.covariance(values)) for part in self.nested]
        parts = []
        for at, (of_size, errors) in enumerate(zip(self.blocks, self.block_errors, strict=True)):
            some = slice(None) if chosen is None else chosen[at]
            rows = of_size[some]
            V = errors[some][None]
            for component, G in of_components:
                V = V + component.covariance(G, values, rows)
            parts.append(V)
        return parts

    def derived(self, values: Values) -> dict[str, np.ndarray]:
        """Return correlations that are not parameters themselves, and shares of variance (draws,).

        The heritability of a factor with known correlations is the share of its variance in that
        of all random effects.
        """
        quantities = {}
        for component in self.components:
            matrix = component.matrix
            if matrix.kind == "UN" and len(matrix.correlation_names) > 1:
                correlations = matrix.correlations(values)
                for i, j in zip(*np.tril_indices(len(matrix.categories), -1), strict=True):
                    pair = f"{matrix.categories[j]}, {matrix.categories[i]}"
                    quantities[f"rho_{matrix.name}[{pair}]"] = correlations[:, i, j]
        total = sum((part.matrix.sds(values) ** 2).mean(1) for part in self.components)
        for component in self.components:
            if component.factor is not None:
                share = component.matrix.sds(values)[:, 0] ** 2 / total
                quantities[f"heritability_{component.name.removesuffix(' (correlated)')}"] = share
        return quantities

    def precision(self, values: Values, *, flat: bool) -> tuple[np.ndarray, np.ndarray]:
        """Return P (draws, p + q, p + q) of (a, beta), and log|P|; `flat` counts none of beta."""
        draws = len(next(iter(values.values())))
        size = self.units + self.terms
        P = np.zeros((draws, size, size))
        log_det = self.crossed.fill(P, values)
        if not flat:
            inverse = np.linalg.inv(self.prior.fixed)
            P[:, self.units :, self.units :] = inverse
            log_det = log_det + np.linalg.slogdet(inverse)[1]
        return P, log_det

    def products(
        self, values: Values, columns: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return S (draws, q, q) and log|V| (draws,).

        columns : [X, y] of every draw (draws, k, p + 1), in place of the design's.
        """
        x = self.columns if columns is None else columns
        draws = len(next(iter(values.values())))
        if self.units:
            return self._products_of_crossed(values, x)
        log_det = np.zeros(draws)
        half = np.empty((draws, *x.shape[-2:]))  # L^-1 [X, y], V = L L'
        for rows, V in zip(self.blocks, self.covariances(values), strict=True):
            z = x[..., rows, :]
            if V.shape[-1] <= LARGEST:
                factors = Factors(V)
                half[:, rows] = factors.halved(z)
                log_det = log_det + factors.log_det.sum(1)
                continue
            L = _or_nan(np.linalg.cholesky, V)
            half[:, rows] = np.linalg.solve(L, z)
            log_det = log_det + 2 * np.log(np.diagonal(L, axis1=-2, axis2=-1)).sum((1, 2))
        return half.swapaxes(-1, -2) @ half, log_det

    def _products_of_crossed(self, values: Values, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return S and log|V| with the columns of crossed factors; they need all inverses."""
        draws = len(next(iter(values.values())))
        log_det = np.zeros(draws)
        inverses = []
        solved = np.empty((draws, *x.shape[-2:]))
        for rows, V in zip(self.blocks, self.covariances(values), strict=True):
            if V.shape[-1] <= LARGEST:
                factors = Factors(V)
                inverse = factors.inverse()
                log_det = log_det + factors.log_det.sum(1)
            else:
                inverse = _or_nan(np.linalg.inv, V)
                log_det = log_det + np.linalg.slogdet(V)[1].sum(1)
            solved[:, rows] = inverse @ x[..., rows, :]
            inverses.append(np.broadcast_to(inverse, (draws, *inverse.shape[1:])))
        S = x.swapaxes(-1, -2) @ solved
        return self.crossed.extended(S, solved, inverses), log_det

    def row_sums(self, values: Values) -> np.ndarray:
        """Return the sums of the rows of the results' inverse covariance (k,), at one draw."""
        units = [np.eye(group.units)[group.unit] for group in self.crossed.groups]
        targets = np.column_stack([np.ones(len(self.columns)), *units])
        solved = np.empty_like(targets)
        for rows, V in zip(self.blocks, self.covariances(values), strict=True):
            solved[rows] = np.linalg.solve(V[0], targets[rows])
        P = self.precision(values, flat=True)[0][0, : -self.terms, : -self.terms]
        inner = targets[:, 1:].T @ solved[:, 1:] + P
        loss = np.linalg.solve(inner, targets[:, 1:].T @ solved[:, 0])
        return np.asarray(solved[:, 0] - solved[:, 1:] @ loss)

    def log_likelihood(self, values: Values, method: str = "") -> np.ndarray:
        """Return the log-likelihood, a and beta integrated out, at parameters (draws,).

        method : "REML" for a flat prior of beta, "ML" for beta at its estimate, in place of its
        prior.
        """
        parts = []
        for some in self.chunks(values):
            given = self.condition(some, flat=bool(method))
            counted = slice(self.units) if method == "ML" else slice(None)
            log_det = given.log_det + given.log_pivots[:, counted].sum(1)
            k = len(self.columns) - self.terms * (method == "REML")
            parts.append(-0.5 * (k * np.log(2 * np.pi) + log_det + given.quadratic))
        return np.concatenate(parts)

    def chunks(self, values: Values) -> Iterator[dict[str, np.ndarray]]:
        """Return the parameters of as many draws at a time as fit in memory."""
        size = self.draws_at_once
        for start in range(0, len(next(iter(values.values()))), size):
            yield {name: value[start : start + size] for name, value in values.items()}

    def condition(
        self, values: Values, *, flat: bool = False, columns: np.ndarray | None = None
    ) -> Conditional:
        """Return the distribution of (a, beta) at parameters (draws,).

        flat : whether beta has a flat prior. columns : as for `products`.
        """
        S, log_det = self.products(values, columns)
        P, of_prior = self.precision(values, flat=flat)
        m = np.zeros(P.shape[-1])
        m[self.units :] = 0 if flat else self.prior.mean
        h = S[:, :-1, -1] + P @ m
        factor = _or_nan(np.linalg.cholesky, S[:, :-1, :-1] + P)
        half = _solve_triangular(factor, h)
        quadratic = S[:, -1, -1] + (P @ m) @ m - (half**2).sum(1)
        return Conditional(half, factor, log_det - of_prior, quadratic)


def _solve_triangular(factor: np.ndarray, h: np.ndarray, *, transposed: bool = False) -> np.ndarray:
    """Return F^-1 h, or F'^-1 h, of lower triangles F (draws, q, q) and h (draws, q).

    SciPy takes a triangle after the other, which is long for many small ones; NumPy takes all at
    once, as if they were full.
    """
    if factor.shape[-1] > SMALL:
        trans = "T" if transposed else "N"
        options: Any = {"lower": True, "trans": trans, "check_finite": False}
        return np.asarray(solve_triangular(factor, h[..., None], **options)[..., 0])
    square = factor.swapaxes(-1, -2) if transposed else factor
    return np.asarray(np.linalg.solve(square, h[..., None])[..., 0])


def _or_nan(compute: Callable[[np.ndarray], np.ndarray], matrices: np.ndarray) -> np.ndarray:
    """Return what is computed of matrices (draws, ...), nan where taus are too large for it."""
    try:
        return compute(matrices)
    except np.linalg.LinAlgError:
        if len(matrices) == 1:
            return np.full_like(compute(np.eye(matrices.shape[-1]) + 0 * matrices), np.nan)
        return np.concatenate([_or_nan(compute, matrix[None]) for matrix in matrices])
