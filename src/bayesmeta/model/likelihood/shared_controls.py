"""Likelihood with errors that covary over shared controls, dense in the studies that have these."""

from typing import ClassVar

import numpy as np
import xarray as xr
from numpy.random import Generator

from bayesmeta.model.likelihood.arguments import Taus
from bayesmeta.model.likelihood.arrays import Array, Scalar, namespace, with_node_axes
from bayesmeta.model.likelihood.buckets import shared_errors
from bayesmeta.model.likelihood.dense import (
    dense_products,
    dense_row_sums,
    draw_dense_effects,
    draw_dense_errors,
)
from bayesmeta.model.likelihood.draws import Parameters, RandomEffects
from bayesmeta.model.likelihood.kernel import Marginal
from bayesmeta.model.likelihood.normal import Normal
from bayesmeta.model.spec import ModelSpec


class SharedControls(Normal):
    """Likelihood with normal random effects and errors that covary over shared controls."""

    engines: ClassVar[frozenset[str]] = frozenset({"nuts", "quadrature", "reml"})

    def __init__(self, design: xr.Dataset, spec: ModelSpec) -> None:
        super().__init__(design, spec)
        self.shared, self.buckets = shared_errors(design, spec)
        self.shared_effects = self.shared[self.nesting.study_of_effect]

    def integrate(self, beta: Array, taus: Taus, rho: Scalar) -> Marginal:
        """Return log|V| and r'V^-1 r by study for the residuals r."""
        nested = super().integrate(beta, taus, rho)
        if not self.buckets:
            return nested
        residuals = self.residuals(beta)[:, None]
        L, S = dense_products(residuals, self.buckets, taus, rho, self.nesting)
        where = namespace(L, nested.L).where
        L = where(with_node_axes(self.shared, L), L, with_node_axes(nested.L, L))
        S = where(with_node_axes(self.shared[:, None, None], S), S, nested.S)
        return nested._replace(L=L, S=S)

    def draw_given_taus(self, rng: Generator, draws: Parameters, taus: Taus) -> RandomEffects:
        """Draw the random effects given the data and the taus of every unit."""
        nested = super().draw_given_taus(rng, draws, taus)
        if not self.buckets:
            return nested
        rho = self.rho_of(draws.auxiliary)
        residuals = self.residuals(draws.beta)
        dense = draw_dense_effects(rng, residuals, self.buckets, taus, rho, self.nesting)
        shared_groups = self.shared[self.nesting.study_of_group]
        return RandomEffects(
            u=np.where(self.shared[:, None], dense.u, nested.u),
            w=np.where(shared_groups[:, None], dense.w, nested.w),
            d=np.where(self.shared_effects[:, None], dense.d, nested.d),
        )

    def row_sums(self, tau: np.ndarray, rho: float) -> np.ndarray:
        """Return the sums of the rows of the inverse of V at taus (taus,), as weights (k,)."""
        nested = super().row_sums(tau, rho)
        dense = dense_row_sums(self.buckets, self.taus(tau), rho, len(self.v))
        return np.where(self.shared_effects, dense, nested)

    def draw_errors(self, rng: Generator, draws: Parameters) -> np.ndarray:
        """Draw sampling errors (k, draws)."""
        nested = super().draw_errors(rng, draws)
        rho = self.rho_of(draws.auxiliary)
        dense = draw_dense_errors(rng, self.buckets, rho, nested.shape)
        return np.where(self.shared_effects[:, None], dense, nested)
