r"""Study effects with heavy tails, integrated out as exactly as the normal ones.

u_s ~ tau_study t(nu) is a normal with an unknown factor on its variance:

    u_s | lambda_s ~ N(0, lambda_s tau_study^2),     1 / lambda_s ~ Gamma(nu / 2, nu / 2)

Given lambda everything of `marginal` holds with sqrt(lambda_s) tau_study in place of tau_study, so that one integral
per study is left, over x = -log lambda. Its integrand is analytic and falls fast on both sides: the trapezoid rule on
nodes spaced by a fraction of x's prior sd converges exponentially.
"""

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.special import gammaln, polygamma

from bayesmeta.model.likelihood.marginal import GroupSums, Nesting, Scalar, cross_products, integrate

NODES, LOWEST, HIGHEST = 160, -14.0, 5.0  # in prior sds of x; far down, for there the outlying studies are


def scale_nodes(nu: Scalar) -> tuple[Array, Array]:
    """Nodes lambda (nodes,) and the log of prior density times width (nodes,)."""
    half = jnp.asarray(nu) / 2
    width = jnp.sqrt(polygamma(1, half)) * (HIGHEST - LOWEST) / (NODES - 1)
    x = (jnp.arange(NODES) - (NODES - 1) * LOWEST / (LOWEST - HIGHEST)) * width
    log_density = half * jnp.log(half) - gammaln(half) + half * (x - jnp.exp(x))
    return jnp.exp(-x), log_density + jnp.log(width)


def node_log_likelihood(sums: GroupSums, tau_study: Scalar, tau_group: Scalar, nu: Scalar, nesting: Nesting) -> Array:
    """Log-likelihood of each study and node, prior of the node included (nodes, studies), from sums of residuals."""
    scales, log_weight = scale_nodes(nu)
    log_det, squares = cross_products(sums, 0.0, tau_group, nesting)
    part = integrate(sums, 0.0, tau_group, nesting)
    variance = scales[:, None] * jnp.square(tau_study)
    inflation = 1 + variance * part.ones
    gain = variance * jnp.square(part.columns[:, 0]) / inflation - jnp.log(inflation)
    alone = sums.effects * jnp.log(2 * jnp.pi) + log_det + squares[:, 0, 0]
    return log_weight[:, None] + 0.5 * (gain - alone)


def student_log_likelihood(
    sums: GroupSums, tau_study: Scalar, tau_group: Scalar, nu: Scalar, nesting: Nesting
) -> Array:
    """Marginal log-likelihood of each study (studies,), from the sums of one column of residuals."""
    return jax.nn.logsumexp(node_log_likelihood(sums, tau_study, tau_group, nu, nesting), axis=0)


def draw_scales(
    key: Array, sums: GroupSums, tau_study: Scalar, tau_group: Scalar, nu: Scalar, nesting: Nesting
) -> Array:
    """One draw of every study's lambda (studies,) given the residuals."""
    log_weight = node_log_likelihood(sums, tau_study, tau_group, nu, nesting)
    return scale_nodes(nu)[0][jax.random.categorical(key, log_weight, axis=0)]
