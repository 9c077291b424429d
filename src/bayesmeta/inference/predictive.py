"""From draws of (beta, tau) to a whole tree: random effects, replicates, log-likelihoods, the prior beside them."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pymc as pm
import xarray as xr
from jax import Array
from pymc.stats import compute_log_prior

from bayesmeta.model.design.contrasts import with_model
from bayesmeta.model.likelihood import (
    draw_published,
    draw_scales,
    errors_of,
    latent_effects,
    log_selection,
    nesting_of,
    random_effects_of,
    residuals_of,
    selection_from,
    study_log_likelihood,
    tau_labels,
    taus_of,
    weight_labels,
)
from bayesmeta.model.priors import pooling_sd_name
from bayesmeta.model.spec import ModelSpec

PRIOR_DRAWS = 1000
MOST = 6e7  # draws times effects that are kept, 1.2 GB


class Programs(NamedTuple):
    """Compiled functions of keys, beta and taus of all draws: effects and replicates given the data, and anew."""

    given_data: Callable[..., dict[str, Array]]
    anew: Callable[..., dict[str, Array]]


def step_of(design: xr.Dataset, draws: int) -> int:
    """Every how manieth of so many draws in all is kept, so that random effects and replicates fit in memory."""
    return max(1, int(np.ceil(draws * design.sizes["effect"] / MOST)))


def prior_replicates(design: xr.Dataset) -> int:
    """How many draws of the prior are replicated, so that they fit in memory beside the others."""
    return int(np.clip(MOST // 3 // design.sizes["effect"], 100, PRIOR_DRAWS))


def compile_programs(design: xr.Dataset, spec: ModelSpec, draws: int) -> Programs:
    """Compile for so many posterior draws in all: done in another thread, it costs no time while a sampler runs."""
    batch = int(np.clip((2_000_000 if not spec.sampled_levels else 50_000) // design.sizes["effect"], 1, 500))

    def ready(
        draw: Callable[..., dict[str, Array]], count: int, latent: tuple[str, ...]
    ) -> Callable[..., dict[str, Array]]:
        taus, weights = len(tau_labels(design, spec)), len(weight_labels(design, spec))
        sizes = [design.sizes["term"], taus, *(weights if key == "weights" else 1 for key in spec.auxiliary_parameters)]
        sizes += [design.sizes[level] for level in latent]
        shapes = [jax.ShapeDtypeStruct((count, size), float) for size in sizes]
        program = jax.jit(lambda *xs: jax.lax.map(lambda x: draw(*x), xs, batch_size=batch))
        return program.lower(jax.eval_shape(partial(_keys, 0, count)), *shapes).compile()

    given_data = ready(_draw_given_data(design, spec), draws, spec.sampled_levels)
    return Programs(given_data, ready(_draw_anew(design, spec), prior_replicates(design), ()))


def _keys(seed: int, count: int) -> Array:
    return jax.random.split(jax.random.key(seed), count)


def complete_tree(
    tree: xr.DataTree, model: pm.Model, design: xr.Dataset, spec: ModelSpec, programs: Programs, *, seed: int
) -> xr.DataTree:
    """Add to draws of (beta, tau) the groups that follow from them, each drawn from its exact conditional.

    Parameters
    ----------
    tree : DataTree
        posterior: beta (chain, draw, term) and tau (chain, draw, level); sample_stats.
    model : pm.Model
        From `model.build_model`, for draws and densities of the prior.
    design, spec : Dataset, ModelSpec
        What the model was built from.
    programs : Programs
        From `compile_programs`, for as many draws as the tree has.
    seed : int
        Of every random step.

    Returns
    -------
    DataTree
        The groups that `sampling.sample_posterior` lists.
    """
    posterior = tree["posterior"].to_dataset().as_numpy()
    prior = _prior_draws(model, design, spec, seed)
    names, latent = list(map(str, prior.data_vars)), [f"z_{level}" for level in spec.sampled_levels]
    log_prior = compute_log_prior(
        tree, var_names=names, model=model, extend_inferencedata=False, progressbar=False, backend="jax"
    )
    exact = _exact(programs.given_data, posterior, design, spec, latent, seed=seed)
    new = _exact(programs.anew, prior.isel(draw=slice(prior_replicates(design))), design, spec, [], seed=seed + 1)
    posterior = posterior.drop_vars(latent)
    groups = {
        "posterior": _by_level(posterior, design, spec)
        .merge(exact[[name for name in "uwd" if name in exact]])
        .assign_attrs(posterior.attrs),
        "posterior_predictive": exact[["obs"]],
        "prior": _by_level(prior, design, spec),
        "prior_predictive": new[["obs"]],
        "log_likelihood": exact[["log_obs", "obs_study"]].rename(log_obs="obs"),
        "log_prior": _by_level(log_prior, design, spec).as_numpy(),
        "sample_stats": tree["sample_stats"].to_dataset().as_numpy(),
        "observed_data": design[["yi"]].rename(yi="obs").drop_attrs(),
        "constant_data": with_model(design, spec),
    }
    return xr.DataTree.from_dict(groups)


def _prior_draws(model: pm.Model, design: xr.Dataset, spec: ModelSpec, seed: int) -> xr.Dataset:
    spreads = [pooling_sd_name(part) for part in spec.pooling_sds]
    names = ["beta", "tau", *spreads, *spec.auxiliary_parameters]
    values = pm.draw([model[name] for name in names], PRIOR_DRAWS, random_seed=seed, mode="FAST_COMPILE")
    dims: dict[str, list[str]] = {"beta": ["term"], "tau": ["level"], "weights": ["weight"]}
    labels = {"term": list(design["term"].values), "level": tau_labels(design, spec)}
    labels |= {"weight": weight_labels(design, spec)} if "weights" in spec.auxiliary_parameters else {}
    return xr.Dataset(
        {
            name: (("chain", "draw", *dims.get(name, [])), value[None])
            for name, value in zip(names, values, strict=True)
        },
        {"chain": [0], "draw": range(PRIOR_DRAWS), **labels},
    )


def _exact(
    program: Callable[..., dict[str, Array]],
    parameters: xr.Dataset,
    design: xr.Dataset,
    spec: ModelSpec,
    latent: list[str],
    *,
    seed: int,
) -> xr.Dataset:
    """Random effects, replicates and log-likelihoods for each draw of (beta, tau), in batches that fit in memory."""
    shape = parameters["beta"].shape[:2]
    names = ["beta", "tau", *spec.auxiliary_parameters, *latent]
    values = [jnp.asarray(parameters[name].values.reshape(np.prod(shape), -1)) for name in names]
    results = program(_keys(seed, len(values[0])), *values)
    dims = {"u": "study", "w": "group", "d": "effect", "obs": "effect", "log_obs": "effect", "obs_study": "study"}
    return xr.Dataset(
        {
            name: (("chain", "draw", dims[name]), np.asarray(values).reshape(*shape, -1))
            for name, values in results.items()
        },
        coords={name: parameters[name] for name in ("chain", "draw")}
        | {name: design[name] for name in ("study", "group", "effect")},
    )


def _draw_given_data(design: xr.Dataset, spec: ModelSpec) -> Callable[..., dict[str, Array]]:
    nesting, by_study, by_level = nesting_of(design), study_log_likelihood(design, spec), taus_of(design, spec)
    residuals, published = residuals_of(design, spec), _published(design, spec)
    place, draw_errors = random_effects_of(design, spec), errors_of(design, spec)
    x, y, v = (jnp.asarray(design[name].values) for name in ("X", "yi", "vi"))

    def draw(key: Array, beta: Array, tau: Array, *others: Array) -> dict[str, Array]:
        own, errors, scales = jax.random.split(key, 3)
        levels, given = by_level(tau), _extras(spec, others)
        rho = given.get("rho", spec.rho)
        sums = residuals(beta, levels, rho)
        if "nu" in given:
            drawn = draw_scales(scales, sums, levels["study"], levels.get("group", 0.0), given["nu"], nesting)
            levels["study"] = levels["study"] * jnp.sqrt(drawn)
        u, w, d = place(own, y - x @ beta, levels, rho)
        if z := dict(zip(spec.sampled_levels, others[len(spec.auxiliary_parameters) :], strict=True)):
            u, w = latent_effects(sums, z, levels, nesting)
        mean = x @ beta + u[nesting.study_of_effect] + w[nesting.group_of_effect]
        tau_effect = levels.get("effect", 0.0)
        log_obs = jax.scipy.stats.norm.logpdf(y, mean, jnp.sqrt(v + jnp.square(tau_effect)))
        replicate = mean + d + draw_errors(errors, rho)
        if published is not None:
            replicate, tilt = published(errors, mean, tau_effect, given["weights"])
            log_obs += tilt
        return _kept(spec, u=u, w=w, d=d) | {
            "obs": replicate.astype(jnp.float32),
            "log_obs": log_obs.astype(jnp.float32),
            "obs_study": by_study(beta, tau, *given.values()),
        }

    return draw


def _extras(spec: ModelSpec, values: Sequence[Array]) -> dict[str, Array]:
    """A draw's extras by name, from arrays (size,): weights as they are, the others as scalars."""
    named = zip(spec.auxiliary_parameters, values, strict=False)
    return {key: value if key == "weights" else value[0] for key, value in named}


