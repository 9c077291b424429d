"""Normal random effects on every level: all that NUTS, quadrature and REML need of a model.

The other likelihoods replace a part of this object. A method that takes draws (`Parameters`) runs
on NumPy; `log_density` also runs on JAX arrays, for NUTS.
"""

from collections.abc import Mapping
from copy import copy
from typing import ClassVar, Self

import numpy as np
import xarray as xr
from numpy.random import Generator
from scipy.stats import norm

from bayesmeta.model.likelihood.arguments import TauArguments, Taus, columns_of, nesting_of
from bayesmeta.model.likelihood.arrays import Array, Scalar, is_zero, with_node_axes
from bayesmeta.model.likelihood.conditionals import (
    draw_effect_level,
    draw_errors,
    place_random_effects,
    row_sums,
)
from bayesmeta.model.likelihood.draws import Parameters, RandomEffects
from bayesmeta.model.likelihood.effect_level import error_sums
from bayesmeta.model.likelihood.kernel import Marginal, log_likelihood, marginal, residual_sums
from bayesmeta.model.likelihood.nested_mean import Factor, log_mean
from bayesmeta.model.spec import ModelSpec

VALUES_AT_ONCE = 2_000_000  # of an array (k, draws): 16 MB, of which a computation holds several
MAX_DRAWS_AT_ONCE = 1000  # so that the draws of a small table, too, are shared out over the cores


