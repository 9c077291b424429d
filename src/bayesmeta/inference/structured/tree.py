"""From draws of a dependence structure to a complete tree: effects, replicates, log-likelihoods."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.random import Generator
from scipy.stats import multivariate_normal

from bayesmeta.inference.approximation import dealt
from bayesmeta.inference.predictive import PRIOR_DRAWS, SYMBOLS
from bayesmeta.model.design import with_model
from bayesmeta.model.likelihood.arguments import nesting_of
from bayesmeta.model.structure import Structured
from bayesmeta.model.structure.draws import Effects, draw_effects, draw_new_results
from bayesmeta.model.structure.parameters import Values, values_at


def structured_tree(
    design: xr.Dataset,
    likelihood: Structured,
    values: Values,
    coefficients: np.ndarray,
    *,
    stats: xr.Dataset,
    attributes: Mapping[str, Any],
    seed: int,
    parameters_only: bool,
    means: np.ndarray | None = None,
) -> xr.DataTree:
    """Return a tree as `predictive.complete_tree` does, of draws of (a, beta) (draws, p + q).

    means : X beta (draws, k), where X differs between draws.

    posterior has beta (chain, draw, term), tau (level), structure (parameter) for correlations and
    slopes of log tau, theta (effect), and the effects of every random effect, over its units.
    """
    sizes = (stats.sizes["chain"], stats.sizes["draw"])
    labels = {"chain": stats["chain"], "draw": stats["draw"]}
    seeds = np.random.SeedSequence(seed).spawn(2)
    rng = np.random.default_rng(seeds[0])
    beta = coefficients[:, -likelihood.terms :]
    posterior = _parameters(design, likelihood, values, beta, sizes, labels)
    effects = draw_effects(likelihood, rng, values, coefficients, means)
    by_study = nesting_of(design).effects_of_study.sum(effects.log_density.T).T
    study = {"study": design["study"].values}
    log_likelihood = xr.Dataset(
        {"obs_study": (("chain", "draw", "study"), dealt(by_study, sizes[0]))}, labels | study
    )
    groups = {
        "posterior": posterior.assign_attrs(attributes),
        "log_likelihood": log_likelihood,
        "sample_stats": stats,
        "constant_data": with_model(design, likelihood.spec),
    }
    if parameters_only:
        return xr.DataTree.from_dict(groups)
    of_rows = {"effect": design["effect"].values}
    dims = ("chain", "draw", "effect")

    def over_rows(x: np.ndarray, chains: int) -> tuple[tuple[str, ...], np.ndarray]:
        return dims, dealt(x, chains)

    prior, replicated = structured_prior(design, likelihood, np.random.default_rng(seeds[1]))
    of_prior = {"chain": [0], "draw": range(PRIOR_DRAWS)}
    log_obs = {"obs": over_rows(effects.log_density_of_effects, sizes[0])}
    return xr.DataTree.from_dict(
        groups
        | {
            "posterior": _with_effects(groups["posterior"], likelihood, effects),
            "prior": prior,
            "log_prior": _log_prior(groups["posterior"], likelihood, values),
            "posterior_predictive": xr.Dataset(
                {"obs": over_rows(effects.replicates, sizes[0])}, labels | of_rows
            ),
            "prior_predictive": xr.Dataset({"obs": over_rows(replicated, 1)}, of_prior | of_rows),
            "log_likelihood": log_likelihood.merge(xr.Dataset(log_obs, labels | of_rows)),
            "observed_data": design[["yi"]].rename(yi="obs").drop_attrs(),
        }
    )


def _parameters(
    design: xr.Dataset,
    likelihood: Structured,
    values: Values,
    beta: np.ndarray,
    sizes: tuple[int, int],
    labels: Mapping[str, Any],
) -> xr.Dataset:
    taus = [name for name in values if name.startswith("tau_")]
    others = {name: values[name] for name in values if name not in taus}
    others |= likelihood.derived(values)
    variables = {
        "beta": (("chain", "draw", "term"), dealt(beta, sizes[0])),
        "tau": (("chain", "draw", "level"), dealt(_stacked(values, taus), sizes[0])),
    }
    coords = dict(labels) | {"term": design["term"].values}
    coords["level"] = [name.removeprefix("tau_") for name in taus]
    if others:
        stacked = dealt(_stacked(others, list(others)), sizes[0])
        variables["structure"] = (("chain", "draw", "parameter"), stacked)
        coords["parameter"] = list(others)
    return xr.Dataset(variables, coords)


def _stacked(values: Values, names: list[str]) -> np.ndarray:
    draws = len(next(iter(values.values()), np.empty(0)))
    return np.column_stack([values[name] for name in names]) if names else np.empty((draws, 0))


def _with_effects(posterior: xr.Dataset, likelihood: Structured, effects: Effects) -> xr.Dataset:
    """Add the draws of the effects of units: u, w, d of the usual levels, else by name."""
    chains = posterior.sizes["chain"]
    theta = (("chain", "draw", "effect"), dealt(effects.theta, chains))
    labels = likelihood.design["effect"].values
    posterior = posterior.assign(theta=theta).assign_coords(effect=labels)
    for component in likelihood.components:
        drawn = effects.of_units[component.name]
        symbol = SYMBOLS.get(component.name)
        dim = component.name if symbol else f"unit_{component.name}"
        values = dealt(drawn, chains)
        coordinate = {dim: list(component.unit_labels)}
        name = symbol or f"effects_{component.name}"
        array = xr.DataArray(values, coordinate, ("chain", "draw", dim))
        posterior = posterior.assign({name.replace("/", "_"): array})
    return posterior


def _log_prior(posterior: xr.Dataset, likelihood: Structured, values: Values) -> xr.Dataset:
    """Return the log prior densities of beta, the taus and the other parameters."""
    prior = likelihood.prior
    chains = posterior.sizes["chain"]
    beta = multivariate_normal(prior.mean, prior.fixed).logpdf(posterior["beta"].values)
    density = {item.name: item.prior.logpdf(values[item.name]) for item in likelihood.parameters}
    taus = [name for name in density if name.startswith("tau_")]
    others = [name for name in density if name not in taus]
    variables = {
        "beta": (("chain", "draw"), np.reshape(beta, posterior["beta"].shape[:2])),
        "tau": (("chain", "draw", "level"), dealt(_stacked(density, taus), chains)),
    }
    coords = {name: posterior[name] for name in ("chain", "draw", "level")}
    if others:
        stacked = dealt(_stacked(density, others), chains)
        variables["structure"] = (("chain", "draw", "parameter"), stacked)
        coords["parameter"] = xr.DataArray(others, dims="parameter")
    return xr.Dataset(variables, coords)


def structured_prior(
    design: xr.Dataset, likelihood: Structured, rng: Generator
) -> tuple[xr.Dataset, np.ndarray]:
    """Return draws of the prior, and results of new studies with the same design."""
    z = rng.standard_normal((PRIOR_DRAWS, len(likelihood.parameters)))
    values = values_at(likelihood.parameters, z)
    prior = likelihood.prior
    beta = rng.multivariate_normal(prior.mean, prior.fixed, PRIOR_DRAWS)
    labels = {"chain": [0], "draw": range(PRIOR_DRAWS)}
    drawn = _parameters(design, likelihood, values, beta, (1, PRIOR_DRAWS), labels)
    return drawn, draw_new_results(likelihood, rng, values, beta)