def _published(design: xr.Dataset, spec: ModelSpec) -> Callable[..., tuple[Array, Array]] | None:
    """Of a selection model: a published replicate of each effect, and how selection tilts the effect's log density."""
    if "weights" not in spec.auxiliary_parameters:
        return None
    selection = selection_from(design, spec)
    return lambda key, theta, tau_effect, weights: (
        draw_published(key, theta, tau_effect, weights, selection),
        log_selection(theta, tau_effect, weights, selection),
    )


def _draw_anew(design: xr.Dataset, spec: ModelSpec) -> Callable[..., dict[str, Array]]:
    nesting, by_level, published = nesting_of(design), taus_of(design, spec), _published(design, spec)
    draw_errors = errors_of(design, spec)
    x, v = (jnp.asarray(design[name].values) for name in ("X", "vi"))

    def draw(key: Array, beta: Array, tau: Array, *others: Array) -> dict[str, Array]:
        keys, given, levels = jax.random.split(key, 4), _extras(spec, others), by_level(tau)
        members = {"study": nesting.study_of_effect, "group": nesting.group_of_effect, "effect": np.arange(len(v))}
        own_effects = levels.pop("effect", 0.0) if "weights" in given else 0.0  # part of the spread that is selected
        mean = x @ beta
        for own, (level, sd) in zip(keys[1:], levels.items(), strict=False):
            shape = (design.sizes[level],)
            heavy = level == "study" and "nu" in given
            standard = jax.random.t(own, given["nu"], shape) if heavy else jax.random.normal(own, shape)
            mean += (sd * standard)[members[level]]
        if published is not None:
            replicate, _ = published(keys[0], mean, own_effects, given["weights"])
            return {"obs": replicate.astype(jnp.float32)}
        return {"obs": (mean + draw_errors(keys[0], given.get("rho", spec.rho))).astype(jnp.float32)}

    return draw


def _kept(spec: ModelSpec, **effects: Array) -> dict[str, Array]:
    symbols = {"study": "u", "group": "w", "effect": "d"}
    return {symbols[level]: effects[symbols[level]] for level in spec.levels}


def _by_level(draws: xr.Dataset, design: xr.Dataset, spec: ModelSpec) -> xr.Dataset:
    """One variable per level, tau_study and so on, in place of tau over `level`; over `stratum` where they differ."""
    strata = design["stratum"].values if spec.tau_by else np.array([], str)
    split = {}
    for level in spec.levels:
        labels = [f"{stratum}:{level}" for stratum in strata] or [level]
        found = [draws["tau"].sel(level=label, drop=True) for label in labels]
        split[f"tau_{level}"] = xr.concat(found, xr.Variable("stratum", strata)) if len(strata) else found[0]
    taus = xr.Dataset(split).transpose("chain", "draw", ...)
    return draws.drop_vars("tau").drop_dims("level", errors="ignore").merge(taus)