class Normal:
    """Likelihood with normal random effects; errors are independent or correlate within a group."""

    engines: ClassVar[frozenset[str]] = frozenset({"nuts", "quadrature", "reml"})
    nodes = 1  # at which the density of every effect is needed for the log-likelihood

    def __init__(self, design: xr.Dataset, spec: ModelSpec) -> None:
        self.spec = spec
        self.nesting = nesting_of(design)
        self.taus = TauArguments(design, spec)
        self.columns = columns_of(design)
        self.x = self.columns[:, :-1]
        self.y = self.columns[:, -1]
        self.v = design["vi"].values
        self.effects = np.bincount(self.nesting.study_of_effect, minlength=self.nesting.studies)
        # sums of [X, y] over groups are constant if neither tau_effect nor rho is estimated
        self.sufficient = None
        if "effect" not in spec.levels and "rho" not in spec.auxiliary_parameters:
            of_effects = (self.columns, self.v, self.nesting)
            self.sufficient = error_sums(*of_effects, rho=spec.rho, by_study=True)

    @property
    def draws_at_once(self) -> int:
        """Return the number of draws that fit in memory at once."""
        return int(np.clip(VALUES_AT_ONCE // len(self.y), 1, MAX_DRAWS_AT_ONCE))

    def roughly(self) -> Self:
        """Return a likelihood that takes less time, for an approximation that weights correct."""
        return self

    def with_equal_effects(self) -> Self:
        """Return the likelihood of which all taus are 0, whatever they are."""
        equal = copy(self)
        equal.taus = self.taus.absent()
        return equal

    def log_density(self, beta: Array, tau: Array, *others: Array) -> Array:
        """Return the log density that NUTS samples from, by study (studies,).

        beta : (p,). tau : in the order of `tau_labels` (taus,). others : the auxiliary parameters.
        """
        auxiliary = dict(zip(self.spec.auxiliary_parameters, others, strict=True))
        return self.log_likelihood(beta, self.taus(tau), auxiliary)

    def log_likelihood(self, beta: Array, taus: Taus, auxiliary: dict[str, Array]) -> Array:
        """Return the log-likelihood by study (studies, ...), all random effects integrated out."""
        integrated = self.integrate(beta, taus, self.rho_of(auxiliary))
        return log_likelihood(integrated, self.effects)

    def log_mean_given_data(
        self, beta: Array, taus: Taus, log_factor: Factor, nodes: tuple[int, int]
    ) -> Array:
        """Return log E prod_i F_i of studies (studies, ...) over u and w given the data.

        log_factor : from x beta + u + w (k, ..., nodes) to log F_i. Errors are independent.
        """
        steps = self.integrate(beta, taus, 0.0).steps
        mean = self.x @ beta

        def at(above: Array) -> Array:
            return log_factor(with_node_axes(mean, above) + above)

        return log_mean(at, steps, taus, self.nesting, nodes=nodes)

    def rho_of(self, auxiliary: Mapping[str, Array]) -> Scalar:
        """Return the correlation of errors within a group: a number, or (1, draws)."""
        rho = auxiliary.get("rho", self.spec.rho)
        return rho[None] if np.ndim(rho) else rho

    def integrate(self, beta: Array, taus: Taus, rho: Scalar) -> Marginal:
        """Return log|V| and r'V^-1 r by study for the residuals r = y - X beta."""
        if self.sufficient is not None:
            sums = residual_sums(self.sufficient, beta)
        else:
            residuals = self.residuals(beta)[:, None]
            options = {"tau_effect": taus.effect, "rho": rho, "by_study": True}
            sums = error_sums(residuals, self.v, self.nesting, **options)
        return marginal(sums, taus.above, self.nesting, by_study=True)

    def residuals(self, beta: Array) -> Array:
        """Return y - X beta (k, ...)."""
        fitted = self.x @ beta
        return (self.y if fitted.ndim == 1 else self.y[:, None]) - fitted

    def draw_random_effects(self, rng: Generator, draws: Parameters) -> RandomEffects:
        """Draw the random effects from their exact conditional distribution given the data."""
        return self.draw_given_taus(rng, draws, self.taus(draws.tau))

    def draw_given_taus(self, rng: Generator, draws: Parameters, taus: Taus) -> RandomEffects:
        """Draw the random effects given the data and the taus of every unit."""
        rho = self.rho_of(draws.auxiliary)
        integrated = self.integrate(draws.beta, taus, rho)
        counts = (self.nesting.groups, self.nesting.studies)
        normals = [rng.standard_normal((count, len(draws))) for count in counts]
        group, study = place_random_effects(integrated, taus.above, self.nesting, normals)
        return self.with_effect_level(rng, draws, study.effect[:, 0], group.effect[:, 0])

    def with_effect_level(
        self, rng: Generator, draws: Parameters, u: np.ndarray, w: np.ndarray
    ) -> RandomEffects:
        """Return u, w and a draw of d given them, 0 where the model lacks the effect level."""
        tau_effect = self.taus(draws.tau).effect
        if is_zero(tau_effect):
            return RandomEffects(u, w, np.zeros((len(self.y), len(draws))))
        residuals = self.residuals(draws.beta) - self.above_effects(u, w)
        options = {"tau_effect": tau_effect, "rho": self.rho_of(draws.auxiliary)}
        d = draw_effect_level(rng, residuals, self.v, self.nesting, **options)
        return RandomEffects(u, w, d)

    def above_effects(self, u: np.ndarray, w: np.ndarray) -> np.ndarray:
        """Return u + w of every effect (k, draws)."""
        return u[self.nesting.study_of_effect] + w[self.nesting.group_of_effect]

    def expected_effects(self, draws: Parameters) -> np.ndarray:
        """Return the means of the true effects given data and parameters (k, draws), for rho 0."""
        taus = self.taus(draws.tau)
        integrated = self.integrate(draws.beta, taus, 0.0)
        group, study = place_random_effects(integrated, taus.above, self.nesting)
        above = self.above_effects(study.effect[:, 0], group.effect[:, 0])
        mean = self.x @ draws.beta + above
        shrinkage = taus.effect**2 / (taus.effect**2 + self.v[:, None])
        return mean + shrinkage * (self.y[:, None] - mean)

    def row_sums(self, tau: np.ndarray, rho: float) -> np.ndarray:
        """Return the sums of the rows of the inverse of V at taus (taus,), as weights (k,)."""
        return row_sums(self.v, self.nesting, self.taus(tau), rho)

    def log_density_of_effects(self, draws: Parameters, random: RandomEffects) -> np.ndarray:
        """Return the log density of every effect given u and w (k, draws)."""
        mean = self.x @ draws.beta + self.above_effects(random.u, random.w)
        sd = np.sqrt(self.v[:, None] + np.square(self.taus(draws.tau).effect))
        return norm.logpdf(self.y[:, None], mean, sd)

    def replicate(self, rng: Generator, draws: Parameters, random: RandomEffects) -> np.ndarray:
        """Draw new results of the same studies (k, draws)."""
        theta = self.x @ draws.beta + self.above_effects(random.u, random.w) + random.d
        return theta + self.draw_errors(rng, draws)

    def replicate_new_studies(self, rng: Generator, draws: Parameters) -> np.ndarray:
        """Draw results of new studies with the same design (k, draws)."""
        return self.replicate(rng, draws, self.draw_new_effects(rng, draws))

    def draw_new_effects(self, rng: Generator, draws: Parameters) -> RandomEffects:
        """Draw the random effects of new studies from their prior."""
        taus = self.taus(draws.tau)
        counts = (self.nesting.studies, self.nesting.groups, len(self.y))
        u, w, d = (rng.standard_normal((count, len(draws))) for count in counts)
        return RandomEffects(taus.study * u, taus.group * w, taus.effect * d)

    def draw_errors(self, rng: Generator, draws: Parameters) -> np.ndarray:
        """Draw sampling errors (k, draws)."""
        rho = self.rho_of(draws.auxiliary)
        return draw_errors(rng, self.v, self.nesting, rho, (len(self.y), len(draws)))
