"""From draws of the parameters to a complete tree: random effects, replicates, log-likelihoods."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import xarray as xr
from numpy.random import Generator, SeedSequence

from bayesmeta.inference.by_study import log_likelihood_by_study
from bayesmeta.model.design import with_model
from bayesmeta.model.likelihood import Normal, Parameters, likelihood_of, tau_labels, weight_labels
from bayesmeta.model.priors import draw_prior, log_prior
from bayesmeta.model.spec import ModelSpec

PRIOR_DRAWS = 1000
MAX_STORED_VALUES = 6e7  # draws times effects, 1.2 GB
SYMBOLS = {"study": "u", "group": "w", "effect": "d"}
DIMS = {symbol: level for level, symbol in SYMBOLS.items()}
DIMS |= {"obs": "effect", "log_obs": "effect"}
COMPACT = ("obs", "log_obs")  # stored in 32 bits

Values = dict[str, np.ndarray]
Chunk = Callable[[Normal, Generator, Parameters], Values]


def thinning_interval(design: xr.Dataset, draws: int) -> int:
    """Return the thinning interval that keeps replicates within memory, for a number of draws."""
    return max(1, int(np.ceil(draws * design.sizes["effect"] / MAX_STORED_VALUES)))


def complete_tree(
    posterior: xr.Dataset,
    stats: xr.Dataset,
    design: xr.Dataset,
    spec: ModelSpec,
    *,
    seed: int,
    parameters_only: bool = False,
) -> xr.DataTree:
    """Add to draws of the parameters the groups that follow from them, drawn exactly.

    `posterior` has beta (chain, draw, term), tau (chain, draw, level), pooling sds, auxiliary
    parameters, and may have obs_study (chain, draw, study), the
    log-likelihood of every study, if it is known. The result has the groups that
    `nuts.sample_posterior` lists; with `parameters_only`, for a refit, it lacks random effects,
    replicates, prior and log-likelihoods of effects.
    """
    likelihood = likelihood_of(design, spec)
    if "obs_study" in posterior:
        by_study = posterior["obs_study"]
        posterior = posterior.drop_vars("obs_study")
    else:
        by_study = by_study_of(posterior, likelihood, design)
    if parameters_only:
        groups = {
            "posterior": by_level(posterior, design, spec).assign_attrs(posterior.attrs),
            "log_likelihood": by_study.to_dataset(name="obs_study"),
            "sample_stats": stats,
            "constant_data": with_model(design, spec),
        }
        return xr.DataTree.from_dict(groups)
    seeds = SeedSequence(seed).spawn(3)
    prior = prior_draws(design, spec, np.random.default_rng(seeds[0]))
    given_data = _by_chunk(_given_data, posterior, likelihood, design, seeds[1])
    in_memory = MAX_STORED_VALUES // 3 // design.sizes["effect"]
    replicated = prior.isel(draw=slice(int(np.clip(in_memory, 100, PRIOR_DRAWS))))
    new_studies = _by_chunk(_new_studies, replicated, likelihood, design, seeds[2])
    density = _log_prior(posterior, design, spec)
    effects = given_data[[SYMBOLS[level] for level in spec.levels]]
    drawn = by_level(posterior, design, spec).merge(effects)
    groups = {
        "posterior": drawn.assign_attrs(posterior.attrs),
        "posterior_predictive": given_data[["obs"]],
        "prior": by_level(prior, design, spec),
        "prior_predictive": new_studies[["obs"]],
        "log_likelihood": given_data[["log_obs"]].rename(log_obs="obs").assign(obs_study=by_study),
        "log_prior": by_level(density, design, spec),
        "sample_stats": stats,
        "observed_data": design[["yi"]].rename(yi="obs").drop_attrs(),
        "constant_data": with_model(design, spec),
    }
    return xr.DataTree.from_dict(groups)


def by_study_of(draws: xr.Dataset, likelihood: Normal, design: xr.Dataset) -> xr.DataArray:
    """Return the log-likelihood of every study (chain, draw, study)."""
    values = log_likelihood_by_study(likelihood, parameters_of(draws, likelihood.spec)).T
    labels = {name: draws[name] for name in ("chain", "draw")} | {"study": design["study"]}
    shape = (*draws["beta"].shape[:2], -1)
    return xr.DataArray(values.reshape(shape), labels, ("chain", "draw", "study"))


def _given_data(likelihood: Normal, rng: Generator, draws: Parameters) -> Values:
    """Return random effects, replicates of the studies, and log-likelihoods of effects."""
    random = likelihood.draw_random_effects(rng, draws)
    symbols = [SYMBOLS[level] for level in likelihood.spec.levels]
    return {
        **{symbol: getattr(random, symbol) for symbol in symbols},
        "obs": likelihood.replicate(rng, draws, random),
        "log_obs": likelihood.log_density_of_effects(draws, random),
    }


def _new_studies(likelihood: Normal, rng: Generator, draws: Parameters) -> Values:
    return {"obs": likelihood.replicate_new_studies(rng, draws)}


def _by_chunk(
    chunk: Chunk, draws: xr.Dataset, likelihood: Normal, design: xr.Dataset, seed: SeedSequence
) -> xr.Dataset:
    """Apply a function to chunks of draws that fit in memory, on all cores; chunks have seeds."""
    parameters = parameters_of(draws, likelihood.spec)
    size = likelihood.draws_at_once
    places = [slice(start, start + size) for start in range(0, len(parameters), size)]
    stored: Values = {}

    def compute(place: slice, chunk_seed: SeedSequence) -> Values:
        return chunk(likelihood, np.random.default_rng(chunk_seed), parameters.part(place))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        computed = pool.map(compute, places, seed.spawn(len(places)))
        for place, values in zip(places, computed, strict=True):
            for name, value in values.items():
                if name not in stored:
                    kind = np.float32 if name in COMPACT else np.float64
                    stored[name] = np.empty((len(parameters), len(value)), kind)
                stored[name][place] = value.T
    shape = (*draws["beta"].shape[:2], -1)
    dims = {name: ("chain", "draw", DIMS[name]) for name in stored}
    variables = {name: (dims[name], values.reshape(shape)) for name, values in stored.items()}
    labels = {name: design[name] for name in ("study", "group", "effect")}
    return xr.Dataset(variables, {"chain": draws["chain"], "draw": draws["draw"], **labels})


def _flat(values: np.ndarray) -> np.ndarray:
    """Return (chain, draw, ...) as (draws, ...)."""
    return values.reshape(values.shape[0] * values.shape[1], *values.shape[2:])


def parameters_of(draws: xr.Dataset, spec: ModelSpec) -> Parameters:
    """Return draws (chain, draw, ...) with draws on the last axis."""

    def last(name: str) -> np.ndarray:
        values = draws[name].transpose("chain", "draw", ...).values
        return np.ascontiguousarray(_flat(values).T)

    auxiliary = {name: last(name) for name in spec.auxiliary_parameters}
    return Parameters(last("beta"), last("tau"), auxiliary)


def prior_draws(design: xr.Dataset, spec: ModelSpec, rng: Generator) -> xr.Dataset:
    """Return draws of the prior, under the names and dims of a posterior's parameters."""
    drawn = draw_prior(design, spec, PRIOR_DRAWS, rng)
    dims = {"beta": ["term"], "tau": ["level"], "weights": ["weight"]}
    labels = {"term": list(design["term"].values), "level": tau_labels(design, spec)}
    if "weights" in drawn:
        labels["weight"] = weight_labels(design, spec)
    named = {name: ("chain", "draw", *dims.get(name, [])) for name in drawn}
    variables = {name: (named[name], values[None]) for name, values in drawn.items()}
    return xr.Dataset(variables, {"chain": [0], "draw": range(PRIOR_DRAWS), **labels})


