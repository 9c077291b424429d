r"""Standardised mean differences as the t statistics that they are, instead of as normals.

Hedges' g of two independent groups is J(m) t / sqrt(n), with m = n1 + n2 - 2, n = n1 n2 / (n1 + n2)
and J the small-sample correction. Where scores are normal with equal variances, exactly

    t_i | theta_i ~ noncentral t with m_i degrees of freedom and noncentrality theta_i sqrt(n_i),
    theta_i = x_i beta + u + w + d_i

The standardised mean change of one group, over the SD of the change, has m = n1 - 1 and n = n1.
No v_i enters. The usual N(g; theta, v(g)) ties the weight of a result to the result, and pulls
means towards zero.

As a function of theta_i the likelihood is nearly normal: a working normal N(y'_i; theta_i, v'_i)
matches its slope and curvature at the conditional mean of theta_i, found by iteration. All that the
kernel does for normals then holds for the working data (y', v'), and the exact likelihood of a
study is that of its working data times

    E prod_i f(t_i | theta_i) / N(y'_i; theta_i, v'_i)

over u, w and d given the working data (`nested_mean`): ratios near 1, so that few nodes suffice.
"""

from typing import ClassVar, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from numpy.random import Generator

from bayesmeta.data.effect_sizes import correction
from bayesmeta.model.likelihood.arguments import Taus
from bayesmeta.model.likelihood.arrays import Array, Scalar, is_zero, with_node_axes
from bayesmeta.model.likelihood.draws import (
    Parameters,
    RandomEffects,
    choose_by_study,
    draw_categories,
)
from bayesmeta.model.likelihood.nested_mean import NormalNodes
from bayesmeta.model.likelihood.noncentral_t import NoncentralT
from bayesmeta.model.likelihood.normal import Normal
from bayesmeta.model.likelihood.rough_fit import rough_fit
from bayesmeta.model.spec import ModelSpec

NODES = (5, 5)  # of study and group: a study's log-likelihood is within 1e-4 of that by 15
EFFECT_NODES = 5
ITERATIONS = 8  # of the working normals; five reach the limit to three digits on real data
STEP = 1e-3  # of the numerical derivatives of log f, in sds of g
CANDIDATES = 8  # per draw of a study's random effects
VALUES_AT_ONCE = 200_000  # of an array (k, draws, nodes), which fits in the processor's cache


class Statistics(NamedTuple):
    """The results as t statistics (k,)."""

    t: np.ndarray
    m: np.ndarray  # degrees of freedom
    root_n: np.ndarray  # noncentrality per unit of theta
    g_per_t: np.ndarray  # g = g_per_t t
    total: np.ndarray  # number of subjects

    def variance(self, g: np.ndarray) -> np.ndarray:
        """Return the variance of g (k, ...) that a normal likelihood has."""
        root_n, total = (with_node_axes(x, g) for x in (self.root_n, self.total))
        return np.asarray(1 / root_n**2 + g**2 / (2 * total))


