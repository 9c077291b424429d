r"""Chains of parameters, coefficients and unknown moderators that move together.

A sweep of a chain with standard deviations z, coefficients (a, beta), moderators x and parameters
phi of their distribution:

    z | x, y          a Metropolis step, coefficients integrated out
    (a, beta) | z, x, y, and x | a, beta, z, phi, y, and phi | x    exactly

All effects of nested levels are integrated out throughout. Every draw is a chain: they move until
no quantity correlates with its start, and then as often again.
"""

from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from scipy.stats import multivariate_normal

from bayesmeta.inference.augmented.results import Results
from bayesmeta.inference.structured.moves import (
    ACCEPTED,
    CHANGE,
    FORGOTTEN,
    LARGEST,
    MOST_MOVES,
    TWICE,
)
from bayesmeta.model.moderators import Distribution, Drawn
from bayesmeta.model.moderators.distribution import Parameters
from bayesmeta.model.structure import Structured
from bayesmeta.model.structure.likelihood import Conditional
from bayesmeta.model.structure.parameters import values_at

NUMBERS_AT_ONCE = 4_000_000  # of the arrays of some chains
NOISE = 3.0  # standard errors of a correlation of zero
FEWEST_MOVES = 10
ADAPTED = 10  # sweeps after which the approximation is that of all chains


class Chains(NamedTuple):
    """The state of all chains."""

    z: np.ndarray  # (draws, size)
    coefficients: np.ndarray  # (draws, q + p)
    drawn: Drawn
    given: Parameters
    log_density: np.ndarray  # of z given x and y (draws,)
    sweeps: int
    correlation: float  # the largest of a quantity with its start


class Sampler:
    """Moves chains of a model with unknown moderators."""

    def __init__(self, likelihood: Structured, distribution: Distribution) -> None:
        self.likelihood = likelihood
        self.distribution = distribution
        self.results = Results(likelihood, distribution)

    def parts(self, draws: int) -> list[slice]:
        """Return slices of chains that fit in memory."""
        size = max(1, NUMBERS_AT_ONCE // self.results.numbers)
        return [slice(start, start + size) for start in range(0, draws, size)]

    def condition(self, z: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, Conditional]:
        """Return log p(y, z | x) but for its constant, and the distribution of (a, beta)."""
        likelihood = self.likelihood
        values = values_at(likelihood.parameters, z)
        with np.errstate(over="ignore", invalid="ignore"):  # far proposals may have no density
            given = likelihood.condition(values, columns=columns)
        log_det = given.log_det + given.log_pivots.sum(1)
        log_density = -0.5 * (log_det + given.quadratic + (z**2).sum(1))
        return np.nan_to_num(log_density, nan=-np.inf), given

    def run(
        self, z: np.ndarray, mean: np.ndarray, covariance: np.ndarray, rng: Generator
    ) -> Chains:
        """Move chains that start at z until they have forgotten their start.

        mean, covariance : of a normal approximation of the posterior of z.
        """
        drawn = self.distribution.start(len(z), rng)
        given = self.distribution.draw_parameters(drawn, rng)
        steps = [0.5, 2.4 / np.sqrt(max(1, len(mean)))]
        start: np.ndarray | None = None
        enough = 0
        correlation = np.inf
        for count in range(1, TWICE * MOST_MOVES + 1):
            walks = int(count % 3 == 0)
            proposed, log_odds = _propose(z, mean, covariance, steps[walks], rng, walks=bool(walks))
            chosen, log_density, coefficients, share = self._sweep(
                z, proposed, log_odds, drawn, given, rng
            )
            z = chosen
            given = self.distribution.draw_parameters(drawn, rng)
            if count == ADAPTED:
                mean, covariance = z.mean(0), np.cov(z.T).reshape(len(mean), -1)
            now = np.column_stack([z, coefficients[:, -self.likelihood.terms :], *given.gamma])
            start = now if start is None else start
            correlation = max(_correlations(start, now), default=0.0)
            if correlation < forgotten(len(z)) and count >= FEWEST_MOVES and not enough:
                enough = TWICE * count
            if count >= (enough or MOST_MOVES):
                break
            change = CHANGE if share > ACCEPTED[1] else 1 / CHANGE if share < ACCEPTED[0] else 1.0
            steps[walks] = min(LARGEST[walks], steps[walks] * change)
        return Chains(z, coefficients, drawn, given, log_density, count, correlation)

    def _sweep(
        self,
        z: np.ndarray,
        proposed: np.ndarray,
        log_odds: np.ndarray,
        drawn: Drawn,
        given: Parameters,
        rng: Generator,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        """Return z, its log density, (a, beta), the share accepted; `drawn` changes in place."""
        chosen = z.copy()
        densities = []
        coefficients = []
        accepted = 0
        for part in self.parts(len(z)):
            some = drawn.part(part)
            columns = self.results.columns(some)
            log_density, here = self.condition(z[part], columns)
            at_proposed, there = self.condition(proposed[part], columns)
            odds = at_proposed - log_density + log_odds[part]
            taken = np.log(rng.random(len(odds))) < odds
            accepted += taken.sum()
            kept = Conditional(*(_choose(taken, *pair) for pair in zip(there, here, strict=True)))
            chosen[part] = _choose(taken, proposed[part], z[part])
            drawn_coefficients = kept.coefficients(rng.standard_normal(kept.half.shape))
            values = values_at(self.likelihood.parameters, chosen[part])
            self.results.draw(some, values, drawn_coefficients, given.part(part), rng)
            densities.append(np.where(taken, at_proposed, log_density))
            coefficients.append(drawn_coefficients)
        share = accepted / len(z)
        return chosen, np.concatenate(densities), np.concatenate(coefficients), share


def forgotten(chains: int) -> float:
    """Return the correlation with their start that chains without any do not exceed by chance."""
    return float(max(FORGOTTEN, NOISE / np.sqrt(chains)))


def _choose(taken: np.ndarray, yes: np.ndarray, no: np.ndarray) -> np.ndarray:
    return np.where(taken.reshape(-1, *(1,) * (yes.ndim - 1)), yes, no)


def _propose(
    z: np.ndarray,
    mean: np.ndarray,
    covariance: np.ndarray,
    size: float,
    rng: Generator,
    *,
    walks: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Return proposals of z and the log odds of their proposal, as `structured.moves`."""
    if not z.shape[1]:
        return z, np.zeros(len(z))
    noise = size * rng.standard_normal(z.shape) @ np.linalg.cholesky(covariance).T
    if walks:
        return z + noise, np.zeros(len(z))
    proposed = mean + np.sqrt(1 - size**2) * (z - mean) + noise
    normal = multivariate_normal(mean, covariance, allow_singular=True)
    return proposed, np.atleast_1d(normal.logpdf(z) - normal.logpdf(proposed))


def _correlations(start: np.ndarray, now: np.ndarray) -> list[float]:
    return [
        abs(float(np.corrcoef(*pair)[0, 1])) for pair in zip(start.T, now.T, strict=True)
        if pair[0].std() > 0 and pair[1].std() > 0
    ]
