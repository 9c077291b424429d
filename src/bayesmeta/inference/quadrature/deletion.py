r"""Leave-one-study-out on one grid: at every node a study is taken out by subtracting its own cross-products.

    p(y_-s | taus) comes from sum_{t != s} z_t' V_t^-1 z_t as the whole likelihood comes from the whole sum
    elpd_s = log p(y_s | y_-s) = log p(y) - log p(y_-s)

The grid is the whole posterior's, on wider ranges. Two rules give every study's error; a study whose posterior without
it is not covered well enough gets a grid of its own.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax import Array
from scipy.special import logsumexp

from bayesmeta.inference.quadrature.density import Table, condition, effect_level, table_of
from bayesmeta.inference.quadrature.grid import ORDERS, SPARE, Grid, batches, nested, outside_of, refine
from bayesmeta.inference.quadrature.nodes import Rule, follow, place
from bayesmeta.model.likelihood import GroupSums, integrate
from bayesmeta.model.spec import ModelSpec

WIDER = 8.0


class Row(NamedTuple):
    """One tau_effect and tau_group, without each study: log mass and first and second moments over tau_study.

    log_mass (studies,); first, second (studies, r + 1), of the combinations of terms, then tau_study; low, high and
    highest (studies,): log density at the first node, at the last, and the highest.
    """

    log_mass: Array
    first: Array
    second: Array
    low: Array
    high: Array
    highest: Array


class Deleted(NamedTuple):
    """Without each study: log p(y_-s) (studies,), means and sds (studies, r + levels), and what the grid missed.

    edge (studies,) is the density on the grid's faces relative to its peak.
    """

    log_evidence: np.ndarray
    mean: np.ndarray
    sd: np.ndarray
    edge: np.ndarray


def delete_studies(
    design: xr.Dataset, spec: ModelSpec, *, weights: xr.DataArray | None = None, tolerance: float = 1e-6
) -> xr.Dataset:
    """`strata.leave_one_study_out` of a model with one tau per level and no spread."""
    terms = list(design["term"].values)
    columns = np.eye(len(terms))
    if weights is not None:
        columns = np.column_stack([columns, weights.sel(term=terms).transpose("term", "contrast").values])
    grid, _ = refine(design, spec, tolerance=tolerance)
    table = table_of(design, spec)
    deleted, error = _on_shared_grid(table, spec, grid, columns, tolerance)
    own = np.flatnonzero(~(np.maximum(error, deleted.edge) <= tolerance))
    for study in own:
        name = str(design["study"].values[study])
        alone, error[study] = refine(design, spec, without=[name], tolerance=tolerance)
        deleted.mean[study], deleted.sd[study] = alone.moments(columns)
        deleted.log_evidence[study] = alone.log_evidence
    return _by_name(deleted, error, own, grid.log_evidence - deleted.log_evidence, design, spec, weights)


def _on_shared_grid(
    table: Table, spec: ModelSpec, grid: Grid, columns: np.ndarray, tolerance: float
) -> tuple[Deleted, np.ndarray]:
    """All studies on the two rules from the grid's order upwards, and the difference (studies,)."""
    ranges = follow(grid.rule, grid.log_density, WIDER + SPARE - np.log(tolerance))
    finer = min(order for order in (*ORDERS, 2 * grid.rule.order) if order > grid.rule.order)
    coarse, fine = (
        _delete_each(table, spec, place(order, len(spec.levels), ranges), columns) for order in (grid.rule.order, finer)
    )
    shifts = np.abs([coarse.mean - fine.mean, coarse.sd - fine.sd]) / fine.sd
    return fine, np.maximum(shifts.max((0, 2)), np.abs(coarse.log_evidence - fine.log_evidence))


