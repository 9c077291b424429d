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

from bayesmeta.inference.by_study import log_likelihood_by_study
from bayesmeta.inference.quadrature.draws import Draws, draw
from bayesmeta.inference.quadrature.integral import Integral, integrate
from bayesmeta.inference.quadrature.weighting import resample
from bayesmeta.model.likelihood import ExactSmd, Normal, Parameters
from bayesmeta.model.spec import ModelSpec


class Drawn(NamedTuple):
    """Draws of a grid, and by importance what their weights say."""

    draws: Draws
    integral: Integral  # of the model, or of the working data
    log_evidence: float  # log p(y)
    by_study: np.ndarray | None = None  # log-likelihood of every study (studies, draws), if known
    k_hat: float = np.nan  # as in `Resampled`
    ess: float = np.nan


def draw_by_importance(
    likelihood: ExactSmd,
    spec: ModelSpec,
    *,
    count: int,
    seed: int,
    tolerance: float = 1e-6,
    without: Sequence[str] = (),
) -> Drawn:
    """Draw from the exact posterior of all studies but those `without`."""
    normal = replace(spec, likelihood="normal")
    integral = integrate(likelihood.working, normal, without=without, tolerance=tolerance)
    candidates = draw(integral, normal, count=count, seed=seed)
    included = ~np.isin(likelihood.working["study"].values, list(without))
    parameters = Parameters(candidates.beta.T, candidates.tau.T)
    by_study = log_likelihood_by_study(likelihood, parameters)
    working = log_likelihood_by_study(Normal(likelihood.working, normal), parameters)
    log_ratio = (by_study - working)[included].sum(0)
    kept = resample(log_ratio, np.random.default_rng([seed, count]), count)
    return Drawn(
        candidates._replace(log_joint=candidates.log_joint + log_ratio).at(kept.chosen),
        integral,
        integral.log_evidence + kept.log_mean,
        by_study[:, kept.chosen],
        kept.k_hat,
        kept.ess,
    )
