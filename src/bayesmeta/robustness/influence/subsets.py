"""Posteriors on random subsets of the studies: whether all studies agree, or some differ.

At every node of a grid over the taus the cross-products of all studies are computed once; those of
all subsets are a matrix of zeros and ones times these. Subsets of about the same size share a grid,
since small subsets have wider posteriors.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import softmax

from bayesmeta.inference.quadrature import combination, density, integrate_posterior
from bayesmeta.inference.quadrature.grid import outside_of
from bayesmeta.inference.quadrature.nodes import Rule, box, place, zoom
from bayesmeta.inference.quadrature.strata import leave_one_study_out
from bayesmeta.inference.quadrature.truncation import limited_moments
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import split_strata
from bayesmeta.model.likelihood import Taus
from bayesmeta.model.priors.limits import Limits
from bayesmeta.model.spec import ModelSpec
from bayesmeta.robustness.influence.coverage import informs, rests_alone

BANDS = 6  # of subsets of about the same size
NODES = {1: 48, 2: 24, 3: 20}  # per axis, by number of levels
ROUGH = {1: 32, 2: 16, 3: 10}  # while zooming in
DROP = 14.0  # log density below the peak that a grid holds
MIN_STUDIES = 3


def gosh_table(
    design: xr.Dataset,
    spec: ModelSpec,
    weights: xr.DataArray,
    *,
    subsets: int = 1000,
    seed: int = 1,
    left_out: xr.Dataset | None = None,
) -> pd.DataFrame:
    """Integrate the posterior of the contrasts on random subsets of the studies.

    Sizes are uniform from 2 to all studies but 1; a subset has a study for every term, and so may
    be larger. Source: Olkin, Dahabreh & Trikalinos 2012, doi 10.1002/jrsm.1053.
    `design`, `spec`: a model that quadrature takes. `weights`: dims (contrast, term), as from
    `design.contrast_weights`. `subsets`, `seed`: the number of subsets, and the seed that draws
    them. `left_out`: from `quadrature.leave_one_study_out(design, spec, weights=weights)`, the
    default.
    Columns: subset, studies (their number), contrast, mean, sd, `tau_<level>` (posterior means),
    heterogeneity (posterior mean of the root of the sum of squared taus, where strata differ of the
    influential study's stratum), study (the influential study: it shifts the contrast most when
    left out, of those on which no term rests alone), includes (whether it is in).
    Raises BadInput: fewer than 3 studies; a model that quadrature does not take.
    """
    if design.sizes["study"] < MIN_STUDIES:
        raise BadInput(f"subsets need {MIN_STUDIES} studies or more; got {design.sizes['study']}")
    if left_out is None:
        left_out = leave_one_study_out(design, spec, weights=weights)
    members = draw_subsets(informs(design), subsets, np.random.default_rng(seed))
    studies = design["study"].values
    parts = split_strata(design, spec) if spec.tau_by else {"": (design, spec)}
    studies_of = {name: part["study"].values for name, (part, _) in parts.items()}
    posteriors = {
        name: _of_stratum(*part, weights, members[:, np.isin(studies, studies_of[name])])
        for name, part in parts.items()
    }
    mean = np.sum([part.mean for part in posteriors.values()], axis=0)
    sd = np.sqrt(np.sum([part.variance for part in posteriors.values()], axis=0))
    taus = {
        f"tau_{name}:{level}" if name else f"tau_{level}": tau
        for name, part in posteriors.items()
        for level, tau in zip(spec.levels, part.tau.T, strict=True)
    }
    stratum_of = {study: name for name, of_part in studies_of.items() for study in of_part}
    index = pd.DataFrame({"subset": range(subsets), "studies": members.sum(1)})
    tables = []
    chosen = most_moving(design, spec, weights, left_out)
    for at, (contrast, study) in enumerate(chosen.items()):
        total = posteriors[stratum_of.get(study, next(iter(parts)))].total
        table = index.assign(contrast=contrast, mean=mean[:, at], sd=sd[:, at], **taus)
        includes = members[:, studies == study].any(1)
        tables.append(table.assign(heterogeneity=total, study=study, includes=includes))
    return pd.concat(tables, ignore_index=True)


def most_moving(
    design: xr.Dataset, spec: ModelSpec, weights: xr.DataArray, left_out: xr.Dataset
) -> dict[str, str]:
    """Return by contrast the study that shifts it most, not the only study of a term, or ""."""
    posterior = integrate_posterior(design, spec)
    rows = weights.sel(term=list(posterior.terms)).values
    mean = np.array([[combination(posterior, row).mean] for row in rows])
    without = left_out["contrast_mean"].transpose("contrast", "study")
    shift = abs(without.sel(study=design["study"].values) - mean)
    free = shift.where(~rests_alone(design, weights), -1.0)
    best = free.idxmax("study").where(free.max("study") >= 0, "")
    return dict(zip(map(str, weights["contrast"].values), map(str, best.values), strict=True))


def draw_subsets(informed: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw subsets (count, studies) that inform every term; `informed`: (studies, terms)."""
    studies, terms = informed.shape
    members = np.zeros((count, studies), bool)
    for subset, size in zip(members, rng.integers(2, studies, count), strict=True):
        for term in rng.permutation(terms):
            if not (subset & informed[:, term]).any():
                subset[rng.choice(np.flatnonzero(informed[:, term]))] = True
        missing = max(0, size - subset.sum())
        subset[rng.permutation(np.flatnonzero(~subset))[:missing]] = True
    return members