def _delete_each(table: Table, spec: ModelSpec, rule: Rule, columns: np.ndarray) -> Deleted:
    """Moments without each study on one rule, one tau_effect after the other."""
    tau, outside = outside_of(np.stack(rule.x()[::-1], -1), spec, float(table.scale))
    effect, group, study = nested(tau, spec.levels)
    outside, log_weight = (values.reshape(study.shape) for values in (outside, rule.log_weight))
    slabs = []
    for part in range(len(effect)):
        sums = effect_level(table, effect[part])
        batch = batches(group[part], study[part], outside[part], log_weight[part])
        calls = [_rows(table, sums, columns, *rows) for rows in batch]
        pieces = study[part].size // min(8, study.shape[2])
        slabs.append([np.concatenate(values)[:pieces] for values in zip(*calls, strict=True)])
    rows = Row(*(jnp.asarray(values) for values in zip(*slabs, strict=True)))
    log_mass = np.asarray(rows.log_mass)
    log_evidence = logsumexp(log_mass, (0, 1))
    share = np.exp(log_mass - log_evidence)
    group = np.repeat(group, log_mass.shape[1] // group.shape[1], axis=1)
    moments = []
    for power, found in ((1, rows.first), (2, rows.second)):
        totals = {"study": np.einsum("abs,abs->s", share, found[..., -1])}
        totals["group"] = np.einsum("abs,ab->s", share, group**power)
        totals["effect"] = np.einsum("abs,a->s", share, effect**power)
        combinations = np.einsum("abs,absr->sr", share, found[..., :-1])
        moments.append(np.column_stack([combinations, *(totals[level] for level in spec.levels)]))
    sd = np.sqrt(moments[1] - moments[0] ** 2)
    return Deleted(log_evidence, moments[0], sd, _edge(rows, rule, spec, study.shape))


@jax.jit
def _rows(table: Table, sums: GroupSums, columns: np.ndarray, *nodes: np.ndarray) -> Row:
    """Rows of one tau_effect: tau_group (b,); tau_study, the rest of the density and the log weights (b, c)."""
    return jax.lax.map(lambda row: _row(sums, table, columns, *row), tuple(map(jnp.asarray, nodes)))


def _row(
    sums: GroupSums,
    table: Table,
    columns: np.ndarray,
    tau_group: Array,
    tau_study: Array,
    outside: Array,
    weight: Array,
) -> Row:
    nesting, scale = table.nesting, jnp.square(tau_study)[:, None]
    part = integrate(sums, 0.0, tau_group, nesting)
    scaled = sums.columns * (jnp.square(tau_group) / part.group)[:, None]
    squares = sums.squares - nesting.by_study(scaled[:, :, None] * sums.columns[:, None, :])
    study = 1 + scale * part.ones
    cross = squares - (scale / study)[..., None, None] * part.columns[:, :, None] * part.columns[:, None, :]
    log_det = sums.log_det + nesting.by_study(jnp.log(part.group)) + jnp.log(study)
    given = condition(_others(cross, 1), _others(log_det, 1), _others(sums.effects, 0), table)
    density = jnp.nan_to_num(given.log_likelihood + outside[:, None], nan=-jnp.inf)
    log_mass = density + weight[:, None]
    total = jax.nn.logsumexp(log_mass, axis=0)
    share = jnp.exp(log_mass - total)
    mean = given.mean @ columns
    variance = (columns * (given.covariance @ columns)).sum(-2)
    first = [jnp.einsum("cs,csr->sr", share, mean), (tau_study @ share)[:, None]]
    second = [jnp.einsum("cs,csr->sr", share, mean**2 + variance), (tau_study**2 @ share)[:, None]]
    return Row(total, jnp.hstack(first), jnp.hstack(second), density[0], density[-1], density.max(0))


def _others(x: Array, axis: int) -> Array:
    """Sum over all other studies."""
    return x.sum(axis, keepdims=True) - x


def _edge(rows: Row, rule: Rule, spec: ModelSpec, shape: tuple[int, ...]) -> np.ndarray:
    """Highest density on the faces of the grid (a, b, c) relative to its peak (studies,); zero is no face."""
    low, high, highest = (
        np.asarray(part).reshape(*shape[:2], -1, part.shape[-1]) for part in (rows.low, rows.high, rows.highest)
    )
    ends = {
        "study": (low[:, :, 0], high[:, :, -1]),
        "group": (highest[:, 0].max(1), highest[:, -1].max(1)),
        "effect": (highest[0].max((0, 1)), highest[-1].max((0, 1))),
    }
    faces = []
    for level, axis in zip(reversed(spec.levels), rule.axes, strict=True):
        first, last = ends[level]
        open_below = (axis.low > 0).reshape(*first.shape[:-1], 1)
        faces += [np.where(open_below, first, -np.inf), last]
    top = np.max([face.reshape(-1, face.shape[-1]).max(0) for face in faces], axis=0)
    edge: np.ndarray = np.exp(top - highest.max((0, 1, 2)))
    return edge


def _by_name(
    deleted: Deleted,
    error: np.ndarray,
    own: np.ndarray,
    elpd: np.ndarray,
    design: xr.Dataset,
    spec: ModelSpec,
    weights: xr.DataArray | None,
) -> xr.Dataset:
    parts: dict[str, tuple[str, Sequence[str]]] = {"": ("term", list(design["term"].values))}
    if weights is not None:
        parts["contrast_"] = ("contrast", list(weights["contrast"].values))
    parts["tau_"] = ("level", list(spec.levels))
    found: dict[str, tuple[object, np.ndarray]] = {
        "elpd": ("study", elpd),
        "error": ("study", error),
        "own_grid": ("study", np.isin(np.arange(len(error)), own)),
    }
    start = 0
    for prefix, (dim, labels) in parts.items():
        chosen = slice(start, start + len(labels))
        found[f"{prefix}mean"] = (("study", dim), deleted.mean[:, chosen])
        found[f"{prefix}sd"] = (("study", dim), deleted.sd[:, chosen])
        start += len(labels)
    return xr.Dataset(found, {"study": design["study"].values, **dict(parts.values())})
