r"""Study effects with heavy tails, integrated out as exactly as the normal ones.

u_s ~ tau_study t(nu) is a normal with an unknown factor on its variance:

    u_s | lambda_s ~ N(0, lambda_s tau_study^2),     1 / lambda_s ~ Gamma(nu / 2, nu / 2)

Given lambda the identity of `kernel` holds with sqrt(lambda_s) tau_study in place of tau_study, so that one integral per
study is left, over x = -log lambda. Its integrand is analytic and falls fast on both sides: the trapezoid rule on nodes
spaced by a fraction of x's prior sd converges exponentially.
"""

from typing import ClassVar

import numpy as np

from bayesmeta.model.likelihood.arguments import Taus
from bayesmeta.model.likelihood.draws import Parameters, RandomEffects
from bayesmeta.model.likelihood.kernel import (
    Array,
    Marginal,
    Scalar,
    log_likelihood,
    namespace,
    special_functions,
    with_node_axes,
)
from bayesmeta.model.likelihood.normal import Normal

NODES = 160
LOWEST, HIGHEST = -14.0, 5.0  # of x in prior sds; far down, because outlying studies lie there


def scale_nodes(nu: Scalar) -> tuple[Array, Array]:
    """Return nodes lambda and the log of their prior density times their width, (nodes,) or (nodes, draws)."""
    special, xp, half = special_functions(nu), namespace(nu), nu / 2
    width = xp.sqrt(special.polygamma(1, half)) * (HIGHEST - LOWEST) / (NODES - 1)
    steps = np.arange(NODES) - (NODES - 1) * LOWEST / (LOWEST - HIGHEST)
    x = steps.reshape(-1, *(1,) * np.ndim(nu)) * width
    log_density = half * xp.log(half) - special.gammaln(half) + half * (x - xp.exp(x))
    return xp.exp(-x), log_density + xp.log(width)


def node_log_likelihood(
    found: Marginal, tau_study: Scalar, nu: Scalar, effects: np.ndarray
) -> Array:
    """Return the log-likelihood of each node and study, prior of the node included (nodes, studies, ...).

    found : of residuals by study, with a study effect of 0.
    """
    A, b, _ = found.steps[-1]
    xp, (scales, log_weight) = namespace(A, tau_study, nu), scale_nodes(nu)
    variance = scales[:, None] * tau_study**2
    inflation = 1 + variance * with_node_axes(A, scales)
    gain = variance * b[:, 0] ** 2 / inflation - xp.log(inflation)
    return log_weight[:, None] + 0.5 * gain + log_likelihood(found, effects)


class Student(Normal):
    """Likelihood with Student t study effects, their scales integrated out."""

    engines: ClassVar[frozenset[str]] = frozenset({"nuts"})

    def log_likelihood(self, beta: Array, taus: Taus, auxiliary: dict[str, Array]) -> Array:
        """Return the log-likelihood of each study with all random effects integrated out (studies, ...)."""
        nodes = self._nodes(beta, taus, auxiliary)
        return special_functions(nodes).logsumexp(nodes, axis=0)

    def _nodes(self, beta: Array, taus: Taus, auxiliary: dict[str, Array]) -> Array:
        found = self.integrate(beta, taus._replace(study=0.0), self.rho_of(auxiliary))
        return node_log_likelihood(found, taus.study, auxiliary["nu"], self.effects)

    @property
    def draws_at_once(self) -> int:
        """Return how many draws fit in memory at once."""
        return min(super().draws_at_once, max(1, 4_000_000 // (NODES * self.nesting.studies)))

    def draw_random_effects(self, rng: np.random.Generator, draws: Parameters) -> RandomEffects:
        """Draw the scale of each study, and then the random effects."""
        taus = self.taus(draws.tau)
        nodes = self._nodes(draws.beta, taus, dict(draws.auxiliary))
        chosen = draw_categories(rng, nodes)
        scale = np.take_along_axis(scale_nodes(draws.auxiliary["nu"])[0], chosen, axis=0)
        return self.draw_given_taus(rng, draws, taus._replace(study=taus.study * np.sqrt(scale)))

    def draw_new_effects(self, rng: np.random.Generator, draws: Parameters) -> RandomEffects:
        """Draw the random effects of new studies, those of studies from a t distribution."""
        random = super().draw_new_effects(rng, draws)
        nu = draws.auxiliary["nu"]
        scale = np.sqrt(rng.chisquare(nu, random.u.shape) / nu)
        return random._replace(u=random.u / scale)


def draw_categories(rng: np.random.Generator, log_weight: np.ndarray) -> np.ndarray:
    """Draw a category of each column: log weights (categories, ...) to indices (...)."""
    weight = np.exp(log_weight - log_weight.max(axis=0)).cumsum(axis=0)
    return (weight < rng.random(log_weight.shape[1:]) * weight[-1]).sum(axis=0)
