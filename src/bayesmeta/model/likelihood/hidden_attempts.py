r"""Likelihood of results that were published each by itself, whatever became of the others.

A study attempts a Poisson number of results with mean lambda; a result is published with
probability omega of its p-value, and m results are. The results that were attempted are alike to
those that were published: of the same groups, sizes and terms. Then

    p(y_s | m published) = E prod_i f(y_i | theta_i) omega_i e^(-lambda A_i / m)
                         / E prod_i A_i e^(-lambda A_i / m)

over u and w, with the probabilities A_i given u and w (`published_studies`), and e^(-lambda A) the
probability that no further result was published. Where lambda is near 0 all attempts were
published, as with results that are published together. Given the results, u and w do depend on the
weights: many attempts without a publication tell that the effects are small.

Results that are significant have the weight 1, so that lambda is the number that would have been
published if all had been significant. It is estimated from the results alone, whatever the counts
m, and weakly: its prior matters.
"""

from collections.abc import Mapping

import numpy as np
from numpy.random import Generator

from bayesmeta.model.likelihood.arguments import Taus
from bayesmeta.model.likelihood.arrays import Array, Scalar, namespace
from bayesmeta.model.likelihood.draws import (
    Parameters,
    RandomEffects,
    choose_by_study,
    draw_categories,
)
from bayesmeta.model.likelihood.exact_smd import ExactSmd
from bayesmeta.model.likelihood.normal import Normal
from bayesmeta.model.likelihood.publication import log_omega_of, omega_of, weights_of
from bayesmeta.model.likelihood.published_studies import Nodes
from bayesmeta.model.likelihood.selection import Selected

NODES = (7, 5)  # of study and group given the data; see the tests for their error
MOST = 12.0  # attempts; more count as so many, because the nodes would not be enough
CANDIDATES = 32  # per draw of a study; at 4 attempts the means of u are within .02; see the tests


class HiddenAttempts(Selected):
    """Likelihood of published results, beside which studies may have attempted others."""

    def _take(self, nodes: Nodes) -> None:
        super()._take(nodes)
        self.nodes += NODES[0] * NODES[1]

    def _by_relatives(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the results by what varies around their mean: all have u, and may have w."""
        has_group = np.full(len(self.y), "group" in self.spec.levels)
        return np.zeros(len(self.y), bool), ~has_group, has_group

    def log_likelihood(self, beta: Array, taus: Taus, auxiliary: dict[str, Array]) -> Array:
        """Return the log-likelihood by study (studies, ...), all random effects integrated out."""
        weights = weights_of(auxiliary["weights"], self.results)
        of_results = log_omega_of(self.statistics, weights, self.results)
        selected = self.nesting.effects_of_study.sum(of_results)
        omega = omega_of(weights, self.results)
        attempts = _attempts_of(auxiliary)
        published = self.log_published(beta, taus, omega, attempts)
        return self._log_results(beta, taus, omega, attempts) + selected - published

    def _log_results(self, beta: Array, taus: Taus, omega: Array, attempts: Scalar) -> Array:
        """Return the log density of the results and of no others (studies, ...)."""
        of_results = self.unselected
        tau_effect = self.of_effects(taus).effect
        every = np.arange(len(self.y))

        def log_factor(mean: Array) -> Array:
            log_A = self.publication.log_probability(mean, tau_effect**2, omega)
            log_factor = self.log_no_others(log_A, attempts, every)
            if isinstance(of_results, ExactSmd):
                log_factor = log_factor + of_results.log_effect_ratio(mean, taus.effect)
            return log_factor

        normal = Normal.log_likelihood(of_results, beta, taus, {})
        return normal + of_results.log_mean_given_data(beta, taus, log_factor, NODES)

    def draw_random_effects(self, rng: Generator, draws: Parameters) -> RandomEffects:
        """Draw the random effects: of candidates given normal results, one by the rest."""
        of_normal = self.unselected
        candidates = [Normal.draw_random_effects(of_normal, rng, draws) for _ in range(CANDIDATES)]
        log_weight = np.stack([self._log_no_others(draws, random) for random in candidates])
        if isinstance(of_normal, ExactSmd):
            log_weight += np.stack([of_normal.log_weight(draws, random) for random in candidates])
        return choose_by_study(candidates, draw_categories(rng, log_weight), self.nesting)

    def _log_no_others(self, draws: Parameters, random: RandomEffects) -> np.ndarray:
        """Return log P(no other result is published | u, w) (studies, draws)."""
        omega = omega_of(weights_of(draws.auxiliary["weights"], self.results), self.results)
        log_A = self._log_probability(draws, random, omega)
        every = np.arange(len(self.y))
        of_results = self.log_no_others(log_A, _attempts_of(draws.auxiliary), every)
        return self.nesting.effects_of_study.sum(of_results)

    def _log_probability_of_studies(
        self, draws: Parameters, random: RandomEffects, omega: np.ndarray
    ) -> np.ndarray:
        """Return log P(these results of a study and no others | u, w) (studies, draws)."""
        together = super()._log_probability_of_studies(draws, random, omega)
        return together + self._log_no_others(draws, random)


def _attempts_of(auxiliary: Mapping[str, Array]) -> Scalar:
    """Return lambda, a number or (1, draws)."""
    attempts = namespace(auxiliary["attempts"]).minimum(auxiliary["attempts"], MOST)
    return attempts[None] if np.ndim(attempts) else attempts