class SubsetPosteriors(NamedTuple):
    """Posteriors by subset."""

    mean: np.ndarray  # (subsets, contrasts)
    variance: np.ndarray  # (subsets, contrasts)
    tau: np.ndarray  # (subsets, levels)
    total: np.ndarray  # (subsets,), heterogeneity of all levels


def _of_stratum(
    design: xr.Dataset, spec: ModelSpec, weights: xr.DataArray, members: np.ndarray
) -> SubsetPosteriors:
    """Return posteriors on subsets (subsets, studies) of a model with a single tau per level."""
    columns = weights.sel(term=design["term"].values).transpose("term", "contrast").values
    arrays = density.arrays_of(design, spec)
    order = np.argsort(members.sum(1), kind="stable")
    padded = np.pad(order, (0, -len(order) % BANDS), mode="edge").reshape(BANDS, -1)
    bands = [_of_band(arrays, spec, members[band].astype(float), columns) for band in padded]
    back = np.argsort(order)
    return SubsetPosteriors(*(np.concatenate(values)[back] for values in zip(*bands, strict=True)))


class _Highest(NamedTuple):
    """Log density of a rule's nodes (n, ..., n): that of the subset with the nearest peak."""

    log_density: np.ndarray


def _of_band(
    arrays: density.DesignArrays, spec: ModelSpec, members: np.ndarray, columns: np.ndarray
) -> SubsetPosteriors:
    levels = len(spec.levels)

    def highest(rule: Rule) -> _Highest:
        log_density, _ = _log_density(arrays, spec, rule, members)
        relative = (log_density - log_density.max(0)).max(1)
        return _Highest(relative.reshape(rule.log_weight.shape))

    _, low, high = zoom(highest, levels, DROP, order=ROUGH[levels])
    rule = place(NODES[levels], levels, box(low, high))
    log_density, tau = _log_density(arrays, spec, rule, members)
    share = softmax(log_density + rule.log_weight.reshape(-1, 1), axis=0)
    given = _conditionals(arrays, spec, tau, members)
    mean, variance = _moments(given, share, columns, arrays.term_prior.limits)
    total = np.sqrt((tau**2).sum(1))
    return SubsetPosteriors(mean, variance, share.T @ tau, share.T @ total)


def _log_density(
    arrays: density.DesignArrays, spec: ModelSpec, rule: Rule, members: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return log densities (nodes, subsets) and the taus of the nodes (nodes, levels)."""
    tau, outside = outside_of(np.stack(rule.x()[::-1], -1), spec, arrays.scale)
    tau = tau.reshape(-1, len(spec.levels))
    parts = [given.log_likelihood.T for given in _conditionals(arrays, spec, tau, members)]
    log_density = np.concatenate(parts) + outside.reshape(-1, 1)
    return np.nan_to_num(log_density, nan=-np.inf), tau


def _conditionals(
    arrays: density.DesignArrays, spec: ModelSpec, tau: np.ndarray, members: np.ndarray
) -> Iterator[density.Conditional]:
    """Yield likelihood, mean and covariance of the terms (subsets, nodes), some nodes at a time."""
    numbers = arrays.columns.shape[1] ** 2 * (len(members) + arrays.nesting.studies)
    size = max(1, density.NUMBERS_AT_ONCE // numbers)
    effects = members @ arrays.effects
    for start in range(0, len(tau), size):
        some = tau[start : start + size].T[:, None]
        S, L = density.products_by_study(arrays, Taus(**dict(zip(spec.levels, some, strict=True))))
        sums = np.moveaxis(np.tensordot(members, S, axes=1), 0, 2)
        log_det = np.tensordot(members, L, axes=1)
        yield density.condition_on(arrays, sums, log_det, effects[:, None])


def _moments(
    conditionals: Iterator[density.Conditional],
    share: np.ndarray,
    columns: np.ndarray,
    limits: Limits | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and variance of the contrasts (subsets, contrasts), nodes weighted by share."""
    first = np.zeros((share.shape[1], columns.shape[1]))
    second = np.zeros_like(first)
    start = 0
    for given in conditionals:
        weight = share[start : start + given.mean.shape[2]].T
        start += given.mean.shape[2]
        terms = len(given.mean)
        nodes = given.mean.shape[1:]
        by_node = (given.mean.reshape(terms, -1).T, given.covariance.reshape(terms, terms, -1).T)
        of_nodes, covariances = limited_moments(limits, *by_node)
        centre = (of_nodes @ columns).T.reshape(-1, *nodes)
        variance = np.einsum("pc,npq,qc->cn", columns, covariances, columns, optimize=True)
        variance = variance.reshape(-1, *nodes)
        first += (centre * weight).sum(-1).T
        second += ((centre**2 + variance) * weight).sum(-1).T
    return first, second - first**2
