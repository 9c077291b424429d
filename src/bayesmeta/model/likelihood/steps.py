r"""Selection at publication: the probability of publication steps at one-sided p-values.

With d the published direction, theta = X beta + u + w, cutpoints a_1 < a_2 < ... on
p = 1 - Phi(d y / sqrt v), and weights omega relative to p < a_1, whose weight is 1:

    p(y | theta, published) = N(y; theta, v + tau_effect^2) omega(p) / A(theta)
    A = sum_j omega_j P(p in step j | theta),    y ~ N(theta, v(theta) + tau_effect^2)

v(theta) is v, but for Hedges' g, whose v = c + y^2 / (2 n) contains the result itself: it is
c + theta^2 / (2 n) there, and y reaches p = a where y^2 (1 - z_a^2 / (2 n)) = z_a^2 c. (With v held
fixed in A, selection is seen in any table of Hedges' g; with v(theta) in the density, far results
that v makes harmless decide everything. docs/checks.md has numbers.)

Source: Vevea & Hedges 1995, doi 10.1007/BF02294384 (the step function).
"""

from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.random import Generator
from scipy.special import ndtr, ndtri
from scipy.stats import norm

from bayesmeta.data.effect_sizes import has_smd_variance
from bayesmeta.model.likelihood.arguments import nesting_of
from bayesmeta.model.likelihood.arrays import Array, Scalar, namespace, special_of, with_node_axes
from bayesmeta.model.likelihood.draws import draw_categories
from bayesmeta.model.spec import ModelSpec

MIN_CURVE = 1e-9  # of 1 - z^2 / (2 n), below which no result of so few subjects reaches the p-value


class Selection(NamedTuple):
    """Constants of every effect (k,)."""

    direction: np.ndarray  # published direction
    step: np.ndarray  # step of the p-value
    stratum: np.ndarray  # for the choice of weights
    constant: np.ndarray  # a result of true effect theta has the variance
    curvature: np.ndarray  # constant + curvature theta^2
    bounds: np.ndarray  # y in the published direction between steps, descending (k, steps - 1)


def selection_from(design: xr.Dataset, spec: ModelSpec) -> Selection:
    """Return the selection of a design's effects."""
    stratum = np.zeros(design.sizes["effect"], int)
    if spec.tau_by:
        stratum = design["study_stratum"].values[nesting_of(design).study_of_effect]
    y, v, direction = (design[name].values for name in ("yi", "vi", "published"))
    curvature = np.zeros(len(y))
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
    """Return the selection; curvature is 1 / (2 (n1 + n2)) of an SMD, 0 of other effects (k,)."""
    z = norm.isf(cutpoints)
    step = (direction * y / np.sqrt(v))[:, None] < z
    curvature = np.broadcast_to(curvature, y.shape)
    constant = v - curvature * y**2
    curve = np.maximum(1 - curvature[:, None] * z**2, MIN_CURVE)
    bounds = z * np.sqrt(constant[:, None] / curve)
    return Selection(direction, step.sum(1), stratum, constant, curvature, bounds)


def smd_curvature(y: np.ndarray, v: np.ndarray, n1: np.ndarray, n2: np.ndarray) -> np.ndarray:
    """Return 1 / (2 (n1 + n2)) where v is the variance of Hedges' g, 0 elsewhere (k,)."""
    with np.errstate(divide="ignore"):
        curvature = 1 / (2 * (n1 + n2))
    return np.where(has_smd_variance(y, v, n1, n2), curvature, 0.0)


def _weights_by_step(weights: Array, selection: Selection) -> Array:
    """Return the weights of every effect's steps (k, steps, ...); that of the first is 1."""
    xp = namespace(weights)
    steps = selection.bounds.shape[1]
    by_stratum = weights.reshape(-1, steps, *weights.shape[1:])
    with_first = xp.concatenate([xp.ones_like(by_stratum[:, :1]), by_stratum], 1)
    return with_first[selection.stratum]


def result_sd(theta: Array, tau_effect: Scalar, selection: Selection) -> Array:
    """Return the standard deviation of results around theta (k, ...)."""
    constant = with_node_axes(selection.constant, theta)
    curvature = with_node_axes(selection.curvature, theta)
    return namespace(theta, tau_effect).sqrt(constant + curvature * theta**2 + tau_effect**2)


def step_probabilities(theta: Array, tau_effect: Scalar, selection: Selection) -> Array:
    """Return P(p in every step | theta) (k, steps, ...)."""
    xp = namespace(theta, tau_effect)
    special = special_of(theta, tau_effect)
    mean = (with_node_axes(selection.direction, theta) * theta)[:, None]
    sd = result_sd(theta, tau_effect, selection)[:, None]
    distance = (mean - with_node_axes(selection.bounds, theta, 1)) / sd
    above = special.ndtr(distance)
    last = special.ndtr(-distance[:, -1:])
    return xp.concatenate([above[:, :1], above[:, 1:] - above[:, :-1], last], 1)


def log_selection(theta: Array, tau_effect: Scalar, weights: Array, selection: Selection) -> Array:
    """Return log omega_i - log A_i of every effect (k, ...), given theta (k, ...)."""
    xp = namespace(theta, weights)
    omega = _weights_by_step(weights, selection)
    of_result = omega[np.arange(len(selection.step)), selection.step]
    A = (omega * step_probabilities(theta, tau_effect, selection)).sum(1)
    return xp.log(of_result) - xp.log(A)


def draw_published(
    rng: Generator, theta: np.ndarray, tau_effect: Scalar, weights: np.ndarray, selection: Selection
) -> np.ndarray:
    """Draw published results y (k, ...) at true effects theta: a step, then a normal in it."""
    sd = result_sd(theta, tau_effect, selection)
    omega = _weights_by_step(weights, selection)
    probability = omega * step_probabilities(theta, tau_effect, selection)
    with np.errstate(divide="ignore"):
        step = draw_categories(rng, np.log(probability).swapaxes(0, 1))
    end = np.full((len(theta), 1), np.inf)
    edges = np.concatenate([end, selection.bounds, -end], axis=1)
    direction = with_node_axes(selection.direction, theta)
    mean = direction * theta
    rows = with_node_axes(np.arange(len(theta)), theta)
    low, high = ((edges[rows, edge] - mean) / sd for edge in (step + 1, step))
    return direction * (mean + sd * _truncated_normal(rng, low, high))


def _truncated_normal(rng: Generator, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Draw standard normals between bounds, in the lower tail, which keeps their digits."""
    mirrored = low > 0
    lower = np.where(mirrored, -high, low)
    upper = np.where(mirrored, -low, high)
    below = ndtr(lower)
    drawn = ndtri(below + rng.random(lower.shape) * (ndtr(upper) - below)).clip(lower, upper)
    return np.where(mirrored, -drawn, drawn)
