"""Posteriors on random subsets of the studies: do the studies tell one story, or one of them another?

At every node of a grid over the taus the cross-products of all studies are found once; those of all
subsets are a matrix of zeros and ones times these. Subsets of about the same size share a grid, for
small ones have wider posteriors.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import softmax

from bayesmeta.inference.quadrature import combination, integrate_posterior, leave_one_study_out
from bayesmeta.inference.quadrature.density import (
    NUMBERS_AT_ONCE,
    Conditional,
    DesignArrays,
    arrays_of,
    condition,
    products_by_study,
)
from bayesmeta.inference.quadrature.grid import outside_of
from bayesmeta.inference.quadrature.nodes import Rule, box, place, zoom
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import split_strata
from bayesmeta.model.likelihood import Taus
from bayesmeta.model.spec import ModelSpec
from bayesmeta.robustness.influence.coverage import informs, rests_alone

BANDS = 6
NODES = {1: 48, 2: 24, 3: 20}  # per axis, by number of levels
ROUGH = {1: 32, 2: 16, 3: 10}  # while zooming in
DROP = 14.0  # log density below the peak that a grid holds
FEWEST = 3


def gosh_table(
    design: xr.Dataset,
    spec: ModelSpec,
    weights: xr.DataArray,
    *,
    subsets: int = 1000,
    seed: int = 1,
    left_out: xr.Dataset | None = None,
) -> pd.DataFrame:
    """Posteriors of the contrasts on random subsets of the studies.

    Columns: subset, studies (their number), contrast, mean, sd, `tau_<level>` (posterior means),
    heterogeneity (posterior mean of the root of the sum of squared taus, where strata differ of the
    influential study's stratum), study (the one that shifts the contrast most when left out, of
    those on which no term rests alone), includes (whether it is in).
    Raises BadInput: fewer than 3 studies; a model that quadrature does not take.

    Parameters
    ----------
    design, spec : a model that quadrature takes
    weights : dims (contrast, term), as from `design.contrast_weights`
    subsets, seed : how many, and the seed that draws them
    left_out : from `quadrature.leave_one_study_out(design, spec, weights=weights)`; made if it is
        not given

    Notes
    -----
    Sizes are uniform from 2 to all studies but one; a subset has a study for every term, and so may
    be larger. Source: Olkin, Dahabreh & Trikalinos 2012, doi 10.1002/jrsm.1053.
    """
    if design.sizes["study"] < FEWEST:
        raise BadInput(f"subsets need {FEWEST} studies or more; got {design.sizes['study']}")
    if left_out is None:
        left_out = leave_one_study_out(design, spec, weights=weights)
    chosen = most_moving(design, spec, weights, left_out)
    members = draw_subsets(informs(design), subsets, np.random.default_rng(seed))
    parts = split_strata(design, spec) if spec.tau_by else {"": (design, spec)}
    each = {
        name: _of_stratum(own, single, weights, members[:, _places(design, own)])
        for name, (own, single) in parts.items()
    }
    mean, variance = (
        sum(getattr(one, name) for one in each.values()) for name in ("mean", "variance")
    )
    taus = {
        f"tau_{name}:{level}" if name else f"tau_{level}": one.tau[:, at]
        for name, one in each.items()
        for at, level in enumerate(spec.levels)
    }
    of_study = {study: name for name, (own, _) in parts.items() for study in own["study"].values}
    return pd.concat(
        [
            pd.DataFrame(
                {"subset": range(subsets), "studies": members.sum(1), "contrast": contrast}
                | {"mean": mean[:, at], "sd": np.sqrt(variance[:, at])}
                | taus
                | {
                    "heterogeneity": each[of_study.get(study, next(iter(each)))].total,
                    "study": study,
                }
                | {"includes": members[:, design["study"].values == study].any(1)}
            )
            for at, (contrast, study) in enumerate(chosen.items())
        ],
        ignore_index=True,
    )


def most_moving(
    design: xr.Dataset, spec: ModelSpec, weights: xr.DataArray, left_out: xr.Dataset
) -> dict[str, str]:
    """By contrast the study that shifts its mean most when left out, if no term rests on it alone; "" for none."""
    posterior = integrate_posterior(design, spec)
    rows = weights.sel(term=list(posterior.terms)).values
    mean = xr.DataArray(
        [combination(posterior, row).mean for row in rows], {"contrast": weights["contrast"].values}
    )
    shift = (
        abs(left_out["contrast_mean"] - mean)
        .transpose("contrast", "study")
        .sel(study=design["study"].values)
    )
    free = shift.where(~rests_alone(design, weights), -1.0)
    best = free.idxmax("study").where(free.max("study") >= 0, "")
    return dict(zip(map(str, weights["contrast"].values), map(str, best.values), strict=True))


def draw_subsets(informed: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Random subsets (count, studies) that inform every term; `informed` (studies, terms) says which study does."""
    studies, terms = informed.shape
    members = np.zeros((count, studies), bool)
    for subset, size in zip(members, rng.integers(2, studies, count), strict=True):
        for term in rng.permutation(terms):
            if not (subset & informed[:, term]).any():
                subset[rng.choice(np.flatnonzero(informed[:, term]))] = True
        missing = max(0, size - subset.sum())
        subset[rng.permutation(np.flatnonzero(~subset))[:missing]] = True
    return members