class ExactSmd(Normal):
    """Likelihood of Hedges' g with normal random effects, all integrated out."""

    engines: ClassVar[frozenset[str]] = frozenset({"nuts", "importance"})

    def __init__(self, design: xr.Dataset, spec: ModelSpec) -> None:
        self.statistics = statistics_of(design)
        self.density = NoncentralT(self.statistics.t, self.statistics.m)
        super().__init__(design, spec)
        for _ in range(ITERATIONS):
            theta = self.expected_effects(rough_fit(design, spec).parameters)
            design = self.working_design(design, theta[:, 0])
            super().__init__(design, spec)
        self.working = design
        self.nodes = NODES[0] * NODES[1] * (EFFECT_NODES if "effect" in spec.levels else 1)

    def working_design(self, design: xr.Dataset, theta: np.ndarray) -> xr.Dataset:
        """Return the design with the working data around theta (k,) in place of yi and vi."""
        below, at, above = (self.log_f(theta + shift) for shift in (-STEP, 0.0, STEP))
        variance = STEP**2 / (2 * at - below - above)  # log f is concave in theta
        y = theta + variance * (above - below) / (2 * STEP)
        return design.assign(yi=("effect", y), vi=("effect", variance))

    def log_f(self, theta: Array) -> Array:
        """Return the log density of every g given theta (k, ...)."""
        root_n = with_node_axes(self.statistics.root_n, theta)
        scale = with_node_axes(np.log(self.statistics.g_per_t), theta)
        return self.density.log_density(root_n * theta) - scale

    def log_ratio(self, theta: Array) -> Array:
        """Return log f - log N(y'; theta, v') (k, ...)."""
        y, v, constant = (
            with_node_axes(x, theta) for x in (self.y, self.v, 0.5 * np.log(2 * np.pi * self.v))
        )
        return self.log_f(theta) + 0.5 * (y - theta) ** 2 / v + constant

    def log_likelihood(self, beta: Array, taus: Taus, auxiliary: dict[str, Array]) -> Array:
        """Return the log-likelihood by study (studies, ...), all random effects integrated out."""
        return super().log_likelihood(beta, taus, auxiliary) + self.log_mean_ratio(beta, taus)

    def log_mean_ratio(self, beta: Array, taus: Taus) -> Array:
        """Return the log mean of a study's ratios given its working data (studies, ...)."""

        def log_factor(mean: Array) -> Array:
            return self.log_effect_ratio(mean, taus.effect)

        return self.log_mean_given_data(beta, taus, log_factor, NODES)

    def log_effect_ratio(self, mean: Array, tau_effect: Scalar) -> Array:
        """Return `log_ratio` averaged over d given the working data; mean = x beta + u + w."""
        if is_zero(tau_effect):
            return self.log_ratio(mean)
        nodes = NormalNodes.of(tau_effect, EFFECT_NODES)
        y, v, tau = (with_node_axes(x, mean) for x in (self.y, self.v, tau_effect))
        share = tau**2 / (tau**2 + v)
        centre = mean + share * (y - mean)
        theta = centre[..., None] + (share * v)[..., None] ** 0.5 * nodes.z
        return nodes.log_mean(self.log_ratio(theta))

    @property
    def draws_at_once(self) -> int:
        """Return the number of draws that fit in memory at once."""
        return max(1, VALUES_AT_ONCE // len(self.y))

    def draw_random_effects(self, rng: Generator, draws: Parameters) -> RandomEffects:
        """Draw the random effects: of candidates given the working data, one by its ratio."""
        candidates = [super().draw_random_effects(rng, draws) for _ in range(CANDIDATES)]
        log_weight = np.stack([self.log_weight(draws, random) for random in candidates])
        return choose_by_study(candidates, draw_categories(rng, log_weight), self.nesting)

    def log_weight(self, draws: Parameters, random: RandomEffects) -> np.ndarray:
        """Return the log ratio of a study's candidate (studies, draws)."""
        theta = self.x @ draws.beta + self.above_effects(random.u, random.w) + random.d
        return self.nesting.effects_of_study.sum(self.log_ratio(theta))

    def log_density_of_effects(self, draws: Parameters, random: RandomEffects) -> np.ndarray:
        """Return the log density of every effect given u and w (k, draws)."""
        mean = self.x @ draws.beta + self.above_effects(random.u, random.w)
        tau_effect = self.taus(draws.tau).effect
        variance = self.v[:, None] + np.square(tau_effect)
        normal = -0.5 * ((self.y[:, None] - mean) ** 2 / variance + np.log(2 * np.pi * variance))
        return normal + self.log_effect_ratio(mean, tau_effect)

    def replicate(self, rng: Generator, draws: Parameters, random: RandomEffects) -> np.ndarray:
        """Draw new results of the same studies (k, draws)."""
        theta = self.x @ draws.beta + self.above_effects(random.u, random.w) + random.d
        return draw_results(rng, theta, self.statistics)


def statistics_of(design: xr.Dataset) -> Statistics:
    """Return the t statistics of a design's effects, of two groups where both sizes are known."""
    none = xr.full_like(design["yi"], np.nan)
    columns = (design.get(name, none).values for name in ("n1i", "n2i", "ni"))
    n1, n2, n = (pd.to_numeric(column, errors="coerce").astype(float) for column in columns)
    two = (n1 > 0) & (n2 > 0)
    total = np.where(two, n1 + n2, n)
    m = np.where(two, total - 2, n - 1)
    root_n = np.sqrt(np.where(two, n1 * n2 / total, n))
    g_per_t = correction(m) / root_n
    return Statistics(design["yi"].values / g_per_t, m, root_n, g_per_t, total)


def draw_results(rng: Generator, theta: np.ndarray, statistics: Statistics) -> np.ndarray:
    """Draw Hedges' g (k, ...) given theta (k, ...)."""
    m, root_n, g_per_t = (
        with_node_axes(x, theta) for x in (statistics.m, statistics.root_n, statistics.g_per_t)
    )
    scale = np.sqrt(rng.chisquare(m, theta.shape) / m)
    return g_per_t * (rng.standard_normal(theta.shape) + root_n * theta) / scale
