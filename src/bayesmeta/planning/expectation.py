"""The current knowledge of a contrast, draws of its possible truth, and refits with new studies."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.inference.quadrature import Joint, Posterior, combination
from bayesmeta.inference.quadrature.draws import factors_of, systematic
from bayesmeta.planning.refits import Start, every_tau, refit, start_of, width_and_probability


@dataclass(frozen=True)
class Today:
    """The current knowledge of a contrast, and draws of its possible truth."""

    start: Start  # for `refit`
    tau: np.ndarray  # (replicates, 3)
    beta: np.ndarray  # (replicates, q), the terms that new studies measure
    truth: np.ndarray  # (replicates,), the contrast
    width: float  # of the contrast, before any new study
    p_positive: float  # the same
    floor: float  # width without errors of measured terms; NaN if these depend on other terms


def today_of(
    posterior: Posterior | Joint,
    weights: xr.DataArray,
    measured: Sequence[str],
    *,
    rho: float = 0.0,
    replicates: int = 100,
    seed: int = 1,
) -> Today:
    """Return the start of the refits of a contrast, and independent draws from the posterior.

    `weights`: over `term`. `measured`: the contrast's terms that new studies measure, of a single
    stratum. `rho`: correlation of sampling errors in a group.
    """
    parts = list(posterior.parts.values()) if isinstance(posterior, Joint) else [posterior]
    new = next(part for part in parts if measured[0] in part.terms)
    nonzero = weights[weights.values != 0].to_series()
    of_new = {str(term): float(nonzero[term]) for term in nonzero.index if term in new.terms}
    rows = [(part, weights.sel(term=list(part.terms)).values) for part in parts]
    rest = [combination(part, row) for part, row in rows if row.any() and part is not new]
    start = start_of(new, of_new, measured, rest, rho)
    mixtures = [combination(part, row) for part, row in rows if row.any()]
    width, p_positive = width_and_probability(mixtures)
    rng_new, *rngs_rest = np.random.default_rng(seed).spawn(1 + len(rest))
    node, beta = draw_terms(new, list(of_new), replicates, rng_new)
    truth = beta @ start.weights
    for part, rng in zip(rest, rngs_rest, strict=True):
        at = rng.permutation(systematic(part.weight, replicates, rng))
        truth = truth + part.centre[at] + part.within[at] * rng.standard_normal(replicates)
    floor = np.nan
    if len(of_new) == len(measured):
        floor = float(width_and_probability(rest)[0]) if rest else 0.0
    draws = (every_tau(new)[node], beta @ start.measured.T, truth)
    return Today(start, *draws, float(width), float(p_positive), floor)


def draw_terms(
    posterior: Posterior, terms: Sequence[str], count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw terms independently; return their nodes (count,) and the terms (count, terms)."""
    node = rng.permutation(systematic(posterior.weight, count, rng))
    at = [posterior.terms.index(term) for term in terms]
    factor, _ = factors_of(posterior.covariance[np.ix_(node, at, at)])
    error = np.einsum("nij,nj->ni", factor, rng.standard_normal((count, len(at))))
    return node, posterior.beta[np.ix_(node, at)] + error


def refit_each(start: Start, y: np.ndarray, v: np.ndarray, sizes: Sequence[int]) -> pd.DataFrame:
    """Refit with new studies y, v; return replicate (from 0), studies, width, p_positive."""
    studies = np.array(sizes)
    refits = [refit(start, *data, studies) for data in zip(y, v, strict=True)]
    width, p_positive = np.array(refits).swapaxes(0, 1)
    index = pd.MultiIndex.from_product([range(len(y)), sizes], names=["replicate", "studies"])
    table = index.to_frame(index=False)
    return table.assign(width=width.ravel(), p_positive=p_positive.ravel())
