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
MAX_STORED_VALUES = 2e7  # draws times effects, 400 MB; of more, summaries are kept
SUMMARISED_VALUES = 2e7  # draws times effects of which summaries are made
MIN_SUMMARISED = 100  # draws of them, however large the table
QUANTILES = (0.025, 0.5, 0.975)
STATISTICS = ("mean", "sd", *(f"q{100 * q:g}" for q in QUANTILES))
SYMBOLS = {"study": "u", "group": "w", "effect": "d"}
DIMS = {symbol: level for level, symbol in SYMBOLS.items()}
DIMS |= {"obs": "effect", "log_obs": "effect"}
COMPACT = ("obs", "log_obs")  # stored in 32 bits

Values = dict[str, np.ndarray]
Chunk = Callable[[Normal, Generator, Parameters], Values]


def is_summarised(design: xr.Dataset, draws: int) -> bool:
    """Return whether a tree keeps summaries of effects and replicates in place of draws."""
    return draws * design.sizes["effect"] > MAX_STORED_VALUES


def summarised_draws(posterior: xr.Dataset, effects: int) -> xr.Dataset:
    """Return every nth draw, of which random effects and replicates are summarised."""
    draws = posterior.sizes["chain"] * posterior.sizes["draw"]
    kept = max(MIN_SUMMARISED, SUMMARISED_VALUES // effects)
    return posterior.isel(draw=slice(None, None, max(1, int(draws // kept))))


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

    For a large table (`is_summarised`) random effects, replicates and log-likelihoods of effects
    are in the group `summaries`, with the dim statistic (mean, sd, q2.5, q50, q97.5), in place of
    draws; obs_study has every nth draw.
    """
    likelihood = likelihood_of(design, spec)
    draws = posterior.sizes["chain"] * posterior.sizes["draw"]
    large = is_summarised(design, draws) and not parameters_only
    known = posterior.get("obs_study")
    posterior = posterior.drop_vars(["obs_study"], errors="ignore")
    kept = summarised_draws(posterior, design.sizes["effect"]) if large else posterior
    if known is None:
        by_study = by_study_of(kept, likelihood, design)
    else:
        by_study = known.sel(draw=kept["draw"])
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
    given_data = _by_chunk(_given_data, kept, likelihood, design, seeds[1])
    in_memory = SUMMARISED_VALUES // design.sizes["effect"]
    replicated = prior.isel(draw=slice(int(np.clip(in_memory, 100, PRIOR_DRAWS))))
    new_studies = _by_chunk(_new_studies, replicated, likelihood, design, seeds[2])
    density = _log_prior(posterior, design, spec)
    drawn = by_level(posterior, design, spec)
    if large:
        of_new = summarised(new_studies[["obs"]].rename(obs="obs_new"))
        bulky = {
            "summaries": summarised(given_data).merge(of_new),
            "log_likelihood": by_study.to_dataset(name="obs_study"),
        }
    else:
        drawn = drawn.merge(given_data[[SYMBOLS[level] for level in spec.levels]])
        bulky = {
            "posterior_predictive": given_data[["obs"]],
            "prior_predictive": new_studies[["obs"]],
            "log_likelihood": given_data[["log_obs"]]
            .rename(log_obs="obs")
            .assign(obs_study=by_study),
        }
    groups = {
        "posterior": drawn.assign_attrs(posterior.attrs),
        "prior": by_level(prior, design, spec),
        "log_prior": by_level(density, design, spec),
        **bulky,
        "sample_stats": stats,
        "observed_data": design[["yi"]].rename(yi="obs").drop_attrs(),
        "constant_data": with_model(design, spec),
    }
    return xr.DataTree.from_dict(groups)


def summarised(draws: xr.Dataset) -> xr.Dataset:
    """Return means, sds and quantiles over draws, on the dim statistic, in 32 bits."""

    def over_draws(values: np.ndarray) -> np.ndarray:
        flat = values.reshape(-1, values.shape[-1])
        statistics = [flat.mean(0), flat.std(0), *np.quantile(flat, QUANTILES, axis=0)]
        return np.array(statistics, np.float32)

    variables = {
        name: (("statistic", values.dims[-1]), over_draws(values.values))
        for name, values in draws.data_vars.items()
    }
    labels = {dim: draws[dim] for dim in ("study", "group", "effect") if dim in draws.coords}
    return xr.Dataset(variables, {"statistic": list(STATISTICS), **labels})


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
