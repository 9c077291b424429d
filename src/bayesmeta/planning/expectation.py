"""What is known of a contrast today, draws of what may be true of it, and refits after what new studies may find."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.inference.quadrature import Joint, Mixture, Posterior, combination
from bayesmeta.inference.quadrature.tree import systematic
from bayesmeta.planning.refits import Start, every_tau, refit, start_of, width_and_probability


@dataclass(frozen=True)
class Today:
    """What is known of a contrast, and draws of what may be true of it.

    Attributes
    ----------
    start : for `refit`
    tau, beta, truth : (replicates, 3), (replicates, q) of the terms that new studies measure, (replicates,)
    width, p_positive : of the contrast, before any new study
    floor : width if all that new studies measure were known; NaN where they depend on what they do not measure
    """

    start: Start
    tau: np.ndarray
    beta: np.ndarray
    truth: np.ndarray
    width: float
    p_positive: float
    floor: float


def today_of(
    posterior: Posterior | Joint,
    weights: xr.DataArray,
    measured: Sequence[str],
    *,
    rho: float = 0.0,
    replicates: int = 100,
    seed: int = 1,
) -> Today:
    """Start of the refits for one contrast, and independent draws from the posterior.

    Parameters
    ----------
    weights : DataArray
        Over `term`.
    measured : sequence of str
        The contrast's terms that new studies measure, of one stratum.
    rho : float
        Correlation of sampling errors in a group.
    """
    share = {str(term): float(w) for term, w in zip(weights["term"].values, weights.values, strict=True) if w}
    parts = list(posterior.parts.values()) if isinstance(posterior, Joint) else [posterior]
    new = next(part for part in parts if measured[0] in part.terms)
    own = {term: weight for term, weight in share.items() if term in new.terms}
    by_part = [(part, np.array([share.get(term, 0.0) for term in part.terms])) for part in parts]
    rest = [combination(part, row) for part, row in by_part if part is not new and row.any()]
    start = start_of(new, own, measured, rest, rho)
    width, p_positive = width_and_probability([combination(part, row) for part, row in by_part if row.any()])
    luck, *elsewhere = np.random.default_rng(seed).spawn(1 + len(rest))
    node, beta = draw_terms(new, list(own), replicates, luck)
    truth = beta @ start.weights
    for mixture, rng in zip(rest, elsewhere, strict=True):
        truth = truth + draw_mixture(mixture, replicates, rng)
    floor = (float(width_and_probability(rest)[0]) if rest else 0.0) if len(own) == len(measured) else np.nan
    return Today(start, every_tau(new)[node], beta @ start.measured.T, truth, float(width), float(p_positive), floor)


def draw_terms(
    posterior: Posterior, terms: Sequence[str], count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Independent draws: the nodes they come from (count,), and the terms there (count, terms)."""
    node = rng.permutation(systematic(posterior.weight, count, rng))
    at = [posterior.terms.index(term) for term in terms]
    factor = np.linalg.cholesky(posterior.covariance[np.ix_(node, at, at)])
    error = np.einsum("nij,nj->ni", factor, rng.standard_normal((count, len(at))))
    return node, posterior.beta[np.ix_(node, at)] + error


def draw_mixture(mixture: Mixture, count: int, rng: np.random.Generator) -> np.ndarray:
    """Independent draws from a mixture of normals (count,)."""
    node = rng.permutation(systematic(mixture.weight, count, rng))
    return mixture.centre[node] + mixture.within[node] * rng.standard_normal(count)


def refit_each(start: Start, y: np.ndarray, v: np.ndarray, sizes: Sequence[int]) -> pd.DataFrame:
    """Refit each replicate with the first so many of its new studies.

    Parameters
    ----------
    y, v : (replicates, studies, q)
        From `simulate_studies`.

    Returns
    -------
    DataFrame
        replicate (from 0), studies, width, p_positive.
    """
    found = np.array([refit(start, *one, np.array(sizes)) for one in zip(y, v, strict=True)])
    labels = {"replicate": np.repeat(np.arange(len(y)), len(sizes)), "studies": [*sizes] * len(y)}
    return pd.DataFrame(labels | {"width": found[:, 0].ravel(), "p_positive": found[:, 1].ravel()})
