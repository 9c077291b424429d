"""Probabilities of three ordered directions at a log odds eta, with cutpoints -gap and gap.

    P(lowest) = F(-gap - eta),  P(highest) = F(eta - gap),  P(middle) = F(gap - eta) - F(-gap - eta)

F is the logistic distribution function. At eta = 0 the lowest and the highest are equally likely.
Integrals over a study effect u ~ N(0, tau^2) are Gauss-Hermite sums. Source: McCullagh 1980,
doi:10.1111/j.2517-6161.1980.tb01109.x.
"""

import numpy as np
import xarray as xr
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_expit, logsumexp

Floats = NDArray[np.float64]
NODES = 41


def direction_log_probabilities(eta: ArrayLike, gap: ArrayLike) -> Floats:
    """Return log probabilities of lowest, middle and highest (..., 3) at eta and gap."""
    eta, gap = np.broadcast_arrays(np.asarray(eta, float), np.asarray(gap, float))
    middle = log_expit(gap - eta) + log_expit(gap + eta) + np.log(-np.expm1(-2 * gap))
    return np.stack([log_expit(-gap - eta), middle, log_expit(eta - gap)], axis=-1)


def averaged_probabilities(eta: ArrayLike, gap: ArrayLike, tau: ArrayLike) -> Floats:
    """Return probabilities (..., 3) in an unseen study, its effect integrated out."""
    nodes, weights = standard_nodes()
    eta, gap, tau = (np.asarray(values, float)[..., None] for values in (eta, gap, tau))
    at_nodes = np.exp(direction_log_probabilities(eta + tau * nodes, gap))
    return np.einsum("...kd,k->...d", at_nodes, weights)


def study_log_likelihood(design: xr.Dataset, beta: Floats, gap: Floats, tau: Floats) -> Floats:
    """Return the log-likelihood of studies (draws, studies) at beta (draws, terms), gap, tau."""
    nodes, weights = standard_nodes()
    eta = (beta @ design["X"].values.T)[:, :, None] + tau[:, None, None] * nodes
    of_directions = direction_log_probabilities(eta, gap[:, None, None])
    observed = design["direction"].values[None, :, None, None]
    of_observed = np.take_along_axis(of_directions, observed, axis=-1)[..., 0]
    member = np.eye(design.sizes["study"])[design["effect_study"].values]
    return logsumexp(np.einsum("dek,es->dsk", of_observed, member), b=weights, axis=-1)


def standard_nodes() -> tuple[Floats, Floats]:
    """Return nodes and weights of the standard normal distribution."""
    nodes, weights = hermegauss(NODES)
    return nodes, weights / weights.sum()
