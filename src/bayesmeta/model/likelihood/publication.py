r"""The probability that a result is published: a weight for each step of its p-value.

A result is a statistic T with a given mean, and reaches a p-value below a_j where T in the
published direction exceeds a bound c_j. For a normal result y with variance v and for Hedges' g
(`exact_smd`) alike

    T = (r m + k z) / s,    P(T > c | m) = E_s Phi((r m - c s) / k),    k^2 = 1 + r^2 V

where m is the mean, V the variance of the random effects that vary around it, z standard normal and

    y:  T = y / sqrt(v),    r = 1 / sqrt(v),    s = 1,                     c_j normal quantiles
    g:  T = t,              r = sqrt(n),        s^2 chi-square / df,       c_j t quantiles

With weights omega relative to the most significant step, whose weight is 1,

    A(m) = sum_j omega_j P(p in step j | m)

is the probability of publication. A step of two-sided p-values is reached on both sides. A weight
that is a smooth function of p has the steps of `beta_weights`.

Source: Vevea & Hedges 1995, doi 10.1007/BF02294384.
"""

from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.random import Generator
from scipy.special import chdtri, ndtr
from scipy.stats import norm
from scipy.stats import t as student_t

from bayesmeta.model.likelihood.arguments import nesting_of
from bayesmeta.model.likelihood.arrays import (
    Array,
    Scalar,
    evaluate_each,
    namespace,
    special_of,
    with_node_axes,
)
from bayesmeta.model.likelihood.beta_weights import log_omega, log_top, nodes, staircase
from bayesmeta.model.likelihood.exact_smd import statistics_of
from bayesmeta.model.spec import ModelSpec

LEAST_PROBABILITY = 1e-10  # of publication
FEW_STEPS = 3  # more make a loop that is compiled once
SCALES = 5  # nodes of s: an error below 1e-4 in a probability with 6 degrees of freedom


class Results(NamedTuple):
    """Constants of results (k,), each of which is published or not."""

    direction: np.ndarray  # 1 or -1, in which results are published
    r: np.ndarray
    bounds: np.ndarray  # c_j, descending (k, steps - 1)
    df: np.ndarray  # degrees of freedom; inf of normal results
    stratum: np.ndarray  # for the choice of weights
    per_statistic: np.ndarray  # y per T
    two_sided: bool
    beta: bool = False  # whether weights are of the beta function

    def at(self, chosen: np.ndarray) -> "Results":
        """Return some of the results."""
        return Results(
            self.direction[chosen],
            self.r[chosen],
            self.bounds[chosen],
            self.df[chosen],
            self.stratum[chosen],
            self.per_statistic[chosen],
            self.two_sided,
            self.beta,
        )


def results_of(design: xr.Dataset, spec: ModelSpec) -> tuple[Results, np.ndarray]:
    """Return the constants of a design's results, and their statistics T (k,)."""
    stratum = np.zeros(design.sizes["effect"], int)
    if spec.tau_by:
        stratum = design["study_stratum"].values[nesting_of(design).study_of_effect]
    beta = spec.weight_function == "beta"
    p = nodes()[0] if beta else np.array(spec.cutpoints)
    cutpoints = p / (2 if spec.two_sided else 1)
    if spec.likelihood == "t":
        statistics = statistics_of(design)
        r, df, per_statistic = (statistics.root_n, statistics.m, statistics.g_per_t)
        bounds = student_t.isf(cutpoints, df[:, None])
    else:
        r = 1 / np.sqrt(design["vi"].values)
        df = np.full(len(r), np.inf)
        per_statistic = 1 / r
        bounds = np.broadcast_to(norm.isf(cutpoints), (len(r), len(cutpoints)))
    direction = design["published"].values
    results = Results(direction, r, bounds, df, stratum, per_statistic, spec.two_sided, beta)
    return results, design["yi"].values / per_statistic


def steps_of(T: np.ndarray, results: Results) -> np.ndarray:
    """Return the step of every statistic (k, ...); 0 is the most significant."""
    directed = with_node_axes(results.direction, T) * T
    size = np.abs(T) if results.two_sided else directed
    return (size[:, None] < with_node_axes(results.bounds, T, 1)).sum(1)


def weights_of(weights: Array, results: Results) -> Array:
    """Return the weights of the stratum of every result (k, weights of a stratum, ...)."""
    per_stratum = 2 if results.beta else results.bounds.shape[1]
    return weights.reshape(-1, per_stratum, *weights.shape[1:])[results.stratum]


