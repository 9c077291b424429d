"""elpd of a study as a ratio of evidences, of all studies and of the others.

The candidates of `laplace_posterior` come from an approximation that is wider than the posterior.
Weighted for the posterior without a study, they give the evidence of the other studies, and k-hat.
Where k-hat or the error is too large, an approximation around the mode without the study gives new
candidates. The mean likelihood of a surprising study would have a much larger error.

Source: Paananen et al. 2021, doi 10.1007/s11222-020-09982-2, for approximations that move.
"""

from typing import NamedTuple

import numpy as np
import xarray as xr
from scipy.special import logsumexp

from bayesmeta.estimates.conventions import MAX_K_HAT
from bayesmeta.inference.approximation import adapt, climb, moments, weigh
from bayesmeta.inference.laplace import Posterior
from bayesmeta.inference.quadrature.weighting import smoothed_weights
from bayesmeta.model.spec import ModelSpec

DRAWS = 500
MAX_ERROR = 0.3  # of elpd, whose differences matter from about 4


class Matched(NamedTuple):
    """elpd of a study, its Monte-Carlo standard error, and k-hat of the weights."""

    elpd: float
    error: float
    k_hat: float

    @property
    def is_reliable(self) -> bool:
        """Return whether the weights can be trusted, and are precise enough."""
        return self.k_hat <= MAX_K_HAT and self.error <= MAX_ERROR


def matched(
    candidates: xr.Dataset, study: str, design: xr.Dataset, spec: ModelSpec, seed: int
) -> Matched:
    """Return elpd of a study from candidates (`laplace_posterior`), with new ones where needed."""
    log_ratio = candidates["log_ratio"].values
    comparison = compare(log_ratio, log_ratio - candidates["obs_study"].sel(study=study).values)
    if comparison.is_reliable:
        return comparison
    rng = np.random.default_rng(seed)
    density = Posterior(design, spec, [study])
    mean, covariance = moments(candidates["z"].values, log_ratio)
    mean = climb(density, mean, covariance)
    comparison = compare(log_ratio, weigh(density, mean, covariance, DRAWS, rng)[1])
    if not comparison.is_reliable:
        mean, covariance = adapt(density, mean, covariance, rng)
        comparison = compare(log_ratio, weigh(density, mean, covariance, DRAWS, rng)[1])
    return comparison


def compare(given: np.ndarray, without: np.ndarray) -> Matched:
    """Return elpd from log ratios of candidates, for the posteriors given and without a study."""
    evidence, error = log_mean(given)
    of_others, error_of_others = log_mean(without)
    return Matched(
        evidence - of_others, float(np.hypot(error, error_of_others)), smoothed_weights(without)[1]
    )


def log_mean(log_ratio: np.ndarray) -> tuple[float, float]:
    """Return the log of a mean ratio and its Monte-Carlo standard error."""
    total = logsumexp(log_ratio)
    share = np.exp(log_ratio - total)
    error = np.sqrt((share**2).sum() - 1 / len(share))
    return float(total - np.log(len(share))), float(error)
