"""Posteriors on random subsets of the studies: do the studies tell one story, or one of them another?

At every node of a grid over the taus the cross-products of all studies are found once; those of all subsets are a
matrix of zeros and ones times these. Subsets of about the same size share a grid, for small ones have wider posteriors.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import xarray as xr
from jax import Array
from scipy.special import softmax

from bayesmeta.inference.quadrature import combination, integrate_posterior, leave_one_study_out
from bayesmeta.inference.quadrature.density import Table, condition, table_of
from bayesmeta.inference.quadrature.grid import outside_of
from bayesmeta.inference.quadrature.nodes import Rule, box, place, zoom
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import split_strata
from bayesmeta.model.likelihood import cross_products, group_sums
from bayesmeta.model.spec import LEVELS, ModelSpec
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

    Parameters
    ----------
    design, spec : Dataset, ModelSpec
        A model that quadrature takes.
    weights : DataArray
        Dims (contrast, term), as from `design.contrast_weights`.
    subsets, seed : int
        How many, and the seed that draws them.
    left_out : Dataset, optional
        From `quadrature.leave_one_study_out(design, spec, weights=weights)`; made if it is not given.

    Returns
    -------
    DataFrame
        subset, studies (their number), contrast, mean, sd, `tau_<level>` (posterior means), heterogeneity (posterior
        mean of the root of the sum of squared taus, where strata differ of the influential study's stratum), study
        (the one that shifts the contrast most when left out, of those on which no term rests alone), includes (whether
        it is in).

    Raises
    ------
    BadInput
        Fewer than 3 studies; a model that quadrature does not take.

    Notes
    -----
    Sizes are uniform from 2 to all studies but one; a subset has a study for every term, and so may be larger.
    Source: Olkin, Dahabreh & Trikalinos 2012, doi 10.1002/jrsm.1053.
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
    mean, variance = (sum(getattr(one, name) for one in each.values()) for name in ("mean", "variance"))
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
                | {"heterogeneity": each[of_study.get(study, next(iter(each)))].total, "study": study}
                | {"includes": members[:, design["study"].values == study].any(1)}
            )
            for at, (contrast, study) in enumerate(chosen.items())
        ],
        ignore_index=True,
    )


def most_moving(design: xr.Dataset, spec: ModelSpec, weights: xr.DataArray, left_out: xr.Dataset) -> dict[str, str]:
    """By contrast the study that shifts its mean most when left out, if no term rests on it alone; "" for none."""
    posterior = integrate_posterior(design, spec)
    rows = weights.sel(term=list(posterior.terms)).values
    mean = xr.DataArray([combination(posterior, row).mean for row in rows], {"contrast": weights["contrast"].values})
    shift = abs(left_out["contrast_mean"] - mean).transpose("contrast", "study").sel(study=design["study"].values)
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


class Found(NamedTuple):
    """By subset: mean and variance of the contrasts (subsets, contrasts), tau (subsets, levels), total (subsets,)."""

    mean: np.ndarray
    variance: np.ndarray
    tau: np.ndarray
    total: np.ndarray


def _of_stratum(design: xr.Dataset, spec: ModelSpec, weights: xr.DataArray, members: np.ndarray) -> Found:
    """Posteriors on subsets (subsets, studies) of a model with one tau per level, in bands of one size."""
    columns = weights.sel(term=design["term"].values).transpose("term", "contrast").values
    table, order = table_of(design, spec), np.argsort(members.sum(1), kind="stable")
    padded = np.pad(order, (0, -len(order) % BANDS), mode="edge").reshape(BANDS, -1)
    bands = [_of_band(table, spec, members[band], columns) for band in padded]
    back = np.argsort(order)
    return Found(*(np.concatenate(values)[back] for values in zip(*bands, strict=True)))


def _of_band(table: Table, spec: ModelSpec, members: np.ndarray, columns: np.ndarray) -> Found:
    levels = len(spec.levels)

    def relative(rule: Rule) -> np.ndarray:
        density, _ = _log_density(table, spec, rule, members)
        highest: np.ndarray = (density - density.max(0)).max(1).reshape(rule.log_weight.shape)
        return highest

    ranges = box(*zoom(relative, levels, DROP, order=ROUGH[levels]))
    rule = place(NODES[levels], levels, ranges)
    density, tau = _log_density(table, spec, rule, members)
    share = softmax(density + rule.log_weight.reshape(-1, 1), axis=0)
    first, second = _moments(table, _all_taus(tau, spec), share, members.astype(float), columns)
    total = np.sqrt((tau**2).sum(1))
    return Found(np.asarray(first), np.asarray(second - first**2), share.T @ tau, share.T @ total)


def _log_density(table: Table, spec: ModelSpec, rule: Rule, members: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log density of each subset at every node (nodes, subsets), and the nodes' taus (nodes, levels)."""
    tau, outside = outside_of(np.stack(rule.x()[::-1], -1), spec, float(table.scale))
    tau = tau.reshape(-1, len(spec.levels))
    found = np.asarray(_likelihoods(table, _all_taus(tau, spec), members.astype(float)))
    return np.nan_to_num(found + outside.reshape(-1, 1), nan=-np.inf), tau


def _all_taus(tau: np.ndarray, spec: ModelSpec) -> np.ndarray:
    every = np.zeros((len(tau), len(LEVELS)))
    every[:, [LEVELS.index(level) for level in spec.levels]] = tau
    return every


def _conditional(table: Table, members: Array, tau: Array) -> tuple[Array, Array, Array]:
    """At one node, each subset's log p(y | taus) (subsets,), and mean and covariance of its terms."""
    sums = group_sums(table.columns, table.v, table.nesting, tau[2], table.rho)
    log_det, cross = cross_products(sums, tau[0], tau[1], table.nesting)
    size = cross.shape[-1]
    flat = members @ jnp.column_stack([cross.reshape(len(cross), -1), log_det, sums.effects])
    found = condition(flat[:, :-2].reshape(-1, size, size), flat[:, -2], flat[:, -1], table)
    return found.log_likelihood, found.mean, found.covariance


@jax.jit
def _likelihoods(table: Table, tau: Array, members: Array) -> Array:
    return jax.lax.map(lambda one: _conditional(table, members, one)[0], tau)


@jax.jit
def _moments(table: Table, tau: Array, share: Array, members: Array, columns: Array) -> tuple[Array, Array]:
    """First and second moments of the contrasts (subsets, contrasts): sums over nodes, weighted by share."""

    def add(totals: tuple[Array, Array], node: tuple[Array, Array]) -> tuple[tuple[Array, Array], None]:
        _, mean, covariance = _conditional(table, members, node[0])
        centre, weight = mean @ columns, node[1][:, None]
        variance = (columns * (covariance @ columns)).sum(-2)
        return (totals[0] + weight * centre, totals[1] + weight * (centre**2 + variance)), None

    zero = jnp.zeros((members.shape[0], columns.shape[1]))
    return jax.lax.scan(add, (zero, zero), (tau, share))[0]