def omega_of(weights: Array, results: Results) -> Array:
    """Return the weights of every result's steps (k, steps, ...), of `weights_of`."""
    xp = namespace(weights)
    if results.beta:
        return staircase(weights)
    return xp.concatenate([xp.ones_like(weights[:, :1]), weights], 1)


def log_omega_of(T: np.ndarray, weights: Array, results: Results) -> Array:
    """Return the log weight of every statistic (k,): (k, ...), of `weights_of`."""
    if not results.beta:
        omega = omega_of(weights, results)
        return namespace(weights).log(omega[np.arange(len(T)), steps_of(T, results)])
    size = np.abs(T) if results.two_sided else results.direction * T
    tail = norm.sf(size) if np.isinf(results.df).all() else student_t.sf(size, results.df)
    p = with_node_axes((2 if results.two_sided else 1) * tail, weights[:, 0])
    return log_omega(p, weights[:, 0], weights[:, 1])


def scale_nodes(df: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return nodes s (k, nodes) and their weights (nodes,); a single node 1 of normal results."""
    if np.isinf(df).all():
        return np.ones((len(df), 1)), np.ones(1)
    z, weight = np.polynomial.hermite_e.hermegauss(SCALES)
    return np.sqrt(chdtri(df[:, None], ndtr(-z)) / df[:, None]), weight / weight.sum()


class Publication:
    """Probability of publication of results (k,)."""

    def __init__(self, results: Results) -> None:
        self.results = results
        self.scales, self.scale_weight = scale_nodes(results.df)

    def reached(self, mean: Array, variance: Scalar) -> Array:
        """Return P(p < a_j | mean) of every step but the last (k, steps - 1, ...).

        mean (k, ...); variance : of the random effects around it, a number or (k or 1, ...).
        """
        xp = namespace(mean, variance)
        r, direction = (with_node_axes(x, mean) for x in (self.results.r, self.results.direction))
        spread = xp.sqrt(1 + r**2 * with_node_axes(variance, mean))
        distance = r * mean * direction
        special = special_of(distance, spread)

        def beyond(bound: Array) -> Array:
            bound = with_node_axes(bound, distance)
            tail = special.ndtr((distance - bound) / spread)
            if self.results.two_sided:
                tail = tail + special.ndtr((-distance - bound) / spread)
            return tail

        def averaged(c: Array) -> Array:
            tails = evaluate_each(lambda scale: beyond(c * scale), self.scales.T, distance, spread)
            return xp.tensordot(self.scale_weight, tails, 1)

        bounds = self.results.bounds.T
        if len(bounds) > FEW_STEPS:
            return xp.moveaxis(evaluate_each(averaged, bounds, distance, spread), 0, 1)
        return xp.stack([averaged(c) if c.any() else beyond(c) for c in bounds], 1)

    def log_probability(self, mean: Array, variance: Scalar, omega: Array) -> Array:
        """Return log A (k, ...) for weights omega (k, steps, ...).

        A is at least `LEAST_PROBABILITY`. Below it the nodes of the scale have few digits, and a
        mean far against the published direction would be likely where A is too small.
        """
        xp = namespace(mean, variance, omega)
        reached = self.reached(mean, variance)
        omega = with_node_axes(omega, reached)
        A = omega[:, -1] + ((omega[:, :-1] - omega[:, 1:]) * reached).sum(1)
        return xp.log(xp.maximum(A, LEAST_PROBABILITY))


def draw_published(
    rng: Generator, mean: np.ndarray, variance: np.ndarray, weights: np.ndarray, results: Results
) -> np.ndarray:
    """Draw published statistics T (k, draws) by rejection.

    Shapes as for `log_probability`, and of `weights_of`.
    """
    weights = np.broadcast_to(weights, (*weights.shape[:2], mean.shape[1]))
    variance = np.broadcast_to(variance, mean.shape)
    top = log_top(weights) if results.beta else np.log(omega_of(weights, results).max(1))
    T = np.empty(mean.shape)
    row, draw = (place.ravel() for place in np.indices(mean.shape))
    while len(row):
        here = results.at(row)
        spread = np.sqrt(1 + here.r**2 * variance[row, draw])
        proposed = here.r * mean[row, draw] + spread * rng.standard_normal(len(row))
        if np.isfinite(results.df).all():
            proposed = proposed / np.sqrt(rng.chisquare(here.df) / here.df)
        log_chance = log_omega_of(proposed, weights[row, :, draw], here) - top[row, draw]
        accepted = np.log(rng.random(len(row))) < log_chance
        T[row[accepted], draw[accepted]] = proposed[accepted]
        row, draw = row[~accepted], draw[~accepted]
    return T
