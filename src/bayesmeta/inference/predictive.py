"""From draws of the parameters to a complete tree: random effects, replicates, log-likelihoods."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import xarray as xr

from bayesmeta.model.design import with_model
from bayesmeta.model.likelihood import Normal, Parameters, likelihood_of, tau_labels, weight_labels
from bayesmeta.model.priors import draw_prior, log_prior
from bayesmeta.model.spec import ModelSpec

PRIOR_DRAWS = 1000
MAX_STORED_VALUES = 6e7  # draws times effects, 1.2 GB
SYMBOLS = {"study": "u", "group": "w", "effect": "d"}
DIMS = {
    "u": "study",
    "w": "group",
    "d": "effect",
    "obs": "effect",
    "log_obs": "effect",
    "obs_study": "study",
}
COMPACT = ("obs", "log_obs")  # stored in 32 bits

Chunk = Callable[[np.random.Generator, Parameters], dict[str, np.ndarray]]


def thinning_interval(design: xr.Dataset, draws: int) -> int:
    """Return the thinning interval that keeps replicates within memory, for a number of draws."""
    return max(1, int(np.ceil(draws * design.sizes["effect"] / MAX_STORED_VALUES)))


def prior_replicates(design: xr.Dataset) -> int:
    """Return the number of prior draws with replicates, so that they fit in memory."""
    return int(np.clip(MAX_STORED_VALUES // 3 // design.sizes["effect"], 100, PRIOR_DRAWS))


def complete_tree(
    posterior: xr.Dataset,
    sample_stats: xr.Dataset,
    design: xr.Dataset,
    spec: ModelSpec,
    *,
    seed: int,
) -> xr.DataTree:
    """Add to draws of the parameters the groups that follow from them, drawn exactly.

    Parameters
    ----------
    posterior : Dataset
        beta (chain, draw, term), tau (chain, draw, level), pooling sds, auxiliary parameters, and
        z_<level> of sampled levels.
    sample_stats : Dataset
        From the sampler.
    design, spec : Dataset, ModelSpec
        The model.
    seed : int
        Of every random step.

    Returns
    -------
    DataTree
        The groups that `nuts.sample_posterior` lists.
    """
    likelihood = likelihood_of(design, spec)
    seeds = np.random.SeedSequence(seed).spawn(3)
    prior = _prior_draws(design, spec, np.random.default_rng(seeds[0]))
    given_data = _by_chunk(_given_data(likelihood), posterior, likelihood, design, seeds[1])
    replicated = prior.isel(draw=slice(prior_replicates(design)))
    new_studies = _by_chunk(_new_studies(likelihood), replicated, likelihood, design, seeds[2])
    density = _log_prior(posterior, design, spec)
    posterior = posterior.drop_vars([f"z_{level}" for level in spec.sampled_levels])
    effects = [SYMBOLS[level] for level in spec.levels]
    groups = {
        "posterior": by_level(posterior, design, spec)
        .merge(given_data[effects])
        .assign_attrs(posterior.attrs),
        "posterior_predictive": given_data[["obs"]],
        "prior": by_level(prior, design, spec),
        "prior_predictive": new_studies[["obs"]],
        "log_likelihood": given_data[["log_obs", "obs_study"]].rename(log_obs="obs"),
        "log_prior": by_level(density, design, spec),
        "sample_stats": sample_stats,
        "observed_data": design[["yi"]].rename(yi="obs").drop_attrs(),
        "constant_data": with_model(design, spec),
    }
    return xr.DataTree.from_dict(groups)


def _given_data(likelihood: Normal) -> Chunk:
    """Return a function of draws: random effects, replicates of the studies, log-likelihoods."""

    def chunk(rng: np.random.Generator, draws: Parameters) -> dict[str, np.ndarray]:
        random = likelihood.draw_random_effects(rng, draws)
        by_study = likelihood.log_likelihood(
            draws.beta, likelihood.taus(draws.tau), dict(draws.auxiliary)
        )
        effects = {
            SYMBOLS[level]: getattr(random, SYMBOLS[level]) for level in likelihood.spec.levels
        }
        return effects | {
            "obs": likelihood.replicate(rng, draws, random),
            "log_obs": likelihood.log_density_of_effects(draws, random),
            "obs_study": by_study,
        }

    return chunk


def _new_studies(likelihood: Normal) -> Chunk:
    """Return a function of draws to replicates of new studies."""
    return lambda rng, draws: {"obs": likelihood.replicate_new_studies(rng, draws)}


def _by_chunk(
    chunk: Chunk,
    draws: xr.Dataset,
    likelihood: Normal,
    design: xr.Dataset,
    seed: np.random.SeedSequence,
) -> xr.Dataset:
    """Apply a function to chunks of draws that fit in memory, on all cores; chunks have seeds."""
    parameters = _parameters(draws, likelihood.spec)
    size = likelihood.draws_at_once
    places = [slice(start, start + size) for start in range(0, len(parameters), size)]
    stored: dict[str, np.ndarray] = {}

    def compute(
        place: slice, chunk_seed: np.random.SeedSequence
    ) -> tuple[slice, dict[str, np.ndarray]]:
        return place, chunk(np.random.default_rng(chunk_seed), parameters.part(place))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for place, values in pool.map(compute, places, seed.spawn(len(places))):
            for name, value in values.items():
                if name not in stored:
                    kind = np.float32 if name in COMPACT else np.float64
                    stored[name] = np.empty((len(parameters), len(value)), kind)
                stored[name][place] = value.T
    shape = draws["beta"].shape[:2]
    return xr.Dataset(
        {
            name: (("chain", "draw", DIMS[name]), values.reshape(*shape, -1))
            for name, values in stored.items()
        },
        coords={name: draws[name] for name in ("chain", "draw")}
        | {name: design[name] for name in ("study", "group", "effect")},
    )


def _parameters(draws: xr.Dataset, spec: ModelSpec) -> Parameters:
    """Return draws (chain, draw, ...) with draws on the last axis."""

    def last(name: str) -> np.ndarray:
        values = draws[name].transpose("chain", "draw", ...).values
        return np.ascontiguousarray(
            values.reshape(values.shape[0] * values.shape[1], *values.shape[2:]).T
        )

    normals = {level: last(f"z_{level}") for level in spec.sampled_levels if f"z_{level}" in draws}
    auxiliary = {name: last(name) for name in spec.auxiliary_parameters}
    return Parameters(last("beta"), last("tau"), auxiliary, normals)


def _prior_draws(design: xr.Dataset, spec: ModelSpec, rng: np.random.Generator) -> xr.Dataset:
    drawn = draw_prior(design, spec, PRIOR_DRAWS, rng)
    dims = {"beta": ["term"], "tau": ["level"], "weights": ["weight"]}
    labels: dict[str, list[str]] = {
        "term": list(design["term"].values),
        "level": tau_labels(design, spec),
    }
    if "weights" in drawn:
        labels["weight"] = weight_labels(design, spec)
    variables = {
        name: (("chain", "draw", *dims.get(name, [])), values[None])
        for name, values in drawn.items()
    }
    return xr.Dataset(variables, {"chain": [0], "draw": range(PRIOR_DRAWS), **labels})


def _log_prior(posterior: xr.Dataset, design: xr.Dataset, spec: ModelSpec) -> xr.Dataset:
    shape = posterior["beta"].shape[:2]
    flat = {
        str(name): values.values.reshape(shape[0] * shape[1], *values.shape[2:])
        for name, values in posterior.data_vars.items()
    }
    density = log_prior(design, spec, flat)
    dims = {name: posterior[name].dims[: values.ndim + 1] for name, values in density.items()}
    variables = {
        name: (dims[name], values.reshape(*shape, *values.shape[1:]))
        for name, values in density.items()
    }
    return xr.Dataset(variables, {name: posterior[name] for name in posterior.coords})


def by_level(draws: xr.Dataset, design: xr.Dataset, spec: ModelSpec) -> xr.Dataset:
    """Return draws with tau_study and so on in place of tau; by `stratum` if taus differ by it."""
    strata = design["stratum"].values if spec.tau_by else np.array([], str)
    split = {}
    for level in spec.levels:
        labels = [f"{stratum}:{level}" for stratum in strata] or [level]
        taus = [draws["tau"].sel(level=label, drop=True) for label in labels]
        split[f"tau_{level}"] = (
            xr.concat(taus, xr.Variable("stratum", strata)) if len(strata) else taus[0]
        )
    by_name = xr.Dataset(split).transpose("chain", "draw", ...)
    return draws.drop_vars("tau").drop_dims("level", errors="ignore").merge(by_name)
