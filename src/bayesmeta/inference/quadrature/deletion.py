"""Leave-one-study-out on a shared grid: at every node a study's cross-products are subtracted.

    p(y_-s | taus) comes from sum_{t != s} z_t' V_t^-1 z_t as the full likelihood from the full sum
    elpd_s = log p(y_s | y_-s) = log p(y) - log p(y_-s)

The grid is that of the full posterior, on wider ranges. Two rules give every study's error; a study
without which the grid does not cover the posterior well enough gets a separate grid. Where a prior
has limits, every study does. Axes are studies, then nodes.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr
from scipy.special import logsumexp

from bayesmeta.inference.quadrature.density import (
    NUMBERS_AT_ONCE,
    DesignArrays,
    condition_at,
    effect_level,
)
from bayesmeta.inference.quadrature.grid import ORDERS, SPARE, Grid, nested, outside_of
from bayesmeta.inference.quadrature.integral import Integral, integrate
from bayesmeta.inference.quadrature.node_sums import add_up, combine, sum_nodes
from bayesmeta.inference.quadrature.nodes import Rule, follow, place
from bayesmeta.inference.quadrature.without_study import supports_of, without_each
from bayesmeta.model.likelihood import Taus
from bayesmeta.model.spec import ModelSpec

Weights = xr.DataArray | None  # (contrast, term)
WIDER = 8.0  # log density by which the ranges go beyond those of the full posterior


class Rows(NamedTuple):
    """Log density of rows of nodes along the innermost axis (rows, studies): ends and highest."""

    first: np.ndarray
    last: np.ndarray
    highest: np.ndarray


class Deleted(NamedTuple):
    """Posterior without each study."""

    log_evidence: np.ndarray  # log p(y_-s) (studies,)
    mean: np.ndarray  # (studies, r + levels)
    sd: np.ndarray  # (studies, r + levels)
    error: np.ndarray  # (studies,)


def delete_studies(
    design: xr.Dataset, spec: ModelSpec, weights: Weights, tolerance: float
) -> xr.Dataset:
    """Return `strata.leave_one_study_out` of a model with one tau per level."""
    terms = list(design["term"].values)
    columns = np.eye(len(terms))
    if weights is not None:
        named = weights.sel(term=terms).transpose("term", "contrast").values
        columns = np.column_stack([columns, named])
    integral = integrate(design, spec, tolerance=tolerance)
    if integral.arrays.term_prior.limits is None:
        deleted = _on_shared_grids(integral, spec, columns)
    else:
        deleted = _none_known(design.sizes["study"], columns.shape[1] + len(spec.levels))
    refitted = np.flatnonzero(~(deleted.error <= integral.tolerance))
    for study in refitted:
        name = str(design["study"].values[study])
        alone = integrate(design, spec, without=[name], tolerance=tolerance)
        deleted.mean[study], deleted.sd[study] = alone.moments(columns)
        deleted.log_evidence[study] = alone.log_evidence
        deleted.error[study] = alone.error
    elpd = integral.log_evidence - deleted.log_evidence
    separate = np.isin(np.arange(len(elpd)), refitted)
    posteriors = _by_name(deleted, design, spec, weights)
    return posteriors.assign(elpd=("study", elpd), own_grid=("study", separate))


def _on_shared_grids(integral: Integral, spec: ModelSpec, columns: np.ndarray) -> Deleted:
    by_node = []
    for node in integral.kept:
        given = integral.arrays.given(integral.nodes.at(node))
        grid = integral.grids[node]
        by_node.append(_on_shared_grid(given, spec, grid, columns, integral.tolerance))
    return _mixed(by_node, integral.nodes.weight[integral.kept])


def _none_known(studies: int, moments: int) -> Deleted:
    """Return arrays to be filled by integrals without each study, as under limits of a prior."""
    mean, sd = np.zeros((2, studies, moments))
    return Deleted(np.zeros(studies), mean, sd, np.full(studies, np.inf))


def _mixed(by_node: Sequence[Deleted], prior: np.ndarray) -> Deleted:
    """Average over outer nodes, by prior weight and evidence without the study."""
    if len(by_node) == 1:
        return by_node[0]
    evidence = np.array([part.log_evidence for part in by_node])
    total = logsumexp(evidence, axis=0, b=prior[:, None])
    share = (prior[:, None] * np.exp(evidence - total))[..., None]
    means, sds = (np.array([getattr(part, name) for part in by_node]) for name in ("mean", "sd"))
    mean = (share * means).sum(0)
    sd = np.sqrt((share * (sds**2 + (means - mean) ** 2)).sum(0))
    return Deleted(total, mean, sd, np.max([part.error for part in by_node], axis=0))


def _on_shared_grid(
    arrays: DesignArrays, spec: ModelSpec, grid: Grid, columns: np.ndarray, tolerance: float
) -> Deleted:
    """Delete all studies on two rules; their difference is the error."""
    ranges = follow(grid.rule, grid.log_density, WIDER + SPARE - np.log(tolerance))
    finer = min(order for order in (*ORDERS, 2 * grid.rule.order) if order > grid.rule.order)
    rules = (place(order, len(spec.levels), ranges) for order in (grid.rule.order, finer))
    coarse, fine = (_delete_each(arrays, spec, rule, columns) for rule in rules)
    shifts = np.abs([coarse.mean - fine.mean, coarse.sd - fine.sd]) / fine.sd
    changes = [shifts.max((0, 2)), np.abs(coarse.log_evidence - fine.log_evidence), fine.error]
    return fine._replace(error=np.max(changes, axis=0))


def _delete_each(arrays: DesignArrays, spec: ModelSpec, rule: Rule, columns: np.ndarray) -> Deleted:
    """Delete every study on a rule; the error is the density on the grid's faces."""
    tau, log_outside = outside_of(np.stack(rule.x()[::-1], -1), spec, arrays.scale)
    effect, group, study = nested(tau, spec.levels)
    outside, log_weight = (values.reshape(study.shape) for values in (log_outside, rule.log_weight))
    supports = supports_of(arrays)
    order = np.argsort(np.concatenate([support.studies for support in supports]))
    sums, rows = [], []
    size = max(1, NUMBERS_AT_ONCE // (arrays.nesting.studies * study.shape[2] * 4))
    for at, tau_effect in enumerate(effect):
        effects = effect_level(arrays, tau_effect)
        by_study = [support.sums(tau_effect, arrays.rho) for support in supports]
        for start in range(0, group.shape[1], size):
            chosen = slice(start, start + size)
            taus = Taus(group[None, at, chosen], study[None, at, chosen], tau_effect)
            with_all = condition_at(arrays, effects, taus)
            inputs = zip(supports, by_study, strict=True)
            parts = [without_each(with_all, *pair, taus, arrays) for pair in inputs]
            pairs = list(zip(supports, parts, strict=True))
            density = np.concatenate([part.log_likelihood for part in parts])[order]
            density = np.nan_to_num(density + outside[at, chosen], nan=-np.inf)
            rows.append(Rows(density[..., 0].T, density[..., -1].T, density.max(-1).T))
            log_mass = density + log_weight[at, chosen]
            moments = combine(with_all, pairs, columns)
            sums.append(sum_nodes(moments, pairs, log_mass, _taus_of_nodes(taus, spec)))
    total = add_up(sums)
    mean = np.column_stack([total.mean.T, total.tau.T])
    sd = np.sqrt(np.column_stack([total.square.T, total.tau2.T]) - mean**2)
    stacked = Rows(*(np.concatenate(part) for part in zip(*rows, strict=True)))
    return Deleted(total.log_mass, mean, sd, _edge(stacked, rule, spec, study.shape))


def _taus_of_nodes(taus: Taus, spec: ModelSpec) -> np.ndarray:
    """Return the tau of every level at the nodes (levels, nodes)."""
    of_level = {"study": taus.study, "group": taus.group[..., None], "effect": taus.effect}
    shape = taus.study.shape
    return np.stack([np.broadcast_to(of_level[level], shape).ravel() for level in spec.levels])


def _edge(rows: Rows, rule: Rule, spec: ModelSpec, shape: tuple[int, ...]) -> np.ndarray:
    """Return the peak on the grid's faces, relative to the peak of all (studies,); 0 is no face."""
    first, last, highest = (part.reshape(*shape[:2], -1) for part in rows)
    ends = {"study": (first, last), "group": (highest[:, 0], highest[:, -1])}
    ends["effect"] = (highest[0].max(0), highest[-1].max(0))
    faces = []
    for level, axis in zip(reversed(spec.levels), rule.axes, strict=True):
        lower, upper = ends[level]
        open_below = (axis.low > 0).reshape(*lower.shape[:-1], 1)
        faces += [np.where(open_below, lower, -np.inf), upper]
    top = np.max([face.reshape(-1, face.shape[-1]).max(0) for face in faces], axis=0)
    return np.exp(top - highest.max((0, 1)))


def _by_name(deleted: Deleted, design: xr.Dataset, spec: ModelSpec, weights: Weights) -> xr.Dataset:
    parts = {"": ("term", list(design["term"].values))}
    if weights is not None:
        parts["contrast_"] = ("contrast", list(weights["contrast"].values))
    parts["tau_"] = ("level", list(spec.levels))
    variables: dict[str, tuple[object, np.ndarray]] = {"error": ("study", deleted.error)}
    ends = np.cumsum([len(labels) for _, labels in parts.values()])[:-1]
    for moment, values in (("mean", deleted.mean), ("sd", deleted.sd)):
        for (prefix, (dim, _)), part in zip(parts.items(), np.split(values, ends, 1), strict=True):
            variables[f"{prefix}{moment}"] = (("study", dim), part)
    return xr.Dataset(variables, {"study": design["study"].values, **dict(parts.values())})
