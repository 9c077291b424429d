r"""Chains of parameters, coefficients and unknown moderators that move together.

A sweep of a chain with standard deviations z, coefficients (a, beta), moderators x and parameters
phi of their distribution:

    z | x, y          some Metropolis steps, coefficients integrated out
    (a, beta) | z, x, y, and x | a, beta, z, phi, y, and phi | x    exactly

All effects of nested levels are integrated out throughout. Every draw is a chain: they move until
no quantity correlates with its start, and then twice as often again.
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
)
from bayesmeta.model.moderators.distribution import Distribution, Drawn, Parameters
from bayesmeta.model.structure import Structured
from bayesmeta.model.structure.likelihood import Conditional
from bayesmeta.model.structure.parameters import values_at

NUMBERS_AT_ONCE = 4_000_000  # of the arrays of some chains
NOISE = 3.0  # standard errors of a correlation of zero
FEWEST_MOVES = 10
THRICE = 3
STEPS = 3  # of the parameters in a sweep: far moves, and the last a random walk
MOST_NUMBERS = 50  # unknown numbers whose start is compared
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
        """Return log p(y, z | x) without its constant, and the distribution of (a, beta)."""
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
        proposal = Proposal(mean, covariance)
        start: np.ndarray | None = None
        enough = 0
        correlation = np.inf
        for count in range(1, THRICE * MOST_MOVES + 1):
            z, log_density, coefficients = self._sweep(z, proposal, drawn, given, rng)
            given = self.distribution.draw_parameters(drawn, rng)
            if count == ADAPTED and z.shape[1]:
                proposal.mean, proposal.covariance = z.mean(0), np.cov(z.T).reshape(z.shape[1], -1)
            beta = coefficients[:, -self.likelihood.terms :]
            now = np.column_stack([z, beta, *given.gamma, self._numbers(drawn)])
            start = now if start is None else start
            correlation = max(_correlations(start, now), default=0.0)
            if correlation < forgotten(len(z)) and count >= FEWEST_MOVES and not enough:
                enough = THRICE * count
            if count >= (enough or MOST_MOVES):
                break
        return Chains(z, coefficients, drawn, given, log_density, count, correlation)

    def _numbers(self, drawn: Drawn) -> np.ndarray:
        """Return the first unknown numbers (draws, n)."""
        table = self.distribution.table
        units = [unit for unit in self.distribution.units if unit.is_number][:MOST_NUMBERS]
        names = [table.numbers[unit.at].name for unit in units]
        columns = [
            drawn.features[:, unit.rows[0], table.features[name].column]
            for unit, name in zip(units, names, strict=True)
        ]
        return np.column_stack(columns) if columns else np.zeros((len(drawn.chosen), 0))

    def _sweep(
        self, z: np.ndarray, proposal: "Proposal", drawn: Drawn, given: Parameters, rng: Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return z, its log density, and (a, beta); `drawn` changes in place."""
        z = z.copy()
        densities = []
        coefficients = []
        accepted = np.zeros(STEPS)
        for part in self.parts(len(z)):
            some = drawn.part(part)
            columns = self.results.columns(some)
            log_density, now = self.condition(z[part], columns)
            for step in range(STEPS if z.shape[1] else 0):
                proposed, log_odds = proposal.draw(z[part], step, rng)
                at_proposed, there = self.condition(proposed, columns)
                taken = np.log(rng.random(len(log_odds))) < at_proposed - log_density + log_odds
                accepted[step] += taken.sum()
                now = Conditional(*(_choose(taken, *x) for x in zip(there, now, strict=True)))
                z[part] = _choose(taken, proposed, z[part])
                log_density = np.where(taken, at_proposed, log_density)
            of_part = now.coefficients(rng.standard_normal(now.half.shape))
            values = values_at(self.likelihood.parameters, z[part])
            self.results.draw(some, values, of_part, given.part(part), rng)
            densities.append(log_density)
            coefficients.append(of_part)
        proposal.adapt(accepted / len(z))
        return z, np.concatenate(densities), np.concatenate(coefficients)


class Proposal:
    """Proposals of the parameters, as those of `structured.moves`."""

    def __init__(self, mean: np.ndarray, covariance: np.ndarray) -> None:
        self.mean = mean
        self.covariance = covariance
        self.sizes = [0.5, 2.4 / np.sqrt(max(1, len(mean)))]

    def draw(self, z: np.ndarray, step: int, rng: Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return proposals of z (draws, size), and the log odds of proposing z from them."""
        walks = int(step == STEPS - 1)
        size = self.sizes[walks]
        noise = size * rng.standard_normal(z.shape) @ np.linalg.cholesky(self.covariance).T
        if walks:
            return z + noise, np.zeros(len(z))
        proposed = self.mean + np.sqrt(1 - size**2) * (z - self.mean) + noise
        normal = multivariate_normal(self.mean, self.covariance, allow_singular=True)
        return proposed, np.atleast_1d(normal.logpdf(z) - normal.logpdf(proposed))

    def adapt(self, shares: np.ndarray) -> None:
        """Change the sizes of the steps by the shares of accepted proposals (steps,)."""
        for walks, share in enumerate((shares[:-1].mean(), shares[-1])):
            change = CHANGE if share > ACCEPTED[1] else 1 / CHANGE if share < ACCEPTED[0] else 1.0
            self.sizes[walks] = min(LARGEST[walks], self.sizes[walks] * change)


def forgotten(chains: int) -> float:
    """Return the correlation with their start that chains without any do not exceed by chance."""
    return float(max(FORGOTTEN, NOISE / np.sqrt(chains)))


def _choose(taken: np.ndarray, yes: np.ndarray, no: np.ndarray) -> np.ndarray:
    return np.where(taken.reshape(-1, *(1,) * (yes.ndim - 1)), yes, no)


def _correlations(start: np.ndarray, now: np.ndarray) -> list[float]:
    return [
        abs(float(np.corrcoef(*pair)[0, 1]))
        for pair in zip(start.T, now.T, strict=True)
        if pair[0].std() > 0 and pair[1].std() > 0
    ]
