r"""Likelihood of a selection model: the steps of `steps` inside the hierarchy.

Given u and w the normal likelihood is multiplied by omega / A. They are sampled as standard normals
z, placed by their exact conditional distribution without selection (`conditionals`): the density of
(beta, tau, z) is then

    p(y | beta, tau) N(z; 0, 1) prod_i omega_i / A_i

and where nothing is selected z is independent of the other parameters. For model comparison the
marginal likelihood is the integral over z by Gauss-Hermite quadrature, study by study.
"""

from collections.abc import Callable
from typing import ClassVar

import numpy as np
import xarray as xr
from numpy.random import Generator
from scipy.special import logsumexp

from bayesmeta.model.likelihood.arguments import Taus
from bayesmeta.model.likelihood.arrays import Array, with_node_axes
from bayesmeta.model.likelihood.conditionals import place_random_effects
from bayesmeta.model.likelihood.draws import Parameters, RandomEffects
from bayesmeta.model.likelihood.kernel import Marginal, log_likelihood
from bayesmeta.model.likelihood.normal import Normal
from bayesmeta.model.likelihood.steps import draw_published, log_selection, selection_from
from bayesmeta.model.spec import ModelSpec

NODES = 5  # per level: a study's log-likelihood is then within 2e-4 of that by 25 on real data
STEP_ARRAYS = 4  # arrays by step (k, steps, draws) are about so many times as large as (k, draws)


class Selected(Normal):
    """Likelihood of published results with normal random effects, of which u and w are sampled."""

    engines: ClassVar[frozenset[str]] = frozenset({"nuts"})

    def __init__(self, design: xr.Dataset, spec: ModelSpec) -> None:
        super().__init__(design, spec)
        self.selection = selection_from(design, spec)

    @property
    def draws_at_once(self) -> int:
        """Return the number of draws that fit in memory at once."""
        return max(1, super().draws_at_once // STEP_ARRAYS)

    def log_density(self, beta: Array, tau: Array, *others: Array) -> Array:
        """Return the log density that NUTS samples from, by study (studies,), given z."""
        weights, *normals = others
        taus = self.taus(tau)
        integrated = self.integrate(beta, taus, 0.0)
        by_level = dict(zip(self.spec.sampled_levels, normals, strict=True))
        u, w = self.place(integrated, taus, by_level, ())
        factors = self.log_factors(beta, taus, weights, self.above_effects(u, w))
        unselected = log_likelihood(integrated, self.effects)
        return unselected + self.nesting.effects_of_study.sum(factors)

    def place(
        self, integrated: Marginal, taus: Taus, normals: dict[str, Array], shape: tuple[int, ...]
    ) -> tuple[Array, Array]:
        """Return u and w from the standard normals of sampled levels; 0 at an absent level."""
        counts = {"group": self.nesting.groups, "study": self.nesting.studies}
        z = [normals.get(level, np.zeros((count, *shape))) for level, count in counts.items()]
        group, study = place_random_effects(integrated, taus.above, self.nesting, z)
        return study.effect[:, 0], group.effect[:, 0]

    def log_factors(self, beta: Array, taus: Taus, weights: Array, above: Array) -> Array:
        """Return log omega - log A of every effect given u + w (k, ...)."""
        return log_selection(self.x @ beta + above, taus.effect, weights, self.selection)

    def log_likelihood(self, beta: Array, taus: Taus, auxiliary: dict[str, Array]) -> Array:
        """Return the log-likelihood by study (studies, ...), all random effects integrated out."""
        integrated = self.integrate(beta, taus, 0.0)
        shape = beta.shape[1:]
        studies = np.ones((self.nesting.studies, *shape))
        groups = np.ones((self.nesting.groups, *shape))

        def factors(z_study: float, z_group: float) -> np.ndarray:
            z = {"study": z_study * studies, "group": z_group * groups}
            u, w = self.place(integrated, taus, z, shape)
            return self.log_factors(beta, taus, auxiliary["weights"], self.above_effects(u, w))

        return log_likelihood(integrated, self.effects) + self._log_mean(factors)

    def _log_mean(self, factors: Callable[[float, float], np.ndarray]) -> np.ndarray:
        """Return the log mean over z of the product of the factors (studies, draws)."""
        z_studies, study_weights = self._nodes("study")
        z_groups, group_weights = self._nodes("group")
        by_study = []
        for z_study in z_studies:
            effects = (factors(z_study, z_group) for z_group in z_groups)
            by_node = np.stack([self.nesting.levels[0].sum(values) for values in effects])
            by_group = logsumexp(by_node, axis=0, b=with_node_axes(group_weights, by_node))
            by_study.append(self.nesting.levels[1].sum(by_group))
        stacked = np.stack(by_study)
        return logsumexp(stacked, axis=0, b=with_node_axes(study_weights, stacked))

    def _nodes(self, level: str) -> tuple[np.ndarray, np.ndarray]:
        """Return nodes and weights (nodes,) for the normal of a level; 0 for an absent level."""
        if level not in self.spec.sampled_levels:
            return np.zeros(1), np.ones(1)
        z, weight = np.polynomial.hermite_e.hermegauss(NODES)
        return z, weight / weight.sum()

    def draw_random_effects(self, rng: Generator, draws: Parameters) -> RandomEffects:
        """Place u and w by the draws of their standard normals; draw d given them."""
        taus = self.taus(draws.tau)
        integrated = self.integrate(draws.beta, taus, 0.0)
        u, w = self.place(integrated, taus, dict(draws.normals), (len(draws),))
        return self.with_effect_level(rng, draws, u, w)

    def log_density_of_effects(self, draws: Parameters, random: RandomEffects) -> np.ndarray:
        """Return the log density of the effects given u and w (k, draws)."""
        taus = self.taus(draws.tau)
        above = self.above_effects(random.u, random.w)
        factors = self.log_factors(draws.beta, taus, draws.auxiliary["weights"], above)
        return super().log_density_of_effects(draws, random) + factors

    def replicate(self, rng: Generator, draws: Parameters, random: RandomEffects) -> np.ndarray:
        """Draw new published results (k, draws); d is drawn anew, as a part of the results."""
        theta = self.x @ draws.beta + self.above_effects(random.u, random.w)
        tau_effect = self.taus(draws.tau).effect
        return draw_published(rng, theta, tau_effect, draws.auxiliary["weights"], self.selection)
