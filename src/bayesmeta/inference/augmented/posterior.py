"""The posterior of a model with unknown moderators, and their draws."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from bayesmeta.inference.approximation import adapt, curvature, dealt
from bayesmeta.inference.augmented.chains import Chains, Sampler, forgotten
from bayesmeta.inference.predictive import by_level
from bayesmeta.inference.structured.posterior import StructuredPosterior
from bayesmeta.inference.structured.tree import structured_tree
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.model.design.blanks import expression_of
from bayesmeta.model.design.coding import code_rows
from bayesmeta.model.design.completing import fill
from bayesmeta.model.moderators.distribution import Distribution
from bayesmeta.model.moderators.table import Scales, Table
from bayesmeta.model.spec import ModelSpec
from bayesmeta.model.structure.parameters import values_at

NOT_FORGOTTEN = 1.0  # k-hat of chains that depend on their start: the diagnostics fail


def augmented_posterior(
    design: xr.Dataset,
    spec: ModelSpec,
    *,
    draws: int = 1000,
    chains: int = 4,
    seed: int = 1,
    without: Sequence[str] = (),
    parameters_only: bool = False,
    steps: Steps | None = None,
    scales: Scales | None = None,
) -> xr.DataTree:
    """Draw from a model with unknown moderators, with arguments as for `nuts.sample_posterior`.

    scales : of numbers among the moderators, in place of mean and sd of their known values.
    posterior has, besides what it has without them, imputed_<moderator> (chain, draw,
    imputed_<moderator>_unit): the number as the formula has it, or the position of the category in
    the attribute levels; mean_imputed (chain, draw, imputed_effect), X beta of rows with unknown
    moderators. In constant_data their means and likeliest values stand in for them. log_likelihood
    is given the drawn moderators. Attributes: sampler, moves, start_correlation.
    """
    if without:
        raise BadInput(f"model {spec.name} cannot leave out studies; refit a table without them")
    steps = steps or Steps()
    rng = np.random.default_rng(seed)
    with steps("approximating the posterior"):
        density = StructuredPosterior(design, spec)
        mean, covariance = adapt(density, *curvature(density), rng)
        factor = np.linalg.cholesky(covariance)
        z = mean + rng.standard_normal((draws * chains, len(mean))) @ factor.T
    table = Table(design, spec, scales)
    sampler = Sampler(density.likelihood, Distribution(table))
    with steps(f"drawing {chains} x {draws} draws with unknown moderators"):
        sampled = sampler.run(z, mean, covariance, rng)
    values = values_at(density.parameters, sampled.z)
    beta = sampled.coefficients[:, -density.likelihood.terms :]
    means = beta @ density.likelihood.columns[:, :-1].T
    rows = sampler.results.states.rows
    for part in sampler.parts(len(beta)):
        columns = sampler.results.columns(sampled.drawn.part(part))[:, rows, :-1]
        means[part, rows] = np.einsum("drp,dp->dr", columns, beta[part])
    labels = {"chain": range(chains), "draw": range(draws)}
    stats = xr.Dataset({"lp": (("chain", "draw"), dealt(sampled.log_density, chains))}, labels)
    attributes: dict[str, Any] = {
        "sampler": "augmentation",
        "moves": sampled.sweeps,
        "start_correlation": sampled.correlation,
    }
    if sampled.correlation >= forgotten(draws * chains):
        attributes["k_hat"] = NOT_FORGOTTEN
    filled = _with_drawn_values(design, table, sampled)
    with steps("exact random effects"):
        tree = structured_tree(
            filled,
            density.likelihood,
            values,
            sampled.coefficients,
            stats=stats,
            attributes=attributes,
            seed=seed,
            parameters_only=parameters_only,
            means=means,
        )
    imputed = _imputed(table, sampled, chains)
    of_rows = (("chain", "draw", "imputed_effect"), dealt(means[:, rows], chains))
    imputed = imputed.assign(mean_imputed=of_rows)
    imputed = imputed.assign_coords(imputed_effect=design["effect"].values[rows])
    tree["posterior"] = xr.DataTree(tree["posterior"].to_dataset().merge(imputed))
    return tree if spec.is_structured else _as_usual(tree, filled, spec)


def _as_usual(tree: xr.DataTree, design: xr.Dataset, spec: ModelSpec) -> xr.DataTree:
    """Return a tree of the usual levels with the names that it has without unknown moderators."""
    for group in ("posterior", "prior", "log_prior"):
        if group in tree:
            part = tree[group].to_dataset()
            renamed = by_level(
                part.drop_vars("level").assign_coords(level=part["level"]), design, spec
            )
            tree[group] = xr.DataTree(renamed.assign_attrs(part.attrs))
    return tree


def _with_drawn_values(design: xr.Dataset, table: Table, sampled: Chains) -> xr.Dataset:
    """Return a design with means of the unknown numbers, and the likeliest categories."""
    unknowns = table.unknowns
    drawn = sampled.drawn
    chosen = np.zeros(drawn.chosen.shape[1:], int)
    for at, part in enumerate(unknowns.combinations):
        counts = [(drawn.chosen[..., at] == code).sum(0) for code in range(len(part.values))]
        chosen[:, at] = np.argmax(counts, axis=0)
    possible = unknowns.states.possible
    strides = unknowns.states.strides()
    if not all(fits[state] for fits, state in zip(possible, chosen @ strides, strict=True)):
        chosen = unknowns.chosen
    x = []
    for number in table.numbers:
        feature = table.features[number.name]
        means = drawn.features[..., feature.column].mean(0)
        x.append(feature.scale[0] + feature.scale[1] * means)
    filled = fill(table.frame, unknowns, chosen, x)
    matrix = code_rows(table.coding, filled)
    changed: dict[str, Any] = {"X": (("effect", "term"), matrix.to_numpy(float))}
    for name in table.blank:
        old = design[name].values
        changed[name] = ("effect", filled[name].astype(old.dtype).to_numpy())
    return design.assign(changed)


def _imputed(table: Table, sampled: Chains, chains: int) -> xr.Dataset:
    """Return the draws of unknown moderators, over their units."""
    variables: dict[str, Any] = {}
    coordinates: dict[str, Any] = {}
    rows = table.rows
    for blank in table.unknowns.blanks:
        unit = table.frame[blank.level].to_numpy()[rows]
        here = blank.rows[rows]
        labels, first = np.unique(unit[here].astype(str), return_index=True)
        places = np.flatnonzero(here)[first]
        attributes: dict[str, Any] = {"moderator": blank.name, "unit": blank.level}
        if blank.is_number:
            feature = table.features[blank.name]
            values = sampled.drawn.features[:, places, feature.column]
            values = feature.scale[0] + feature.scale[1] * values
            attributes["scale"] = expression_of(table.frame, table.coding, blank.name)
        else:
            at, part = next(
                (at, part)
                for at, part in enumerate(table.unknowns.combinations)
                if blank.name in part.names
            )
            levels = [str(level) for level in table.values[blank.name]]
            code = np.array([levels.index(str(x)) for x in part.values[blank.name]])
            values = code[sampled.drawn.chosen[:, places, at]]
            attributes["levels"] = json.dumps(levels)
        dim = f"imputed_{blank.name}_unit"
        variables[f"imputed_{blank.name}"] = xr.Variable(
            ("chain", "draw", dim), dealt(values, chains), attributes
        )
        coordinates[dim] = labels
    labels_of = {"chain": range(chains), "draw": range(len(sampled.z) // chains)}
    return xr.Dataset(variables, coordinates | labels_of)
