"""Draws of the random effects of a dependence structure, exact given the parameters.

With a* and e* drawn from their prior, and V that of the nested components and the errors,

    a = a* + C V^-1 (y - X beta - Z a - sum D a* - e*)

has the distribution of a component's effects given the data (Matheron's rule); C is its covariance
with the results. Rows of a block have densities one after the other, given those before them: their
sum over a study is its log-likelihood given the studies of the block that precede it.
"""

from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from bayesmeta.model.likelihood.nesting import Members
from bayesmeta.model.structure.components import Component
from bayesmeta.model.structure.likelihood import Structured
from bayesmeta.model.structure.parameters import Values


class Effects(NamedTuple):
    """Draws given the data."""

    of_units: dict[str, np.ndarray]  # by component (draws, units), or over pairs with categories
    theta: np.ndarray  # true effects (draws, k)
    replicates: np.ndarray  # results of the same units (draws, k)
    log_density: np.ndarray  # of every row given beta, a and the rows before it (draws, k)
    log_density_of_effects: np.ndarray  # given all random effects but those of the row (draws, k)


def draw_effects(
    likelihood: Structured,
    rng: Generator,
    values: Values,
    coefficients: np.ndarray,
    means: np.ndarray | None = None,
) -> Effects:
    """Draw the effects given draws of the parameters and of (a, beta) (draws, p + q).

    means : X beta (draws, k), where X differs between draws.
    """
    chunks = list(likelihood.chunks(values))
    ends = np.cumsum([len(next(iter(some.values()))) for some in chunks])
    if means is None:
        means = coefficients[:, -likelihood.terms :] @ likelihood.columns[:, :-1].T
    split = (np.split(x, ends[:-1]) for x in (coefficients, means))
    parts = [_draw(likelihood, rng, *chunk) for chunk in zip(chunks, *split, strict=True)]
    of_units = {
        name: np.concatenate([part.of_units[name] for part in parts]) for name in parts[0].of_units
    }
    others = zip(*(part[1:] for part in parts), strict=True)
    return Effects(of_units, *(np.concatenate(part) for part in others))


def _draw(
    likelihood: Structured,
    rng: Generator,
    values: Values,
    coefficients: np.ndarray,
    mean: np.ndarray,
) -> Effects:
    draws = len(coefficients)
    of_crossed: dict[str, np.ndarray] = {}
    of_factors = zip(likelihood.crossed.slices, likelihood.crossed.groups, strict=True)
    for place, group in of_factors:
        a = coefficients[:, place]
        mean = mean + a[:, group.unit]
        of_crossed |= group.split(rng, a, values)
    drawn = {part.name: prior_draws(part, rng, values, draws) for part in likelihood.nested}
    rows_of = {part.name: at_rows(part, drawn[part.name], values) for part in likelihood.nested}
    residual = likelihood.columns[:, -1] - mean
    gap = residual - draw_errors(likelihood, rng, draws) - sum(rows_of.values())
    solved = np.empty_like(gap)
    log_density = np.empty_like(gap)
    for rows, V in zip(likelihood.blocks, likelihood.covariances(values), strict=True):
        factor = np.linalg.cholesky(np.broadcast_to(V, (draws, *V.shape[1:])))
        solved[:, rows] = np.linalg.solve(V, gap[:, rows][..., None])[..., 0]
        white = np.linalg.solve(factor, residual[:, rows][..., None])[..., 0]
        pivots = np.diagonal(factor, axis1=-2, axis2=-1)
        log_density[:, rows] = -0.5 * (white**2 + np.log(2 * np.pi)) - np.log(pivots)
    total = mean
    for component in likelihood.nested:
        gained = given_data(component, values, solved)
        drawn[component.name] = drawn[component.name] + gained
        rows_of[component.name] = at_rows(component, drawn[component.name], values)
        total = total + rows_of[component.name]
    variance = likelihood.errors.diagonal()
    above = total - rows_of.get("effect", 0.0)
    if "effect" in rows_of:
        effect = next(part for part in likelihood.nested if part.name == "effect")
        variance = variance + variances(effect, values)
    normal = (likelihood.columns[:, -1] - above) ** 2 / variance + np.log(2 * np.pi * variance)
    return Effects(
        of_crossed | {name: part.reshape(draws, -1) for name, part in drawn.items()},
        total,
        total + draw_errors(likelihood, rng, draws),
        log_density,
        -0.5 * normal,
    )