def _log_prior(posterior: xr.Dataset, design: xr.Dataset, spec: ModelSpec) -> xr.Dataset:
    shape = posterior["beta"].shape[:2]
    flat = {str(name): _flat(values.values) for name, values in posterior.data_vars.items()}
    variables = {}
    for name, values in log_prior(design, spec, flat).items():
        dims = posterior[name].dims[: values.ndim + 1]
        variables[name] = (dims, values.reshape(*shape, *values.shape[1:]))
    return xr.Dataset(variables, {name: posterior[name] for name in posterior.coords})


def by_level(draws: xr.Dataset, design: xr.Dataset, spec: ModelSpec) -> xr.Dataset:
    """Return draws with tau_study and so on in place of tau; by `stratum` if taus differ by it."""
    strata = design["stratum"].values if spec.tau_by else np.array([], str)
    split = {}
    for level in spec.levels:
        labels = [f"{stratum}:{level}" for stratum in strata] or [level]
        taus = [draws["tau"].sel(level=label, drop=True) for label in labels]
        together = xr.concat(taus, xr.Variable("stratum", strata)) if len(strata) else taus[0]
        split[f"tau_{level}"] = together
    by_name = xr.Dataset(split).transpose("chain", "draw", ...)
    return draws.drop_vars("tau").drop_dims("level", errors="ignore").merge(by_name)
