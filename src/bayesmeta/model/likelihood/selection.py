r"""Likelihood of a selection model: the steps of `steps` inside the hierarchy.

Given u and w the normal likelihood is multiplied by omega / A. They are sampled as standard normals z, placed by their
exact conditional distribution without selection (`conditionals`): the density of (beta, tau, z) is then

    p(y | beta, tau) N(z; 0, 1) prod_i omega_i / A_i

and where nothing is selected z is independent of all else. Integrated over z by Gauss-Hermite quadrature, study by
study, it gives the marginal likelihood, for comparison.
"""

from collections.abc import Callable
from typing import ClassVar

import numpy as np
import xarray as xr
from scipy.special import logsumexp

from bayesmeta.model.likelihood.arguments import Taus
from bayesmeta.model.likelihood.conditionals import draw_effect_level, place_random_effects
from bayesmeta.model.likelihood.draws import Parameters, RandomEffects
from bayesmeta.model.likelihood.kernel import (
    Array,
    Marginal,
    is_zero,
    log_likelihood,
    with_node_axes,
)
from bayesmeta.model.likelihood.normal import Normal
from bayesmeta.model.likelihood.steps import draw_published, log_selection, selection_from
from bayesmeta.model.spec import ModelSpec

NODES = 5  # per level: the log-likelihood of a study is then within 2e-4 of that by 25 on real data


class Selected(Normal):
    """Likelihood of published results with normal random effects, of which u and w are sampled."""

    engines: ClassVar[frozenset[str]] = frozenset({"nuts"})

    def __init__(self, design: xr.Dataset, spec: ModelSpec) -> None:
        super().__init__(design, spec)
        self.selection = selection_from(design, spec)

    @property
    def draws_at_once(self) -> int:
        """Return how many draws fit in memory at once."""
        return max(1, super().draws_at_once // 4)

    def log_density(self, beta: Array, tau: Array, *others: Array) -> Array:
        """Return the log density that NUTS climbs, of each study (studies,), given the standard normals z."""
        taus, weights = self.taus(tau), others[0]
        found = self.integrate(beta, taus, 0.0)
        normals = dict(zip(self.spec.sampled_levels, others[1:], strict=True))
        u, w = self.place(found, taus, normals, ())
        factors = self.log_factors(beta, taus, weights, self.above_effects(u, w))
        return log_likelihood(found, self.effects) + self.nesting.effects_of_study.sum(factors)

    def place(
        self, found: Marginal, taus: Taus, normals: dict[str, Array], shape: tuple[int, ...]
    ) -> tuple[Array, Array]:
        """Return u and w from the standard normals of sampled levels; 0 at a level that the model lacks."""
        counts = {"group": self.nesting.groups, "study": self.nesting.studies}
        filled = [normals.get(level, np.zeros((count, *shape))) for level, count in counts.items()]
        group, study = place_random_effects(found, taus.above, self.nesting, filled)
        return study.effect[:, 0], group.effect[:, 0]

    def log_factors(self, beta: Array, taus: Taus, weights: Array, above: Array) -> Array:
        """Return log omega - log A of each effect given u + w (k, ...)."""
        return log_selection(self.x @ beta + above, taus.effect, weights, self.selection)

    def log_likelihood(self, beta: Array, taus: Taus, auxiliary: dict[str, Array]) -> Array:
        """Return the log-likelihood of each study with all random effects integrated out (studies, draws)."""
        found = self.integrate(beta, taus, 0.0)
        shape = beta.shape[1:]

        def factors(z_study: float, z_group: float) -> np.ndarray:
            u, w = self.place(
                found, taus, {"study": z_study * ones[0], "group": z_group * ones[1]}, shape
            )
            return self.log_factors(beta, taus, auxiliary["weights"], self.above_effects(u, w))

        ones = [np.ones((count, *shape)) for count in (self.nesting.studies, self.nesting.groups)]
        return log_likelihood(found, self.effects) + self._log_mean(factors)

    def _log_mean(self, factors: Callable[[float, float], np.ndarray]) -> np.ndarray:
        """Return the log of the mean over (z_study, z_group) of the product of the factors (studies, draws)."""
        z, weight = np.polynomial.hermite_e.hermegauss(NODES)
        weight = weight / weight.sum()
        levels = self.spec.sampled_levels
        of_group = (z, weight) if "group" in levels else (z[:1] * 0, weight[:1] * 0 + 1)
        of_study = (z, weight) if "study" in levels else (z[:1] * 0, weight[:1] * 0 + 1)
        by_study = []
        for z_study in of_study[0]:
            given_study = np.stack(
                [self.nesting.levels[0].sum(factors(z_study, z_group)) for z_group in of_group[0]]
            )
            by_group = logsumexp(given_study, axis=0, b=_column(of_group[1], given_study))
            by_study.append(self.nesting.levels[1].sum(by_group))
        stacked = np.stack(by_study)
        return logsumexp(stacked, axis=0, b=_column(of_study[1], stacked))

    def draw_random_effects(self, rng: np.random.Generator, draws: Parameters) -> RandomEffects:
        """Place u and w by the draws of their standard normals; draw d given them."""
        taus = self.taus(draws.tau)
        found = self.integrate(draws.beta, taus, 0.0)
        u, w = self.place(found, taus, dict(draws.normals), (len(draws),))
        if is_zero(taus.effect):
            return RandomEffects(u, w, np.zeros((len(self.y), len(draws))))
        rest = self.residuals(draws.beta) - self.above_effects(u, w)
        d = draw_effect_level(rng, rest, self.v, self.nesting, tau_effect=taus.effect, rho=0.0)
        return RandomEffects(u, w, d)

    def log_density_of_effects(self, draws: Parameters, random: RandomEffects) -> np.ndarray:
        """Return the log density of each effect given u and w (k, draws)."""
        factors = self.log_factors(
            draws.beta,
            self.taus(draws.tau),
            draws.auxiliary["weights"],
            self.above_effects(random.u, random.w),
        )
        return super().log_density_of_effects(draws, random) + factors

    def replicate(
        self, rng: np.random.Generator, draws: Parameters, random: RandomEffects
    ) -> np.ndarray:
        """Draw new published results of the same studies (k, draws); the effect level is part of what is selected."""
        theta = self.x @ draws.beta + self.above_effects(random.u, random.w)
        tau_effect, weights = self.taus(draws.tau).effect, draws.auxiliary["weights"]
        return draw_published(rng, theta, tau_effect, weights, self.selection)


def _column(weight: np.ndarray, stacked: np.ndarray) -> np.ndarray:
    """Return weights (nodes,) with an axis for each further axis of an array."""
    return with_node_axes(weight, stacked)
