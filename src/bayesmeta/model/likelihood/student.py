r"""Study effects with heavy tails, integrated out as exactly as the normal ones.

u_s ~ tau_study t(nu) is a normal with an unknown factor on its variance:

    u_s | lambda_s ~ N(0, lambda_s tau_study^2),     1 / lambda_s ~ Gamma(nu / 2, nu / 2)

Given lambda the identity of `kernel` holds with sqrt(lambda_s) tau_study in place of tau_study, so
that one integral per study is left, over x = -log lambda. Its integrand is analytic and falls fast
on both sides: the trapezoid rule on nodes spaced by a fraction of the prior sd of x converges
exponentially.
"""

from typing import ClassVar

import numpy as np
from numpy.random import Generator

from bayesmeta.model.likelihood.arguments import Taus
from bayesmeta.model.likelihood.arrays import Array, Scalar, namespace, special_of, with_node_axes
from bayesmeta.model.likelihood.draws import Parameters, RandomEffects, draw_categories
from bayesmeta.model.likelihood.kernel import log_likelihood
from bayesmeta.model.likelihood.normal import Normal

NODES = 160
LOWEST = -14.0  # node, in prior sds of x; so low because outlying studies have small x
HIGHEST = 5.0  # node, in prior sds of x
NODE_VALUES_AT_ONCE = 4_000_000  # of an array (nodes, studies, draws)


def scale_nodes(nu: Scalar) -> tuple[Array, Array]:
    """Return nodes lambda and log prior density times width, (nodes,) or (nodes, draws)."""
    special = special_of(nu)
    xp = namespace(nu)
    half = nu / 2
    width = xp.sqrt(special.polygamma(1, half)) * (HIGHEST - LOWEST) / (NODES - 1)
    steps = np.arange(NODES) - (NODES - 1) * LOWEST / (LOWEST - HIGHEST)
    x = steps.reshape(-1, *(1,) * np.ndim(nu)) * width
    log_density = half * xp.log(half) - special.gammaln(half) + half * (x - xp.exp(x))
    return xp.exp(-x), log_density + xp.log(width)


class Student(Normal):
    """Likelihood with Student t study effects, their scales integrated out."""

    engines: ClassVar[frozenset[str]] = frozenset({"nuts", "importance"})

    def log_likelihood(self, beta: Array, taus: Taus, auxiliary: dict[str, Array]) -> Array:
        """Return the log-likelihood by study (studies, ...), all random effects integrated out."""
        by_node = self._by_node(beta, taus, auxiliary)
        return special_of(by_node).logsumexp(by_node, axis=0)

    def _by_node(self, beta: Array, taus: Taus, auxiliary: dict[str, Array]) -> Array:
        """Return the log-likelihood with the prior of the scale's node (nodes, studies, ...)."""
        integrated = self.integrate(beta, taus._replace(study=0.0), self.rho_of(auxiliary))
        A, b, _ = integrated.steps[-1]
        scales, log_weight = scale_nodes(auxiliary["nu"])
        variance = scales[:, None] * taus.study**2
        inflation = 1 + variance * with_node_axes(A, scales)
        gain = variance * b[:, 0] ** 2 / inflation - namespace(inflation).log(inflation)
        return log_weight[:, None] + 0.5 * gain + log_likelihood(integrated, self.effects)

    @property
    def draws_at_once(self) -> int:
        """Return the number of draws that fit in memory at once."""
        by_nodes = NODE_VALUES_AT_ONCE // (NODES * self.nesting.studies)
        return min(super().draws_at_once, max(1, by_nodes))

    def draw_random_effects(self, rng: Generator, draws: Parameters) -> RandomEffects:
        """Draw the scale of every study, and then the random effects."""
        taus = self.taus(draws.tau)
        by_node = self._by_node(draws.beta, taus, dict(draws.auxiliary))
        chosen = draw_categories(rng, by_node)
        scale = np.take_along_axis(scale_nodes(draws.auxiliary["nu"])[0], chosen, axis=0)
        return self.draw_given_taus(rng, draws, taus._replace(study=taus.study * np.sqrt(scale)))

    def draw_new_effects(self, rng: Generator, draws: Parameters) -> RandomEffects:
        """Draw the random effects of new studies, those of studies from a t distribution."""
        random = super().draw_new_effects(rng, draws)
        nu = draws.auxiliary["nu"]
        scale = np.sqrt(rng.chisquare(nu, random.u.shape) / nu)
        return random._replace(u=random.u / scale)
