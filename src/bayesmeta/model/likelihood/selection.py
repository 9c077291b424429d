r"""Selection at publication: results are published with a probability that steps at one-sided p-values.

With d the published direction, theta = X beta + u + w, cutpoints a_1 < a_2 < ... on p = 1 - Phi(d y / sqrt v), and
weights omega relative to p < a_1, whose weight is 1:

    p(y | theta, published) = N(y; theta, v + tau_effect^2) omega(p) / A(theta)
    A = sum_j omega_j P(p in step j | theta),    y ~ N(theta, v(theta) + tau_effect^2)

v(theta) is v, but for Hedges' g, whose v = c + y^2 / (2 n) holds the result itself, c + theta^2 / (2 n), and y reaches
p = a where y^2 (1 - z_a^2 / (2 n)) = z_a^2 c. (With v held fixed in A, too, selection is found in any table of Hedges'
g; with v(theta) in the density, far results that v makes harmless decide everything. docs/checks.md has numbers.)

Given u and w the normal likelihood is tilted by omega / A. They are sampled as standard normals z, placed by their
exact conditional distribution without a tilt (`conditionals`): the density of (beta, tau, z) is then

    p(y | beta, tau) N(z; 0, 1) prod_i omega_i / A_i

and where nothing is selected z is independent of all else. Integrated over z by Gauss-Hermite quadrature, study by
study, it gives the marginal likelihood, for comparison.

Source: Vevea & Hedges 1995, doi 10.1007/BF02294384 (the step function).
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import ndtr
from jax.typing import ArrayLike
from scipy.stats import norm

from bayesmeta.model.likelihood.conditionals import place_random_effects
from bayesmeta.model.likelihood.marginal import GroupSums, Nesting, Scalar

SAME = 1e-6
NODES = 5  # per level: the log-likelihood of a study is then within 2e-4 of that by 25 on real data


class Selection(NamedTuple):
    """What is known of each effect: published direction, its own step, the stratum whose weights apply (k,).

    constant, curvature (k,): a result of true effect theta has the variance constant + curvature theta^2.
    bounds (k, steps - 1): results y in the published direction between two steps, descending.
    """

    direction: np.ndarray
    step: np.ndarray
    stratum: np.ndarray
    constant: np.ndarray
    curvature: np.ndarray
    bounds: np.ndarray


def selection_of(
    y: np.ndarray,
    v: np.ndarray,
    direction: np.ndarray,
    cutpoints: tuple[float, ...],
    stratum: np.ndarray,
    curvature: np.ndarray | float = 0.0,
) -> Selection:
    """Find each effect's step; arrays (k,). `curvature` is 1 / (2 (n1 + n2)) of a standardised mean difference."""
    z = norm.isf(cutpoints)
    step = (direction * y / np.sqrt(v))[:, None] < z
    bend = np.broadcast_to(curvature, y.shape)
    constant = v - bend * y**2
    bounds = z * np.sqrt(constant[:, None] / np.maximum(1 - bend[:, None] * z**2, 1e-9))
    return Selection(direction, step.sum(1), stratum, constant, bend, bounds)


def smd_curvature(y: np.ndarray, v: np.ndarray, n1: np.ndarray, n2: np.ndarray) -> np.ndarray:
    """1 / (2 (n1 + n2)) where v = 1/n1 + 1/n2 + y^2 / (2 (n1 + n2)), the variance of Hedges' g; 0 elsewhere (k,)."""
    with np.errstate(all="ignore"):
        curvature = 1 / (2 * (n1 + n2))
        follows = np.abs(1 / n1 + 1 / n2 + curvature * y**2 - v) <= SAME * v
    return np.where(follows, curvature, 0.0)


def _weights_of(weights: ArrayLike, selection: Selection) -> Array:
    """Weights (strata x (steps - 1),) as one row per effect (k, steps), the first step's 1."""
    by_stratum = jnp.reshape(jnp.asarray(weights), (-1, selection.bounds.shape[1]))
    return jnp.concatenate([jnp.ones((len(by_stratum), 1)), by_stratum], axis=1)[selection.stratum]


def spread_of(theta: ArrayLike, tau_effect: Scalar, selection: Selection) -> Array:
    """Standard deviation of results around theta (k,)."""
    return jnp.sqrt(selection.constant + selection.curvature * jnp.square(theta) + jnp.square(tau_effect))


def step_probabilities(theta: ArrayLike, tau_effect: Scalar, selection: Selection) -> Array:
    """P(p in each step | theta) (k, steps)."""
    mean, spread = (selection.direction * jnp.asarray(theta))[:, None], spread_of(theta, tau_effect, selection)[:, None]
    above = ndtr((mean - selection.bounds) / spread)
    last = ndtr((selection.bounds[:, -1:] - mean) / spread)
    return jnp.concatenate([above[:, :1], above[:, 1:] - above[:, :-1], last], axis=1)


def log_selection(theta: ArrayLike, tau_effect: Scalar, weights: ArrayLike, selection: Selection) -> Array:
    """log omega_i - log A_i of each effect (k,), given theta (k,)."""
    omega = _weights_of(weights, selection)
    own = jnp.take_along_axis(omega, jnp.asarray(selection.step)[:, None], axis=1)[:, 0]
    return jnp.log(own) - jnp.log((omega * step_probabilities(theta, tau_effect, selection)).sum(1))


def draw_published(key: Array, theta: Array, tau_effect: Scalar, weights: ArrayLike, selection: Selection) -> Array:
    """Published results y (k,) at true effects theta: a step by its probability, then a truncated normal."""
    which, where = jax.random.split(key)
    spread = spread_of(theta, tau_effect, selection)
    log_mass = jnp.log(_weights_of(weights, selection) * step_probabilities(theta, tau_effect, selection))
    step = jax.random.categorical(which, log_mass, axis=1)
    far = jnp.full((len(spread), 1), jnp.inf)
    edges = jnp.concatenate([far, jnp.asarray(selection.bounds), -far], axis=1)
    mean = selection.direction * theta
    high, low = ((jnp.take_along_axis(edges, (step + at)[:, None], axis=1)[:, 0] - mean) / spread for at in (0, 1))
    return selection.direction * (mean + spread * jax.random.truncated_normal(where, low, high))


def integrated_selection(
    tilt: Callable[[Array], Array], sums: GroupSums, tau_study: Scalar, tau_group: Scalar, nesting: Nesting
) -> Array:
    """Log of the mean of prod omega_i / A_i over u and w given the data without selection (studies,).

    Parameters
    ----------
    tilt : function
        Random effects of every effect, u + w (k,), to `log_selection` (k,).
    """
    z, weight = np.polynomial.hermite_e.hermegauss(NODES)
    log_weight = jnp.log(jnp.asarray(weight / weight.sum()))
    ones = jnp.ones((nesting.studies,)), jnp.ones((len(nesting.study_of_group),))

    def given(z_study: Array, z_group: Array) -> Array:
        u, w = place_random_effects(
            sums, z_study * ones[0], z_group * ones[1], nesting, tau_study=tau_study, tau_group=tau_group
        )
        return nesting.by_group(tilt(u[nesting.study_of_effect] + w[nesting.group_of_effect]))

    def given_study(z_study: Array) -> Array:
        each = jax.vmap(lambda z_group: given(z_study, z_group))(jnp.asarray(z))
        return nesting.by_study(jax.nn.logsumexp(each + log_weight[:, None], axis=0))

    return jax.nn.logsumexp(jax.vmap(given_study)(jnp.asarray(z)) + log_weight[:, None], axis=0)
