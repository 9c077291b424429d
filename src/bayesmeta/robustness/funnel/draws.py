"""Replicates of a table: true effects under posterior draws, then effects and their variances."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import xarray as xr

from bayesmeta.data.effect_sizes import smd
from bayesmeta.estimates.summaries import values_of
from bayesmeta.inference.predictive import SYMBOLS
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design.blanks import imputed_rows
from bayesmeta.model.spec import LEVELS, spec_of
from bayesmeta.model.structure import Structured, variances
from bayesmeta.model.structure.draws import draw_new_effects
from bayesmeta.robustness.funnel.data import Floats, FunnelData

Studies = Literal["new", "fitted"]
UNIT = np.ones(1)
MAX_VALUES = 1_000_000  # of an array (draws, effects): 8 MB


@dataclass(frozen=True)
class DrawnEffects:
    """Values at every effect under some draws."""

    fitted: Floats  # (b, k), the fitted mean X beta
    theta: Floats  # (b, k), the true effect
    tau2: Floats  # (b, k), the sum over the levels
    rho: Floats  # (b, 1), correlation of sampling errors within a group


def draw_effects(
    tree: xr.DataTree,
    data: FunnelData,
    *,
    draws: int,
    rng: np.random.Generator,
    studies: Studies = "new",
) -> Iterator[DrawnEffects]:
    """Draw true effects under random posterior draws without repeats, in parts that fit in memory.

    `draws`: number of draws, at most all of the posterior. `studies`: "new" or "fitted", draw the
    random effects of theta = X beta + u + w + d from their distributions, or take those of the
    fitted studies, groups and effects.
    Raises BadInput: the tree lacks the random effects that "fitted" needs.
    """
    posterior = tree["posterior"].to_dataset()
    if "theta" in posterior:
        yield from _of_structure(tree, draws, rng, studies)
        return
    levels = [level for level in LEVELS if f"tau_{level}" in posterior]
    lacking = [SYMBOLS[level] for level in levels if SYMBOLS[level] not in posterior]
    if studies == "fitted" and lacking:
        raise BadInput(f"the posterior has no draws of {lacking}; studies='new' needs none")
    flat = {str(name): _flat(posterior[name]) for name in posterior.data_vars}
    available = len(flat["beta"])
    flat.setdefault("rho", np.full((available, 1), spec_of(tree).rho))
    chosen = rng.permutation(available)[:draws]
    size = max(1, MAX_VALUES // len(data.yi))
    for start in range(0, len(chosen), size):
        rows = chosen[start : start + size]
        part = {name: values[rows] for name, values in flat.items()}
        yield _at(part, levels, data, rng if studies == "new" else None)


def _of_structure(
    tree: xr.DataTree, draws: int, rng: np.random.Generator, studies: Studies
) -> Iterator[DrawnEffects]:
    """Draw true effects of a dependence structure."""
    posterior = tree["posterior"].to_dataset()
    design = tree["constant_data"].to_dataset()
    likelihood = Structured(design, spec_of(tree))
    beta = _flat(posterior["beta"])
    theta = _flat(posterior["theta"])
    values = values_of(tree)
    chosen = rng.permutation(len(beta))[:draws]
    size = max(1, MAX_VALUES // theta.shape[1])
    for start in range(0, len(chosen), size):
        rows = chosen[start : start + size]
        some = {name: value[rows] for name, value in values.items()}
        fitted = beta[rows] @ design["X"].values.T
        known = fitted
        if "mean_imputed" in posterior:  # where moderators are unknown, X differs between draws
            fitted = fitted.copy()
            fitted[:, imputed_rows(design)] = _flat(posterior["mean_imputed"])[rows]
        tau2 = np.zeros_like(fitted)
        for component in likelihood.components:
            tau2 = tau2 + variances(component, some)
        new = studies == "new"
        drawn = theta[rows]
        if new:
            drawn = draw_new_effects(likelihood, rng, some, beta[rows]) + fitted - known
        yield DrawnEffects(fitted, drawn, tau2, np.zeros((len(rows), 1)))


def _at(
    draws: dict[str, Floats], levels: list[str], data: FunnelData, rng: np.random.Generator | None
) -> DrawnEffects:
    """Return the true effects at some draws; without rng those of the fitted studies."""
    fitted = draws["beta"] @ data.x.T
    theta = fitted.copy()
    tau2 = np.zeros_like(theta)
    for level in levels:
        tau = draws[f"tau_{level}"][:, data.stratum]
        unit = data.unit[level]
        if rng is None:
            theta += draws[SYMBOLS[level]][:, unit]
        else:
            nu = draws.get("nu") if level == "study" else None
            theta += tau * _standard((len(tau), int(unit.max()) + 1), nu, rng)[:, unit]
        tau2 += np.square(tau)
    return DrawnEffects(fitted, theta, tau2, draws["rho"])


def _standard(shape: tuple[int, int], nu: Floats | None, rng: np.random.Generator) -> Floats:
    """Draw random effects (b, units) in units of tau: normal, or t with nu of the draw (b, 1)."""
    return rng.standard_normal(shape) if nu is None else rng.standard_t(nu[:, :1], shape)


def _flat(draws: xr.DataArray) -> Floats:
    """Return the draws of all chains in a row: (draws, size), or (draws, 1)."""
    values = draws.transpose("chain", "draw", ...).values
    return values.reshape(values.shape[0] * values.shape[1], -1)


class Replicate(NamedTuple):
    """Effects and sampling variances of replicated tables, both (b, k)."""

    yi: Floats
    vi: Floats


class Replicates(NamedTuple):
    """Replicates from the same normal noise: effect and variance linked, and variances fixed."""

    linked: Replicate
    naive: Replicate


def replicate(drawn: DrawnEffects, data: FunnelData, rng: np.random.Generator) -> Replicates:
    r"""Simulate g and its variance together at the drawn true effects theta.

        t ~ noncentral t(m, theta / s),  s = sqrt(1/n1 + 1/n2),  m = n1 + n2 - 2
        g = J(m) s t,  v = v(g, n1, n2)

    and, for comparison, g ~ N(theta, v observed), as if variances did not depend on effects. An
    effect with a variance that does not follow from effect and sizes has the second in both. With
    rho, the normal parts of t within a group correlate.
    Source: Hedges 1981, doi 10.3102/10769986006002107; the artefact: Zwetsloot et al. 2017,
    doi 10.7554/eLife.24260.
    """
    noise = _noise(drawn, data, rng)
    fixed = np.broadcast_to(data.vi, noise.shape)
    naive = Replicate(drawn.theta + np.sqrt(data.vi) * noise, fixed)
    linked = np.flatnonzero(data.linked)
    if not len(linked):
        return Replicates(naive, naive)
    n1, n2 = (sizes[linked] for sizes in (data.n1, data.n2))
    df = n1 + n2 - 2
    sd = np.sqrt(rng.chisquare(df, (len(noise), len(linked))) / df)
    d = (drawn.theta[:, linked] + data.size_error[linked] * noise[:, linked]) / sd
    yi, vi = (values.copy() for values in naive)
    yi[:, linked], vi[:, linked] = smd(d, UNIT, n1, 0 * UNIT, UNIT, n2, vtype=data.vtype)
    return Replicates(Replicate(yi, vi), naive)


def _noise(drawn: DrawnEffects, data: FunnelData, rng: np.random.Generator) -> Floats:
    """Draw standard normals (b, k), correlated by rho within a group."""
    independent = rng.standard_normal(drawn.theta.shape)
    if not drawn.rho.any():
        return independent
    group = data.unit["group"]
    shared = rng.standard_normal((len(independent), int(group.max()) + 1))[:, group]
    return np.sqrt(1 - drawn.rho) * independent + np.sqrt(drawn.rho) * shared
