r"""One combination of the terms in a range: c = r'beta, where beta given the taus is N(m, C).

With s^2 = r'Cr, the limits in standard units a and b, and Z = Phi(b) - Phi(a):

    p(y | taus) = p(y | taus, no limits) Z / P(c in the range | no limits)
    E[c] = r'm + s (phi(a) - phi(b)) / Z
    beta | c ~ N(m + C r (c - r'm) / s^2, C - C r r'C / s^2)

so that another combination, given the taus, is a normal whose mean moves with c.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import softmax

from bayesmeta.inference.quadrature.conditional import Arrays, Conditional
from bayesmeta.inference.quadrature.mixtures import Mixture
from bayesmeta.inference.quadrature.nodes import leggauss
from bayesmeta.inference.quadrature.normals import log_mass, truncated_moments, truncated_quantile
from bayesmeta.model.priors.limits import Limits

NODES = (48, 1024)  # of c, per node of the taus: fewest and most
PER_SD = 34.0  # nodes of c over the rest's share of a sd; ripples of a cdf are then below 1e-4
OUTSIDE = np.log(1e-15)  # log probability beyond the first and the last node of c
SLIGHT = 0.01  # sds; a rest below it is left out, which moves a cdf by .002 at the limit
SMALLEST = 1e-12  # sd of a component


class OfRange(NamedTuple):
    """The combination c without its limits, at nodes."""

    centre: np.ndarray  # r'm (nodes,)
    sd: np.ndarray  # (nodes,)
    gain: np.ndarray  # C r / s^2 (nodes, p)
    a: np.ndarray  # lower limit in standard units (nodes,)
    b: np.ndarray  # (nodes,)


def of_range(limits: Limits, mean: np.ndarray, covariance: np.ndarray) -> OfRange:
    """Return c at nodes with beta ~ N(mean (nodes, p), covariance (nodes, p, p))."""
    row = limits.rows[0]
    towards = covariance @ row
    sd = np.sqrt(towards @ row)
    centre = mean @ row
    a, b = ((end[0] - centre) / sd for end in (limits.lower, limits.upper))
    return OfRange(centre, sd, towards / (sd**2)[:, None], a, b)


def limited(given: Conditional, limits: Limits | None) -> Conditional:
    """Return a conditional with the likelihood under the limits; its moments stay without them."""
    if limits is None:
        return given
    row = limits.rows[0]
    centre = np.tensordot(row, given.mean, axes=1)
    sd = np.sqrt(np.einsum("p,pq...,q->...", row, given.covariance, row))
    with np.errstate(all="ignore"):  # nodes at taus too large to compute with get no mass
        a, b = ((end[0] - centre) / sd for end in (limits.lower, limits.upper))
        inside = log_mass(a, b)
    return given._replace(log_likelihood=given.log_likelihood + inside - limits.log_mass)


def limited_moments(limits: Limits | None, mean: np.ndarray, covariance: np.ndarray) -> Arrays:
    """Return means (nodes, p) and covariances (nodes, p, p) under the limits."""
    if limits is None:
        return mean, covariance
    c = of_range(limits, mean, covariance)
    standard = truncated_moments(c.a, c.b)
    shift = c.gain * (c.sd * standard.mean)[:, None]
    lost = (c.sd**2 * (1 - standard.variance))[:, None, None]
    return mean + shift, covariance - lost * c.gain[:, :, None] * c.gain[:, None]


def combined(
    limits: Limits | None,
    weight: np.ndarray,
    mean: np.ndarray,
    covariance: np.ndarray,
    weights: np.ndarray,
    extra: np.ndarray | float = 0.0,
) -> Mixture:
    """Return the distribution of a combination weights'beta, and a normal error, over nodes.

    weights (p,); extra : variance of the error, a number or (nodes,).
    """
    centre = mean @ weights
    variance = (covariance @ weights) @ weights
    if limits is None:
        return Mixture(weight, centre, np.sqrt(variance + extra))
    c = of_range(limits, mean, covariance)
    moving = (c.gain @ weights) * c.sd
    if not np.any(moving):
        return Mixture(weight, centre, np.sqrt(variance + extra))
    rest = np.sqrt(np.maximum(variance - moving**2, 0.0) + extra)
    if (rest <= SLIGHT * np.abs(moving)).all():
        ends = np.sort([centre + moving * c.a, centre + moving * c.b], axis=0)
        return Mixture(weight, centre, np.abs(moving), *ends)
    with np.errstate(divide="ignore"):
        share_of_rest = float(weight @ np.minimum(rest / np.abs(moving), 1.0))
    z, share = _nodes_of(c, int(np.clip(PER_SD / share_of_rest, *NODES)))
    centres = centre[:, None] + moving[:, None] * z
    within = np.broadcast_to(np.maximum(rest, SMALLEST)[:, None], centres.shape)
    return Mixture((weight[:, None] * share).ravel(), centres.ravel(), within.ravel())


def _nodes_of(c: OfRange, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return nodes (nodes, count) over the standard normal in its range, and their shares."""
    far = np.full(c.a.shape, OUTSIDE)
    near = np.log1p(-np.exp(far))
    low = np.maximum(c.a, truncated_quantile(c.a, c.b, far, near))
    high = np.minimum(c.b, truncated_quantile(c.a, c.b, near, far))
    unit, of_unit = leggauss(count)
    z = low[:, None] + (high - low)[:, None] * (unit + 1) / 2
    return z, softmax(np.log(of_unit) - 0.5 * z**2, axis=1)


def draw_within(
    limits: Limits, mean: np.ndarray, covariance: np.ndarray, beta: np.ndarray
) -> Arrays:
    """Move draws (n, p) of normals (n, p), (n, p, p) into the limits.

    c moves to the same quantile of its distribution in the range. Return the terms, and the log
    probabilities of the range.
    """
    c = of_range(limits, mean, covariance)
    z = ((beta @ limits.rows[0]) - c.centre) / c.sd
    log_p, log_q = (log_mass(*ends) for ends in ((-np.inf, z), (z, np.inf)))
    moved = np.clip(truncated_quantile(c.a, c.b, log_p, log_q), c.a, c.b)
    return beta + c.gain * (c.sd * (moved - z))[:, None], log_mass(c.a, c.b)