def _places(design: xr.Dataset, part: xr.Dataset) -> np.ndarray:
    return np.flatnonzero(np.isin(design["study"].values, part["study"].values))


class SubsetPosteriors(NamedTuple):
    """By subset: mean and variance of the contrasts (subsets, contrasts), tau (subsets, levels), total (subsets,)."""

    mean: np.ndarray
    variance: np.ndarray
    tau: np.ndarray
    total: np.ndarray


def _of_stratum(
    design: xr.Dataset, spec: ModelSpec, weights: xr.DataArray, members: np.ndarray
) -> SubsetPosteriors:
    """Return posteriors on subsets (subsets, studies) of a model with one tau per level, in bands of one size."""
    columns = weights.sel(term=design["term"].values).transpose("term", "contrast").values
    arrays = arrays_of(design, spec)
    order = np.argsort(members.sum(1), kind="stable")
    padded = np.pad(order, (0, -len(order) % BANDS), mode="edge").reshape(BANDS, -1)
    bands = [_of_band(arrays, spec, members[band].astype(float), columns) for band in padded]
    back = np.argsort(order)
    return SubsetPosteriors(*(np.concatenate(values)[back] for values in zip(*bands, strict=True)))


class _Highest(NamedTuple):
    """Log density of a rule's nodes (n, ..., n): that of the subset whose peak is nearest."""

    log_density: np.ndarray


def _of_band(
    arrays: DesignArrays, spec: ModelSpec, members: np.ndarray, columns: np.ndarray
) -> SubsetPosteriors:
    levels = len(spec.levels)

    def highest(rule: Rule) -> _Highest:
        density, _ = _log_density(arrays, spec, rule, members)
        relative = (density - density.max(0)).max(1)
        return _Highest(relative.reshape(rule.log_weight.shape))

    _, low, high = zoom(highest, levels, DROP, order=ROUGH[levels])
    rule = place(NODES[levels], levels, box(low, high))
    density, tau = _log_density(arrays, spec, rule, members)
    share = softmax(density + rule.log_weight.reshape(-1, 1), axis=0)
    first, second = _moments(arrays, spec, tau, share, members, columns)
    total = np.sqrt((tau**2).sum(1))
    return SubsetPosteriors(first, second - first**2, share.T @ tau, share.T @ total)


def _log_density(
    arrays: DesignArrays, spec: ModelSpec, rule: Rule, members: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the log density of each subset at every node (nodes, subsets), and the nodes' taus (nodes, levels)."""
    tau, outside = outside_of(np.stack(rule.x()[::-1], -1), spec, arrays.scale)
    tau = tau.reshape(-1, len(spec.levels))
    parts = [given.log_likelihood.T for given in _conditionals(arrays, spec, tau, members)]
    density = np.concatenate(parts) + outside.reshape(-1, 1)
    return np.nan_to_num(density, nan=-np.inf), tau


def _conditionals(
    arrays: DesignArrays, spec: ModelSpec, tau: np.ndarray, members: np.ndarray
) -> Iterator[Conditional]:
    """Yield each subset's likelihood, mean and covariance of the terms at nodes (subsets, nodes), some at a time."""
    size = max(
        1,
        NUMBERS_AT_ONCE // (arrays.columns.shape[1] ** 2 * (len(members) + arrays.nesting.studies)),
    )
    effects = members @ arrays.effects
    for start in range(0, len(tau), size):
        some = tau[start : start + size].T[:, None]
        S, L = products_by_study(arrays, Taus(**dict(zip(spec.levels, some, strict=True))))
        of_subsets = np.moveaxis(np.tensordot(members, S, axes=1), 0, 2)
        log_det = np.tensordot(members, L, axes=1)
        yield condition(of_subsets, log_det, effects[:, None], arrays.prior, arrays.log_det_prior)


def _moments(
    arrays: DesignArrays,
    spec: ModelSpec,
    tau: np.ndarray,
    share: np.ndarray,
    members: np.ndarray,
    columns: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return first and second moments of the contrasts (subsets, contrasts): sums over nodes, weighted by share."""
    first = np.zeros((len(members), columns.shape[1]))
    second = np.zeros_like(first)
    start = 0
    for given in _conditionals(arrays, spec, tau, members):
        weight = share[start : start + given.mean.shape[2]].T
        start += given.mean.shape[2]
        centre = np.tensordot(columns, given.mean, axes=(0, 0))
        variance = np.einsum("pc,pq...,qc->c...", columns, given.covariance, columns, optimize=True)
        first += (centre * weight).sum(-1).T
        second += ((centre**2 + variance) * weight).sum(-1).T
    return first, second
