"""Draws of a model with a working normal: from the working posterior, by weight of the exact one.

The posterior with the working data in place of the exact likelihood is integrated on a grid, and
independent draws of it have the weights

    p(y | beta, taus) / p_working(y' | beta, taus)

Pareto-smoothed, they give the exact evidence, and choose the draws that are kept. The shape k of
their tail says whether this can be trusted: above .7 it cannot.

Source: Vehtari et al. 2024, JMLR 25(72), Pareto smoothed importance sampling.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp, softmax

from bayesmeta.inference.by_study import log_likelihood_by_study
from bayesmeta.inference.quadrature.draws import Draws, draw, systematic
from bayesmeta.inference.quadrature.integral import Integral, integrate
from bayesmeta.infrastructure.arviz import array_stats
from bayesmeta.model.likelihood import ExactSmd, Normal, Parameters
from bayesmeta.model.spec import ModelSpec


class Weighted(NamedTuple):
    """Draws by importance."""

    draws: Draws
    by_study: np.ndarray  # log-likelihood of every study (studies, draws)
    integral: Integral  # of the working data
    log_evidence: float  # log p(y)
    k_hat: float  # shape of the tail of the weights
    ess: float  # of the weights, as a number of independent draws


def draw_by_importance(
    likelihood: ExactSmd,
    spec: ModelSpec,
    *,
    count: int,
    seed: int,
    tolerance: float = 1e-6,
    without: Sequence[str] = (),
) -> Weighted:
    """Draw from the exact posterior of all studies but those `without`."""
    normal = replace(spec, likelihood="normal")
    integral = integrate(likelihood.working, normal, without=without, tolerance=tolerance)
    candidates = draw(integral, normal, count=count, seed=seed)
    included = ~np.isin(likelihood.working["study"].values, list(without))
    parameters = Parameters(candidates.beta.T, candidates.tau.T)
    by_study = log_likelihood_by_study(likelihood, parameters)
    working = log_likelihood_by_study(Normal(likelihood.working, normal), parameters)
    log_ratio = (by_study - working)[included].sum(0)
    smoothed, k_hat = array_stats.psislw(-log_ratio)  # which takes the logs of 1 / weight
    weight = softmax(smoothed)
    rng = np.random.default_rng([seed, count])
    chosen = rng.permutation(systematic(weight, count, rng))
    return Weighted(
        candidates._replace(log_joint=candidates.log_joint + log_ratio).at(chosen),
        by_study[:, chosen],
        integral,
        integral.log_evidence + float(logsumexp(log_ratio) - np.log(count)),
        float(k_hat),
        float(1 / (weight**2).sum()),
    )