def prior_draws(component: Component, rng: Generator, values: Values, draws: int) -> np.ndarray:
    """Return draws of a component's effects from their prior (draws, units, c)."""
    G = component.matrix.covariance(values)
    factor = np.linalg.cholesky(G)
    normal = rng.standard_normal((draws, len(component.labels), G.shape[-1]))
    if component.factor is not None:
        normal = component.factor @ normal
    return normal @ factor.swapaxes(1, 2)


def at_rows(component: Component, effects: np.ndarray, values: Values) -> np.ndarray:
    """Return a component's part of the true effects (draws, k), of effects (draws, units, c)."""
    if component.has_indicators:
        return effects[:, component.unit, component.category]
    return (all_loadings(component, values) * effects[:, component.unit]).sum(-1)


def all_loadings(component: Component, values: Values) -> np.ndarray:
    """Return D of all rows (draws or 1, k, c)."""
    return component.loadings_at(values, np.arange(len(component.unit)))


def given_data(component: Component, values: Values, solved: np.ndarray) -> np.ndarray:
    """Return C V^-1 of a gap (draws, units, c), with solved = V^-1 gap (draws, k)."""
    G = component.matrix.covariance(values)
    units, c = len(component.labels), G.shape[-1]
    if component.has_indicators:
        members = Members(component.unit * c + component.category, units * c)
        by_unit = members.sum(solved.T).T.reshape(len(solved), units, c)
    else:
        weighted = all_loadings(component, values) * solved[..., None]
        summed = Members(component.unit, units).sum(np.moveaxis(weighted, 0, 1))
        by_unit = np.moveaxis(summed, 1, 0)
    return by_unit @ G


def variances(component: Component, values: Values) -> np.ndarray:
    """Return the variance of a component's part of every true effect (draws or 1, k)."""
    G = component.matrix.covariance(values)
    if component.has_indicators:
        return G[:, component.category, component.category]
    loadings = all_loadings(component, values)
    return ((loadings @ G) * loadings).sum(-1)


def draw_errors(likelihood: Structured, rng: Generator, draws: int) -> np.ndarray:
    """Draw sampling errors (draws, k)."""
    errors = np.empty((draws, len(likelihood.columns)))
    for rows, E in zip(likelihood.blocks, likelihood.block_errors, strict=True):
        factor = np.linalg.cholesky(E)
        normal = rng.standard_normal((draws, *rows.shape))
        errors[:, rows] = (factor @ normal[..., None])[..., 0]
    return errors


def draw_new_results(
    likelihood: Structured, rng: Generator, values: Values, beta: np.ndarray
) -> np.ndarray:
    """Draw results of new units with the same design (draws, k), given beta (draws, p)."""
    theta = draw_new_effects(likelihood, rng, values, beta)
    return theta + draw_errors(likelihood, rng, len(beta))


def draw_new_effects(
    likelihood: Structured, rng: Generator, values: Values, beta: np.ndarray
) -> np.ndarray:
    """Draw true effects of new units with the same design (draws, k), given beta (draws, p)."""
    parts = []
    start = 0
    for some in likelihood.chunks(values):
        of_draws = beta[start : start + len(next(iter(some.values())))]
        start += len(of_draws)
        total = of_draws @ likelihood.columns[:, : likelihood.terms].T
        for component in likelihood.components:
            drawn = prior_draws(component, rng, some, len(of_draws))
            total = total + at_rows(component, drawn, some)
        parts.append(total)
    return np.concatenate(parts)
