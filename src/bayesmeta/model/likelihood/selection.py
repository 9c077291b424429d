r"""Likelihood of published results, under the prior of the random effects.

A study's results y_s, each published with probability omega of its p-value (`publication`), have

    p(y_s | published) = p(y_s) prod_i omega_i / E prod_i A_i(x_i beta + u + w + d_i)

where p(y_s) is the likelihood without selection and the mean is over the *prior* of u, w and d
(`published_studies`). Given the results, u, w and d do not depend on the weights.
`hidden_attempts` has studies with results that were not published.

Source: Vevea & Hedges 1995, doi 10.1007/BF02294384, for a single result per study.
"""

from typing import ClassVar

import numpy as np
from numpy.random import Generator

from bayesmeta.model.likelihood.arguments import Taus
from bayesmeta.model.likelihood.arrays import Array
from bayesmeta.model.likelihood.draws import (
    Parameters,
    RandomEffects,
    choose_by_study,
)
from bayesmeta.model.likelihood.publication import (
    draw_published,
    log_omega_of,
    omega_of,
    weights_of,
)
from bayesmeta.model.likelihood.published_studies import PublishedStudies

METROPOLIS_STEPS = 32  # an error below .01 tau in the mean of published effects; see the tests
VALUES_AT_ONCE = 200_000  # of an array (k, draws, nodes), which fits in the processor's cache


class Selected(PublishedStudies):
    """Likelihood of published results, normal or of Hedges' g."""

    engines: ClassVar[frozenset[str]] = frozenset({"nuts", "importance"})

    @property
    def draws_at_once(self) -> int:
        """Return the number of draws that fit in memory at once."""
        return max(1, VALUES_AT_ONCE // len(self.y))

    def log_likelihood(self, beta: Array, taus: Taus, auxiliary: dict[str, Array]) -> Array:
        """Return the log-likelihood by study (studies, ...), all random effects integrated out."""
        weights = weights_of(auxiliary["weights"], self.results)
        of_results = log_omega_of(self.statistics, weights, self.results)
        selected = self.nesting.effects_of_study.sum(of_results)
        unselected = self.unselected.log_likelihood(beta, taus, {})
        published = self.log_published(beta, taus, omega_of(weights, self.results))
        return unselected + selected - published

    def draw_random_effects(self, rng: Generator, draws: Parameters) -> RandomEffects:
        """Draw the random effects given the results, whatever the weights."""
        return self.unselected.draw_random_effects(rng, draws)

    def expected_effects(self, draws: Parameters) -> np.ndarray:
        """Return the means of the true effects given data and parameters (k, draws)."""
        return self.unselected.expected_effects(draws)

    def log_density_of_effects(self, draws: Parameters, random: RandomEffects) -> np.ndarray:
        """Return the log density of every effect given u and w (k, draws)."""
        weights = weights_of(draws.auxiliary["weights"], self.results)
        omega = omega_of(weights, self.results)
        of_results = log_omega_of(self.statistics, weights, self.results)
        density = self.unselected.log_density_of_effects(draws, random)
        return density + of_results - self._log_probability(draws, random, omega)

    def _log_probability(
        self, draws: Parameters, random: RandomEffects, omega: np.ndarray
    ) -> np.ndarray:
        """Return log A of every effect given u and w (k, draws)."""
        mean = self.x @ draws.beta + self.above_effects(random.u, random.w)
        variance = np.square(self.taus(draws.tau).effect)
        return np.asarray(self.publication.log_probability(mean, variance, omega))

    def replicate(self, rng: Generator, draws: Parameters, random: RandomEffects) -> np.ndarray:
        """Draw new published results (k, draws); d is drawn again, as a part of the results."""
        mean = self.x @ draws.beta + self.above_effects(random.u, random.w)
        variance = np.square(self.taus(draws.tau).effect)
        weights = weights_of(draws.auxiliary["weights"], self.results)
        drawn = draw_published(rng, mean, variance, weights, self.results)
        return self.results.per_statistic[:, None] * drawn

    def draw_new_effects(self, rng: Generator, draws: Parameters) -> RandomEffects:
        """Draw random effects of new studies that are published, by independent Metropolis steps.

        A step proposes a study from the prior, and takes it by the ratio of its probability of
        publication to that of the present one.
        """
        current = super().draw_new_effects(rng, draws)
        omega = omega_of(weights_of(draws.auxiliary["weights"], self.results), self.results)
        log_A = self._log_probability_of_studies(draws, current, omega)
        for _ in range(METROPOLIS_STEPS):
            proposed = super().draw_new_effects(rng, draws)
            log_proposed = self._log_probability_of_studies(draws, proposed, omega)
            taken = np.log(rng.random(log_A.shape)) < log_proposed - log_A
            log_A = np.where(taken, log_proposed, log_A)
            current = choose_by_study([current, proposed], taken.astype(int), self.nesting)
        return current

    def _log_probability_of_studies(
        self, draws: Parameters, random: RandomEffects, omega: np.ndarray
    ) -> np.ndarray:
        """Return log P(all results of a study are published) given u and w (studies, draws)."""
        return self.nesting.effects_of_study.sum(self._log_probability(draws, random, omega))
