r"""Simulated results of new studies: Hedges' g of two arms of n, from the noncentral t.

theta = beta + u + w + d,      u ~ N(0, tau_study^2), w ~ N(0, tau_group^2), d ~ N(0, tau_effect^2)
g = J(2n - 2) sqrt(2 / n) t,   t ~ noncentral t(2n - 2, theta sqrt(n / 2)),   v = 2 / n + g^2 / (4n)
"""

from typing import NamedTuple

import numpy as np
from scipy.stats import chi2

from bayesmeta.data.effect_sizes import smd


class NewStudies(NamedTuple):
    """Effects of new studies and their sampling variances: y, v (replicates, studies, q)."""

    y: np.ndarray
    v: np.ndarray


def simulate_studies(
    tau: np.ndarray, beta: np.ndarray, studies: int, per_arm: int, *, rho: float = 0, seed: int = 1
) -> NewStudies:
    """Simulate new studies with a single group that is measured on q terms.

    `tau`: (replicates, 3), standard deviations of studies, groups and effects. `beta`: (replicates,
    q), means of the terms. `studies`, `per_arm`: the number of studies, and the size of both arms.
    `rho`: correlation of the errors of the mean differences of a study. `seed`: gives the same true
    effects and the same errors whatever `per_arm`, and the same first studies whatever `studies`.
    Source: Hedges 1981, doi 10.3102/10769986006002107.
    """
    replicates, terms = beta.shape
    by_study, by_group, by_effect, shared, single, sds = np.random.default_rng(seed).spawn(6)

    def normal(rng: np.random.Generator, size: int) -> np.ndarray:
        """Draw study by study, so that fewer studies are the first of more."""
        return rng.standard_normal((studies, replicates, size)).swapaxes(0, 1)

    tau_study, tau_group, tau_effect = tau.T[:, :, None, None]
    theta = beta[:, None] + tau_study * normal(by_study, 1) + tau_group * normal(by_group, 1)
    theta = theta + tau_effect * normal(by_effect, terms)
    error = np.sqrt(rho) * normal(shared, 1) + np.sqrt(1 - rho) * normal(single, terms)
    df = 2 * per_arm - 2
    uniform = sds.random((studies, replicates, terms)).swapaxes(0, 1)
    sd = np.sqrt(chi2.ppf(uniform, df) / df)
    size = np.full(theta.shape, float(per_arm))
    difference = theta + np.sqrt(2 / per_arm) * error
    return NewStudies(*smd(difference, sd, size, np.zeros_like(theta), sd, size))
