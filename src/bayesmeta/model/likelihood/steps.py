r"""Selection at publication: results are published with a probability that steps at one-sided p-values.

With d the published direction, theta = X beta + u + w, cutpoints a_1 < a_2 < ... on p = 1 - Phi(d y / sqrt v), and
weights omega relative to p < a_1, whose weight is 1:

    p(y | theta, published) = N(y; theta, v + tau_effect^2) omega(p) / A(theta)
    A = sum_j omega_j P(p in step j | theta),    y ~ N(theta, v(theta) + tau_effect^2)

v(theta) is v, but for Hedges' g, whose v = c + y^2 / (2 n) contains the result itself, c + theta^2 / (2 n), and y
reaches p = a where y^2 (1 - z_a^2 / (2 n)) = z_a^2 c. (With v held fixed in A, too, selection is found in any table of
Hedges' g; with v(theta) in the density, far results that v makes harmless decide everything. docs/checks.md has
numbers.)

Source: Vevea & Hedges 1995, doi 10.1007/BF02294384 (the step function).
"""

from typing import NamedTuple

import numpy as np
import xarray as xr
from scipy.special import ndtr, ndtri
from scipy.stats import norm

from bayesmeta.model.likelihood.arguments import nesting_of
from bayesmeta.model.likelihood.kernel import (
    Array,
    Scalar,
    namespace,
    special_functions,
    with_node_axes,
)
from bayesmeta.model.likelihood.student import draw_categories
from bayesmeta.model.spec import ModelSpec

SMD_TOLERANCE = 1e-6  # relative, of vi against the variance of Hedges' g
MIN_CURVE = 1e-9  # of 1 - z^2 / (2 n), below which no result of so few subjects reaches the p-value


class Selection(NamedTuple):
    """Constants of each effect: published direction, its step, the stratum whose weights apply (k,).

    constant, curvature : a result of true effect theta has the variance constant + curvature theta^2 (k,).
    bounds : results y in the published direction between two steps, descending (k, steps - 1).
    """

    direction: np.ndarray
    step: np.ndarray
    stratum: np.ndarray
    constant: np.ndarray
    curvature: np.ndarray
    bounds: np.ndarray


def selection_from(design: xr.Dataset, spec: ModelSpec) -> Selection:
    """Return the selection of a design's effects."""
    stratum = np.zeros(design.sizes["effect"], int)
    if spec.tau_by:
        stratum = design["study_stratum"].values[nesting_of(design).study_of_effect]
    y, v, direction = (design[name].values for name in ("yi", "vi", "published"))
    curvature: np.ndarray | float = 0.0
    if {"n1i", "n2i"} <= set(design.data_vars):
        curvature = smd_curvature(y, v, design["n1i"].values, design["n2i"].values)
    return selection_of(y, v, direction, spec.cutpoints, stratum, curvature)


def selection_of(
    y: np.ndarray,
    v: np.ndarray,
    direction: np.ndarray,
    cutpoints: tuple[float, ...],
    stratum: np.ndarray,
    curvature: np.ndarray | float = 0.0,
) -> Selection:
    """Find the step of each effect; arrays (k,). `curvature` is 1 / (2 (n1 + n2)) of a standardised mean difference."""
    z = norm.isf(cutpoints)
    step = (direction * y / np.sqrt(v))[:, None] < z
    curvature = np.broadcast_to(curvature, y.shape)
    constant = v - curvature * y**2
    bounds = z * np.sqrt(constant[:, None] / np.maximum(1 - curvature[:, None] * z**2, MIN_CURVE))
    return Selection(direction, step.sum(1), stratum, constant, curvature, bounds)


def smd_curvature(y: np.ndarray, v: np.ndarray, n1: np.ndarray, n2: np.ndarray) -> np.ndarray:
    """Return 1 / (2 (n1 + n2)) where v = 1/n1 + 1/n2 + y^2 / (2 (n1 + n2)), as of Hedges' g; 0 elsewhere (k,)."""
    with np.errstate(all="ignore"):
        curvature = 1 / (2 * (n1 + n2))
        is_smd = np.abs(1 / n1 + 1 / n2 + curvature * y**2 - v) <= SMD_TOLERANCE * v
    return np.where(is_smd, curvature, 0.0)


def _weights_of(weights: Array, selection: Selection) -> Array:
    """Return the weights (strata x (steps - 1), ...) as a row of each effect (k, steps, ...), the first step's 1."""
    xp, later = namespace(weights), selection.bounds.shape[1]
    by_stratum = weights.reshape(-1, later, *weights.shape[1:])
    return xp.concatenate([xp.ones_like(by_stratum[:, :1]), by_stratum], 1)[selection.stratum]


def result_sd(theta: Array, tau_effect: Scalar, selection: Selection) -> Array:
    """Return the standard deviation of results around theta (k, ...)."""
    constant, curvature = (
        with_node_axes(part, theta) for part in (selection.constant, selection.curvature)
    )
    return namespace(theta, tau_effect).sqrt(constant + curvature * theta**2 + tau_effect**2)


def step_probabilities(theta: Array, tau_effect: Scalar, selection: Selection) -> Array:
    """Return P(p in each step | theta) (k, steps, ...)."""
    xp, special = namespace(theta, tau_effect), special_functions(theta, tau_effect)
    mean = (with_node_axes(selection.direction, theta) * theta)[:, None]
    sd = result_sd(theta, tau_effect, selection)[:, None]
    bounds = with_node_axes(selection.bounds, theta, 1)
    above = special.ndtr((mean - bounds) / sd)
    last = special.ndtr((bounds[:, -1:] - mean) / sd)
    return xp.concatenate([above[:, :1], above[:, 1:] - above[:, :-1], last], 1)


def log_selection(theta: Array, tau_effect: Scalar, weights: Array, selection: Selection) -> Array:
    """Return log omega_i - log A_i of each effect (k, ...), given theta (k, ...)."""
    xp, omega = namespace(theta, weights), _weights_of(weights, selection)
    of_result = omega[np.arange(len(selection.step)), selection.step]
    total = (omega * step_probabilities(theta, tau_effect, selection)).sum(1)
    return xp.log(of_result) - xp.log(total)


def draw_published(
    rng: np.random.Generator,
    theta: np.ndarray,
    tau_effect: Scalar,
    weights: np.ndarray,
    selection: Selection,
) -> np.ndarray:
    """Draw published results y (k, ...) at true effects theta: a step by its probability, then a truncated normal."""
    sd = result_sd(theta, tau_effect, selection)
    probability = _weights_of(weights, selection) * step_probabilities(theta, tau_effect, selection)
    with np.errstate(divide="ignore"):
        step = draw_categories(rng, np.log(probability).swapaxes(0, 1))
    end = np.full((len(theta), 1), np.inf)
    edges = np.concatenate([end, selection.bounds, -end], axis=1)
    direction = with_node_axes(selection.direction, theta)
    mean, rows = direction * theta, with_node_axes(np.arange(len(theta)), theta)
    high, low = ((edges[rows, step + at] - mean) / sd for at in (0, 1))
    return direction * (mean + sd * _truncated_normal(rng, low, high))


def _truncated_normal(rng: np.random.Generator, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Draw standard normals between two bounds, in the lower tail, where probabilities keep their digits."""
    mirrored = low > 0
    low, high = np.where(mirrored, -high, low), np.where(mirrored, -low, high)
    below = ndtr(low)
    drawn = ndtri(below + rng.random(low.shape) * (ndtr(high) - below))
    drawn = np.clip(drawn, low, high)
    return np.where(mirrored, -drawn, drawn)
